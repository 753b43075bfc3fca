"""Loads a checked folder into the classes of diffusers and transformers, and moves parts between CPU and GPU.

Only what `check_layout` listed is opened, nothing is fetched, nothing pickled is opened but the file that was allowed.
A weight that the folder lacks is an error: the libraries would fill it with random numbers and only log it.

A worker's main thread loads; nothing here is safe from two threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import diffusers.utils.logging
import torch
import transformers.utils.logging
from diffusers import (
    AutoencoderKLWan,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    UniPCMultistepScheduler,
    WanAnimate2Transformer3DModel,
    WanAnimateTransformer3DModel,
)
from safetensors import SafetensorError
from transformers import AutoTokenizer, CLIPImageProcessorPil, CLIPVisionModel, UMT5EncoderModel

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.layout import PULL_AGAIN, Layout
from understudy.inference.weights.placement import Number, Placement

NUMBERS: dict[Number, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
SHOWN_KEYS = 3
NOT_NEEDED = ("visual_projection.weight",)
"""Of CLIP with its projection: published folders hold either class, and the pipeline takes a layer before it."""
BLOCKS = ("blocks", "face_adapter")
"""Where 98 of 100 of a transformer's bytes are; Wan-Animate-2 has no face adapters."""
Scheduler: TypeAlias = UniPCMultistepScheduler | FlowMatchEulerDiscreteScheduler | DPMSolverMultistepScheduler
Transformer: TypeAlias = WanAnimateTransformer3DModel | WanAnimate2Transformer3DModel
SCHEDULERS = {
    kind.__name__: kind
    for kind in (UniPCMultistepScheduler, FlowMatchEulerDiscreteScheduler, DPMSolverMultistepScheduler)
}
TRANSFORMERS = {kind.__name__: kind for kind in (WanAnimateTransformer3DModel, WanAnimate2Transformer3DModel)}

Told = Callable[[str, int, int], None]
"""What is being loaded, and how many of how many parts are."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The model, loaded. The modules are in evaluation mode and need no gradients."""

    transformer: Transformer
    vae: AutoencoderKLWan
    text_encoder: UMT5EncoderModel
    tokenizer: Any
    image_encoder: CLIPVisionModel
    image_processor: CLIPImageProcessorPil | None
    """None for a model whose pipeline does that itself."""
    scheduler: Scheduler
    placement: Placement


def load_parts(layout: Layout, placement: Placement, told: Told = lambda what, done, total: None) -> Parts:
    """Return the model's parts where `placement` puts them; the encoders rest on the CPU until `encoders_awake`.

    With `encoders_in_turn` the transformer's blocks rest there too, until the encoders have had their turn; with
    `blocks_rest`, until the caller moves them.
    Raises WeightsError for a part that does not fit its config, by file and key; torch.OutOfMemoryError passes.
    """
    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()  # `told` says where it stands; a worker has no terminal
    steps = iter(range(1, 6))

    def step(what: str) -> None:
        told(what, next(steps), 5)

    step("tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(
        layout.folder / "tokenizer", local_files_only=True, trust_remote_code=False
    )
    image_processor = _image_processor(layout)
    step("text encoder")
    text_encoder = _load(UMT5EncoderModel, layout, "text_encoder", placement.encoders)
    step("image encoder")
    image_encoder = _load(CLIPVisionModel, layout, "image_encoder", placement.encoders)
    step("VAE")
    vae = _load(AutoencoderKLWan, layout, "vae", placement.vae).to(placement.device)
    step("transformer")
    transformer = _load(_transformer_kind(layout), layout, "transformer", placement.transformer)
    if placement.encoders_in_turn or placement.blocks_rest:
        _place_around_the_blocks(transformer, placement.device)
    else:
        transformer.to(placement.device)
    return Parts(
        transformer=transformer,
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        image_encoder=image_encoder,
        image_processor=image_processor,
        scheduler=load_scheduler(layout),
        placement=placement,
    )


def _image_processor(layout: Layout) -> CLIPImageProcessorPil | None:
    """Return the class that needs no torchvision: with it the same picture gives the same numbers on every machine."""
    if layout.part("image_processor") is None:
        return None
    return CLIPImageProcessorPil.from_pretrained(layout.folder / "image_processor", local_files_only=True)


def _transformer_kind(layout: Layout) -> Any:
    return TRANSFORMERS[next(part.classes[0] for part in layout.model.parts if part.name == "transformer")]


def load_scheduler(layout: Layout) -> Scheduler:
    """Return a fresh scheduler: it keeps the state of one denoising run, so each run may take its own."""
    folder, part = layout.folder / "scheduler", layout.part("scheduler")
    name = UniPCMultistepScheduler.load_config(folder, local_files_only=True)["_class_name"]
    known = [kind for kind in (part.classes if part else ()) if kind in SCHEDULERS]
    if name not in known:
        raise WeightsError(
            f"{folder / 'scheduler_config.json'} is of {name}; {' or '.join(known)} is wanted",
            remedy=PULL_AGAIN,
        )
    return SCHEDULERS[name].from_pretrained(folder, local_files_only=True)


def _load(kind: Any, layout: Layout, part: str, number: Number) -> Any:
    """Return one module on the CPU, in evaluation mode. `kind`: a model class of diffusers or transformers."""
    folder = layout.folder / part
    pickled = any(part == name for name, _ in layout.pickled)
    try:
        # In both libraries a file that is not safetensors is then read by torch.load(weights_only=True): tensors alone.
        module, report = kind.from_pretrained(
            folder,
            dtype=NUMBERS[number],
            use_safetensors=not pickled,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as problem:
        if isinstance(problem, torch.OutOfMemoryError):
            raise
        raise WeightsError(
            f"{folder} cannot be loaded as {kind.__name__}: {_first_lines(problem)}",
            remedy="The config and the weights are not of one model, or a file is damaged: "
            f"`understudy weights verify` tells which. {PULL_AGAIN}",
        ) from problem
    _require_every_weight(report, kind.__name__, str(folder))
    return module.eval().requires_grad_(False)


def _require_every_weight(report: dict[str, Any], kind: str, folder: str) -> None:
    """Raise WeightsError when the files lacked a weight, or held one of another shape or of another model."""
    faults = {
        "lack": report["missing_keys"],
        "hold, unknown to the model,": set(report["unexpected_keys"]) - set(NOT_NEEDED),
        "hold in another shape": report["mismatched_keys"],
    }
    for what, keys in faults.items():
        if keys:
            names = sorted(str(key[0] if isinstance(key, tuple) else key) for key in keys)
            more = f" and {len(names) - SHOWN_KEYS} more" if len(names) > SHOWN_KEYS else ""
            raise WeightsError(
                f"the weights in {folder} {what} {', '.join(names[:SHOWN_KEYS])}{more} of {kind}",
                remedy="They are of another model than config.json beside them. " + PULL_AGAIN,
            )


def _first_lines(problem: Exception) -> str:
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return " ".join(lines[:2])[:400] or type(problem).__name__


@contextmanager
def encoders_awake(parts: Parts) -> Iterator[None]:
    """Have both encoders on their device for the time of the block. Afterwards the transformer is whole on its own,
    unless the placement has its blocks rest; what is not in a block is there all the time."""
    placement = parts.placement
    if placement.encoders_in_turn:
        for blocks in block_lists(parts.transformer):
            blocks.to("cpu")
    try:
        with (
            awake(parts.text_encoder, placement.encoders_device),
            awake(parts.image_encoder, placement.encoders_device),
        ):
            yield
    finally:
        if not placement.blocks_rest:
            parts.transformer.to(placement.device)


def block_lists(transformer: Any) -> list[Any]:
    """Return the lists of blocks, and of face adapters where the model has them."""
    return [child for name, child in transformer.named_children() if name in BLOCKS]


def _place_around_the_blocks(transformer: Any, device: str) -> None:
    """Move what is not in a block: the embeddings that text and reference go through, and the small rest."""
    for name, child in transformer.named_children():
        if name not in BLOCKS:
            child.to(device)
    for name, parameter in list(transformer.named_parameters(recurse=False)):
        setattr(transformer, name, torch.nn.Parameter(parameter.to(device), requires_grad=False))


@contextmanager
def awake(module: Any, device: str) -> Iterator[Any]:
    """Move a resting module to `device` for the time of the block, then back to the CPU; its GPU memory is freed.

    What comes back takes CPU memory of its own: before its first waking it was the mapped file alone.
    """
    rests = next(module.parameters()).device
    try:
        yield module.to(device)
    finally:
        module.to(rests)
        if device.startswith("cuda"):
            torch.cuda.empty_cache()


def bytes_of(module: Any) -> int:
    """Return what a module's parameters and buffers take, in bytes."""
    return sum(tensor.numel() * tensor.element_size() for tensor in [*module.parameters(), *module.buffers()])
