"""The process of another GPU of a worker's slot: it loads the model and runs its part of every segment.

`python -m understudy.inference.engines.wan.peer --socket FD --parent PID`, started by `team.py` alone. It gives out no
frame, writes no file, and ends as soon as its worker does, however that ends.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import os
import queue
import signal
import socket
import sys
import threading
from typing import Protocol

import msgspec
import torch
from torch import Tensor

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.gpu_settings import parse_gpu_memory
from understudy.bridge.settings import UserSettings, load_settings
from understudy.inference.engines.wan.devices import Machine, keep_within
from understudy.inference.engines.wan.size import Size
from understudy.inference.engines.wan.spans import Span
from understudy.inference.engines.wan.team_words import (
    Begin,
    Join,
    MakeSegment,
    Standing,
    ToPeer,
    Troubled,
    meet,
    received,
    say,
)
from understudy.inference.engines.wan.trouble import first_line, trouble_in

SHARES = {"wan-animate": "wan.share", "wan-animate-2": "wan2.share"}
"""Engine to the module whose `load_share` loads its model."""
PR_SET_PDEATHSIG = 1  # prctl(2); systems without it rely on the closed socket


class Share(Protocol):
    """An engine's model in one process of several; tensors as the worker hands them to `Team`, on the CPU."""

    def make_ready(self, kernel: str) -> None:
        """Have it compute as planned, and attend by the worker's kernel."""

    def begin(self, shot: list[Tensor | None]) -> None:
        """Take the shot's encodings, and run a share of every segment from here on. The group has met."""

    def run(self, span: Span, inputs: list[Tensor | None]) -> None:
        """Run a segment in step with the others."""


class _Orders:
    """The worker's words, read by a thread: when the worker is gone, this process is gone within the same moment."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._waiting: queue.Queue[ToPeer] = queue.Queue()
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def next(self) -> ToPeer:
        return self._waiting.get()

    def _listen(self) -> None:
        decoder: msgspec.json.Decoder[ToPeer] = msgspec.json.Decoder(ToPeer)
        for line in self._connection.makefile("rb"):
            self._waiting.put(decoder.decode(line))
        os._exit(0)  # the main thread may wait for another GPU for ever


def serve(connection: socket.socket) -> None:
    """Run segments until the worker is gone. Raises RuntimeError as torch does, UnderstudyError as loading does."""
    orders = _Orders(connection)
    join = orders.next()
    if not isinstance(join, Join):
        raise RuntimeError("the first word is to join")
    device, settings = torch.device(join.device), load_settings()
    if device.type == "cuda":
        torch.cuda.set_device(device)
        _, total = torch.cuda.mem_get_info(device)
        keep_within(parse_gpu_memory(settings.gpu_memory), device.index, total)
    share = _share_of(join, Machine(device, join.plan), settings)
    say(connection, Standing())
    begin = orders.next()
    if not isinstance(begin, Begin):
        raise RuntimeError("the second word is to begin")
    share.make_ready(begin.kernel)
    meet(join.meeting, join.rank, join.processes, device)
    share.begin(received(begin.sheets))
    while isinstance(order := orders.next(), MakeSegment):
        share.run(order.span, received(order.sheets))


def _share_of(join: Join, machine: Machine, settings: UserSettings) -> Share:
    module = importlib.import_module(f"understudy.inference.engines.{SHARES[join.settings.engine]}")
    share: Share = module.load_share(join.settings, Size(join.mode, join.height, join.width), machine, settings)
    return share


def main() -> None:
    parser = argparse.ArgumentParser(description="Another GPU of a worker's slot.")
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    told = parser.parse_args()
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != told.parent:
        sys.exit("the worker is gone")
    connection = socket.socket(fileno=told.socket)
    try:
        serve(connection)
    except RuntimeError as problem:
        say(connection, Troubled(trouble=trouble_in(problem), said=first_line(problem)))
    except UnderstudyError as problem:
        say(connection, Troubled(trouble=None, said=problem.message))
    os._exit(1)  # the exchange with GPUs that wait no more hangs an orderly end


if __name__ == "__main__":
    main()
