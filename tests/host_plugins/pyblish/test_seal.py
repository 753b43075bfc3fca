"""A publish signs its final by the command line of the daemon's environment; the host needs no library for it."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest
from publish_rig import FRAMES, Paper, PlainDocument, make_take, publish, render

from understudy.bridge.exr_file import file_digest
from understudy.bridge.settings import load_settings
from understudy.host_plugins.pyblish.layers import FINAL_NAME
from understudy.inference.provenance.claims import Made, version_manifest
from understudy.inference.provenance.credentials import sign_beside
from understudy.inference.provenance.frame_list import (
    FINAL_LIST,
    FINAL_SEAL,
    LIST_NAME,
    SEAL_NAME,
    files_under,
    list_files,
    write_list,
)
from understudy.inference.provenance.signing_keys import load_signing_key
from understudy.inference.provenance.trust import trust_anchors
from understudy.inference.provenance.verify import verify

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    """Put `understudy` on the PATH, as a workstation with the daemon's environment has it."""
    path = tmp_path / "bin" / "understudy"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -m understudy.bridge.cli "$@"\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    return path


def sealed_take(folder: Path) -> str:
    layer = make_take(folder)
    made = Made(
        job="job00001", version=1, shot="shot", mode="replace", engine="e", engine_version="1", software="1",
        source_type="http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic", prompt="none",
        accepted_at="2026-11-20T10:00:00Z",
        compliance={"job": "job00001", "clearance": "cleared", "state": "delivered"},
    )  # fmt: skip
    (folder / LIST_NAME).write_bytes(write_list(list_files(folder, files_under(folder), job="job00001", version=1)))
    key = load_signing_key(load_settings())
    sign_beside(folder / LIST_NAME, folder / SEAL_NAME, version_manifest(made, LIST_NAME, ()), (), key)
    return layer


def published(layer: str, folder: Path) -> tuple[dict[str, str], Path]:
    final = render(layer, folder)
    document = PlainDocument()
    document.reads["Read1"] = (layer, "write")
    done = publish(document, Paper(), files=tuple(final.replace("####", str(frame)) for frame in FRAMES))
    return done.errors, folder


def test_when_the_takes_are_signed_then_the_final_is_and_verify_knows_it(program: Path, tmp_path: Path) -> None:
    errors, folder = published(sealed_take(tmp_path / "take"), tmp_path / "final")
    assert errors == {}
    assert {path.name for path in folder.iterdir()} >= {FINAL_LIST, FINAL_SEAL, FINAL_NAME}
    assert verify(folder / "comp.####.exr", trust_anchors(load_settings())).intact
    said = msgspec.json.decode((folder / FINAL_NAME).read_bytes())
    assert said["files"]["comp.1001.exr"] == file_digest(folder / "comp.1001.exr")


def test_when_a_take_was_touched_after_it_was_signed_then_the_publish_says_which_file(
    program: Path, tmp_path: Path
) -> None:
    layer = sealed_take(tmp_path / "take")
    (tmp_path / "take" / "notes.txt").write_text("added")
    errors, folder = published(layer, tmp_path / "final")
    assert "notes.txt" in errors["ExtractUnderstudyFinal"]
    assert not (folder / FINAL_SEAL).exists()


def test_when_the_daemons_environment_is_not_here_then_the_final_is_published_unsigned(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    errors, folder = published(sealed_take(tmp_path / "take"), tmp_path / "final")
    assert errors == {}
    assert (folder / FINAL_NAME).is_file()
    assert not (folder / FINAL_SEAL).exists()
