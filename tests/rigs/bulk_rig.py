"""A bulk server alone, and a client that says to it exactly what a test wants to be said."""

from __future__ import annotations

import threading
from pathlib import Path

import zmq
from depot_rig import JOB, MIB, Depot, digest_of
from xxhash import xxh3_128_digest

from understudy.bridge.bulk_messages import CHUNK_BYTES, Bulk, Chunk, Credit, Rejected
from understudy.bridge.errors import UnderstudyError, error_from_report
from understudy.bridge.keys import Connection, ensure_local_keys, issue_key
from understudy.bridge.wire import address, client_socket, decode_bulk, encode_bulk


class GuardedDepot(Depot):
    """A depot with a door keeper (ZAP) of its own, and no daemon around it."""

    def __init__(self, home: Path, quota_bytes: int = 200 * MIB) -> None:
        context = zmq.Context()
        self._zap = context.socket(zmq.REP)
        self._zap.bind("inproc://zeromq.zap.01")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._admit)
        super().__init__(context, ensure_local_keys(home), home, quota_bytes)
        self._thread.start()

    def connect(self, connection: Connection | None = None) -> Caller:
        return Caller(connection or self.keys.connection, self.port)

    def key_of(self, name: str) -> Connection:
        return issue_key(self.home, name, roles=("artist",), projects=(), host="127.0.0.1", port=1)

    def close(self) -> None:
        super().close()
        self._stop.set()
        self._thread.join()
        self.context.term()

    def _admit(self) -> None:
        while not self._stop.is_set():
            if self._zap.poll(20):
                version, request_id, *_, key = self._zap.recv_multipart()
                user = self.keys.users.user_for(key)
                verdict = [b"400", b"no", b""] if user is None else [b"200", b"OK", user.name.encode()]
                self._zap.send_multipart([version, request_id, *verdict, b""])
        self._zap.close(linger=0)


class Caller:
    """A client that says exactly what a test wants to be said."""

    def __init__(self, connection: Connection, port: int) -> None:
        self.context = zmq.Context()
        self.socket = client_socket(self.context, connection)
        self.socket.connect(address("127.0.0.1", port))

    def send(self, header: Bulk, payload: bytes | None = None) -> None:
        self.socket.send_multipart([encode_bulk(header)] + ([] if payload is None else [payload]))

    def chunk(
        self, data: bytes, offset: int, *, job_id: str = JOB, total: int | None = None, flip: bool = False
    ) -> None:
        payload = data[offset : offset + CHUNK_BYTES]
        check = xxh3_128_digest(payload)
        if flip:
            payload = bytes([payload[0] ^ 1]) + payload[1:]
        self.send(Chunk(job_id, digest_of(data), offset, len(data) if total is None else total, check), payload)

    def heard(self, seconds: float = 5.0) -> Bulk:
        return self.heard_with_payload(seconds)[0]

    def heard_with_payload(self, seconds: float = 5.0) -> tuple[Bulk, bytes]:
        assert self.socket.poll(int(seconds * 1000)), "the daemon said nothing"
        header, *payload = self.socket.recv_multipart()
        return decode_bulk(header), payload[0] if payload else b""

    def after_credits(self) -> Bulk:
        """Return the first word that is more than a credit; how many of those come together is the lane's business."""
        while isinstance(heard := self.heard(), Credit) and not heard.again:
            pass
        return heard

    def refused(self) -> UnderstudyError:
        heard = self.heard()
        assert isinstance(heard, Rejected), heard
        return error_from_report(heard.error)

    def silent(self, seconds: float = 0.2) -> bool:
        return not self.socket.poll(int(seconds * 1000))

    def vanish(self) -> None:
        self.socket.close(linger=0)
        self.context.term()
