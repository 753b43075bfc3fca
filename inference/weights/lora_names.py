"""The names under which LoRAs for Wan are published, turned into those of diffusers' Wan-Animate transformer. Pure.

diffusers' class of Wan-Animate-2 has names of its own, half way to the original's: `in_wan_animate_2`.

| form | a key |
|---|---|
| diffusers | `transformer.blocks.0.attn1.to_q.lora_A.weight`, with or without `transformer.` |
| peft | the same after `base_model.model.`, also with the adapter's name: `lora_A.default.weight` |
| official relighting LoRA | `blocks.0.self_attn.q.lora_A.weight`: peft over the original modules (`wan/animate.py`) |
| ComfyUI, lightx2v | `diffusion_model.blocks.0.self_attn.q.lora_down.weight`, `.alpha`, `.diff_b` |
| musubi-tuner | `lora_unet_blocks_0_self_attn_q.lora_down.weight`, `.alpha` |

The original model's names and their counterparts are those of diffusers' `scripts/convert_wan_to_diffusers.py`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

PREFIXES = ("base_model.model.", "diffusion_model.", "transformer.", "model.")
KINDS = {
    "lora_A.weight": "down",
    "lora_down.weight": "down",
    "lora.down.weight": "down",
    "lora_B.weight": "up",
    "lora_up.weight": "up",
    "lora.up.weight": "up",
    "lora_B.bias": "bias",
    "lora_up.bias": "bias",
    "diff_b": "offset",
    "diff": "whole",
    "alpha": "alpha",
}
_ENDING = re.compile(
    r"(?P<module>.+)\.(?P<kind>lora(?:_A|_B|_down|_up|\.down|\.up)(?:\.\w+)?\.(?:weight|bias)|diff_b|diff|alpha)"
)
_ADAPTER = re.compile(r"(lora_[AB])\.\w+\.(weight|bias)")
_MUSUBI = re.compile(r"lora_unet_blocks_(\d+)_(self_attn|cross_attn|ffn)_(q|k|v|o|k_img|v_img|0|2)")
_BLOCK = re.compile(r"(blocks\.\d+)\.((?:self_attn|cross_attn|ffn)\.\w+)")

_IN_A_BLOCK = {
    "self_attn.q": "attn1.to_q",
    "self_attn.k": "attn1.to_k",
    "self_attn.v": "attn1.to_v",
    "self_attn.o": "attn1.to_out.0",
    "cross_attn.q": "attn2.to_q",
    "cross_attn.k": "attn2.to_k",
    "cross_attn.v": "attn2.to_v",
    "cross_attn.o": "attn2.to_out.0",
    "cross_attn.k_img": "attn2.add_k_proj",
    "cross_attn.v_img": "attn2.add_v_proj",
    "ffn.0": "ffn.net.0.proj",
    "ffn.2": "ffn.net.2",
}
_OUTSIDE = {
    "time_projection.1": "condition_embedder.time_proj",
    "time_embedding.0": "condition_embedder.time_embedder.linear_1",
    "time_embedding.2": "condition_embedder.time_embedder.linear_2",
    "text_embedding.0": "condition_embedder.text_embedder.linear_1",
    "text_embedding.2": "condition_embedder.text_embedder.linear_2",
    "img_emb.proj.1": "condition_embedder.image_embedder.ff.net.0.proj",
    "img_emb.proj.3": "condition_embedder.image_embedder.ff.net.2",
    "head.head": "proj_out",
}
_IN_WAN_ANIMATE_2 = {
    ".attn1.": ".self_attn.",
    ".attn2.": ".cross_attn.",
    ".ffn.net.0.proj": ".ffn.0",
    ".ffn.net.2": ".ffn.2",
}
"""What in a block of `WanAnimate2Transformer3DModel` is called otherwise than in a block of the first."""


class Key(NamedTuple):
    """One key of a LoRA file, understood."""

    module: str
    """The linear layer in diffusers' names."""
    said: str
    """The same in the file's own names, without prefixes: what its config's patterns speak of."""
    kind: str
    """`down` (A), `up` (B), `bias` (of B), `alpha`; unscaled: `whole`, a full change of the weight, and `offset`,
    one of the bias."""


def understand(key: str) -> Key | None:
    """Return what a key means, or None where it is of no form above."""
    found = _ENDING.fullmatch(_without_prefixes(key))
    if found is None:
        return None
    kind = KINDS.get(_ADAPTER.sub(r"\1.\2", found["kind"]))
    return None if kind is None else Key(module_name(found["module"]), found["module"], kind)


def module_name(said: str) -> str:
    """Return diffusers' name of a module; one that is no name of the original model comes back as it is."""
    musubi = _MUSUBI.fullmatch(said)
    if musubi is not None:
        said = f"blocks.{musubi[1]}.{musubi[2]}.{musubi[3]}"
    block = _BLOCK.fullmatch(said)
    if block is not None and block[2] in _IN_A_BLOCK:
        return f"{block[1]}.{_IN_A_BLOCK[block[2]]}"
    return _OUTSIDE.get(said, said)


def in_wan_animate_2(module: str) -> str:
    """Return what `WanAnimate2Transformer3DModel` calls the layer that `module_name` names. A name of its own stays."""
    for first, second in _IN_WAN_ANIMATE_2.items():
        module = module.replace(first, second)
    return next((said for said, name in _OUTSIDE.items() if name == module), module)


def _without_prefixes(key: str) -> str:
    for prefix in PREFIXES:
        key = key.removeprefix(prefix)
    return key
