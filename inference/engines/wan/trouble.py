"""What an error of the GPU means: no memory is left, the GPU is lost to this process, or neither. Judged by its words.

PyTorch raises its own class for the first only where its allocator was asked; the driver and the libraries beneath say
the same in words alone.
"""

from __future__ import annotations

from typing import Literal

import torch

Trouble = Literal["memory", "lost"]

MEMORY_WORDS = ("out of memory", "cublas_status_alloc_failed", "cudnn_status_alloc_failed", "cudaerrormemoryallocation")
LOST_WORDS = (
    "cuda error", "cuda driver error", "cublas_status", "cudnn_status", "nccl error", "ncclsystemerror",
    "ncclunhandledcudaerror", "no cuda gpus are available", "device-side assert", "illegal memory access",
    "uncorrectable ecc", "fallen off the bus", "unspecified launch failure",
)  # fmt: skip
"""After any of these CUDA answers every call of the process with the same error: only a new process gets further."""


def trouble_in(problem: RuntimeError) -> Trouble | None:
    """Return what `problem` means, None for a mistake of another kind."""
    said = str(problem).lower()
    if isinstance(problem, torch.OutOfMemoryError) or any(words in said for words in MEMORY_WORDS):
        return "memory"
    if isinstance(problem, torch.AcceleratorError) or any(words in said for words in LOST_WORDS):
        return "lost"
    return None


def first_line(problem: BaseException) -> str:
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(problem).__name__
