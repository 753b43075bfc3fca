"""A depot that a client of the bridge can speak to, and a cable to it that a test can cut."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import msgspec
from depot_rig import MIB, Depot

from understudy.bridge.client import Client
from understudy.bridge.errors import JobParked, PlateError, RequestError
from understudy.bridge.keys import write_challenge
from understudy.bridge.messages import AskLacking, Done, HandOver, Hello, Lacking, Reply


class AnsweringDepot(Depot):
    """A depot beside a little daemon, whose control socket tells what is lacking and takes files by path."""

    def __init__(self, daemon: Any, home: Path) -> None:
        self.daemon = daemon
        self.challenge, _ = write_challenge(home)
        self.handed: list[HandOver] = []
        self.refuse_paths = True
        daemon.answers[AskLacking] = self._lacking
        daemon.answers[HandOver] = self._hand_over
        super().__init__(daemon._context, daemon.keys, home, quota_bytes=500 * MIB)

    def open(self) -> None:
        super().open()
        self.say_port(self.port)

    def say_port(self, port: int) -> None:
        welcome = self.daemon.welcome(challenge=str(self.challenge))
        self.daemon.answers[Hello] = msgspec.structs.replace(welcome, bulk_port=port)

    def share_machine(self, client: Client) -> None:
        """Let the client prove that it can read the daemon's owner-only file."""
        client.hello()
        assert client.prove_machine()

    def want_files(self, *paths: Path) -> dict[str, Path]:
        return {self.want(path.read_bytes()): path for path in paths}

    def _lacking(self, request: AskLacking) -> Reply:
        missing = [file for _, file in self.wanted if not self.vault.has(file)]
        return Lacking(files={file: self.vault.resume_offset(file, self.user) for file in missing})

    def _hand_over(self, request: HandOver) -> Reply:
        self.handed.append(request)
        if self.refuse_paths:
            return RequestError("outside the roots").report()
        try:
            take = self.vault.take_link if request.give_up else self.vault.take_copy
            take(Path(request.path), request.file)
        except (PlateError, JobParked) as problem:
            return problem.report()
        return Done()


class Cable:
    """A TCP path to the bulk port that a test can cut. Every connection is cut after `cut_after` bytes upwards."""

    def __init__(self, port: int, cut_after: int) -> None:
        self._target = port
        self._cut_after = cut_after
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            budget = [self._cut_after]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink, near, far, budget), daemon=True).start()

    def _pump(
        self, source: socket.socket, sink: socket.socket, near: socket.socket, far: socket.socket, budget: list[int]
    ) -> None:
        try:
            while data := source.recv(65536):
                budget[0] -= len(data)
                if budget[0] < 0:
                    self.cuts += 1
                    break
                sink.sendall(data)
        except OSError:
            pass
        for end in (near, far):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
            end.close()
