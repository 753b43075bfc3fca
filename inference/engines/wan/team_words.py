"""What a worker and the processes of its other GPUs say to each other: JSON lines over a socket pair a process.

Words alone. Tensors follow by broadcast from the worker to all (`sheets`, `broadcast`), so that nothing is pickled.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import torch
import torch.distributed as distributed
from torch import Tensor

from understudy.bridge.shot import Settings
from understudy.inference.engines.wan.spans import Span
from understudy.inference.engines.wan.trouble import Trouble
from understudy.inference.weights.memory_plan import MemoryPlan

BROADCAST_FROM = 0
SILENCE = timedelta(minutes=10)
"""How long one exchange may wait for another process: between two of them lies at most one block or one VAE."""


class Sheet(msgspec.Struct, frozen=True):
    """A tensor to come. `kind` is torch's name of its numbers: `float32`, `bfloat16`."""

    shape: tuple[int, ...]
    kind: str


class Join(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Load the model as the worker does and meet the others."""

    rank: int
    processes: int
    meeting: str
    """A file of which the processes learn where the others are."""
    device: str
    settings: Settings
    mode: str
    height: int
    width: int
    plan: MemoryPlan


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The shot's encodings follow."""

    kernel: str
    sheets: tuple[Sheet | None, ...]


class MakeSegment(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The segment's controls, noise and carried pictures follow; run it."""

    span: Span
    sheets: tuple[Sheet | None, ...]


ToPeer = Join | Begin | MakeSegment


class Standing(msgspec.Struct, frozen=True, tag=True):
    """The model is loaded."""


class Troubled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The last word of a process that cannot go on."""

    trouble: Trouble | None
    said: str


FromPeer = Standing | Troubled


def meet(meeting: str, rank: int, processes: int, device: torch.device) -> None:
    """Join the default process group. What lies on a CPU travels by gloo, what lies on a GPU by NCCL."""
    if sys.platform == "linux":
        # All are on this machine: nothing listens where others could connect.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        os.environ.setdefault("NCCL_SOCKET_IFNAME", "lo")
    distributed.init_process_group(
        "gloo" if device.type == "cpu" else "cpu:gloo,cuda:nccl",
        init_method=f"file://{meeting}",
        rank=rank,
        world_size=processes,
        timeout=SILENCE,
    )


def sheets_of(tensors: Sequence[Tensor | None]) -> tuple[Sheet | None, ...]:
    return tuple(None if one is None else Sheet(tuple(one.shape), str(one.dtype).partition(".")[2]) for one in tensors)


def broadcast(tensors: Sequence[Tensor | None]) -> None:
    """Give tensors to every other process, which calls `received` with their sheets."""
    for tensor in tensors:
        if tensor is not None:
            distributed.broadcast(_bytes_of(tensor.detach().cpu().contiguous()), BROADCAST_FROM)


def received(sheets: Sequence[Sheet | None]) -> list[Tensor | None]:
    """Return what the worker broadcasts, on the CPU."""
    taken: list[Tensor | None] = []
    for sheet in sheets:
        tensor = None if sheet is None else torch.empty(sheet.shape, dtype=getattr(torch, sheet.kind))
        if tensor is not None:
            distributed.broadcast(_bytes_of(tensor), BROADCAST_FROM)
        taken.append(tensor)
    return taken


def needed(tensor: Tensor | None) -> Tensor:
    """Raises RuntimeError where the worker left out what it never leaves out."""
    if tensor is None:
        raise RuntimeError("the worker handed over too little")
    return tensor


def _bytes_of(tensor: Tensor) -> Tensor:
    return tensor.view(-1).view(torch.uint8)


def say(connection: socket.socket, message: ToPeer | FromPeer) -> None:
    connection.sendall(msgspec.json.encode(message) + b"\n")
