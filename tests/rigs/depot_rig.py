"""A real vault and a real bulk server: what both ends of an upload and of a download are tested with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import zmq
from blake3 import blake3

from understudy.bridge.bulk_messages import CHUNK_BYTES
from understudy.bridge.keys import LocalKeys
from understudy.inference.daemon.bulk import BulkServer
from understudy.inference.vault import Vault

MIB = CHUNK_BYTES
JOB = "job1"


def digest_of(data: bytes) -> str:
    return blake3(data).hexdigest()


class Depot:
    """A bulk server with its vault, and jobs that ask for whatever a test lists.

    context: its ZAP handler says who may come in. wanted: sizes by job and file. outputs: paths by user and name.
    """

    def __init__(self, context: zmq.Context[Any], keys: LocalKeys, home: Path, quota_bytes: int) -> None:
        self.context, self.keys, self.home = context, keys, home
        self.user = keys.connection.user
        self.vault = Vault(home / "vault", quota_bytes)
        self.wanted: dict[tuple[str, str], int] = {}
        self.outputs: dict[tuple[str, str], Path] = {}
        self.stored: list[tuple[str, str]] = []
        self.parked: list[str] = []
        self._bulk: BulkServer | None = None
        self.open()

    def open(self) -> None:
        """Open a bulk server, on another port each time."""
        self._bulk = BulkServer(
            self.context,
            self.keys.server,
            self.vault,
            lambda user, job_id, file: (job_id, file) in self.wanted,
            lambda user, job_id, path: self.outputs.get((user, path)),
            lambda job_id, file: self.stored.append((job_id, file)),
            size_of=lambda job_id, file: self.wanted.get((job_id, file)),
            on_parked=lambda job_id, problem: self.parked.append(job_id),
        )

    def close(self) -> None:
        """Close the bulk server where one is open; what has arrived stays."""
        bulk, self._bulk = self._bulk, None
        if bulk is not None:
            bulk.close()

    @property
    def port(self) -> int:
        assert self._bulk is not None, "the bulk server is closed"
        return self._bulk.port

    def want(self, data: bytes, job_id: str = JOB) -> str:
        self.wanted[job_id, digest_of(data)] = len(data)
        return digest_of(data)

    def offer(self, name: str, path: Path) -> None:
        """Let the daemon's owner pull what lies at `path` as an output of this name."""
        self.outputs[self.user, name] = path
