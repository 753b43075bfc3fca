"""How a segment fits into a GPU's free memory: the least frugal way that does. Pure; every number is data.

The steps, from what costs nothing to what costs most, and what each costs:

1. everything on the GPU in bfloat16
2. encoders and blocks in turn: the blocks are copied there and back once a job; the same picture
3. Wan-Animate-2 alone: the driver's keys and values in CPU memory; each block fetches its own at every step; the same
   picture
4. the VAE works in tiles: time, and a faint seam is possible
5. float8 weights, only where the artist allowed them: an approximation that the marks declare
6. the transformer's blocks come from CPU memory one after the other: the same picture, several times the time
7. the encoders compute on the CPU: minutes, once a job; the same picture but for rounding
8. shorter segments: more seams; the picture is another

The estimates say where they come from; `measured` are this project's own on an H200 with Wan-Animate, the others follow
from shapes. Nothing was measured with Wan-Animate-2.
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
WHOLE_SEGMENTS = (77, 81)
"""What Wan-Animate and Wan-Animate-2 were trained on: not worth a word."""


@dataclass(frozen=True, slots=True)
class Estimates:
    """What each thing takes. Bytes unless said otherwise."""

    transformer: int = int(32.6 * GIB)
    """measured: bfloat16, with what the model keeps in float32"""
    transformer_float8: int = int(16.45 * GIB)
    """measured: linear layers of blocks and face adapters in float8"""
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
    a_token_float8: int = 81_500
    """measured: a peak of 24.00 GB less the 17.89 of weights and VAE, over as many tokens; feed-forwards in turns"""
    a_pixel_of_the_vae: int = 10_600
    """measured: decoding 77 frames, at 832 x 480 and at 1280 x 720; encoding takes three quarters of it"""
    vae_tile_pixels: int = TILE_SIDE_PIXELS**2
    a_pixel_in_tiles: int = 1_410
    """measured: decoding 77 frames of 1280 x 720 in tiles, less a tile: the pictures that are put together"""
    encoders_at_work: int = GIB
    blocks: int = 40
    a_token_of_the_driver: int = 0
    """What all blocks keep of one token of the driver, for a model that looks at it once a segment"""
    picture_channels: int = 3 + 3 + 1
    """Of a segment's inputs in float32: skeleton, background, mask"""
    face_pixels: int = 3 * FACE_PIXELS**2
    """Numbers of the face that comes with each picture"""
    reserve: int = int(1.5 * GIB)
    """CUDA's context and libraries"""
    fragmented: float = 0.05
    """Of the free memory: what the allocator cannot use"""


OFFICIAL = Estimates()
A_TOKEN_S_PAST = 4 * 5120 * 2
"""shapes: of a token, what a step cache keeps for each pass of a step: two blocks' outputs at two steps, in bfloat16"""
WAN_ANIMATE_2 = replace(
    OFFICIAL,
    transformer=int(30.9 * GIB),
    transformer_float8=int(15.9 * GIB),
    a_token=OFFICIAL.a_token + 2 * 5120 * 2,
    a_token_float8=OFFICIAL.a_token_float8 + 2 * 5120 * 2,
    a_token_of_the_driver=2 * 40 * 5120 * 2,
    picture_channels=3 + 3,
    face_pixels=0,
)
"""shapes: 16.4 B parameters in bfloat16, 0.2 B of them in float32, 16.1 B in the blocks' linear layers; a key and a
value of 5,120 bfloat16 a token in each of 40 blocks, and once more where a block lays a moment of the driver behind its
own; the driver's pictures, and what is known of the character's"""

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
    reference_rests: bool = False
    """What the blocks keep of the driver lies in CPU memory between the steps."""
    stages: tuple[tuple[str, int], ...] = ()
    """Stage and bytes, in the order in which a segment goes through them."""

    @property
    def peak_bytes(self) -> int:
        return max((size for _, size in self.stages), default=0)

    def words(self) -> str:
        """Return the plan as it stands in a report."""
        said = [
            (self.encoders != "beside", f"encoders {self.encoders}"),
            (self.reference_rests, "the reference in CPU memory"),
            (self.vae_tiled, "VAE in tiles"),
            (self.float8, "float8 weights"),
            (self.offloaded, "blocks from CPU memory"),
            (self.segment_frames not in WHOLE_SEGMENTS, f"segments of {self.segment_frames}"),
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
    estimates: Estimates = OFFICIAL,
) -> MemoryPlan:
    """Return the first plan that fits. `height`, `width`: pixels of the model's picture.

    `allow_float8`: float8 may be taken where it is needed; `float8`: it is asked for either way. `segment_frames`: the
    length that a job is cut into already; without it shorter and shorter ones are tried in the end.
    Raises WeightsError where none does, with what the smallest would take.
    """
    usable = int(free_bytes * (1 - estimates.fragmented)) - estimates.reserve
    plan = MemoryPlan()
    looks = estimates.a_token_of_the_driver > 0
    for plan in ways(allow_float8, float8=float8, segment_frames=segment_frames, looks=looks):
        plan = replace(plan, stages=stages(plan, height, width, estimates))
        if plan.peak_bytes <= usable:
            return plan
    least = (plan.peak_bytes + estimates.reserve) / (1 - estimates.fragmented)
    raise WeightsError(
        f"{width} x {height} needs {least / GIB:.1f} GiB even at its most frugal; "
        f"the GPU has {free_bytes / GIB:.1f} GiB free",
        remedy="Work on a smaller picture, close what else uses the GPU, or take a larger one.",
        facts={stage: f"{size / GIB:.2f} GiB" for stage, size in plan.stages},
    )


def of_a_job(estimates: Estimates, *, lora_bytes: int = 0, foretold_passes: int = 0, gpus: int = 1) -> Estimates:
    """Return the estimates for each of `gpus`, with LoRAs beside the weights and a past to foretell passes from.

    LoRAs lie in the blocks, so they come and go with them; one of rank 128 over every block is 1.3 GiB in bfloat16. Of
    what is seen of a driver, each GPU keeps its own heads alone. All else is counted as on one.
    """
    return replace(
        estimates,
        a_token=estimates.a_token + foretold_passes * A_TOKEN_S_PAST,
        a_token_float8=estimates.a_token_float8 + foretold_passes * A_TOKEN_S_PAST,
        transformer=estimates.transformer + lora_bytes,
        transformer_float8=estimates.transformer_float8 + lora_bytes,
        transformer_offloaded=estimates.transformer_offloaded + 2 * lora_bytes // estimates.blocks,
        a_token_of_the_driver=estimates.a_token_of_the_driver // gpus,
    )


def ways(
    allow_float8: bool, *, float8: bool = False, segment_frames: int | None = None, looks: bool = False
) -> Iterator[MemoryPlan]:
    """Yield what may be tried, from the freest to the most frugal. looks: the model keeps what it saw of a driver."""
    lengths = SEGMENTS if segment_frames is None else (segment_frames,)
    plain = MemoryPlan(segment_frames=lengths[0], float8=float8)
    in_turn = replace(plain, encoders="in turn")
    yield from (plain, in_turn)
    if looks:
        yield replace(plain, reference_rests=True)
        in_turn = replace(in_turn, reference_rests=True)
        yield in_turn
    tiled = replace(in_turn, vae_tiled=True)
    yield tiled
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
    for way in ways(allow_float8, segment_frames=plan.segment_frames, looks=estimates.a_token_of_the_driver > 0):
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
        reference_rests=one.reference_rests or other.reference_rests,
    )


def stages(plan: MemoryPlan, height: int, width: int, estimates: Estimates = OFFICIAL) -> tuple[tuple[str, int], ...]:
    """Return what each stage of a segment takes on the GPU under `plan`, in bytes."""
    stays = _transformer(plan, estimates) + estimates.vae
    encoders = estimates.text_encoder + estimates.image_encoder + estimates.encoders_at_work
    waiting = estimates.vae + estimates.around_the_blocks
    beside = stays if plan.encoders == "beside" else waiting
    inputs = conditioning_bytes(plan.segment_frames, height, width, estimates)
    vae = inputs + _vae_at_work(plan, height * width, estimates)
    a_token = estimates.a_token_float8 if plan.float8 else estimates.a_token
    denoising = a_token * tokens(plan.segment_frames, height, width)
    reference = reference_bytes(plan.segment_frames, height, width, estimates)
    return (
        ("prompt and reference", waiting if plan.encoders == "on the CPU" else beside + encoders),
        ("encoding", stays + vae),
        ("denoising", stays + denoising + reference // (estimates.blocks if plan.reference_rests else 1)),
        ("decoding", stays + vae),
    )


def _vae_at_work(plan: MemoryPlan, pixels: int, estimates: Estimates) -> int:
    if not plan.vae_tiled or pixels <= estimates.vae_tile_pixels:
        return estimates.a_pixel_of_the_vae * pixels
    return estimates.a_pixel_of_the_vae * estimates.vae_tile_pixels + estimates.a_pixel_in_tiles * pixels


def _transformer(plan: MemoryPlan, estimates: Estimates) -> int:
    if plan.offloaded:
        return estimates.transformer_offloaded
    return estimates.transformer_float8 if plan.float8 else estimates.transformer


def tokens(frames: int, height: int, width: int) -> int:
    """Return how many tokens the transformer attends over: those of the frames, and a latent frame of the reference."""
    latent_frames = (frames - 1) // FRAMES_A_LATENT + 1 + 1
    side = LATENT_STRIDE * PATCH
    return latent_frames * -(-height // side) * -(-width // side)


def reference_bytes(frames: int, height: int, width: int, estimates: Estimates) -> int:
    """Return what the blocks keep of a driver's segment; it has no latent frame of a character."""
    all_tokens, latent_frames = tokens(frames, height, width), (frames - 1) // FRAMES_A_LATENT + 1
    return estimates.a_token_of_the_driver * (all_tokens * latent_frames // (latent_frames + 1))


def conditioning_bytes(frames: int, height: int, width: int, estimates: Estimates = OFFICIAL) -> int:
    """Return what a segment's inputs take in float32: its pictures, and the face where the model reads one."""
    return 4 * frames * (estimates.picture_channels * height * width + estimates.face_pixels)
