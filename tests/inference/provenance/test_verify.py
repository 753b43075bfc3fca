"""`understudy verify`: what a file is, whether it is what was signed, and which layer of proof says otherwise."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal_rig import Terminal

from understudy.bridge.errors import RequestError
from understudy.bridge.settings import load_settings
from understudy.inference.provenance.claims import version_manifest
from understudy.inference.provenance.credentials import sign_beside
from understudy.inference.provenance.frame_list import FINAL_LIST, FINAL_SEAL, LIST_NAME, SEAL_NAME
from understudy.inference.provenance.signing_keys import SigningKey, load_signing_key
from understudy.inference.provenance.verify import Verdict, verify

from .conftest import MADE

Spoil = Callable[[Path], None]


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def flip_after(path: Path, mark: bytes, by: int = 0) -> None:
    """Flip one bit `by` bytes behind the last place where `mark` stands."""
    at = path.read_bytes().rfind(mark)
    assert at >= 0
    flip(path, at + len(mark) + by)


def caught(found: Verdict) -> set[tuple[str, str, str]]:
    return {(fault.kind, fault.file, fault.layer) for fault in found.faults}


def test_when_nothing_was_touched_then_a_version_is_intact_wherever_it_was_moved(
    signed: Path, key: SigningKey, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(signed, tmp_path / "elsewhere" / "a client's name for it"))
    for folder in (signed, moved):
        found = verify(folder, key.anchors)
        assert (found.intact, found.faults, found.files) == (True, (), 6)
        assert found.what == "version 1 of job job1, shot sh010"


def test_when_a_development_certificate_signed_then_it_is_intact_and_never_trusted(
    signed: Path, key: SigningKey
) -> None:
    found = verify(signed, key.anchors)
    assert [(one.development, one.trusted, one.files) for one in found.signers] == [(True, False, 2)]
    assert not found.trusted


def test_when_the_signer_is_not_known_here_then_it_is_still_intact(signed: Path) -> None:
    found = verify(signed, b"")
    assert (found.intact, found.trusted) == (True, False)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda v: flip(v / "comp/comp.1002.exr", -3), {("altered", "comp/comp.1002.exr", "file list SHA-256")}),
        (lambda v: (v / "comp/comp.1003.exr").unlink(), {("missing", "comp/comp.1003.exr", "file list SHA-256")}),
        (
            lambda v: shutil.copy(v / "comp/comp.1003.exr", v / "comp/comp.1005.exr"),
            {("added", "comp/comp.1005.exr", "file list SHA-256")},
        ),
        (
            lambda v: (v / "comp/comp.1003.exr").rename(v / "comp/comp.1009.exr"),
            {("renamed", "comp/comp.1009.exr", "file list SHA-256")},
        ),
        (lambda v: flip(v / "manifest.json", 0), {("altered", "manifest.json", "file list SHA-256")}),
        (
            lambda v: flip_after(v / "review.mp4", b"mdat", 40),
            {("altered", "review.mp4", "C2PA"), ("altered", "review.mp4", "file list SHA-256")},
        ),
        (lambda v: (v / SEAL_NAME).unlink(), {("missing", SEAL_NAME, "C2PA")}),
        (lambda v: (v / LIST_NAME).unlink(), {("missing", LIST_NAME, "C2PA")}),
    ],
    ids=["frame", "missing", "added", "renamed", "manifest", "movie", "seal gone", "list gone"],
)
def test_when_one_thing_was_changed_then_it_is_named_with_the_layer_that_caught_it(
    version: Path, key: SigningKey, spoil: Spoil, expected: set[tuple[str, str, str]]
) -> None:
    spoil(version)
    found = verify(version, key.anchors)
    assert not found.intact
    assert {one for one in caught(found) if one[2] != "no proof"} == expected


@pytest.mark.parametrize(
    ("name", "mark", "by"),
    [
        (LIST_NAME, b'"sha256":"', 5),
        (SEAL_NAME, b"record_blake3", 4),
        (SEAL_NAME, b"urn:c2pa:", 3),
        (SEAL_NAME, b"development certificate", -4),
    ],
    ids=["list", "assertion", "claim", "certificate"],
)
def test_when_one_bit_of_list_assertion_claim_or_certificate_is_flipped_then_it_is_not_what_was_signed(
    version: Path, key: SigningKey, name: str, mark: bytes, by: int
) -> None:
    flip_after(version / name, mark, by)
    found = verify(version, key.anchors)
    assert not found.intact
    assert "C2PA" in {fault.layer for fault in found.faults if fault.file in (LIST_NAME, SEAL_NAME)}


def change_brand(movie: Path) -> None:
    flip(movie, 8)


def add_a_free_box(movie: Path) -> None:
    with movie.open("ab") as file:
        file.write((24).to_bytes(4, "big") + b"free" + b"hidden content!!")


@pytest.mark.parametrize("change", [change_brand, add_a_free_box])
def test_what_c2pa_does_not_see_in_a_movie_is_caught_by_the_list(
    version: Path, key: SigningKey, change: Spoil, tmp_path: Path
) -> None:
    change(version / "review.mp4")
    found = verify(version, key.anchors)
    assert caught(found) == {("altered", "review.mp4", "file list SHA-256")}
    alone = Path(shutil.copy(version / "review.mp4", tmp_path / "alone.mp4"))
    assert verify(alone, key.anchors).intact, "C2PA sees it by now: say so in docs/provenance.md"


def test_when_a_frame_of_another_job_is_listed_anew_then_its_own_header_contradicts_the_list(
    version: Path, key: SigningKey
) -> None:
    frame = version / "comp" / "comp.1001.exr"
    frame.write_bytes(frame.read_bytes().replace(b"job1", b"job2"))
    assert ("altered", "comp/comp.1001.exr", "EXR attributes") in caught(verify(version, key.anchors))


def test_when_one_frame_of_a_version_is_asked_about_then_only_it_is_judged(version: Path, key: SigningKey) -> None:
    flip(version / "comp" / "comp.1002.exr", -3)
    assert verify(version / "comp" / "comp.1001.exr", key.anchors).intact
    assert not verify(version / "comp" / "comp.1002.exr", key.anchors).intact


@pytest.mark.parametrize("typed", ["..", ".", "../comp/comp.1001.exr", "comp.####.exr"])
def test_when_a_path_is_typed_from_within_a_version_then_it_is_found(
    version: Path, key: SigningKey, typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(version / "comp")
    found = verify(Path(typed), key.anchors)
    assert found.intact
    assert "version 1 of job job1" in found.what


def test_when_a_path_cannot_be_one_then_that_is_said(key: SigningKey) -> None:
    for typed in ("a\0b", "../a\0b", "x" * 5000):
        with pytest.raises(RequestError):
            verify(Path(typed), key.anchors)


def test_when_a_sequence_is_asked_about_then_its_missing_frames_are_faults_and_other_layers_are_not(
    version: Path, key: SigningKey
) -> None:
    (version / "comp" / "comp.1004.exr").unlink()
    (version / "review.mp4").unlink()
    found = verify(version / "comp" / "comp.####.exr", key.anchors)
    assert caught(found) == {("missing", "comp/comp.1004.exr", "file list SHA-256")}


def test_when_a_frame_lies_alone_then_nothing_proves_it_and_what_it_says_is_told(
    signed: Path, key: SigningKey, tmp_path: Path
) -> None:
    alone = Path(shutil.copy(signed / "comp" / "comp.1001.exr", tmp_path / "frame.exr"))
    found = verify(alone, key.anchors)
    assert caught(found) == {("unproven", "frame.exr", "no proof")}
    assert "job job1" in found.notes[0]


def test_when_a_file_was_never_made_by_this_tool_then_nothing_proves_it(
    movie: Path, key: SigningKey, tmp_path: Path
) -> None:
    assert caught(verify(movie, key.anchors)) == {("unproven", "movie.mp4", "no proof")}
    (tmp_path / "notes.txt").write_text("mine")
    assert not verify(tmp_path / "notes.txt", key.anchors).intact


def test_when_a_list_is_signed_by_somebody_else_then_their_name_is_told(
    version: Path, key: SigningKey, tmp_path: Path
) -> None:
    """Whoever can write into a folder can sign it anew: what they cannot do is be the signer that is trusted."""
    stranger = load_signing_key(load_settings({"home": tmp_path / "stranger"}))
    (version / SEAL_NAME).unlink()
    sign_beside(version / LIST_NAME, version / SEAL_NAME, version_manifest(MADE, LIST_NAME, ()), (), stranger)
    found = verify(version, key.anchors)
    assert not found.trusted


def test_when_a_list_of_one_kind_is_put_in_the_place_of_the_other_then_that_is_a_fault(
    version: Path, key: SigningKey
) -> None:
    """A final's list lies among files of others, so files that it does not name would not count."""
    (version / LIST_NAME).rename(version / FINAL_LIST)
    (version / SEAL_NAME).rename(version / FINAL_SEAL)
    assert ("renamed", FINAL_LIST, "C2PA") in caught(verify(version, key.anchors))


HOSTILE = {
    "empty list": (LIST_NAME, b""),
    "deep list": (LIST_NAME, b"[" * 200_000),
    "list that climbs": (LIST_NAME, b'{"job":"a","version":1,"files":[{"path":"../x","sha256":"%064d","size":1}]}' % 0),
    "list of numbers": (LIST_NAME, b"[1, 2]"),
    "list that is no text": (LIST_NAME, b"\xff\xfe\x00"),
    "empty seal": (SEAL_NAME, b""),
    "seal of zeros": (SEAL_NAME, bytes(5000)),
    "empty movie": ("review.mp4", b""),
    "movie of zeros": ("review.mp4", bytes(5000)),
    "box that never ends": ("review.mp4", b"\xff\xff\xff\xffuuid" + bytes(64)),
    "frame that is none": ("comp/comp.1001.exr", b"v/1\x01" + b"\xff" * 100),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_when_a_file_is_hostile_then_it_is_a_fault_and_no_crash(version: Path, key: SigningKey, what: str) -> None:
    name, content = HOSTILE[what]
    (version / name).write_bytes(content)
    found = verify(version, key.anchors)
    assert {fault.file for fault in found.faults} & ({LIST_NAME} if name == SEAL_NAME else {name})


def test_when_every_prefix_of_a_movie_or_a_seal_is_given_then_none_is_intact_and_none_crashes(
    version: Path, key: SigningKey
) -> None:
    for name in ("review.mp4", SEAL_NAME):
        whole = (version / name).read_bytes()
        for size in range(0, len(whole), max(1, len(whole) // 40)):
            (version / name).write_bytes(whole[:size])
            assert not verify(version, key.anchors).intact, (name, size)
        (version / name).write_bytes(whole)


def test_when_any_bit_is_flipped_then_nothing_crashes_and_every_bit_of_list_and_movie_counts(
    version: Path, key: SigningKey
) -> None:
    """A seal has padding that nothing is signed over: a flip there changes nothing that it proves."""
    for name in (LIST_NAME, SEAL_NAME, "review.mp4"):
        whole = (version / name).read_bytes()
        for at in range(0, len(whole), max(1, len(whole) // 50)):
            flip(version / name, at)
            intact = verify(version, key.anchors).intact
            assert not intact or name == SEAL_NAME, (name, at)
            (version / name).write_bytes(whole)


@pytest.mark.skipif(os.name != "posix", reason="pipes and such names are a POSIX matter")
def test_when_pipes_links_and_unprintable_names_lie_there_then_they_are_named_and_nothing_hangs(
    version: Path, key: SigningKey, terminal: Terminal
) -> None:
    os.mkfifo(version / "pipe.mp4")
    (version / "link.exr").symlink_to("/etc/passwd")
    (version / "loop").symlink_to(version)
    (version / "two\nlines\x1b[31m").write_bytes(b"1")
    os.close(os.open(os.fsencode(version) + b"/\xff\xfe", os.O_CREAT))
    found = verify(version, key.anchors)
    added = {fault.file for fault in found.faults if fault.kind == "added"}
    assert added == {"pipe.mp4", "link.exr", "loop", "two\nlines\x1b[31m", "\\xff\\xfe"}
    said = terminal("verify", str(version))
    assert said.code == 1
    assert "\x1b" not in said.out
    assert json.loads(terminal("verify", str(version), "--json").out)["intact"] is False


def test_the_command_says_one_line_a_fault_and_exits_by_what_it_found(
    version: Path, key: SigningKey, terminal: Terminal
) -> None:
    done = terminal("verify", str(version))
    assert done.code == 0
    assert "intact: 6 files are what was signed" in done.out
    assert terminal("verify", str(version), "--require-trusted").code == 1
    flip(version / "comp" / "comp.1002.exr", -3)
    (version / "comp" / "comp.1003.exr").unlink()
    done = terminal("verify", str(version))
    assert done.code == 1
    assert [line.split(":")[0:2] for line in done.out.splitlines() if "[file list" in line] == [
        ["altered", " comp/comp.1002.exr"],
        ["missing", " comp/comp.1003.exr"],
    ]
    assert terminal("verify", str(version / "nowhere")).code == 2
