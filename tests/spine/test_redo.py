"""A segment made again, from the command line to the layers, with a real daemon and the engine `preview`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from spine_rig import RunningDaemon
from terminal_rig import Terminal

from understudy.bridge.exr_file import read_attribute
from understudy.inference.compliance.manifest import read_manifest
from understudy.inference.drawn_shot import DrawnShot, draw_shot
from understudy.inference.picture.images import read_image

FIRST, FRAMES = 1001, 26
SECOND_SEGMENT = range(FIRST + 13, FIRST + 26)
"""26 frames are two segments of 13 for `preview`."""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> DrawnShot:
    return draw_shot(tmp_path_factory.mktemp("long"), frames=FRAMES, width=160, height=90)


@pytest.fixture
def take(
    terminal: Terminal, shared_daemon: RunningDaemon, long: DrawnShot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Return the id of a delivered job of two segments; its take lies in `first`."""
    monkeypatch.setenv("UNDERSTUDY_HOME", str(shared_daemon.home))
    ended = terminal(
        "submit", "--plate", long.plate, "--matte", long.matte, "--reference", long.reference,
        "--clean-plate", long.clean_plate, "--self-attest", "a test of redo", "--out", tmp_path / "first", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    return str(ended.json["summary"]["job_id"])


def changed(one: Path, other: Path, layer: str) -> list[int]:
    frames = range(FIRST, FIRST + FRAMES)
    return [
        frame
        for frame in frames
        if not np.array_equal(
            read_image(one / layer / f"{layer}.{frame}.exr").pixels.view(np.uint16),
            read_image(other / layer / f"{layer}.{frame}.exr").pixels.view(np.uint16),
        )
    ]


def test_understudy_redo_makes_a_new_version_with_the_pixels_before_it_kept(
    terminal: Terminal, take: str, tmp_path: Path
) -> None:
    ended = terminal(
        "redo", take, "--segment", 2, "--option", "light=0", "--option", "colour=0",
        "--out", tmp_path / "again", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert ended.json["summary"]["version"] == 2
    assert changed(tmp_path / "first", tmp_path / "again", "comp") == list(SECOND_SEGMENT)
    manifest = read_manifest((tmp_path / "again" / "manifest.json").read_bytes())
    assert manifest.version == 2
    assert json.loads(manifest.marks["understudy/redo"])["job_id"] == take
    kept, made = (tmp_path / "again" / "comp" / f"comp.{frame}.exr" for frame in (FIRST, FIRST + 25))
    assert read_attribute(kept, "understudy/pixels_from") == f"job {take} version 1"
    assert read_attribute(made, "understudy/pixels_from") is None
    rules = {finding.rule for finding in manifest.findings}
    assert {"pixels_kept", "record_is_sound", "plate_is_untouched"} <= rules, "both gates have looked anew"
    shown = terminal("show", manifest.job)
    assert f"segment 2 and all after it, from version 1 of job {take}" in shown.err


def test_the_same_redo_again_reuses_its_pixels_and_still_says_who_made_them(
    terminal: Terminal, take: str, tmp_path: Path
) -> None:
    words = ("redo", take, "--segment", 2, "--option", "light=0.5", "--json", "--out")
    for folder in ("once", "twice"):
        ended = terminal(*words, tmp_path / folder)
        assert ended.code == 0, ended.err
    assert "pixels_reused" in {finding["rule"] for finding in ended.json["findings"]}
    assert changed(tmp_path / "once", tmp_path / "twice", "comp") == []
    kept = tmp_path / "twice" / "comp" / f"comp.{FIRST}.exr"
    assert read_attribute(kept, "understudy/pixels_from") == f"job {take} version 1"


def test_alone_says_how_far_the_picture_jumps_at_both_ends(terminal: Terminal, take: str, tmp_path: Path) -> None:
    ended = terminal(
        "redo", take, "--segment", 1, "--alone", "--option", "light=0", "--option", "colour=0",
        "--out", tmp_path / "again", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert changed(tmp_path / "first", tmp_path / "again", "comp") == list(range(FIRST, FIRST + 13))
    (seam,) = [finding for finding in ended.json["findings"] if finding["rule"] == "seam"]
    assert seam["frames"] == [FIRST + 12, FIRST + 13]
    assert float(seam["facts"]["jump"]) > 0
    assert float(seam["facts"]["plate"]) > 0


def test_when_the_vault_has_forgotten_the_inputs_then_the_redo_brings_them_again(
    terminal: Terminal, take: str, tmp_path: Path, shared_daemon: RunningDaemon
) -> None:
    vault = shared_daemon.home / "vault"
    for path in [path for path in vault.rglob("*") if path.is_file()]:
        path.unlink()
    ended = terminal("redo", take, "--segment", 2, "--wait", "--json")
    assert ended.code == 0, ended.err


def test_a_redo_of_a_segment_that_is_not_there_says_which_there_are(terminal: Terminal, take: str) -> None:
    ended = terminal("redo", take, "--segment", 5)
    assert ended.code == 2
    assert "has 2 segments; there is no segment 5" in ended.err
    assert "2 = 1014-1026" in ended.err


def test_a_redo_of_a_version_that_somebody_deleted_says_that_it_is_gone(
    terminal: Terminal, take: str, shared_daemon: RunningDaemon
) -> None:
    shutil.rmtree(shared_daemon.home / "jobs" / take / "v001")
    ended = terminal("redo", take, "--segment", 1)
    assert ended.code == 2
    assert "have been removed" in ended.err
