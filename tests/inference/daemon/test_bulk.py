from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xxhash import xxh3_128_digest

from understudy.bridge.bulk_messages import CHUNK_BYTES, CREDIT_CHUNKS, Bulk, Chunk, Credit, Pull, Rejected, Stored
from understudy.bridge.errors import JobParked, UnderstudyError, error_from_report
from understudy.bridge.keys import Connection, User, ensure_local_keys, issue_key
from understudy.bridge.wire import address, client_socket, decode_bulk, encode_bulk
from understudy.inference.daemon.bulk import CREDIT_TOGETHER, BulkServer
from understudy.inference.vault import Vault

MIB = CHUNK_BYTES
JOB = "job1"


def digest_of(data: bytes) -> str:
    return blake3(data).hexdigest()


class Depot:
    """A bulk server with its vault, its door keeper, and jobs that ask for whatever a test lists."""

    def __init__(self, home: Path, quota_bytes: int = 200 * MIB) -> None:
        self.keys = ensure_local_keys(home)
        self.vault = Vault(home / "vault", quota_bytes)
        self.wanted: dict[tuple[str, str], int] = {}
        self.stored: list[tuple[str, str]] = []
        self.parked: list[str] = []
        self.outputs: dict[tuple[str, str], Path] = {}
        self.context = zmq.Context()
        self._zap = self.context.socket(zmq.REP)
        self._zap.bind("inproc://zeromq.zap.01")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._admit)
        self._thread.start()
        self.bulk = BulkServer(
            self.context,
            self.keys.server,
            self.vault,
            lambda user, job_id, file: (job_id, file) in self.wanted,
            lambda user, job_id, path: self.outputs.get((user, path)),
            lambda job_id, file: self.stored.append((job_id, file)),
            size_of=lambda job_id, file: self.wanted.get((job_id, file)),
            on_parked=lambda job_id, problem: self.parked.append(job_id),
        )
        self.home = home

    def want(self, data: bytes, job_id: str = JOB) -> str:
        self.wanted[job_id, digest_of(data)] = len(data)
        return digest_of(data)

    def connect(self, connection: Connection | None = None) -> Caller:
        return Caller(connection or self.keys.connection, self.bulk.port)

    def key_of(self, name: str) -> Connection:
        return issue_key(self.home, name, roles=("artist",), projects=(), host="127.0.0.1", port=1)

    def close(self) -> None:
        self.bulk.close()
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


@pytest.fixture
def depot(tmp_path: Path) -> Iterator[Depot]:
    depot = Depot(tmp_path / "home")
    yield depot
    depot.close()


@pytest.fixture
def caller(depot: Depot) -> Iterator[Caller]:
    caller = depot.connect()
    yield caller
    caller.vanish()


def test_when_a_file_arrives_whole_then_it_is_stored_and_the_job_is_told(depot: Depot, caller: Caller) -> None:
    data = os.urandom(2 * MIB + 5)
    file = depot.want(data)
    for offset in range(0, len(data), MIB):
        caller.chunk(data, offset)
    assert caller.after_credits() == Stored(file)
    assert depot.vault.path(file).read_bytes() == data
    assert depot.stored == [(JOB, file)]


def test_when_a_whole_window_is_at_hand_then_credits_may_come_together_but_none_is_kept_back(
    depot: Depot, caller: Caller
) -> None:
    data = os.urandom((CREDIT_CHUNKS + 1) * MIB)
    depot.want(data)
    for number in range(CREDIT_CHUNKS):
        caller.chunk(data, number * MIB)
    offsets = []
    while (offsets or [0])[-1] < CREDIT_CHUNKS * MIB:
        heard = caller.heard()
        assert isinstance(heard, Credit)
        offsets.append(heard.offset)
    assert offsets == sorted(offsets)
    assert max(b - a for a, b in pairwise([0, *offsets])) <= CREDIT_TOGETHER * MIB
    assert caller.silent()


def test_when_somebody_floods_the_daemon_with_words_that_need_no_answer_then_credit_still_comes(
    depot: Depot, caller: Caller
) -> None:
    data = os.urandom(2 * MIB)
    file = depot.want(data)
    rude = depot.connect()
    for number in range(500):
        rude.send(Credit(f"none {number}", 0))
    caller.chunk(data, 0)
    for number in range(500):
        rude.send(Credit(f"none {number}", 0))
    assert caller.heard() == Credit(file, MIB)
    rude.vanish()


def test_when_a_chunk_is_damaged_on_the_way_then_it_is_asked_for_again_once_and_nothing_is_lost(
    depot: Depot, caller: Caller
) -> None:
    data = os.urandom(4 * MIB)
    file = depot.want(data)
    caller.chunk(data, 0)
    caller.chunk(data, MIB, flip=True)
    caller.chunk(data, 2 * MIB)
    caller.chunk(data, 3 * MIB)
    assert caller.after_credits() == Credit(file, MIB, again=True)
    assert caller.silent()
    caller.chunk(data, MIB, flip=True)
    assert caller.heard() == Credit(file, MIB, again=True)
    for offset in range(MIB, 4 * MIB, MIB):
        caller.chunk(data, offset)
    assert caller.after_credits() == Stored(file)
    assert depot.vault.path(file).read_bytes() == data


def test_when_a_client_vanishes_in_mid_upload_then_the_next_goes_on_where_it_stopped(depot: Depot) -> None:
    data = os.urandom(3 * MIB)
    file = depot.want(data)
    first = depot.connect()
    first.chunk(data, 0)
    assert first.heard() == Credit(file, MIB)
    first.vanish()
    user = depot.keys.connection.user
    assert depot.vault.resume_offset(file, user) == MIB
    second = depot.connect()
    second.chunk(data, MIB)
    second.chunk(data, 2 * MIB)
    assert second.after_credits() == Stored(file)
    second.vanish()


def test_when_a_client_starts_too_early_or_too_late_then_it_is_led_to_the_right_place(
    depot: Depot, caller: Caller
) -> None:
    data = os.urandom(3 * MIB)
    file = depot.want(data)
    caller.chunk(data, MIB)
    assert caller.heard() == Credit(file, 0, again=True)
    caller.chunk(data, 0)
    caller.chunk(data, 0)
    assert caller.heard() == Credit(file, MIB)


def test_when_everything_had_arrived_but_was_never_confirmed_then_one_chunk_brings_the_confirmation(
    depot: Depot, caller: Caller
) -> None:
    data = os.urandom(MIB)
    file = depot.want(data)
    partial = depot.vault.open_partial(file, depot.keys.connection.user)
    partial.append(data)
    partial.close()
    caller.send(Chunk(JOB, file, MIB - 1, MIB, xxh3_128_digest(data[-1:])), data[-1:])
    assert caller.heard() == Stored(file)


def test_when_two_users_upload_the_same_file_at_once_then_both_end_well_and_neither_leans_on_the_other(
    depot: Depot,
) -> None:
    data = os.urandom(2 * MIB)
    depot.want(data, "anns")
    file = depot.want(data, "bobs")
    ann, bob = depot.connect(depot.key_of("ann")), depot.connect(depot.key_of("bob"))
    for offset in (0, MIB):
        ann.chunk(data, offset, job_id="anns")
        bob.chunk(data, offset, job_id="bobs")
    for caller in (ann, bob):
        assert caller.after_credits() == Stored(file)
        caller.vanish()
    assert sorted(depot.stored) == [("anns", file), ("bobs", file)]
    assert depot.vault.bytes_used == len(data)


def test_when_two_connections_of_one_user_bring_the_same_file_then_both_hear_that_it_is_stored(depot: Depot) -> None:
    data = os.urandom(3 * MIB)
    file = depot.want(data)
    depot.want(data, "job2")
    one, two = depot.connect(), depot.connect()
    one.chunk(data, 0)
    assert one.heard() == Credit(file, MIB)
    two.chunk(data, 0, job_id="job2")
    assert two.heard() == Credit(file, MIB)
    one.chunk(data, MIB)
    one.chunk(data, 2 * MIB)
    assert one.after_credits() == Stored(file)
    assert two.heard() == Stored(file)
    two.chunk(data, MIB, job_id="job2")
    assert two.heard() == Stored(file)
    assert {(JOB, file), ("job2", file)} == set(depot.stored)
    for caller in (one, two):
        caller.vanish()


def test_when_no_job_asked_for_a_file_then_it_is_refused_and_no_byte_is_kept(depot: Depot, caller: Caller) -> None:
    data = os.urandom(MIB)
    caller.chunk(data, 0)
    assert caller.refused().code == "request"
    caller.send(Chunk(JOB, "../../../etc/passwd", 0, 5, b""), b"hello")
    assert caller.refused().code == "request"
    assert depot.vault.bytes_used == 0


@pytest.mark.parametrize("total", [0, 1, 2 * MIB - 1, 2 * MIB + 1, -5, 2**62])
def test_when_the_size_is_a_lie_then_the_file_is_refused(depot: Depot, caller: Caller, total: int) -> None:
    data = os.urandom(2 * MIB)
    depot.want(data)
    caller.chunk(data, 0, total=total)
    assert "the job says 2097152" in caller.refused().message
    assert depot.vault.bytes_used == 0


@pytest.mark.parametrize(("offset", "size"), [(-1, 5), (2 * MIB, 5), (2**62, 5), (0, 0), (MIB + 1, MIB)])
def test_when_a_chunk_does_not_fit_its_file_then_it_is_refused(
    depot: Depot, caller: Caller, offset: int, size: int
) -> None:
    data = os.urandom(2 * MIB)
    file = depot.want(data)
    caller.send(Chunk(JOB, file, offset, len(data), xxh3_128_digest(bytes(size))), bytes(size))
    assert caller.refused().code == "protocol"
    caller.chunk(data, 0)
    assert caller.heard() == Credit(file, MIB)


def test_when_the_bytes_are_not_what_their_name_says_then_the_upload_is_refused_and_can_start_anew(
    depot: Depot, caller: Caller
) -> None:
    data, other = os.urandom(2 * MIB), os.urandom(2 * MIB)
    file = depot.want(data)
    for offset in (0, MIB):
        payload = other[offset : offset + MIB]
        caller.send(Chunk(JOB, file, offset, len(data), xxh3_128_digest(payload)), payload)
    refused = caller.after_credits()
    assert isinstance(refused, Rejected)
    assert refused.error.code == "plate"
    for offset in (0, MIB):
        caller.chunk(data, offset)
    assert caller.after_credits() == Stored(file)


def test_when_the_vault_is_over_its_quota_then_the_sender_hears_parked_and_goes_on_when_there_is_room(
    depot: Depot, caller: Caller
) -> None:
    data = os.urandom(2 * MIB)
    file = depot.want(data)
    depot.vault.quota_bytes = MIB + 1
    for offset in (0, MIB):
        caller.chunk(data, offset)
    parked = caller.after_credits()
    assert isinstance(parked, Rejected)
    assert isinstance(error_from_report(parked.error), JobParked)
    assert depot.parked == [JOB]
    depot.vault.quota_bytes = 10 * MIB
    caller.chunk(data, MIB)
    assert caller.heard() == Stored(file)


def test_when_an_unknown_key_knocks_then_it_is_not_heard(depot: Depot) -> None:
    stranger = depot.key_of("stranger")
    depot.keys.users.remove_user("stranger")
    data = os.urandom(MIB)
    depot.want(data)
    caller = depot.connect(stranger)
    caller.chunk(data, 0)
    assert caller.silent(0.5)
    assert depot.vault.bytes_used == 0
    caller.vanish()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_when_random_bytes_arrive_then_the_server_still_takes_files(
    depot: Depot, caller: Caller, frames: list[bytes]
) -> None:
    caller.socket.send_multipart(frames)
    data = frames[0] + os.urandom(20)
    file = depot.want(data)
    caller.chunk(data, 0)
    while (heard := caller.heard()) != Stored(file):
        assert isinstance(heard, Rejected)


def test_when_well_formed_nonsense_arrives_then_the_server_still_takes_files(
    depot: Depot, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    nonsense: list[list[Any]] = [
        ["c", JOB, "x", 0, 1, b""], ["k", "x", -9], ["s", "x"], ["p", "nojob", "../x", -1], ["p", JOB, "\0", 2**63],
        ["c", JOB, "x", 2**64 - 1, 1, b""], ["r", "x", {"type": "error", "code": "", "message": ""}], ["z"], [],
    ]  # fmt: skip
    with caplog.at_level(logging.CRITICAL):
        for words in nonsense:
            caller.socket.send(msgspec.msgpack.encode(words))
            caller.socket.send_multipart([msgspec.msgpack.encode(words[:4]), b"payload"])
    data = os.urandom(MIB)
    file = depot.want(data)
    caller.chunk(data, 0)
    while (heard := caller.heard()) != Stored(file):
        assert isinstance(heard, Rejected)


def test_when_raw_noise_hits_the_port_then_the_server_still_takes_files(depot: Depot, caller: Caller) -> None:
    for size in (1, 64, 100_000):
        with socket.create_connection(("127.0.0.1", depot.bulk.port)) as noise:
            noise.sendall(os.urandom(size))
    data = os.urandom(MIB)
    file = depot.want(data)
    caller.chunk(data, 0)
    assert caller.heard() == Stored(file)


def test_when_a_chunk_is_larger_than_any_chunk_may_be_then_only_its_connection_ends(
    depot: Depot, caller: Caller
) -> None:
    rude = depot.connect()
    rude.socket.send_multipart([encode_bulk(Credit("x", 0)), bytes(4 * MIB)])
    data = os.urandom(MIB)
    file = depot.want(data)
    caller.chunk(data, 0)
    assert caller.heard() == Stored(file)
    rude.vanish()


def test_when_an_output_is_pulled_then_no_more_than_the_window_comes_before_credit(
    depot: Depot, caller: Caller, tmp_path: Path
) -> None:
    data = os.urandom((CREDIT_CHUNKS + 2) * MIB + 7)
    path = tmp_path / "layer.exr"
    path.write_bytes(data)
    depot.outputs[depot.keys.connection.user, "comp/comp.0001.exr"] = path
    caller.send(Pull(JOB, "comp/comp.0001.exr", MIB))
    got = b""
    for number in range(CREDIT_CHUNKS):
        header, payload = caller.heard_with_payload()
        assert isinstance(header, Chunk)
        assert (header.offset, header.total) == ((number + 1) * MIB, len(data))
        assert header.check == xxh3_128_digest(payload)
        got += payload
    assert caller.silent()
    while len(got) < len(data) - MIB:
        caller.send(Credit("comp/comp.0001.exr", MIB + len(got)))
        while not caller.silent(0.1):
            got += caller.heard_with_payload()[1]
    assert got == data[MIB:]


def test_when_an_output_is_anothers_or_unknown_or_a_symlink_then_pulling_is_refused(
    depot: Depot, caller: Caller, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to("/etc/passwd")
    depot.outputs["somebody else", "a"] = tmp_path
    depot.outputs[depot.keys.connection.user, "link"] = link
    for path, code in (("a", "request"), ("b", "request"), ("link", "plate")):
        caller.send(Pull(JOB, path, 0))
        assert caller.refused().code == code


def test_when_the_server_closes_in_mid_upload_then_what_arrived_is_kept(tmp_path: Path) -> None:
    data = os.urandom(2 * MIB)
    depot = Depot(tmp_path / "home")
    file = depot.want(data)
    caller = depot.connect()
    caller.chunk(data, 0)
    assert caller.heard() == Credit(file, MIB)
    depot.close()
    caller.vanish()
    assert Vault(tmp_path / "home" / "vault", MIB).resume_offset(file, depot.keys.connection.user) == MIB


def test_when_a_sender_ignores_the_window_then_memory_stays_bounded(depot: Depot) -> None:
    data = os.urandom(40 * MIB)
    file = depot.want(data)
    caller = depot.connect()
    before = _resident()
    for offset in range(0, len(data), MIB):
        caller.chunk(data, offset)
    end = time.monotonic() + 10
    while not depot.vault.has(file) and time.monotonic() < end:
        time.sleep(0.01)
    assert depot.vault.has(file)
    assert _resident() - before < 150 * MIB
    caller.vanish()


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_when_a_user_of_the_list_is_named_then_the_owner_of_the_partial_is_that_user(depot: Depot) -> None:
    depot.keys.users.add_user(depot.key_of("cam").public, User(name="cam"))
    cam = depot.connect(depot.key_of("cam"))
    data = os.urandom(2 * MIB)
    file = depot.want(data)
    cam.chunk(data, 0)
    assert cam.heard() == Credit(file, MIB)
    assert depot.vault.resume_offset(file, "cam") == MIB
    cam.vanish()
