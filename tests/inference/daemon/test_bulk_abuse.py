"""Lies, noise, floods and strangers at the bulk socket: they are refused or not heard, and others are still served."""

from __future__ import annotations

import logging
import os
import socket
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bulk_rig import Caller, GuardedDepot
from depot_rig import JOB, MIB
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xxhash import xxh3_128_digest

from understudy.bridge.bulk_messages import Chunk, Credit, Pull, Rejected, Stored
from understudy.bridge.wire import encode_bulk


def test_when_somebody_floods_the_daemon_with_words_that_need_no_answer_then_credit_still_comes(
    depot: GuardedDepot, caller: Caller
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


def test_when_no_job_asked_for_a_file_then_it_is_refused_and_no_byte_is_kept(
    depot: GuardedDepot, caller: Caller
) -> None:
    data = os.urandom(MIB)
    caller.chunk(data, 0)
    assert caller.refused().code == "request"
    caller.send(Chunk(JOB, "../../../etc/passwd", 0, 5, b""), b"hello")
    assert caller.refused().code == "request"
    assert depot.vault.bytes_used == 0


@pytest.mark.parametrize("total", [0, 1, 2 * MIB - 1, 2 * MIB + 1, -5, 2**62])
def test_when_the_size_is_a_lie_then_the_file_is_refused(depot: GuardedDepot, caller: Caller, total: int) -> None:
    data = os.urandom(2 * MIB)
    depot.want(data)
    caller.chunk(data, 0, total=total)
    assert "the job says 2097152" in caller.refused().message
    assert depot.vault.bytes_used == 0


@pytest.mark.parametrize(("offset", "size"), [(-1, 5), (2 * MIB, 5), (2**62, 5), (0, 0), (MIB + 1, MIB)])
def test_when_a_chunk_does_not_fit_its_file_then_it_is_refused(
    depot: GuardedDepot, caller: Caller, offset: int, size: int
) -> None:
    data = os.urandom(2 * MIB)
    file = depot.want(data)
    caller.send(Chunk(JOB, file, offset, len(data), xxh3_128_digest(bytes(size))), bytes(size))
    assert caller.refused().code == "protocol"
    caller.chunk(data, 0)
    assert caller.heard() == Credit(file, MIB)


def test_when_the_bytes_are_not_what_their_name_says_then_the_upload_is_refused_and_can_start_anew(
    depot: GuardedDepot, caller: Caller
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


def test_when_an_unknown_key_knocks_then_it_is_not_heard(depot: GuardedDepot) -> None:
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
    depot: GuardedDepot, caller: Caller, frames: list[bytes]
) -> None:
    caller.socket.send_multipart(frames)
    data = frames[0] + os.urandom(20)
    file = depot.want(data)
    caller.chunk(data, 0)
    while (heard := caller.heard()) != Stored(file):
        assert isinstance(heard, Rejected)


def test_when_well_formed_nonsense_arrives_then_the_server_still_takes_files(
    depot: GuardedDepot, caller: Caller, caplog: pytest.LogCaptureFixture
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


def test_when_raw_noise_hits_the_port_then_the_server_still_takes_files(depot: GuardedDepot, caller: Caller) -> None:
    for size in (1, 64, 100_000):
        with socket.create_connection(("127.0.0.1", depot.port)) as noise:
            noise.sendall(os.urandom(size))
    data = os.urandom(MIB)
    file = depot.want(data)
    caller.chunk(data, 0)
    assert caller.heard() == Stored(file)


def test_when_a_chunk_is_larger_than_any_chunk_may_be_then_only_its_connection_ends(
    depot: GuardedDepot, caller: Caller
) -> None:
    rude = depot.connect()
    rude.socket.send_multipart([encode_bulk(Credit("x", 0)), bytes(4 * MIB)])
    data = os.urandom(MIB)
    file = depot.want(data)
    caller.chunk(data, 0)
    assert caller.heard() == Stored(file)
    rude.vanish()


def test_when_an_output_is_anothers_or_unknown_or_a_symlink_then_pulling_is_refused(
    depot: GuardedDepot, caller: Caller, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to("/etc/passwd")
    depot.outputs["somebody else", "a"] = tmp_path
    depot.outputs[depot.keys.connection.user, "link"] = link
    for path, code in (("a", "request"), ("b", "request"), ("link", "plate")):
        caller.send(Pull(JOB, path, 0))
        assert caller.refused().code == code


def test_when_a_sender_ignores_the_window_then_memory_stays_bounded(depot: GuardedDepot) -> None:
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
