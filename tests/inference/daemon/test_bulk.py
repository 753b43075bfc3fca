"""Files to the vault and outputs out of it over the bulk socket: whole, damaged, broken off and begun again."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

from bulk_rig import Caller, GuardedDepot
from depot_rig import JOB, MIB
from xxhash import xxh3_128_digest

from understudy.bridge.bulk_messages import CREDIT_CHUNKS, Chunk, Credit, Pull, Rejected, Stored
from understudy.bridge.errors import JobParked, error_from_report
from understudy.bridge.keys import User
from understudy.inference.daemon.bulk import CREDIT_TOGETHER
from understudy.inference.vault import Vault


def test_when_a_file_arrives_whole_then_it_is_stored_and_the_job_is_told(depot: GuardedDepot, caller: Caller) -> None:
    data = os.urandom(2 * MIB + 5)
    file = depot.want(data)
    for offset in range(0, len(data), MIB):
        caller.chunk(data, offset)
    assert caller.after_credits() == Stored(file)
    assert depot.vault.path(file).read_bytes() == data
    assert depot.stored == [(JOB, file)]


def test_when_a_whole_window_is_at_hand_then_credits_may_come_together_but_none_is_kept_back(
    depot: GuardedDepot, caller: Caller
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


def test_when_a_chunk_is_damaged_on_the_way_then_it_is_asked_for_again_once_and_nothing_is_lost(
    depot: GuardedDepot, caller: Caller
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


def test_when_a_client_vanishes_in_mid_upload_then_the_next_goes_on_where_it_stopped(depot: GuardedDepot) -> None:
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
    depot: GuardedDepot, caller: Caller
) -> None:
    data = os.urandom(3 * MIB)
    file = depot.want(data)
    caller.chunk(data, MIB)
    assert caller.heard() == Credit(file, 0, again=True)
    caller.chunk(data, 0)
    caller.chunk(data, 0)
    assert caller.heard() == Credit(file, MIB)


def test_when_everything_had_arrived_but_was_never_confirmed_then_one_chunk_brings_the_confirmation(
    depot: GuardedDepot, caller: Caller
) -> None:
    data = os.urandom(MIB)
    file = depot.want(data)
    partial = depot.vault.open_partial(file, depot.keys.connection.user)
    partial.append(data)
    partial.close()
    caller.send(Chunk(JOB, file, MIB - 1, MIB, xxh3_128_digest(data[-1:])), data[-1:])
    assert caller.heard() == Stored(file)


def test_when_two_users_upload_the_same_file_at_once_then_both_end_well_and_neither_leans_on_the_other(
    depot: GuardedDepot,
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


def test_when_two_connections_of_one_user_bring_the_same_file_then_both_hear_that_it_is_stored(
    depot: GuardedDepot,
) -> None:
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


def test_when_the_vault_is_over_its_quota_then_the_sender_hears_parked_and_goes_on_when_there_is_room(
    depot: GuardedDepot, caller: Caller
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


def test_when_an_output_is_pulled_then_no_more_than_the_window_comes_before_credit(
    depot: GuardedDepot, caller: Caller, tmp_path: Path
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


def test_when_the_server_closes_in_mid_upload_then_what_arrived_is_kept(tmp_path: Path) -> None:
    data = os.urandom(2 * MIB)
    depot = GuardedDepot(tmp_path / "home")
    file = depot.want(data)
    caller = depot.connect()
    caller.chunk(data, 0)
    assert caller.heard() == Credit(file, MIB)
    depot.close()
    caller.vanish()
    assert Vault(tmp_path / "home" / "vault", MIB).resume_offset(file, depot.keys.connection.user) == MIB


def test_when_a_user_of_the_list_is_named_then_the_owner_of_the_partial_is_that_user(depot: GuardedDepot) -> None:
    depot.keys.users.add_user(depot.key_of("cam").public, User(name="cam"))
    cam = depot.connect(depot.key_of("cam"))
    data = os.urandom(2 * MIB)
    file = depot.want(data)
    cam.chunk(data, 0)
    assert cam.heard() == Credit(file, MIB)
    assert depot.vault.resume_offset(file, "cam") == MIB
    cam.vanish()
