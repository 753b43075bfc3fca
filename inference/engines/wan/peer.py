"""The process of another GPU of a worker's slot: it loads the model and runs its part of every segment.

`python -m understudy.inference.engines.wan.peer --socket FD --parent PID`, started by `team.py` alone. It gives out no
frame, writes no file, and ends as soon as its worker does, however that ends.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import queue
import signal
import socket
import sys
import threading

import msgspec
import torch

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.gpu_settings import parse_gpu_memory
from understudy.bridge.settings import load_settings
from understudy.inference.engines.wan.assembly import Size, loop_over, share_blocks, shared_vae
from understudy.inference.engines.wan.devices import Machine, keep_within, make_ready
from understudy.inference.engines.wan.loop import Controls, Shot
from understudy.inference.engines.wan.model import Guide
from understudy.inference.engines.wan.options import WanOptions
from understudy.inference.engines.wan.relighting import loras_of
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
from understudy.inference.weights.catalogue import WAN_ANIMATE
from understudy.inference.weights.opening import open_model

PR_SET_PDEATHSIG = 1  # prctl(2); systems without it rely on the closed socket


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
    join, begin = orders.next(), None
    if not isinstance(join, Join):
        raise RuntimeError("the first word is to join")
    options, device = WanOptions.of(join.settings), torch.device(join.device)
    settings, machine = load_settings(), Machine(device, join.plan)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        _, total = torch.cuda.mem_get_info(device)
        keep_within(parse_gpu_memory(settings.gpu_memory), device.index, total)
    parts = open_model(WAN_ANIMATE, settings, machine.placement, loras=loras_of(options, settings)).parts
    if not machine.placement.blocks_rest:
        parts.transformer.to(device)
    loop = loop_over(parts, options, Size(join.mode, join.height, join.width), device)
    say(connection, Standing())
    begin = orders.next()
    if not isinstance(begin, Begin):
        raise RuntimeError("the second word is to begin")
    make_ready(parts, machine, options, join.height, join.width, kernel=begin.kernel)
    meet(join.meeting, join.rank, join.processes, device)
    reference, guide, unguided = (None if one is None else one.to(device) for one in received(begin.sheets))
    if reference is None or guide is None:
        raise RuntimeError("a shot has a reference and a guide")
    shot = Shot(reference, Guide(guide), None if unguided is None else Guide(unguided))
    cache = share_blocks(loop, parts, options, begin.kernel)
    while isinstance(order := orders.next(), MakeSegment):
        pose, faces, background, generate, noise, carried = received(order.sheets)
        if pose is None or faces is None or noise is None:
            raise RuntimeError("a segment has a pose, faces and noise")
        if cache is not None:
            cache.begin()
        with shared_vae(parts, machine):
            loop.run(shot, order.span, Controls(pose, faces, background, generate), noise, carried, lambda *_: None)


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
