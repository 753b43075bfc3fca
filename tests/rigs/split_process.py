"""Two processes that share a segment: each computes everything alone and shared, and writes down both.

`python split_process.py PORT FOLDER` forks them, so that PyTorch is loaded once; it ends with 0 where both did.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

import torch
import torch.distributed as distributed
from tiny_wan import IMAGE_WIDTH, TEXT_WIDTH, tiny_transformer, tiny_vae

from understudy.inference.engines.wan.model import encode, encode_faces, encode_guide, predict, run_block
from understudy.inference.engines.wan.several_gpus import SplitBlocks
from understudy.inference.engines.wan.split_vae import split_vae
from understudy.inference.engines.wan.step_cache import StepCache

TIME = torch.tensor([500.0])


@torch.no_grad()
def work(rank: int, port: int, folder: Path) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", rank=rank, world_size=2)
    torch.manual_seed(0)
    transformer, vae = tiny_transformer(), tiny_vae()
    guide = encode_guide(transformer, torch.randn(1, 512, TEXT_WIDTH), torch.randn(1, 257, IMAGE_WIDTH))
    faces = encode_faces(transformer, torch.randn(1, 3, 13, 16, 16))
    # 5 frames of 3 x 5 tokens: the second process begins within the third frame, and the shares are not even
    pose, steps = torch.randn(1, 16, 4, 6, 10), [torch.randn(1, 36, 5, 6, 10) for _ in range(4)]
    encoded = encode(transformer, guide, faces, pose, steps[0])
    told = {"whole": predict(transformer, steps[0], TIME, encoded)}
    alone = StepCache(1e9, 2, run_block)
    told["cached alone"] = [predict(transformer, step, TIME, encoded, alone) for step in steps][-1]
    split = SplitBlocks(transformer)
    told["split"] = predict(transformer, steps[0], TIME, encoded, split)
    split.inside(StepCache(1e9, 2, split.one, split.error))
    told["cached"] = [predict(transformer, step, TIME, encoded, split) for step in steps][-1]
    video, latents = torch.rand(1, 3, 9, 32, 320) * 2 - 1, torch.randn(1, 16, 3, 4, 40)
    told["encoded"], told["decoded"] = vae.encode(video).latent_dist.mode(), vae.decode(latents).sample
    with split_vae(vae):
        told["encoded split"], told["decoded split"] = vae.encode(video).latent_dist.mode(), vae.decode(latents).sample
    torch.save(told, folder / f"{rank}.pt")
    distributed.destroy_process_group()


def main(port: int, folder: Path) -> int:
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=work, args=(rank, port, folder)) for rank in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    return int(any(process.exitcode for process in both))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2])))
