"""The processes of a slot's other GPUs, from the worker's side: started, told what to run, and ended with it.

The worker is the first of the group and alone gives out frames. A process that ends unasked fails what is under way
within seconds: gloo notices at once, NCCL would wait for ever, so a watching thread ends the worker where its own
thread does not come back; the daemon then starts a fresh one.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
import torch.distributed as distributed
from torch import Tensor

from understudy.bridge.shot import Settings
from understudy.inference.engines.door import process_is_spent
from understudy.inference.engines.wan.devices import Machine
from understudy.inference.engines.wan.size import Size
from understudy.inference.engines.wan.spans import Span
from understudy.inference.engines.wan.team_words import (
    Begin,
    FromPeer,
    Join,
    MakeSegment,
    Standing,
    ToPeer,
    Troubled,
    broadcast,
    meet,
    say,
    sheets_of,
)
from understudy.inference.engines.wan.trouble import Trouble

PEER = (sys.executable, "-m", "understudy.inference.engines.wan.peer")
LAST_WORDS_SECONDS = 3.0
"""So long an error waits for the word of the process that caused it."""
STUCK_SECONDS = 20.0
"""So long after a process ended the worker's own thread may take to notice; the longest step measured takes 12."""
ENDING_SECONDS = 5.0
LOOK_SECONDS = 0.2
EXIT_STUCK = 77


class TeamError(RuntimeError):
    """A process of another GPU ended, and why if it could say so."""

    def __init__(self, said: str, trouble: Trouble | None = None) -> None:
        super().__init__(said)
        self.trouble = trouble


@dataclass(slots=True)
class _Peer:
    rank: int
    process: subprocess.Popen[bytes]
    connection: socket.socket


class Team:
    """The other processes of one job. For the worker's own thread, but `_listen`, which has one a process."""

    def __init__(self, processes: int, machine: Machine, settings: Settings, size: Size) -> None:
        """Start them; they load while the worker does."""
        self._processes, self._machine = processes, machine
        self._folder = tempfile.TemporaryDirectory(prefix="understudy-team-")
        self._words: queue.Queue[tuple[int, FromPeer]] = queue.Queue()
        self._ended = threading.Event()
        self._noticed = threading.Event()
        self._closing = threading.Event()
        self._met = self._at_work = False
        self._peers = [self._start(rank) for rank in range(1, processes)]
        for peer in self._peers:
            threading.Thread(target=self._listen, args=(peer,), name=f"gpu {peer.rank}", daemon=True).start()
            device = "cpu" if machine.device.type == "cpu" else f"cuda:{peer.rank}"
            join = Join(
                rank=peer.rank, processes=processes, meeting=self._meeting, device=device, settings=settings,
                mode=size.mode, height=size.height, width=size.width, plan=machine.plan,
            )  # fmt: skip
            self._say(peer, join)

    @property
    def _meeting(self) -> str:
        return str(Path(self._folder.name, "meeting"))

    def begin(self, kernel: str, shot: Sequence[Tensor | None], told: Callable[[int, int], None]) -> None:
        """Wait until all have loaded, meet them, hand over the shot's encodings. Raises TeamError; what `told` raises
        passes.
        """
        standing = 0
        while standing < len(self._peers):
            told(standing, len(self._peers))
            with contextlib.suppress(queue.Empty):
                rank, word = self._words.get(timeout=LOOK_SECONDS)
                if isinstance(word, Troubled):
                    raise self._error(rank, word)
                standing += 1
        for peer in self._peers:
            self._say(peer, Begin(kernel=kernel, sheets=sheets_of(shot)))
        self._at_work = True
        meet(self._meeting, 0, self._processes, self._machine.device)
        self._met = True
        broadcast(shot)
        self._at_work = False

    def run(self, span: Span, inputs: Sequence[Tensor | None], work: Callable[[], Tensor]) -> Tensor:
        """Have every process run a segment, this one by `work`, and return what that gives. Raises TeamError."""
        self._at_work = True
        try:
            for peer in self._peers:
                self._say(peer, MakeSegment(span=span, sheets=sheets_of(inputs)))
            broadcast(inputs)
            made = work()
        except RuntimeError as problem:
            why = self._why()
            if why is None:
                raise
            raise why from problem
        self._at_work = False
        return made

    def close(self) -> None:
        """End them all and leave none. Safe at any time, also in mid segment."""
        if self._closing.is_set():
            return
        self._closing.set()
        for peer in self._peers:
            with contextlib.suppress(OSError):
                peer.connection.shutdown(socket.SHUT_RDWR)  # a thread reads it: closing alone would not reach them
        deadline = time.monotonic() + ENDING_SECONDS
        for peer in self._peers:
            try:
                peer.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                peer.process.kill()
                peer.process.wait()
            peer.connection.close()
        self._leave()
        self._folder.cleanup()

    def _leave(self) -> None:
        """Leave the group. NCCL in mid exchange cannot be left: the worker's process ends instead."""
        if self._at_work and self._machine.device.type == "cuda":
            process_is_spent.set()
        elif self._met or distributed.is_initialized():
            distributed.destroy_process_group()

    def _why(self) -> TeamError | None:
        """Return what a process said that ended, None where all are there: then the error is the worker's own."""
        self._ended.wait(LAST_WORDS_SECONDS)
        with contextlib.suppress(queue.Empty):
            while True:
                rank, word = self._words.get_nowait()
                if isinstance(word, Troubled):
                    return self._error(rank, word)
        return None

    def _error(self, rank: int, word: Troubled) -> TeamError:
        self._noticed.set()
        return TeamError(f"the process of GPU {rank + 1} of {self._processes} {word.said}", word.trouble)

    def _start(self, rank: int) -> _Peer:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [*PEER, "--socket", str(theirs.fileno()), "--parent", str(os.getpid())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
            )
        return _Peer(rank, process, ours)

    def _say(self, peer: _Peer, message: ToPeer) -> None:
        try:
            say(peer.connection, message)
        except OSError:
            raise self._why() or TeamError(f"the process of GPU {peer.rank + 1} is gone") from None

    def _listen(self, peer: _Peer) -> None:
        """Pass on a process' words, and its end as one more; see to it that the worker's own thread gets to know."""
        decoder: msgspec.json.Decoder[FromPeer] = msgspec.json.Decoder(FromPeer)
        last: FromPeer = Standing()
        with contextlib.suppress(OSError):
            for line in peer.connection.makefile("rb"):
                last = decoder.decode(line)
                self._words.put((peer.rank, last))
        if self._closing.is_set():
            return
        peer.process.wait()
        if not isinstance(last, Troubled):
            self._words.put((peer.rank, Troubled(trouble=None, said=_how_it_ended(peer.process.returncode))))
        self._ended.set()
        if not self._noticed.wait(STUCK_SECONDS) and self._at_work and not self._closing.is_set():
            sys.stderr.write(f"the process of GPU {peer.rank + 1} {_how_it_ended(peer.process.returncode)}, and this ")
            sys.stderr.write("one waits for it in vain: it ends\n")
            sys.stderr.flush()
            os._exit(EXIT_STUCK)


def _how_it_ended(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def gpus_of_the_slot(named: str, wanted: int) -> int:
    """Return how many processes make a job. `named`: the slot's GPUs, if the settings name some.

    Without any GPU here the processes share the CPU: slower than one, and for tests. Raises RuntimeError, in the words
    of torch, for a GPU that was named and is not there.
    """
    here = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if named and here < wanted:
        missing = "no CUDA GPUs are available" if not here else f"CUDA error: {here} of {wanted} GPUs are available"
        raise RuntimeError(f"{missing}, though the settings name {named}")
    return min(wanted, here) if here else wanted
