"""Several GPUs for one shot, against one stock GPU of the same machine.

    torchrun --nproc-per-node 4 -m benchmarks.gpu.several --out FOLDER

Every process makes the same random model, so that the split step can be compared with the whole one.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import torch
import torch.distributed as distributed

from benchmarks.gpu.full_size import FRAMES, LARGE, SMALL, full_size_pipeline
from benchmarks.gpu.one import Bench
from benchmarks.gpu.rows import Rows, card, seconds
from understudy.inference.engines.wan.acceleration import compile_blocks, quick_convolutions
from understudy.inference.engines.wan.attention import time_kernels
from understudy.inference.engines.wan.model import encode_faces, predict
from understudy.inference.engines.wan.several_gpus import SplitBlocks
from understudy.inference.engines.wan.split_vae import split_vae
from understudy.inference.engines.wan.step_cache import StepCache

STEPS = 20


class Silent:
    """The rows of every process but the first."""

    seconds = 0.0

    def add(self, name: str, **values: Any) -> None:
        pass


@torch.no_grad()
def measure(rows: Any) -> None:
    bench = Bench(full_size_pipeline(torch.device("cuda")))
    whole = {}
    for size in (SMALL, LARGE):
        given = bench.inputs(size)
        for tensor in given.values():
            distributed.broadcast(tensor.contiguous(), 0)
        bench.stock[size.name] = seconds(lambda: bench.transformer(**given, return_dict=False), times=2)  # noqa: B023
        rows.add(f"stock step on one GPU {size.name}", seconds=bench.stock[size.name])
        encoded = bench.encoded(given)
        whole[size.name] = (
            given,
            encoded,
            predict(bench.transformer, given["hidden_states"], given["timestep"], encoded),
        )
    taken = time_kernels(bench.transformer, tokens=75_600)
    distributed.barrier()
    names = [min(taken, key=lambda name: taken[name])]
    distributed.broadcast_object_list(names, 0)
    split = SplitBlocks(bench.transformer, names[0])
    compile_blocks(bench.transformer)
    for size in (SMALL, LARGE):
        given, encoded, before = whole[size.name]

        def step() -> torch.Tensor:
            return predict(bench.transformer, given["hidden_states"], given["timestep"], encoded, split)  # noqa: B023

        bench.ours[size.name] = seconds(step, times=3)
        rows.add(
            f"exact step on {distributed.get_world_size()} GPUs {size.name}", seconds=bench.ours[size.name],
            ratio=bench.stock[size.name] / bench.ours[size.name], kernel=names[0],
            relative_change=float((step() - before).float().norm() / before.float().norm()),
        )  # fmt: skip
    rest = _rest(bench, rows)
    share = rest / (rest + STEPS * bench.ours["720p"])
    rows.add("everything but denoising, 720p, 20 steps", seconds=rest, share=share, goal=0.08)
    _caching(bench, rows, split, whole["720p"])


def _rest(bench: Bench, rows: Any) -> float:
    vae, size = bench.pipeline.vae, LARGE
    video = torch.rand(1, 3, FRAMES, size.height, size.width, device="cuda", dtype=torch.bfloat16) * 2 - 1
    latents = torch.randn(1, 16, (FRAMES - 1) // 4 + 1, size.height // 8, size.width // 8, device="cuda").bfloat16()
    faces = torch.rand(1, 3, FRAMES, 512, 512, device="cuda", dtype=torch.bfloat16) * 2 - 1
    for tensor in (video, latents, faces):
        distributed.broadcast(tensor, 0)
    quick_convolutions(vae)
    one = vae.encode(video).latent_dist.mode(), vae.decode(latents).sample
    with split_vae(vae):
        told = {
            "encode": seconds(lambda: vae.encode(video), times=2),
            "decode": seconds(lambda: vae.decode(latents), times=2),
            "faces": seconds(lambda: encode_faces(bench.transformer, faces), times=1),
        }
        split = vae.encode(video).latent_dist.mode(), vae.decode(latents).sample
    changes = [float((a - b).float().norm() / a.float().norm()) for a, b in zip(one, split, strict=True)]
    rows.add("VAE split 720p", **told, relative_change_encode=changes[0], relative_change_decode=changes[1])
    return 2 * told["encode"] + told["decode"] + told["faces"]


def _caching(bench: Bench, rows: Any, split: SplitBlocks, inputs: Any) -> None:
    given, encoded, _ = inputs
    cache = StepCache(0.05, 4, split.one, split.error)
    split.inside(cache)
    scheduler = bench.pipeline.scheduler
    generator = torch.Generator().manual_seed(2)
    noise = torch.randn((1, 16, *given["hidden_states"].shape[2:]), generator=generator).cuda()

    def segment() -> None:
        scheduler.set_timesteps(STEPS, device="cuda")
        cache.begin()
        latents = noise
        for time in scheduler.timesteps:
            seen = torch.cat([latents, given["hidden_states"][:, 16:]], dim=1).bfloat16()
            made = predict(bench.transformer, seen, time.expand(1), encoded, split)
            latents = scheduler.step(made, time, latents, return_dict=False)[0]

    taken = seconds(segment, times=1, warm_up=0)
    rows.add(
        "step caching on several GPUs 720p, threshold 0.05, 20 steps", seconds=taken, computed=cache.computed,
        ratio=STEPS * bench.stock["720p"] / taken,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl")
    try:
        measure(Rows(given.out / "several_gpus.json", **card()) if distributed.get_rank() == 0 else Silent())
    finally:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
