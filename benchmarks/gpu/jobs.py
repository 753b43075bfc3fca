"""Whole jobs of the engine wan-animate on a real GPU: what the tests show on a processor, and what only a card can.

    python -m benchmarks.gpu.jobs --out FOLDER --weights /dev/shm/weights [--blocks 40] [--gpus 2] [--limit 560]
        [--only NAME ...]

Rows come in the order of `ROWS`; after `--limit` seconds nothing new is begun. Every job is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from benchmarks.gpu.checkpoint import OFFICIAL_BLOCKS, write_checkpoint
from benchmarks.gpu.rows import Rows, card
from benchmarks.stand_ins import lend_rigs

FRAMES, SEGMENT, STEPS = 18, 9, 3
LAYERS, SECOND_LAYERS = ("comp", "character", "matte"), ("beauty", "character", "matte")
CHILD_SECONDS = 400
FIRST = 1001


class Jobs:
    """The shot, and jobs of it by name."""

    def __init__(self, folder: Path, weights: Path, scale: int) -> None:
        lend_rigs()
        from wan_shot import draw_wan_shot

        self.folder, self.weights = folder, weights
        self._options = draw_wan_shot(folder / "shot", FRAMES, scale)

    def order(self, name: str, *more: str, large: int = 0) -> Path:
        """Write the order of a job called `name` and return its path.

        large: so many frames of 1152 x 768, the area of 720p, instead of the small shot.
        """
        from spine_rig import gathered, order_of
        from wan_shot import draw_wan_shot

        options = draw_wan_shot(self.folder / f"large{large}", large, 12) if large else self._options
        said = {"steps": str(STEPS), "segment_frames": str(SEGMENT)} | dict(one.split("=") for one in more)
        option = [f"{name}={value}" for name, value in said.items()]
        order = order_of(gathered(options, option=option), self.folder / name)
        path = self.folder / f"{name}.json"
        path.write_bytes(msgspec.json.encode(order))
        return path

    def second(self, name: str, *more: str) -> tuple[Path, dict[str, str]]:
        """Write the order of a job of Wan-Animate-2 and return its path and its surroundings.

        Its weights are small, written at the first call: what it computes says nothing, that it runs on a card does.
        """
        from spine_rig import gathered, order_of
        from tiny_wan2 import make_tiny_checkpoint_2

        weights = self.folder / "weights2"
        if not weights.is_dir():
            make_tiny_checkpoint_2(weights, seed=1)
        said = [f"steps={STEPS}", f"segment_frames={SEGMENT}", *more]
        options = gathered(
            self._options, engine="wan-animate-2", mode="animate", matte=None, keypoints=None, format="256x384",
            prompt="a woman dancing", option=said,
        )  # fmt: skip
        path = self.folder / f"{name}.json"
        path.write_bytes(msgspec.json.encode(order_of(options, self.folder / name)))
        return path, {"UNDERSTUDY_WEIGHTS": str(weights)}

    def run(self, order: Path, at: str = "99:1", act: str = "", **environment: str) -> dict[str, Any]:
        """Do a job in a process of its own and return what it said, or how the process ended."""
        surroundings = {
            **os.environ,
            "UNDERSTUDY_HOME": str(self.folder / "home"),
            "UNDERSTUDY_WEIGHTS": str(self.weights),
            **environment,
        }
        command = [sys.executable, "-m", "benchmarks.gpu.job_process", str(order), "--at", at, "--act", act]
        with (self.folder / "said.log").open("ab") as log:
            done = subprocess.run(
                command, env=surroundings, stdout=subprocess.PIPE, stderr=log, timeout=CHILD_SECONDS, check=False
            )
        lines = done.stdout.decode().strip().splitlines()
        return json.loads(lines[-1]) if lines and done.returncode == 0 else {"returncode": done.returncode}

    def layers(self, name: str, layers: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Return delivered layers of a job, frames in one array."""
        from wan_shot import layer

        frames = range(FIRST, FIRST + FRAMES)
        return {each: np.stack([layer(self.folder / name, each, frame) for frame in frames]) for each in layers}

    def compared(self, one: str, other: str, layers: tuple[str, ...] = LAYERS) -> dict[str, Any]:
        """Return whether two jobs delivered the same bits, and how far they are apart."""
        here, there = self.layers(one, layers), self.layers(other, layers)
        apart = {name: float(np.abs(here[name].astype(np.float32) - there[name]).max()) for name in layers}
        same = all(here[name].tobytes() == there[name].tobytes() for name in layers)
        relative = {
            name: float(np.linalg.norm((here[name].astype(np.float64) - there[name]).ravel()))
            / max(float(np.linalg.norm(there[name].astype(np.float64).ravel())), 1e-12)
            for name in layers
        }
        return {"same_bits": same, "greatest_difference": apart, "relative_difference": relative}


def delivered(jobs: Jobs, rows: Rows, gpus: int) -> None:
    """A job as an artist sends it: compiled, the quickest kernel."""
    rows.add("a job, exact", **jobs.run(jobs.order("exact")))


def plain(jobs: Jobs, rows: Rows) -> None:
    """The job that others are held against, once."""
    if not (jobs.folder / "plain").is_dir():
        rows.add("a job, plain", **jobs.run(jobs.order("plain", "attention=plain")))


def killed(jobs: Jobs, rows: Rows, gpus: int) -> None:
    """attention=plain promises the same bits after a kill."""
    plain(jobs, rows)
    order = jobs.order("killed", "attention=plain")
    rows.add("killed in segment 2, step 2", **jobs.run(order, "2:2", "kill"))
    rows.add("resumed", **jobs.run(order), **jobs.compared("plain", "killed"))
    rows.add("compiled beside plain", **jobs.compared("plain", "exact"))


def cancelled(jobs: Jobs, rows: Rows, gpus: int) -> None:
    rows.add("cancelled in segment 2, step 1", **jobs.run(jobs.order("cancelled"), "2:1", "cancel"))


def crowded(jobs: Jobs, rows: Rows, gpus: int) -> None:
    """Another process takes what is free in mid shot, all but so much; and before the job."""
    for left in ("1.0", "0.2"):
        order = jobs.order(f"crowded-{left}", "float8=allowed", large=FRAMES)
        rows.add(f"{left} GiB left in segment 1", **jobs.run(order, "1:1", f"crowd:{left}"))
    rows.add("crowded before it began", **jobs.run(jobs.order("parked"), "0:1", "crowd:1.0"))


def broken(jobs: Jobs, rows: Rows, gpus: int) -> None:
    """A kernel asserts: the context is lost to the process, the job waits, a fresh process goes on."""
    plain(jobs, rows)
    order = jobs.order("broken", "attention=plain")
    rows.add("the GPU breaks in segment 2", **jobs.run(order, "2:2", "break"))
    rows.add("and goes on", **jobs.run(order), **jobs.compared("plain", "broken"))


def second_engine(jobs: Jobs, rows: Rows, gpus: int) -> None:
    """Wan-Animate-2: compiled, plain, killed and resumed; on several GPUs where they are."""
    order, weights = jobs.second("second")
    rows.add("wan-animate-2, exact", **jobs.run(order, **weights))
    order, _ = jobs.second("second-plain", "attention=plain")
    rows.add("wan-animate-2, plain", **jobs.run(order, **weights))
    order, _ = jobs.second("second-killed", "attention=plain")
    rows.add("wan-animate-2, killed in segment 2, step 2", **jobs.run(order, "2:2", "kill", **weights))
    told = jobs.run(order, **weights)
    rows.add("wan-animate-2, resumed", **told, **jobs.compared("second-plain", "second-killed", SECOND_LAYERS))
    if gpus > 1:
        order, _ = jobs.second("second-together", "attention=plain")
        told = jobs.run(order, UNDERSTUDY_GPUS_PER_SLOT=str(gpus), **weights)
        together = jobs.compared("second-plain", "second-together", SECOND_LAYERS)
        rows.add(f"wan-animate-2 on {gpus} GPUs", **told, **together)


def budgets(jobs: Jobs, rows: Rows, gpus: int) -> None:
    """At the real size: what `gpu_memory` allows, held to by the allocator."""
    for name, budget, more in (
        ("float8", "24GiB", ("float8=on",)),
        ("offloaded", "24GiB", ()),
        ("whole", "", ()),
    ):
        order = jobs.order(f"budget-{name}", "segment_frames=77", *more, large=77)
        said = jobs.run(order, UNDERSTUDY_GPU_MEMORY=budget) if budget else jobs.run(order)
        rows.add(f"budget {budget or 'none'} {' '.join(more)}", **said)


def several(jobs: Jobs, rows: Rows, gpus: int) -> None:
    """The same job on one GPU and on all that the slot has, by NCCL."""
    if gpus < 2:
        return
    plain(jobs, rows)
    slot = {"UNDERSTUDY_GPUS_PER_SLOT": str(gpus)}
    rows.add(f"a job on {gpus} GPUs", **jobs.run(jobs.order("together", "attention=plain"), **slot))
    rows.add("beside one GPU", **jobs.compared("plain", "together"))
    rows.add("cancelled on several", **jobs.run(jobs.order("stopped"), "2:1", "cancel", **slot))
    order = jobs.order("torn", "attention=plain")
    rows.add("killed on several", **jobs.run(order, "2:2", "kill", **slot))
    rows.add("resumed on several", **jobs.run(order, **slot), **jobs.compared("together", "torn"))


ROWS: tuple[Callable[[Jobs, Rows, int], None], ...] = (
    delivered, killed, several, crowded, cancelled, broken, second_engine, budgets,
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True, help="Written where nothing is yet.")
    parser.add_argument("--blocks", type=int, default=OFFICIAL_BLOCKS)
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--limit", type=float, default=560)
    parser.add_argument("--only", nargs="*", default=[])
    given = parser.parse_args()
    on = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows = Rows(given.out / "jobs.json", **(card() if on.type == "cuda" else {}), blocks=given.blocks)
    if not (given.weights / "model_index.json").is_file():
        write_checkpoint(given.weights, given.blocks, on)
        rows.add("weights written")
        if on.type == "cuda":
            torch.cuda.empty_cache()
    jobs = Jobs(given.weights.parent / "jobs", given.weights, given.scale)
    for part in ROWS:
        if rows.seconds < given.limit and (not given.only or part.__name__ in given.only):
            try:
                part(jobs, rows, given.gpus)
            except (
                OSError,
                RuntimeError,
                KeyError,
                ValueError,
                subprocess.TimeoutExpired,
            ) as problem:  # leaves the other rows
                rows.add(f"{part.__name__} failed", problem=f"{type(problem).__name__}: {problem}"[:500])


if __name__ == "__main__":
    main()
