"""One GPU: seconds a step against stock, the rest of a segment, step caching, float8, flat memory, resume and cancel.

    python -m benchmarks.gpu.one --out FOLDER [--limit 560] [--only NAME ...]

Rows come in the order of the table in docs/wan-animate.md; after `--limit` seconds nothing new is begun.
"""

from __future__ import annotations

import argparse
import gc
import resource
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.full_size import FRAMES, LARGE, SMALL, Size, controls_of, full_size_pipeline, shot_of
from benchmarks.gpu.rows import Rows, card, seconds
from understudy.inference.engines.wan.acceleration import as_written, compile_blocks, quick_convolutions
from understudy.inference.engines.wan.attention import time_kernels, use_kernel
from understudy.inference.engines.wan.float8 import quantise_blocks
from understudy.inference.engines.wan.loop import Sampling, SegmentLoop
from understudy.inference.engines.wan.model import Encoded, Moment, encode, encode_faces, predict, run_block
from understudy.inference.engines.wan.spans import Span
from understudy.inference.engines.wan.step_cache import StepCache

TINY = Size("240p", 240, 416)
BALANCED_FRAMES = 65
THRESHOLDS = (0.03, 0.05, 0.1)
LONGEST = 4
STEPS = 20
CUDA = torch.device("cuda")
Measure = Callable[[Any, Rows], None]


class Bench:
    """A pipeline, and what one step of it takes at a size."""

    def __init__(self, pipeline: Any) -> None:
        self.pipeline, self.transformer = pipeline, pipeline.transformer
        self.stock: dict[str, float] = {}
        self.ours: dict[str, float] = {}
        self.rest: dict[str, float] = {}
        self.kernel = "torch"

    @torch.no_grad()
    def inputs(self, size: Size, length: int = FRAMES) -> dict[str, torch.Tensor]:
        def drawn(*shape: int) -> torch.Tensor:
            return torch.randn(shape, device=CUDA, dtype=torch.bfloat16)

        frames = (length - 1) // 4 + 1
        rows, columns = size.height // 8, size.width // 8
        return {
            "hidden_states": drawn(1, 36, frames + 1, rows, columns),
            "timestep": torch.tensor([500.0], device=CUDA),
            "encoder_hidden_states": drawn(1, 512, 4096),
            "encoder_hidden_states_image": drawn(1, 257, 1280),
            "pose_hidden_states": drawn(1, 16, frames, rows, columns),
            "face_pixel_values": drawn(1, 3, length, 512, 512).clamp(-1, 1),
        }

    @torch.no_grad()
    def encoded(self, given: dict[str, torch.Tensor]) -> Any:
        from understudy.inference.engines.wan.model import encode_guide

        guide = encode_guide(self.transformer, given["encoder_hidden_states"], given["encoder_hidden_states_image"])
        faces = encode_faces(self.transformer, given["face_pixel_values"])
        return encode(self.transformer, guide, faces, given["pose_hidden_states"], given["hidden_states"])


@torch.no_grad()
def stock_steps(bench: Bench, rows: Rows) -> None:
    for size in (SMALL, LARGE):
        torch.cuda.reset_peak_memory_stats()
        bench.stock[size.name] = seconds(partial(bench.transformer, **bench.inputs(size), return_dict=False), times=2)
        rows.add(
            f"stock step {size.name}", seconds=bench.stock[size.name],
            peak_gb=torch.cuda.max_memory_allocated() / 1e9,
        )  # fmt: skip


@torch.no_grad()
def attention(bench: Bench, rows: Rows) -> None:
    told = time_kernels(bench.transformer, tokens=75_600)
    bench.kernel = min(told, key=lambda name: told[name])
    rows.add("attention at 720p, seconds a call by kernel", **told)


@torch.no_grad()
def exact_steps(bench: Bench, rows: Rows) -> None:
    eager = {}
    for size in (SMALL, LARGE):  # before compiling: what hoisting alone gives, and whether the numbers are the same
        given = bench.inputs(size)
        encoded = bench.encoded(given)
        eager[size.name] = (
            given,
            encoded,
            predict(bench.transformer, given["hidden_states"], given["timestep"], encoded),
        )
    use_kernel(bench.transformer, bench.kernel)
    compile_blocks(bench.transformer)
    for size in (SMALL, LARGE):
        given, encoded, before = eager[size.name]

        def step() -> torch.Tensor:
            return predict(bench.transformer, given["hidden_states"], given["timestep"], encoded)  # noqa: B023

        bench.ours[size.name] = seconds(step, times=3)
        change = float((step() - before).float().norm() / before.float().norm())
        rows.add(
            f"exact step {size.name}", seconds=bench.ours[size.name], stock=bench.stock[size.name],
            ratio=bench.stock[size.name] / bench.ours[size.name], kernel=bench.kernel, relative_change=change,
        )  # fmt: skip


def _seconds_a_step(bench: Bench, size: Size, frames: int = FRAMES) -> float:
    given = bench.inputs(size, frames)
    encoded = bench.encoded(given)
    return seconds(lambda: predict(bench.transformer, given["hidden_states"], given["timestep"], encoded), times=3)


@torch.no_grad()
def balanced_step(bench: Bench, rows: Rows) -> None:
    """A step of the segments that ten seconds at 25 fps are cut into: four of 65 frames, not three of 77 and a stub."""
    bench.ours["balanced"] = _seconds_a_step(bench, LARGE, BALANCED_FRAMES)
    rows.add(f"exact step 720p, {BALANCED_FRAMES} frames", seconds=bench.ours["balanced"])


@torch.no_grad()
def rest_of_a_segment(bench: Bench, rows: Rows) -> None:
    vae, size = bench.pipeline.vae, LARGE
    video = torch.rand(1, 3, FRAMES, size.height, size.width, device=CUDA, dtype=torch.bfloat16) * 2 - 1
    latents = torch.randn(1, 16, (FRAMES - 1) // 4 + 1, size.height // 8, size.width // 8, device=CUDA).bfloat16()
    faces = torch.rand(1, 3, FRAMES, 512, 512, device=CUDA, dtype=torch.bfloat16) * 2 - 1

    def stages() -> dict[str, float]:
        return {
            "encode": seconds(lambda: vae.encode(video), times=2),
            "decode": seconds(lambda: vae.decode(latents), times=2),
        }

    rows.add("VAE 720p as stock", **stages())
    quick_convolutions(vae)
    told = stages()
    told["faces"] = seconds(lambda: encode_faces(bench.transformer, faces), times=2)
    rest = 2 * told["encode"] + told["decode"] + told["faces"]
    bench.rest["720p"] = rest
    rows.add(
        "everything but denoising, 720p, 20 steps", **told, seconds=rest,
        share=rest / (rest + 20 * bench.ours["720p"]), goal=0.04,
    )  # fmt: skip


@torch.no_grad()
def whole_segment(bench: Bench, rows: Rows) -> None:
    """One real segment at 720p with two steps: what is not a step."""
    loop = SegmentLoop(bench.pipeline, "replace", (LARGE.height, LARGE.width), Sampling(steps=2), CUDA)
    shot, controls = shot_of(loop, bench.pipeline, LARGE, CUDA), controls_of(LARGE)
    span = Span(0, tuple(range(FRAMES)), 0, FRAMES)
    noise = torch.randn(loop.noise_shape(span))
    loop.run(shot, span, controls, noise, None, lambda *_: None)
    whole = seconds(lambda: loop.run(shot, span, controls, noise, None, lambda *_: None).cpu(), times=1, warm_up=0)
    rows.add("a segment of 2 steps 720p", seconds=whole, without_steps=whole - 2 * bench.ours["720p"])


@torch.no_grad()
def flat_memory(bench: Bench, rows: Rows) -> None:
    for count in (2, 12):
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        _run_segments(bench, count, TINY, steps=2)
        rows.add(
            f"{count} segments", gpu_peak_gb=torch.cuda.max_memory_allocated() / 1e9,
            host_peak_gb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        )  # fmt: skip


class _Stop(Exception):
    pass


@torch.no_grad()
def resume_and_cancel(bench: Bench, rows: Rows) -> None:
    first = _run_segments(bench, 3, TINY, steps=3)
    again = _run_segments(bench, 3, TINY, steps=3, start=2, carried=first[1][:, :, -1:])
    same = bool((first[2] == again[-1]).all())
    gc.collect()
    before = torch.cuda.memory_allocated()

    def stop(done: int, _: int) -> None:
        if done == 1:
            raise _Stop

    with suppress(_Stop):
        _run_segments(bench, 1, TINY, steps=3, step=stop)
    gc.collect()
    rows.add(
        "resume and cancel, not compiled", resumed_segment_is_bit_identical=same,
        memory_left_by_a_cancelled_segment_bytes=torch.cuda.memory_allocated() - before,
    )  # fmt: skip


def _run_segments(
    bench: Bench, count: int, size: Size, steps: int, start: int = 0, carried: torch.Tensor | None = None,
    step: Any = lambda *_: None,
) -> list[torch.Tensor]:  # fmt: skip
    from understudy.inference.engines.wan.noise import NoiseStream

    torch.manual_seed(5)
    loop = SegmentLoop(bench.pipeline, "replace", (size.height, size.width), Sampling(steps=steps), CUDA)
    shot, controls = shot_of(loop, bench.pipeline, size, CUDA), controls_of(size)
    spans = [
        Span(index, tuple(range(FRAMES)), 1 if index else 0, FRAMES - 1 if index else FRAMES) for index in range(count)
    ]
    noise = NoiseStream(3, [loop.noise_shape(span) for span in spans])
    made = []
    for span in spans[start:]:
        pictures = loop.run(shot, span, controls, noise.segment(span.index), carried, step)
        carried = pictures[:, :, -1:].cpu()
        if count <= 3:
            made.append(pictures.cpu())
        del pictures
    return made


@torch.no_grad()
def step_caching(bench: Bench, rows: Rows) -> None:
    cache = StepCache(THRESHOLDS[1], LONGEST, run_block)
    taken = seconds(Denoising(bench, LARGE, cache), times=1, warm_up=0)
    rows.add(
        f"step caching 720p, threshold {THRESHOLDS[1]}, 20 steps",
        seconds=taken,
        computed=cache.computed,
        ratio=STEPS * bench.stock["720p"] / taken,
        ratio_to_exact=STEPS * bench.ours["720p"] / taken,
    )


@torch.no_grad()
def change_by_caching(bench: Bench, rows: Rows) -> None:
    exact = Denoising(bench, SMALL)()
    for threshold in THRESHOLDS:
        cache = StepCache(threshold, LONGEST, run_block)
        made = Denoising(bench, SMALL, cache)()
        change = float((made - exact).float().norm() / exact.float().norm())
        rows.add(f"step caching 480p, threshold {threshold}", computed=cache.computed, relative_change=change)


class Denoising:
    """All steps of one segment, its encodings made beforehand."""

    def __init__(self, bench: Bench, size: Size, cache: StepCache[Encoded, Moment] | None = None) -> None:
        self._pipeline, self._cache = bench.pipeline, cache
        self._given = bench.inputs(size)
        self._encoded = bench.encoded(self._given)
        shape = (1, 16, *self._given["hidden_states"].shape[2:])
        self._noise = torch.randn(shape, generator=torch.Generator().manual_seed(2)).to(CUDA)

    def __call__(self) -> torch.Tensor:
        scheduler, latents = self._pipeline.scheduler, self._noise
        scheduler.set_timesteps(STEPS, device=CUDA)
        for time in scheduler.timesteps:
            seen = torch.cat([latents, self._given["hidden_states"][:, 16:]], dim=1).bfloat16()
            made = predict(self._pipeline.transformer, seen, time.expand(1), self._encoded, self._cache)
            latents = scheduler.step(made, time, latents, return_dict=False)[0]
        return latents


@torch.no_grad()
def float8(bench: Bench, rows: Rows) -> None:
    use_kernel(bench.transformer, bench.kernel)
    as_written(bench.transformer)
    quantise_blocks(bench.transformer)
    compile_blocks(bench.transformer)
    gc.collect()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(24 * 2**30 / total)
    weights = torch.cuda.memory_allocated() / 1e9
    for size in (LARGE, SMALL):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        taken = _seconds_a_step(bench, size)
        rows.add(
            f"float8 step {size.name} under a cap of 24 GiB", seconds=taken, weights_gb=weights,
            ratio=bench.stock.get(size.name, float("nan")) / taken, **_peak(),
        )  # fmt: skip


@torch.no_grad()
def peaks_of_the_vae(bench: Bench, rows: Rows) -> None:
    """What the VAE takes with nothing beside it; encoding and decoding, whole and in tiles."""
    bench.transformer.to("cpu")
    vae = bench.pipeline.vae
    quick_convolutions(vae)
    for tiled in (False, True):
        if tiled:
            vae.enable_tiling()
        for size in (SMALL, LARGE):
            video = torch.rand(1, 3, FRAMES, size.height, size.width, device=CUDA, dtype=torch.bfloat16) * 2 - 1
            latents = torch.randn(1, 16, 20, size.height // 8, size.width // 8, device=CUDA, dtype=torch.bfloat16)
            for name, work in (("encode", partial(vae.encode, video)), ("decode", partial(vae.decode, latents))):
                gc.collect()
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
                before = torch.cuda.memory_allocated() / 1e9
                taken = seconds(work, times=1)
                told = f"VAE {name} {size.name}{' in tiles' if tiled else ''}"
                rows.add(told, seconds=taken, before_gb=before, **_peak())


def _peak() -> dict[str, float]:
    return {
        "peak_gb": torch.cuda.max_memory_allocated() / 1e9,
        "reserved_gb": torch.cuda.max_memory_reserved() / 1e9,
    }


MEASURES: dict[str, Measure] = {
    "stock": stock_steps,
    "attention": attention,
    "resume": resume_and_cancel,
    "exact": exact_steps,
    "rest": rest_of_a_segment,
    "balanced": balanced_step,
    "caching": step_caching,
    "segment": whole_segment,
    "memory": flat_memory,
    "change": change_by_caching,
    "float8": float8,
    "vae": peaks_of_the_vae,
}
"""In this order: the last two leave nothing of the model as it was."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=float, default=560)
    parser.add_argument("--only", nargs="*", default=list(MEASURES))
    given = parser.parse_args()
    rows = Rows(given.out / "one_gpu.json", **card())
    bench = Bench(full_size_pipeline(CUDA))
    rows.add("made the model", billions=sum(p.numel() for p in bench.transformer.parameters()) / 1e9)
    for name in given.only:
        if rows.seconds > given.limit:
            rows.add("out of time", left_out=name)
            continue
        try:
            MEASURES[name](bench, rows)
        except (RuntimeError, KeyError, AttributeError, TypeError) as problem:  # one row that fails leaves the others
            rows.add(f"{name} failed", problem=f"{type(problem).__name__}: {problem}"[:500])
        gc.collect()
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
