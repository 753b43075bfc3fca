"""The ledger against what goes wrong with it: edits, cuts, crashes, full disks, several writers."""

from __future__ import annotations

import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.errors import DaemonError, JobParked, KeyRefused
from understudy.inference.authority.entries import MENDED, NewEntry, judge_chain, read_entry
from understudy.inference.authority.head import LedgerHead
from understudy.inference.authority.ledger import Ledger, judge_ledger, read_ledger


def entry(number: int = 0, actor: str = "ann") -> NewEntry:
    return NewEntry(event="job.accepted", actor=actor, subjects={"job": f"job{number:05}"}, outcome="accepted")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path)
    for number in range(5):
        ledger.append(entry(number))
    return ledger


def lines(ledger: Ledger) -> list[bytes]:
    return ledger.path.read_bytes().splitlines(keepends=True)


def test_a_sound_ledger_is_found_sound_and_says_its_head(ledger: Ledger, tmp_path: Path) -> None:
    found = judge_ledger(tmp_path, [ledger.head], first_key=ledger.public_key)
    assert (found.entries, found.head, found.damage, found.torn_bytes) == (6, ledger.head, None, 0)


@pytest.mark.parametrize(
    ("old", "new"), [(b"job00002", b"job00009"), (b'"accepted"', b'"refused"'), (b'{"schema":1', b'{ "schema":1')]
)
def test_when_a_line_is_edited_then_it_is_found_at_its_line(
    ledger: Ledger, tmp_path: Path, old: bytes, new: bytes
) -> None:
    content = lines(ledger)
    assert old in content[3]
    content[3] = content[3].replace(old, new)
    ledger.path.write_bytes(b"".join(content))
    damage = judge_ledger(tmp_path).damage
    assert damage is not None
    assert damage.line == 4


def test_when_a_line_is_deleted_then_it_is_found_where_it_is_missing(ledger: Ledger, tmp_path: Path) -> None:
    content = lines(ledger)
    ledger.path.write_bytes(b"".join(content[:2] + content[3:]))
    damage = judge_ledger(tmp_path).damage
    assert damage is not None
    assert (damage.line, damage.what) == (3, "entry 3 is not here: this is entry 4")


def test_when_two_lines_are_swapped_then_the_first_of_them_is_found(ledger: Ledger, tmp_path: Path) -> None:
    content = lines(ledger)
    content[1], content[2] = content[2], content[1]
    ledger.path.write_bytes(b"".join(content))
    damage = judge_ledger(tmp_path).damage
    assert damage is not None
    assert damage.line == 2


def test_when_the_end_is_cut_off_then_only_a_head_kept_elsewhere_tells(ledger: Ledger, tmp_path: Path) -> None:
    kept = ledger.head
    ledger.path.write_bytes(b"".join(lines(ledger)[:-2]))
    assert judge_ledger(tmp_path).damage is None
    damage = judge_ledger(tmp_path, [kept]).damage
    assert damage is not None
    assert (damage.line, "head of entry 6" in damage.what) == (5, True)


def test_when_the_whole_chain_is_written_anew_then_the_first_key_or_an_old_head_tells(
    ledger: Ledger, tmp_path: Path
) -> None:
    forged = Ledger(tmp_path / "forger")
    for number in range(5):
        forged.append(entry(number))
    ledger.path.write_bytes(forged.path.read_bytes())
    assert judge_ledger(tmp_path).damage is None
    by_key = judge_ledger(tmp_path, first_key=ledger.public_key).damage
    by_head = judge_ledger(tmp_path, [LedgerHead(seq=3, digest="0" * 64)]).damage
    assert by_key is not None
    assert by_head is not None
    assert (by_key.line, by_head.line) == (1, 3)


@given(data=st.data())
def test_when_any_byte_is_another_then_the_chain_is_not_sound(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.getbasetemp() / "any-byte"
    if not home.exists():
        ledger = Ledger(home)
        ledger.append(entry(1), entry(2))
    content = bytearray((home / "ledger/entries.jsonl").read_bytes())
    at = data.draw(st.integers(0, len(content) - 2))  # the last line break alone is what a torn line lacks
    content[at] ^= data.draw(st.integers(1, 255))
    whole = bytes(content)
    found = judge_chain(line + b"\n" for line in whole[:-1].split(b"\n"))
    assert found.damage is not None


def test_when_a_crash_tore_the_last_line_then_it_is_mended_kept_and_named(ledger: Ledger, tmp_path: Path) -> None:
    content = ledger.path.read_bytes()
    ledger.path.write_bytes(content + b'{"schema":1,"seq":7,"prev')
    assert judge_ledger(tmp_path).torn_bytes == 25
    again = Ledger(tmp_path)
    again.append(entry(6))
    found = judge_ledger(tmp_path)
    assert (found.entries, found.damage, found.torn_bytes) == (8, None, 0)
    mended = list(read_ledger(tmp_path))[6]
    assert (mended.event, mended.subjects["bytes"]) == (MENDED, "25")
    assert (ledger.folder / mended.subjects["kept"]).read_bytes() == b'{"schema":1,"seq":7,"prev'


def test_when_the_very_first_line_was_torn_then_the_ledger_opens_anew(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    first.path.write_bytes(first.path.read_bytes()[:-9])
    Ledger(tmp_path)
    assert [one.event for one in read_ledger(tmp_path)] == ["ledger.opened", MENDED]
    assert judge_ledger(tmp_path, first_key=first.public_key).damage is None


def test_when_the_last_line_is_damaged_then_nothing_is_appended_to_it(ledger: Ledger, tmp_path: Path) -> None:
    content = ledger.path.read_bytes()
    ledger.path.write_bytes(content.replace(b"job00004", b"job00009"))
    with pytest.raises(DaemonError, match="not signed by this ledger's key"):
        Ledger(tmp_path)
    assert ledger.path.read_bytes().count(b"\n") == 6


def test_when_it_is_cut_under_a_running_daemon_then_the_next_append_says_so(ledger: Ledger) -> None:
    ledger.path.write_bytes(b"".join(lines(ledger)[:-1]))
    with pytest.raises(DaemonError, match="it was cut"):
        ledger.append(entry(6))


def test_when_the_disk_is_full_then_nothing_is_half_written_and_later_it_goes_on(
    ledger: Ledger, tmp_path: Path
) -> None:
    size = ledger.path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
        with pytest.raises(JobParked, match="cannot be written"):
            ledger.append(entry(6))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert ledger.path.stat().st_size == size
    ledger.append(entry(6))
    assert judge_ledger(tmp_path).damage is None


WRITER = """
import sys
from pathlib import Path
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    head = ledger.append(NewEntry(event="test", actor="ann", subjects={"number": str(number)}))
    print(head.seq, head.digest, flush=True)
"""


def writer(home: Path, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(home), str(count)], stdout=subprocess.PIPE, text=True)


def test_when_several_processes_and_threads_write_then_the_chain_is_one(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    processes = [writer(tmp_path, 20) for _ in range(2)]
    threads = [threading.Thread(target=lambda: [ledger.append(entry(n)) for n in range(20)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(30) for process in processes] == [0, 0]
    for process in processes:
        process.communicate()
    found = judge_ledger(tmp_path)
    assert (found.entries, found.damage) == (81, None)


def test_when_a_writer_is_killed_at_any_moment_then_what_it_was_told_stands(tmp_path: Path) -> None:
    for turn in range(4):
        process = writer(tmp_path, 100_000)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.02 * turn)
        process.kill()
        told = [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        process.stdout.close()
        process.wait()
        heads = [LedgerHead(seq=int(line.split()[0]), digest=line.split()[1]) for line in told]
        Ledger(tmp_path)
        assert judge_ledger(tmp_path, heads).damage is None


def test_when_the_key_is_rotated_then_the_chain_goes_on_under_the_new_one(ledger: Ledger, tmp_path: Path) -> None:
    other, first = Ledger(tmp_path), ledger.public_key
    ledger.rotate("ann")
    assert ledger.public_key != first
    other.append(entry(6))
    ledger.append(entry(7))
    assert other.public_key == ledger.public_key
    assert judge_ledger(tmp_path, first_key=first).damage is None


def test_when_a_crash_cut_a_rotation_short_then_the_next_start_ends_it(ledger: Ledger, tmp_path: Path) -> None:
    old = (ledger.folder / "signing_key").read_bytes()
    ledger.rotate("ann")
    (ledger.folder / "signing_key").rename(ledger.folder / "signing_key.next")
    (ledger.folder / "signing_key").write_bytes(old)
    (ledger.folder / "signing_key").chmod(0o600)
    Ledger(tmp_path).append(entry(8))
    assert judge_ledger(tmp_path).damage is None


def test_names_stand_in_it_only_as_hashes_and_every_file_is_its_owners_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append(entry(1, actor="Ann Other"))
    digest = ledger.keep_list(b'{"a": "b"}')
    assert b"Ann" not in ledger.path.read_bytes()
    assert list(read_ledger(tmp_path))[1].actor == ledger.hashed("Ann Other")
    assert Ledger(tmp_path / "other").hashed("Ann Other") != ledger.hashed("Ann Other")
    assert ledger.list_path(digest).read_bytes() == b'{"a": "b"}'
    for path in [ledger.folder, *(path for path in ledger.folder.rglob("*") if path.name != ".ledger.lock")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_when_others_could_read_the_signing_key_then_the_ledger_is_not_opened(ledger: Ledger, tmp_path: Path) -> None:
    (ledger.folder / "signing_key").chmod(0o644)
    with pytest.raises(KeyRefused, match="others can read"):
        Ledger(tmp_path)


def test_an_entry_that_would_hold_a_list_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="limit"):
        ledger.append(NewEntry(event="job.accepted", actor="", subjects={"files": "x" * 70_000}))
    assert judge_ledger(tmp_path).entries == 6


def test_a_line_that_another_program_wrote_is_not_taken_for_an_entry() -> None:
    with pytest.raises(ValueError, match="does not read"):
        read_entry(b"{}")
