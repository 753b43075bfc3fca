"""A Wan-Animate checkpoint of a few hundred kilobytes: the classes and the folder of the official one, random weights.

The folder is what `save_pretrained` writes for `Wan-AI/Wan2.2-Animate-14B-Diffusers`, so the code that loads it is the
code that loads the real one. It makes no picture worth looking at; every input still changes its output, so tests can
compare two ways of computing it. A picture of 32 x 32 and 21 frames takes half a second on one core; importing this
file keeps torch on one, where its threads would wait for each other longer than so little work takes.

    folder = make_tiny_checkpoint(tmp_path, seed=1)
    pipeline = open_tiny_pipeline(folder)
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanAnimatePipeline, WanAnimateTransformer3DModel
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    CLIPVisionModel,
    T5Tokenizer,
    UMT5Config,
    UMT5EncoderModel,
)

torch.set_num_threads(1)

FACE_SIZE = 16
"""Pixels on a side of what the motion encoder takes; 512 in the official model, and read from its config."""
ATTENTION_WIDTH = 2 * 12
TEXT_WIDTH = 32
IMAGE_WIDTH = 4
IMAGE_SIZE = 8
SHIFT = 5.0  # of the official scheduler's config
HEARD = 20.0
"""Times the prompt's values and the face's answer are made larger: most of the 512 words are padding, so random weights
would let the prompt change the sixth decimal alone."""

WORDS = (
    "people",
    "in",
    "the",
    "video",
    "are",
    "doing",
    "actions",
    "a",
    "woman",
    "man",
    "dancing",
    "street",
    "at",
    "night",
)


def make_tiny_checkpoint(folder: Path, seed: int = 0, *, dtype: torch.dtype = torch.float32) -> Path:
    """Write the checkpoint into `folder`, in safetensors, and return it. The same seed writes the same weights."""
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    try:
        pipeline = WanAnimatePipeline(
            tokenizer=tiny_tokenizer(),
            text_encoder=tiny_text_encoder().to(dtype),
            vae=tiny_vae().to(dtype),
            scheduler=tiny_scheduler(),
            image_processor=tiny_image_processor(),
            image_encoder=tiny_image_encoder().to(dtype),
            transformer=tiny_transformer().to(dtype),
        )
    finally:
        torch.random.set_rng_state(state)
    pipeline.save_pretrained(folder, safe_serialization=True)
    name_the_official_classes(folder / "model_index.json")
    return folder


def name_the_official_classes(index: Path) -> None:
    """Write the class names that the official folder has; transformers 5 saves newer names of the same two."""
    said = json.loads(index.read_text())
    said["tokenizer"] = ["transformers", "T5TokenizerFast"]
    said["image_processor"] = ["transformers", "CLIPImageProcessor"]
    index.write_text(json.dumps(said, indent=2) + "\n")


def open_tiny_pipeline(folder: Path) -> WanAnimatePipeline:
    """Return the stock pipeline over the checkpoint, in float32 on the CPU, without a progress bar."""
    pipeline = WanAnimatePipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def tiny_transformer() -> WanAnimateTransformer3DModel:
    """Two blocks, a face block at each; the image's keys and values (`added_kv`) are there as in the official one."""
    model = WanAnimateTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=36,
        latent_channels=16,
        out_channels=16,
        text_dim=TEXT_WIDTH,
        freq_dim=256,
        ffn_dim=32,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        image_dim=IMAGE_WIDTH,
        added_kv_proj_dim=ATTENTION_WIDTH,
        rope_max_seq_len=128,
        motion_encoder_channel_sizes={"4": 16, "8": 16, "16": 16},
        motion_encoder_size=FACE_SIZE,
        motion_style_dim=8,
        motion_dim=4,
        motion_encoder_dim=16,
        face_encoder_hidden_dim=16,
        face_encoder_num_heads=2,
        inject_face_latents_blocks=1,
    )
    with torch.no_grad():
        for block in model.blocks:
            block.attn2.to_v.weight.mul_(HEARD)
        for face_block in model.face_adapter:
            face_block.to_out.weight.mul_(HEARD)
    return model.eval()


def tiny_vae() -> AutoencoderKLWan:
    """Packs 8 x 8 pixels and 4 frames into a latent, as the official one does."""
    vae = AutoencoderKLWan(
        base_dim=6, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    return vae.eval()


def tiny_text_encoder() -> UMT5EncoderModel:
    config = UMT5Config(
        vocab_size=len(_vocabulary()), d_model=TEXT_WIDTH, d_kv=8, d_ff=32, num_layers=2, num_heads=4,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    return UMT5EncoderModel(config).eval()


def tiny_tokenizer() -> T5Tokenizer:
    """A Unigram tokenizer of the official class over a few words and the printable ASCII letters."""
    return T5Tokenizer(vocab=_vocabulary(), extra_ids=0, model_max_length=512)


def _vocabulary() -> list[tuple[str, float]]:
    """Return pieces with their log probability: longer pieces are likelier, so words win over their letters."""
    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    letters = [(chr(code), -6.0) for code in range(33, 127)]
    return [*special, *((f"▁{word}", -3.0) for word in WORDS), *letters]


def tiny_image_encoder() -> CLIPVisionModel:
    config = CLIPVisionConfig(
        hidden_size=IMAGE_WIDTH, num_hidden_layers=3, num_attention_heads=2, image_size=IMAGE_SIZE,
        intermediate_size=16, patch_size=2,
    )  # fmt: skip
    return CLIPVisionModel(config).eval()


def tiny_image_processor() -> CLIPImageProcessorPil:
    """The class that needs no torchvision, and that transformers takes for `CLIPImageProcessor` where there is none."""
    return CLIPImageProcessorPil(crop_size=IMAGE_SIZE, size=IMAGE_SIZE)


def tiny_scheduler() -> UniPCMultistepScheduler:
    """The official scheduler's config: flow prediction with flow sigmas, shifted by 5."""
    return UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=SHIFT
    )
