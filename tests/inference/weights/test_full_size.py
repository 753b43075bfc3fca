"""The model at its full size, without its memory: on torch's `meta` device, where shapes are all there is."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the model's libraries: pip install 'understudy[wan]'")
pytest.importorskip("diffusers", reason="the model's libraries: pip install 'understudy[wan]'")

from diffusers import AutoencoderKLWan, WanAnimateTransformer3DModel  # noqa: E402
from tiny_lora import ORIGINAL, original_name  # noqa: E402
from transformers import CLIPVisionConfig, CLIPVisionModel, UMT5Config, UMT5EncoderModel  # noqa: E402

from understudy.inference.weights.loading import BLOCKS  # noqa: E402
from understudy.inference.weights.lora_names import module_name  # noqa: E402
from understudy.inference.weights.memory_plan import OFFICIAL  # noqa: E402

BYTES = 2
"""Of a bfloat16 number."""


@pytest.fixture(scope="module")
def transformer() -> Any:
    """The defaults of the class are the official config, but for the image's keys and values."""
    with torch.device("meta"):
        return WanAnimateTransformer3DModel(added_kv_proj_dim=5120)


def parameters(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_every_layer_that_the_official_relighting_lora_changes_has_its_place(transformer: Any) -> None:
    layers = dict(transformer.named_modules())
    for block in range(40):
        for layer in ORIGINAL:
            module = f"blocks.{block}.{layer}"
            assert isinstance(layers[module_name(original_name(module))], torch.nn.Linear), module


def test_every_linear_layer_of_the_blocks_is_one_that_the_official_lora_names(transformer: Any) -> None:
    linear = {
        name.split(".", 2)[2]
        for name, layer in transformer.named_modules()
        if name.startswith("blocks.") and isinstance(layer, torch.nn.Linear)
    }
    assert linear == set(ORIGINAL)


def test_a_lora_of_rank_128_over_every_block_takes_what_the_plan_says(transformer: Any) -> None:
    layers = dict(transformer.named_modules())
    sides = [layers[f"blocks.0.{layer}"].in_features + layers[f"blocks.0.{layer}"].out_features for layer in ORIGINAL]
    assert 40 * 128 * sum(sides) * BYTES / 2**30 == pytest.approx(1.3, abs=0.05)


def test_the_estimates_of_the_weights_follow_from_the_classes(transformer: Any) -> None:
    with torch.device("meta"):
        text = UMT5EncoderModel(
            UMT5Config(vocab_size=256384, d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64,
                       feed_forward_proj="gated-gelu")
        )  # fmt: skip
        image = CLIPVisionModel(
            CLIPVisionConfig(hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=16,
                             image_size=224, patch_size=14)
        )  # fmt: skip
        vae = AutoencoderKLWan()
    assert parameters(transformer) * BYTES == pytest.approx(OFFICIAL.transformer, rel=0.02)
    around = parameters(transformer) - sum(parameters(getattr(transformer, name)) for name in BLOCKS)
    assert around * BYTES == pytest.approx(OFFICIAL.around_the_blocks, rel=0.02)
    assert parameters(text) * BYTES == pytest.approx(OFFICIAL.text_encoder, rel=0.02)
    assert parameters(image) * BYTES == pytest.approx(OFFICIAL.image_encoder, rel=0.03)
    assert parameters(vae) * BYTES == pytest.approx(OFFICIAL.vae, rel=0.1)
