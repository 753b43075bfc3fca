"""One file on its way in, one on its way out: what each arriving word leads to. No socket, no thread of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from xxhash import xxh3_128_digest

from understudy.bridge.bulk_messages import CHUNK_BYTES, CREDIT_CHUNKS, Chunk, Credit, Pull, Rejected, Stored
from understudy.bridge.errors import JobParked, PlateError, ProtocolError
from understudy.inference.hand_over import handed_over
from understudy.inference.vault import Vault

WINDOW_BYTES = CREDIT_CHUNKS * CHUNK_BYTES


class Answer(NamedTuple):
    """One message for one connection."""

    identity: bytes
    header: Chunk | Credit | Stored | Rejected
    payload: bytes | None = None


class Incoming:
    """An upload of one user. Any number of that user's connections may bring it, together or one after another."""

    def __init__(
        self,
        vault: Vault,
        owner: str,
        first: Chunk,
        on_stored: Callable[[str, str], None],
        on_parked: Callable[[str, JobParked], None],
    ) -> None:
        self.file = first.file
        self.total = first.total
        self.used_at = time.monotonic()
        self.stored = False
        self._vault = vault
        self._owner = owner
        self._on_stored = on_stored
        self._on_parked = on_parked
        self._partial = vault.open_partial(first.file, owner)
        self._senders: dict[bytes, str] = {}
        """Connection to the job for which it sends."""
        self._going_back: set[bytes] = set()
        """Connections that were told to send again: what they had under way before is dropped unanswered."""

    def take(self, sender: bytes, chunk: Chunk, payload: memoryview) -> list[Answer]:
        """Write the chunk if it is the next one and whole; say what the connections shall know."""
        self.used_at = time.monotonic()
        self._senders[sender] = chunk.job_id
        try:
            self._check(chunk, payload)
            if not self._is_next(chunk, payload):
                return self._guide(sender, chunk)
            if self._partial.length < self.total:
                self._going_back.discard(sender)
                self._partial.append(payload)
            if self._partial.length == self.total:
                return self._finish()
        except (JobParked, PlateError, ProtocolError) as problem:
            self.close()
            if isinstance(problem, JobParked):
                for job_id in dict.fromkeys(self._senders.values()):
                    self._on_parked(job_id, problem)
            return [Answer(one, Rejected(self.file, problem.report())) for one in self._senders]
        return [Answer(sender, Credit(self.file, self._partial.length))]

    def close(self) -> None:
        """Stop; what has arrived stays for the next connection."""
        self._partial.close()

    def _check(self, chunk: Chunk, payload: memoryview) -> None:
        end = chunk.offset + len(payload)
        if self._partial.length > self.total:
            self._partial.drop()
            raise PlateError(
                f"more of {self.file} had arrived than its {self.total} bytes", remedy="It starts anew: send it again."
            )
        if chunk.total != self.total or chunk.offset < 0 or end > self.total or not 0 < len(payload) <= CHUNK_BYTES:
            raise ProtocolError(
                f"{len(payload)} bytes at {chunk.offset} of {chunk.total} do not fit a file of {self.total} bytes",
                remedy="Install the same version of understudy on both sides.",
            )

    def _is_next(self, chunk: Chunk, payload: memoryview) -> bool:
        if self._partial.length == self.total:
            return True
        return chunk.offset == self._partial.length and xxh3_128_digest(payload) == chunk.check

    def _guide(self, sender: bytes, chunk: Chunk) -> list[Answer]:
        """Lead a connection that is not where we are: forward over what is here, or back, once, to what is missing."""
        length = self._partial.length
        if chunk.offset < length:
            return [Answer(sender, Credit(self.file, length))]
        if chunk.offset > length and sender in self._going_back:
            return []
        self._going_back.add(sender)
        return [Answer(sender, Credit(self.file, length, again=True))]

    def _finish(self) -> list[Answer]:
        self._partial.finish()
        self.stored = True
        for job_id in dict.fromkeys(self._senders.values()):
            self._on_stored(job_id, self.file)
        return [Answer(sender, Stored(self.file)) for sender in self._senders]


class Outgoing:
    """An output file on its way to one connection."""

    def __init__(self, receiver: bytes, pull: Pull, path: Path) -> None:
        """Open the file. Raises PlateError when it is gone or no plain file."""
        self.used_at = time.monotonic()
        self._receiver = receiver
        self._pull = pull
        self._open = ExitStack()
        self._file = self._open.enter_context(handed_over(path))
        self._total = os.fstat(self._file).st_size
        if not 0 <= pull.offset <= self._total:
            self.close()
            raise PlateError(f"{pull.path} has {self._total} bytes now", remedy="Fetch it from the beginning.")
        self._sent = self._taken = pull.offset

    @property
    def finished(self) -> bool:
        return self._taken >= self._total

    def credit(self, credit: Credit) -> None:
        """Note what the other side took; go back when it asks to."""
        self.used_at = time.monotonic()
        self._taken = max(self._taken, min(credit.offset, self._sent))
        if credit.again:
            self._sent = self._taken

    def chunks(self) -> Iterator[Answer]:
        """Yield what the window allows now. A file that became shorter ends in Rejected."""
        while self._sent < self._total and self._sent - self._taken < WINDOW_BYTES:
            payload = os.pread(self._file, min(CHUNK_BYTES, self._total - self._sent), self._sent)
            if not payload:
                problem = PlateError(f"{self._pull.path} became shorter", remedy="Fetch it again.")
                yield Answer(self._receiver, Rejected(self._pull.path, problem.report()))
                self._sent = self._taken = self._total
                return
            check = xxh3_128_digest(payload)
            header = Chunk(self._pull.job_id, self._pull.path, self._sent, self._total, check)
            yield Answer(self._receiver, header, payload)
            self._sent += len(payload)

    def close(self) -> None:
        self._open.close()
