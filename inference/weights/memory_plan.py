"""How a segment fits into a GPU's free memory: the least frugal way that does. Pure; every number is data.

The steps, from what costs nothing to what costs most, and what each costs:

1. everything on the GPU in bfloat16
2. encoders and blocks in turn: the blocks are copied there and back once a job; the same picture
3. the VAE works in tiles: time, and a faint seam is possible
4. float8 weights, only where the artist allowed them: an approximation that the marks declare
5. the transformer's blocks come from CPU memory one after the other: the same picture, several times the time
6. the encoders compute on the CPU: minutes, once a job; the same picture but for rounding
7. shorter segments: more seams; the picture is another

The estimates say where they come from; `measured` are this project's own on an H200, the others follow from shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from understudy.bridge.errors import WeightsError

GIB = 2**30
LATENT_STRIDE, PATCH = 8, 2
"""Pixels a latent, latents a token, along each side."""
FRAMES_A_LATENT = 4
FACE_PIXELS = 512
TILE_SIDE_PIXELS = 256
"""diffusers' default tile of the VAE; a picture of which no side is longer is not cut (AutoencoderKLWan, 0.42)."""
SEGMENTS = (77, 61, 49, 37, 25)
"""Lengths that are tried, 4n + 1, longest first. The model was trained on 77."""


@dataclass(frozen=True, slots=True)
class Estimates:
    """What each thing takes. Bytes unless said otherwise."""

    transformer: int = int(32.6 * GIB)
    """measured: bfloat16, with what the model keeps in float32"""
    transformer_float8: int = int(17.5 * GIB)
    """measured: linear layers in float8"""
    transformer_offloaded: int = int(2.5 * GIB)
    """shapes: two of 40 blocks at a time, and what is outside the blocks"""
    around_the_blocks: int = int(0.53 * GIB)
    """shapes: what of the transformer is in no block and stays while the encoders have their turn"""
    text_encoder: int = int(10.6 * GIB)
    """shapes: 5.7 B parameters of umT5-XXL's encoder in bfloat16"""
    image_encoder: int = int(1.2 * GIB)
    """shapes: 0.63 B parameters of CLIP ViT-H in bfloat16"""
    vae: int = int(0.25 * GIB)
    """shapes: 0.127 B parameters in bfloat16"""
    a_token: int = 133_000
    """measured: a peak of 42 less the 32.6 of the weights, over the 75,600 tokens of 1280 x 720 x 77"""
    a_pixel_of_the_vae: int = 96 * 4 * 2 * 6
    """shapes: 96 channels, four frames, bfloat16, six such tensors alive at the VAE's widest layer"""
    vae_tile_pixels: int = TILE_SIDE_PIXELS**2
    encoders_at_work: int = GIB
    reserve: int = int(1.5 * GIB)
    """CUDA's context and libraries"""
    fragmented: float = 0.05
    """Of the free memory: what the allocator cannot use"""


OFFICIAL = Estimates()

Encoders = Literal["beside", "in turn", "on the CPU"]
"""Where the encoders work: beside the transformer, on the GPU while the transformer waits, or not on the GPU."""
_FRUGAL_ENCODERS: tuple[Encoders, ...] = ("beside", "in turn", "on the CPU")


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """One way to fit, and what it is thought to take."""

    segment_frames: int = SEGMENTS[0]
    encoders: Encoders = "beside"
    vae_tiled: bool = False
    float8: bool = False
    offloaded: bool = False
    stages: tuple[tuple[str, int], ...] = ()
    """Stage and bytes, in the order in which a segment goes through them."""

    @property
    def peak_bytes(self) -> int:
        return max((size for _, size in self.stages), default=0)

    def words(self) -> str:
        """Return the plan as it stands in a report."""
        said = [
            (self.encoders != "beside", f"encoders {self.encoders}"),
            (self.vae_tiled, "VAE in tiles"),
            (self.float8, "float8 weights"),
            (self.offloaded, "blocks from CPU memory"),
            (self.segment_frames != SEGMENTS[0], f"segments of {self.segment_frames}"),
        ]
        frugal = [words for true, words in said if true]
        return f"{', '.join(frugal) or 'everything on the GPU'}; at most {self.peak_bytes / GIB:.1f} GiB"


def plan_memory(
    free_bytes: int,
    height: int,
    width: int,
    *,
    allow_float8: bool = False,
    float8: bool = False,
    segment_frames: int | None = None,
    lora_bytes: int = 0,
    estimates: Estimates = OFFICIAL,
) -> MemoryPlan:
    """Return the first plan that fits. `height`, `width`: pixels of the model's picture.

    `allow_float8`: float8 may be taken where it is needed; `float8`: it is asked for either way. `segment_frames`: the
    length that a job is cut into already; without it shorter and shorter ones are tried in the end.
    `lora_bytes`: what the LoRAs take beside the weights; one of rank 128 over every block is 1.3 GiB in bfloat16.
    Raises WeightsError where none does, with what the smallest would take.
    """
    usable = int(free_bytes * (1 - estimates.fragmented)) - estimates.reserve - lora_bytes
    plan = MemoryPlan()
    for plan in ways(allow_float8, float8=float8, segment_frames=segment_frames):
        plan = replace(plan, stages=stages(plan, height, width, estimates))
        if plan.peak_bytes <= usable:
            return plan
    least = plan.peak_bytes + estimates.reserve + lora_bytes
    raise WeightsError(
        f"{width} x {height} needs {least / GIB:.1f} GiB even at its most frugal; "
        f"the GPU has {free_bytes / GIB:.1f} GiB free",
        remedy="Work on a smaller picture, close what else uses the GPU, or take a larger one.",
        facts={stage: f"{size / GIB:.2f} GiB" for stage, size in plan.stages},
    )


def ways(allow_float8: bool, *, float8: bool = False, segment_frames: int | None = None) -> Iterator[MemoryPlan]:
    """Yield what may be tried, from the freest to the most frugal."""
    lengths = SEGMENTS if segment_frames is None else (segment_frames,)
    plain = MemoryPlan(segment_frames=lengths[0], float8=float8)
    in_turn = replace(plain, encoders="in turn")
    tiled = replace(in_turn, vae_tiled=True)
    yield from (plain, in_turn, tiled)
    if allow_float8 and not float8:
        yield replace(in_turn, float8=True)
        yield replace(tiled, float8=True)
    yield replace(tiled, offloaded=True)
    least = replace(tiled, offloaded=True, encoders="on the CPU")
    yield from (replace(least, segment_frames=frames) for frames in lengths)


def step_down(
    plan: MemoryPlan,
    stage: str,
    height: int,
    width: int,
    *,
    allow_float8: bool = False,
    estimates: Estimates = OFFICIAL,
) -> MemoryPlan | None:
    """Return the next way under which `stage`, which ran out of memory under `plan`, takes less; None at the end.

    Nothing that `plan` spares already is given back: what is loaded can be made smaller, not larger again.
    """
    taken = dict(stages(plan, height, width, estimates))[stage]
    for way in ways(allow_float8, segment_frames=plan.segment_frames):
        both = both_of(plan, way)
        both = replace(both, stages=stages(both, height, width, estimates))
        if dict(both.stages)[stage] < taken:
            return both
    return None


def approximations(plan: MemoryPlan, height: int, width: int, *, float8: bool) -> tuple[str, ...]:
    """Return what `plan` changes about a picture of this size beside rounding, in words; nothing where it is exact.

    float8: the artist asked for float8 weights, so that they are what the settings say. Where encoders and blocks lie
    and compute changes no picture but by rounding, as another card does.
    """
    said = [
        (plan.float8 and not float8, "float8 weights"),
        (plan.vae_tiled and max(height, width) > TILE_SIDE_PIXELS, "VAE in tiles"),
    ]
    return tuple(words for true, words in said if true)


def both_of(one: MemoryPlan, other: MemoryPlan) -> MemoryPlan:
    """Return the plan that spares what either spares. Its stages are those of `one`."""
    return replace(
        one,
        encoders=max(one.encoders, other.encoders, key=_FRUGAL_ENCODERS.index),
        vae_tiled=one.vae_tiled or other.vae_tiled,
        float8=one.float8 or other.float8,
        offloaded=one.offloaded or other.offloaded,
    )


def stages(plan: MemoryPlan, height: int, width: int, estimates: Estimates = OFFICIAL) -> tuple[tuple[str, int], ...]:
    """Return what each stage of a segment takes on the GPU under `plan`, in bytes."""
    stays = _transformer(plan, estimates) + estimates.vae
    encoders = estimates.text_encoder + estimates.image_encoder + estimates.encoders_at_work
    waiting = estimates.vae + estimates.around_the_blocks
    beside = stays if plan.encoders == "beside" else waiting
    inputs = conditioning_bytes(plan.segment_frames, height, width)
    pixels = min(height * width, estimates.vae_tile_pixels) if plan.vae_tiled else height * width
    vae = inputs + estimates.a_pixel_of_the_vae * pixels
    denoising = estimates.a_token * tokens(plan.segment_frames, height, width)
    return (
        ("prompt and reference", waiting if plan.encoders == "on the CPU" else beside + encoders),
        ("encoding", stays + vae),
        ("denoising", stays + denoising),
        ("decoding", stays + vae),
    )


def _transformer(plan: MemoryPlan, estimates: Estimates) -> int:
    if plan.offloaded:
        return estimates.transformer_offloaded
    return estimates.transformer_float8 if plan.float8 else estimates.transformer


def tokens(frames: int, height: int, width: int) -> int:
    """Return how many tokens the transformer attends over: those of the frames, and a latent frame of the reference."""
    latent_frames = (frames - 1) // FRAMES_A_LATENT + 1 + 1
    side = LATENT_STRIDE * PATCH
    return latent_frames * -(-height // side) * -(-width // side)


def conditioning_bytes(frames: int, height: int, width: int) -> int:
    """Return what a segment's inputs take in float32: skeleton, background, mask, and the face at 512 x 512."""
    channels_of_the_picture = 3 + 3 + 1
    return 4 * frames * (channels_of_the_picture * height * width + 3 * FACE_PIXELS**2)
