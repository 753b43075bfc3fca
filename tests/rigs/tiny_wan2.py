"""A small Wan-Animate-2 checkpoint: the classes and the folder of the modular pipeline, random weights.

The folder is what `save_pretrained` of a `WanAnimate2ModularPipeline` writes, so the code that loads it is the code
that loads the real one. It is 60 MB, not smaller: the model's class takes CLIP features of 1,280 channels and nothing
else. It makes no picture worth looking at; every input changes its output.

    folder = make_tiny_checkpoint_2(tmp_path, seed=1)
    pipeline = open_tiny_pipeline_2(folder)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    ModularPipeline,
    WanAnimate2DistilledModularPipeline,
    WanAnimate2ModularPipeline,
    WanAnimate2Transformer3DModel,
)
from diffusers.models.transformers import transformer_wan_animate_2
from tiny_wan import HEARD, SHIFT, TEXT_WIDTH, tiny_text_encoder, tiny_tokenizer, tiny_vae
from torch.nn.attention.flex_attention import create_block_mask
from transformers import CLIPVisionConfig, CLIPVisionModel

BLOCKS = 11
"""More than ten: the pass without guidance leaves out the tenth."""
CLIP_WIDTH = 1280
CLIP_SIZE = 224  # the pipeline resizes to it


def make_tiny_checkpoint_2(folder: Path, seed: int = 0, *, distilled: bool = False) -> Path:
    """Write the checkpoint into `folder`, in safetensors, and return it. The same seed writes the same weights."""
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    try:
        pipeline = (WanAnimate2DistilledModularPipeline if distilled else WanAnimate2ModularPipeline)()
        pipeline.update_components(
            tokenizer=tiny_tokenizer(),
            text_encoder=tiny_text_encoder(),
            vae=tiny_vae(),
            scheduler=tiny_euler() if distilled else tiny_dpm(),
            image_encoder=tiny_clip(),
            transformer=tiny_transformer_2(),
        )
    finally:
        torch.random.set_rng_state(state)
    pipeline.save_pretrained(str(folder), safe_serialization=True, overwrite_modular_index=True)
    return folder


def open_tiny_pipeline_2(folder: Path) -> Any:
    """Return the stock pipeline over the checkpoint, in float32 on the CPU, its block mask made without a compiler.

    The mask is the same: only the function that lists its blocks would be compiled, half a minute a test.
    """
    transformer_wan_animate_2.create_block_mask = _mask_without_compiler
    pipeline = ModularPipeline.from_pretrained(str(folder), local_files_only=True)
    pipeline.load_components(dtype=torch.float32, local_files_only=True)
    return pipeline


def _mask_without_compiler(*given: Any, **named: Any) -> Any:
    named.pop("_compile")
    return create_block_mask(*given, **named)


def tiny_transformer_2() -> WanAnimate2Transformer3DModel:
    model = WanAnimate2Transformer3DModel(
        dim=24, ffn_dim=32, freq_dim=32, text_dim=TEXT_WIDTH, num_heads=2, num_layers=BLOCKS, refer_stride=1
    )
    with torch.no_grad():
        for block in model.blocks:
            block.cross_attn.to_v.weight.mul_(HEARD)
    return model.eval()


def tiny_clip() -> CLIPVisionModel:
    config = CLIPVisionConfig(
        hidden_size=CLIP_WIDTH, num_hidden_layers=2, num_attention_heads=16, image_size=CLIP_SIZE,
        intermediate_size=16, patch_size=56,
    )  # fmt: skip
    return CLIPVisionModel(config).eval()


def tiny_dpm() -> DPMSolverMultistepScheduler:
    """The base model's kind: DPM-Solver++ of second order over flow sigmas."""
    return DPMSolverMultistepScheduler(
        algorithm_type="dpmsolver++", prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=SHIFT,
        solver_order=2, final_sigmas_type="zero",
    )  # fmt: skip


def tiny_euler() -> FlowMatchEulerDiscreteScheduler:
    """The distilled model's kind."""
    return FlowMatchEulerDiscreteScheduler(shift=SHIFT)
