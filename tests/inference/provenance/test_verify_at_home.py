"""`understudy verify` on the daemon's machine: what its ledger and its mark know that no signature says."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest
from terminal_rig import Terminal

from understudy.bridge.shot import OutputFile
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.ledger import Ledger
from understudy.inference.daemon.papers import seal
from understudy.inference.picture.review import write_review
from understudy.inference.provenance.claims import SoftBinding, version_manifest
from understudy.inference.provenance.content_id import content_id, mark_words
from understudy.inference.provenance.credentials import read_credentials, sign_beside, sign_in_itself
from understudy.inference.provenance.frame_list import LIST_NAME, SEAL_NAME, files_under, list_files, write_list
from understudy.inference.provenance.signing_keys import SigningKey
from understudy.inference.provenance.verify import Verdict, verify
from understudy.inference.provenance.watermark import ALGORITHM, Marker
from understudy.inference.provenance.watermark_key import content_id_of, make_key, read_key

from .conftest import MADE
from .test_verify import add_a_free_box, caught, change_brand, flip

Spoil = Callable[[Path], None]


@pytest.fixture
def ledger(tmp_path: Path, version: Path, key: SigningKey) -> Ledger:
    """Return the ledger of the daemon that delivered `version`; its manifest holds the head of before."""
    ledger = Ledger(tmp_path / "daemon")
    head = ledger.append(NewEntry(event="job.accepted", actor="jo", subjects={"job": "job1"}, outcome="accepted"))
    (version / "manifest.json").write_bytes(msgspec.json.encode({"job": "job1", "ledger_head": head}))
    seal_anew(version, key)
    deliver(ledger, version)
    return ledger


def home_of(ledger: Ledger) -> Path:
    return ledger.folder.parent


def deliver(ledger: Ledger, version: Path, job: str = "job1") -> None:
    """Have the ledger told of a delivery, as the daemon tells it."""
    paths = sorted(path for path in version.rglob("*") if path.is_file())
    files = [OutputFile(path=path.relative_to(version).as_posix(), size=1, file="ab" * 32) for path in paths]
    sealed = seal(ledger, version, files)
    subjects = {"job": job, "version": "1", "files": sealed.files, "content": content_id(job, 1)}
    ledger.append(NewEntry(event="delivery.sealed", actor="jo", subjects=subjects, outcome="delivered"))


def seal_anew(version: Path, key: SigningKey) -> None:
    """List and sign what lies there now: what an insider with the studio's key can do."""
    (version / LIST_NAME).write_bytes(write_list(list_files(version, files_under(version), job="job1", version=1)))
    (version / SEAL_NAME).unlink()
    sign_beside(version / LIST_NAME, version / SEAL_NAME, version_manifest(MADE, LIST_NAME, ()), (), key)


def by(found: Verdict, layer: str) -> set[tuple[str, str]]:
    return {(fault.kind, fault.file) for fault in found.faults if fault.layer == layer}


def test_when_nothing_was_touched_then_the_ledger_says_when_it_was_delivered_wherever_the_folder_was_moved(
    version: Path, key: SigningKey, ledger: Ledger, tmp_path: Path
) -> None:
    moved = version.rename(tmp_path / "another name")
    found = verify(moved, key.anchors, home_of(ledger))
    assert found.faults == ()
    assert any("entry 3 of this machine's ledger lists 6 of these files" in note for note in found.notes)


def swap_neighbours(version: Path) -> None:
    one, other = version / "comp/comp.1002.exr", version / "comp/comp.1003.exr"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        pytest.param(
            swap_neighbours,
            {("altered", "comp/comp.1002.exr"), ("altered", "comp/comp.1003.exr")},
            id="each frame's bytes are delivered ones, under the other's name",
        ),
        pytest.param(
            lambda v: (v / "comp/comp.1003.exr").rename(v / "comp/comp.1009.exr"),
            {("missing", "comp/comp.1003.exr"), ("added", "comp/comp.1009.exr")},
            id="a renamed frame is one that is gone and one that nobody delivered",
        ),
        pytest.param(
            lambda v: shutil.copy(v / "comp/comp.1003.exr", v / "comp/comp.1005.exr"),
            {("added", "comp/comp.1005.exr")},
            id="an added frame was never delivered",
        ),
        pytest.param(
            lambda v: (v / "comp/comp.1003.exr").unlink(),
            {("missing", "comp/comp.1003.exr")},
            id="a missing frame was delivered",
        ),
        pytest.param(
            lambda v: flip(v / "comp/comp.1003.exr", -3),
            {("altered", "comp/comp.1003.exr")},
            id="one bit is another SHA-256",
        ),
        pytest.param(
            lambda v: change_brand(v / "review.mp4"),
            {("altered", "review.mp4")},
            id="C2PA leaves a movie's brand out of what it signs",
        ),
        pytest.param(
            lambda v: add_a_free_box(v / "review.mp4"),
            {("altered", "review.mp4")},
            id="C2PA leaves free boxes and what follows them out of what it signs",
        ),
    ],
)
def test_what_was_changed_is_caught_by_the_ledger_even_when_list_and_seal_were_made_anew(
    version: Path, key: SigningKey, ledger: Ledger, spoil: Spoil, expected: set[tuple[str, str]]
) -> None:
    spoil(version)
    assert by(verify(version, key.anchors, home_of(ledger)), "ledger") == expected
    seal_anew(version, key)
    found = verify(version, key.anchors, home_of(ledger))
    assert by(found, "ledger") == {*expected, ("altered", LIST_NAME), ("altered", SEAL_NAME)}
    assert {fault.layer for fault in found.faults} == {"ledger"}
    assert verify(version, key.anchors).intact, "without the ledger, whoever has the key is believed"


def test_when_a_frame_of_another_version_is_put_in_then_three_proofs_say_so(
    version: Path, key: SigningKey, ledger: Ledger
) -> None:
    frame = version / "comp" / "comp.1002.exr"
    frame.write_bytes(frame.read_bytes().replace(b"job1", b"job2"))
    found = verify(version, key.anchors, home_of(ledger))
    layers = {fault.layer for fault in found.faults if fault.file == "comp/comp.1002.exr"}
    assert layers == {"file list SHA-256", "EXR attributes", "ledger"}


@pytest.mark.parametrize("change", [change_brand, add_a_free_box])
def test_what_c2pa_does_not_see_is_caught_by_the_ledger_where_the_movie_lies_alone(
    version: Path, key: SigningKey, ledger: Ledger, change: Spoil, tmp_path: Path
) -> None:
    alone = Path(shutil.copy(version / "review.mp4", tmp_path / "alone.mp4"))
    assert verify(alone, key.anchors, home_of(ledger)).intact
    change(alone)
    assert verify(alone, key.anchors).intact
    assert by(verify(alone, key.anchors, home_of(ledger)), "ledger") == {("altered", "alone.mp4")}


def test_when_a_frame_lies_alone_then_the_ledger_knows_it_by_its_bytes(
    version: Path, key: SigningKey, ledger: Ledger, tmp_path: Path
) -> None:
    alone = Path(shutil.copy(version / "comp" / "comp.1001.exr", tmp_path / "frame.exr"))
    found = verify(alone, key.anchors, home_of(ledger))
    assert found.intact
    assert any("comp/comp.1001.exr of job job1, version 1" in note for note in found.notes)


def test_when_a_movie_lies_among_files_of_others_then_they_are_not_held_against_its_delivery(
    version: Path, key: SigningKey, ledger: Ledger, tmp_path: Path
) -> None:
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    shutil.copy(version / "review.mp4", downloads / "ours.mp4")
    (downloads / "holiday.txt").write_text("sun")
    found = verify(downloads, key.anchors, home_of(ledger))
    assert caught(found) == {("unproven", "holiday.txt", "no proof")}


def test_when_a_sequence_lost_its_list_then_a_frame_under_anothers_name_is_renamed(
    version: Path, key: SigningKey, ledger: Ledger, tmp_path: Path
) -> None:
    frames = Path(shutil.copytree(version / "comp", tmp_path / "frames"))
    assert verify(frames, key.anchors, home_of(ledger)).intact
    swap_neighbours_in(frames)
    found = verify(frames, key.anchors, home_of(ledger))
    assert by(found, "ledger") == {("renamed", "comp.1002.exr"), ("renamed", "comp.1003.exr")}


def swap_neighbours_in(folder: Path) -> None:
    one, other, aside = folder / "comp.1002.exr", folder / "comp.1003.exr", folder / "aside"
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def test_when_the_ledger_lacks_the_head_that_the_manifest_carries_then_it_vouches_for_nothing(
    version: Path, key: SigningKey, ledger: Ledger, tmp_path: Path
) -> None:
    """Written anew with another key from its first line, as whoever owns the disk can."""
    anew = Ledger(tmp_path / "anew")
    deliver(anew, version)
    found = verify(version, key.anchors, tmp_path / "anew")
    assert by(found, "ledger") == {("altered", "ledger/entries.jsonl")}


def test_when_a_line_of_the_ledger_was_changed_then_the_version_it_knows_is_not_intact(
    version: Path, key: SigningKey, ledger: Ledger
) -> None:
    ledger.path.write_bytes(ledger.path.read_bytes().replace(b'"outcome":"delivered"', b'"outcome":"deliverEd"'))
    found = verify(version, key.anchors, home_of(ledger))
    assert by(found, "ledger") == {("altered", "ledger/entries.jsonl")}


def test_when_the_kept_list_was_changed_then_that_is_a_fault_and_when_it_was_erased_a_note(
    version: Path, key: SigningKey, ledger: Ledger
) -> None:
    (kept,) = (ledger.folder / "lists").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole.replace(b"comp", b"c0mp"))
    assert by(verify(version, key.anchors, home_of(ledger)), "ledger") == {("altered", f"ledger/lists/{kept.name}")}
    kept.unlink()
    found = verify(version, key.anchors, home_of(ledger))
    assert found.intact
    assert any("was erased" in note for note in found.notes)


def test_when_the_ledger_is_of_another_house_then_it_says_so_and_leaves_the_version_to_its_seal(
    version: Path, key: SigningKey, ledger: Ledger, tmp_path: Path
) -> None:
    Ledger(tmp_path / "other")
    found = verify(version, key.anchors, tmp_path / "other")
    assert found.intact
    assert any("knows nothing of job job1" in note for note in found.notes)


def test_when_the_ledger_is_rubbish_then_a_version_that_it_does_not_know_is_still_judged(
    version: Path, key: SigningKey, tmp_path: Path
) -> None:
    entries = tmp_path / "rubbish" / "ledger" / "entries.jsonl"
    entries.parent.mkdir(parents=True)
    for content in (b"", b"\xff\x00\n", b"[" * 70_000 + b"\n", b"{}\n"):
        entries.write_bytes(content)
        assert verify(version, key.anchors, tmp_path / "rubbish").intact


def test_when_a_version_was_recalled_then_that_is_told(version: Path, key: SigningKey, ledger: Ledger) -> None:
    said = {"job": "job1", "version": "1", "recipient": "somebody"}
    ledger.append(NewEntry(event="delivery.recalled", actor="jo", subjects=said))
    assert any(note.startswith("recalled on ") for note in verify(version, key.anchors, home_of(ledger)).notes)


def marked_movie(path: Path, home: Path, job: str) -> None:
    picture = Marker(read_key(make_key(home)), content_id_of(job, 1)).mark(np.full((180, 320, 3), 90, np.uint8))
    write_review(path, [picture] * 3, Fraction(24), 320, 180)


def sign_marked(path: Path, key: SigningKey) -> None:
    binding = SoftBinding(ALGORITHM, mark_words(content_id("job1", 1)))
    made = dataclasses.replace(MADE, soft_binding=binding)
    sign_in_itself(path, version_manifest(made, path.name, ()), (), key)


def test_a_marked_movie_says_in_its_credentials_what_its_mark_says(tmp_path: Path, key: SigningKey) -> None:
    movie = tmp_path / "review.mp4"
    marked_movie(movie, tmp_path / "daemon", "job1")
    sign_marked(movie, key)
    reading = read_credentials(movie, key.anchors)
    assert reading is not None
    assert not reading.tampered
    assert reading.soft_bindings == ((ALGORITHM, mark_words(content_id("job1", 1))),)


def test_when_a_review_was_encoded_anew_then_its_mark_still_leads_to_its_job(
    version: Path, key: SigningKey, ledger: Ledger, tmp_path: Path
) -> None:
    leaked = tmp_path / "leaked.mp4"
    marked_movie(leaked, home_of(ledger), "job1")  # encoded, never signed: nothing but its pictures is left
    found = verify(leaked, key.anchors, home_of(ledger))
    assert not found.intact, "a mark says where pictures are from, not that nobody changed them"
    assert any("invisible mark" in note and "job job1, version 1, delivered on" in note for note in found.notes)
    assert "nothing in it" not in found.what


def test_when_the_review_of_another_job_is_put_in_then_its_mark_says_of_which(
    version: Path, key: SigningKey, ledger: Ledger
) -> None:
    deliver(ledger, version, "job2")
    marked_movie(version / "review.mp4", home_of(ledger), "job2")
    found = verify(version, key.anchors, home_of(ledger))
    (fault,) = (fault for fault in found.faults if fault.layer == "invisible mark")
    assert "job job2, version 1" in fault.words


def test_while_credentials_hold_nobody_waits_for_a_mark(version: Path, key: SigningKey, ledger: Ledger) -> None:
    """The movie of the fixture carries none: a search would have said so."""
    make_key(home_of(ledger))
    assert not any("mark" in note for note in verify(version, key.anchors, home_of(ledger)).notes)


def test_a_file_that_this_tool_never_made_is_said_to_be_none_of_ours_and_exits_with_one(
    movie: Path, home: Path, terminal: Terminal
) -> None:
    Ledger(home)
    make_key(home)
    said = terminal("verify", str(movie))
    assert said.code == 1
    assert "nothing in it or known here says that Understudy made it" in said.out
    assert "no mark of this machine's key" in said.out
    assert "unproven: movie.mp4: nothing proves it" in said.out


def test_the_command_asks_the_ledger_of_this_machine(
    version: Path, key: SigningKey, ledger: Ledger, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_HOME", str(home_of(ledger)))
    assert "of this machine's ledger lists 6" in terminal("verify", str(version)).out
    flip(version / "comp" / "comp.1002.exr", -3)
    assert "[ledger]" in terminal("verify", str(version)).out
