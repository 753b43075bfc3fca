"""The folders that a model of the diffusers layout is made of, and of which classes they may be. Data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One folder of the layout."""

    name: str
    classes: tuple[str, ...]
    """What the model's index may call it; of a transformer, the first is loaded. transformers has renamed two of them
    over the years, and the index of a modular pipeline may name a base class."""
    configs: tuple[str, ...]
    stem: str = ""
    """Name of its weight files before `.safetensors`; empty = it has none."""


_VAE = Part("vae", ("AutoencoderKLWan",), ("config.json",), "diffusion_pytorch_model")
_TEXT_ENCODER = Part("text_encoder", ("UMT5EncoderModel",), ("config.json",), "model")
_IMAGE_ENCODER = Part("image_encoder", ("CLIPVisionModel", "CLIPVisionModelWithProjection"), ("config.json",), "model")
_WORDS = ("tokenizer_config.json", "tokenizer.json")

WAN_ANIMATE_PARTS = (
    Part("transformer", ("WanAnimateTransformer3DModel",), ("config.json",), "diffusion_pytorch_model"),
    _VAE,
    _TEXT_ENCODER,
    _IMAGE_ENCODER,
    Part("tokenizer", ("T5TokenizerFast", "T5Tokenizer"), _WORDS),
    Part(
        "image_processor",
        ("CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil"),
        ("preprocessor_config.json",),
    ),
    Part("scheduler", ("UniPCMultistepScheduler", "FlowMatchEulerDiscreteScheduler"), ("scheduler_config.json",)),
)

WAN_ANIMATE_2_PARTS = (
    Part("transformer", ("WanAnimate2Transformer3DModel",), ("config.json",), "diffusion_pytorch_model"),
    _VAE,
    _TEXT_ENCODER,
    _IMAGE_ENCODER,
    Part("tokenizer", ("T5TokenizerFast", "T5Tokenizer", "AutoTokenizer"), _WORDS),
    Part(
        "scheduler",
        (
            "DPMSolverMultistepScheduler",
            "FlowMatchEulerDiscreteScheduler",
            "UniPCMultistepScheduler",
            "SchedulerMixin",
        ),
        ("scheduler_config.json",),
    ),
)
