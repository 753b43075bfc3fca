"""A checkpoint folder of Wan2.2-Animate at its real width with random weights, as few or as many blocks as asked for.

The transformer and the VAE are of the real classes and widths; text and image encoders are of the real output widths
and two layers. With 40 blocks it takes 35 GB: put it where memory is (`/dev/shm`).
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanAnimatePipeline, WanAnimateTransformer3DModel
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    CLIPVisionModel,
    UMT5Config,
    UMT5EncoderModel,
)

from benchmarks.gpu.full_size import IMAGE_WIDTH, KEPT_IN_FLOAT32, TEXT_WIDTH
from benchmarks.stand_ins import lend_rigs

OFFICIAL_BLOCKS = 40
INJECTED_EVERY = 5
CLIP_SIDE = 224


def write_checkpoint(folder: Path, blocks: int, device: torch.device) -> Path:
    """Write the folder and return it. The same call writes the same weights on one kind of device."""
    lend_rigs()
    from tiny_wan import name_the_official_classes, tiny_tokenizer

    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with device:
        transformer = WanAnimateTransformer3DModel(
            added_kv_proj_dim=5120, num_layers=blocks, inject_face_latents_blocks=min(INJECTED_EVERY, blocks)
        )
        vae = AutoencoderKLWan()
        text = UMT5EncoderModel(
            UMT5Config(d_model=TEXT_WIDTH, d_kv=64, d_ff=1024, num_layers=2, num_heads=8, vocab_size=256)
        )
        image = CLIPVisionModel(
            CLIPVisionConfig(
                hidden_size=IMAGE_WIDTH, intermediate_size=1280, num_hidden_layers=2, num_attention_heads=16,
                image_size=CLIP_SIDE, patch_size=14,
            )
        )  # fmt: skip
    torch.set_default_dtype(torch.float32)
    for name, parameter in transformer.named_parameters():
        if any(part in name for part in KEPT_IN_FLOAT32):
            parameter.data = parameter.data.float()
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0, num_train_timesteps=1000
    )
    pipeline = WanAnimatePipeline(
        tokenizer=tiny_tokenizer(), text_encoder=text.eval(), vae=vae.eval(), scheduler=scheduler,
        image_processor=CLIPImageProcessorPil(crop_size=CLIP_SIDE, size=CLIP_SIDE), image_encoder=image.eval(),
        transformer=transformer.eval(),
    )  # fmt: skip
    pipeline.save_pretrained(folder, safe_serialization=True, max_shard_size="5GB")
    name_the_official_classes(folder / "model_index.json")
    return folder
