"""What one run of a job costs, measured by the worker that makes it: when its parts began, what it held of memory.

A GPU's memory is known to the library that computes: an engine that uses one leaves word how to ask (`gpu_memory`).
The peak of host memory is the kernel's own count (VmHWM in proc(5)), set back when a job begins; only Linux has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from understudy.inference.work_order import RunCost

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"
"""Sets VmHWM back to what is held now (proc(5), clear_refs)."""


@dataclass(frozen=True, slots=True)
class GpuPeak:
    """How to ask what a job held. `device`: its name, as people know it; `peak`: the most bytes on one card."""

    device: str
    peak: Callable[[], int]


_asked_of: list[GpuPeak] = []


def tell_gpu(memory: GpuPeak) -> None:
    """Called by an engine that is about to compute on a GPU, once a job."""
    _asked_of[:] = [memory]


class RunMeter:
    """The times of one run. Called by the thread that makes it; begins when it is made."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._prepared: float | None = None
        self._made: float | None = None
        self._frames = self._all = 0
        self._size = (0, 0)
        self._knows_host = _forget_host_peak()
        _asked_of.clear()

    def prepared(self, height: int, width: int) -> None:
        """The engine is loaded and the shot's controls are made. height, width: of the picture that it generates."""
        self._prepared, self._size = self._clock(), (height, width)

    def made(self, frames: int, all_frames: int) -> None:
        """The engine has made `frames`; the version has `all_frames`."""
        self._made, self._frames, self._all = self._clock(), frames, all_frames

    def cost(self) -> RunCost | None:
        """Return what the run cost; None where the engine made nothing: what is copied says nothing of its cost."""
        if self._prepared is None or self._made is None or not self._frames:
            return None
        gpu = _asked_of[0] if _asked_of else None
        return RunCost(
            height=self._size[0],
            width=self._size[1],
            frames=self._frames,
            device=gpu.device if gpu is not None else "CPU",
            start_seconds=self._prepared - self._began,
            frame_seconds=(self._made - self._prepared) / self._frames,
            finish_seconds=(self._clock() - self._made) / max(1, self._all),
            gpu_bytes=gpu.peak() if gpu is not None else 0,
            host_bytes=_host_peak() if self._knows_host else 0,
        )


def _forget_host_peak() -> bool:
    """Begin to count anew; return whether that can be done. Else the count is of every job before as well."""
    try:
        _CLEAR.write_text(_FORGET_PEAK)
    except OSError:
        return False
    return True


def _host_peak() -> int:
    """Return bytes; 0 where it cannot be told."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
