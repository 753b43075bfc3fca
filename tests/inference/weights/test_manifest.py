"""A pinned folder is held to its manifest, file by file; what is told is expected and found."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.digests import DigestCache
from understudy.inference.weights.manifest import (
    MANIFEST,
    Difference,
    Manifest,
    PinnedFile,
    compare,
    is_inside,
    pin,
    read_manifest,
    write_manifest,
)

NOTHING = DigestCache(None)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a folder with three files, a half download and a hidden one."""
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae/weights.safetensors").write_bytes(b"vae")
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n")
    (tmp_path / "LICENSE.txt").write_text("You may.")
    (tmp_path / "vae/other.safetensors.incomplete").write_bytes(b"ha")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache/etag").write_text("x")
    return tmp_path


def test_when_a_folder_is_pinned_then_every_file_is_named_with_size_and_digest(small: Path) -> None:
    manifest = pin(small, "wan2.2-animate-14b", by="ana")
    assert [file.path for file in manifest.files] == ["LICENSE.txt", "README.md", "vae/weights.safetensors"]
    assert manifest.files[2].sha256 == hashlib.sha256(b"vae").hexdigest()
    assert manifest.files[2].size == 3
    assert manifest.pinned_by == "ana"


def test_when_a_folder_is_pinned_then_its_licence_is_named_and_digested(small: Path) -> None:
    manifest = pin(small, "m", by="ana")
    assert (manifest.licence, manifest.licence_file) == ("apache-2.0", "LICENSE.txt")
    assert manifest.licence_sha256 == hashlib.sha256(b"You may.").hexdigest()
    assert pin(small, "m", by="ana", licence="as agreed with the maker").licence == "as agreed with the maker"


def test_when_a_folder_says_no_licence_then_it_is_unknown_and_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("{}")
    manifest = pin(tmp_path, "m", by="ana")
    assert (manifest.licence, manifest.licence_file, manifest.licence_sha256) == ("unknown", "", "")


def test_when_a_manifest_is_written_then_it_reads_as_it_was_and_does_not_pin_itself(small: Path) -> None:
    manifest = pin(small, "m", by="ana")
    assert write_manifest(small, manifest) == small / MANIFEST
    assert read_manifest(small) == manifest
    assert pin(small, "m", by="ana") == manifest


def test_when_nothing_changed_then_nothing_differs(small: Path) -> None:
    assert compare(small, pin(small, "m", by="ana"), cache=NOTHING) == []


def test_when_files_change_then_each_is_named_with_what_was_expected_and_found(small: Path) -> None:
    manifest = pin(small, "m", by="ana")
    (small / "vae/weights.safetensors").write_bytes(b"VAE")
    (small / "README.md").write_text("longer than before" * 9)
    (small / "LICENSE.txt").unlink()
    differences = compare(small, manifest, cache=NOTHING)
    assert [(difference.path, difference.what) for difference in differences] == [
        ("LICENSE.txt", "missing"),
        ("README.md", "size"),
        ("vae/weights.safetensors", "digest"),
    ]
    words = differences[2].words(small)
    assert f"SHA-256 {hashlib.sha256(b'vae').hexdigest()} expected" in words
    assert f"{hashlib.sha256(b'VAE').hexdigest()} found" in words
    assert str(small / "vae/weights.safetensors") in words


def test_when_a_file_would_be_loaded_that_was_never_pinned_then_it_is_told(small: Path) -> None:
    manifest = pin(small, "m", by="ana")
    (small / "vae/new.safetensors").write_bytes(b"new")
    assert compare(small, manifest, files=["vae/new.safetensors"], cache=NOTHING) == [
        Difference("vae/new.safetensors", "unpinned")
    ]


def test_when_a_folder_has_no_manifest_then_there_is_none(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"model": 3}', b"\xff\xfe"])
def test_when_a_manifest_is_damaged_then_it_is_named_and_not_taken_for_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(WeightsError, match=MANIFEST):
        read_manifest(tmp_path)


def test_when_a_manifest_is_newer_than_this_version_then_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(msgspec.json.encode(Manifest(schema=2, model="m")))
    with pytest.raises(WeightsError, match="schema 2"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../b", "C:/windows", "a\\..\\b", ""])
def test_when_a_manifest_leads_out_of_its_folder_then_it_is_refused(tmp_path: Path, path: str) -> None:
    file = PinnedFile(path=path, size=1, sha256="0" * 64)
    (tmp_path / MANIFEST).write_bytes(msgspec.json.encode(Manifest(model="m", files=(file,))))
    with pytest.raises(WeightsError, match="is not in the folder"):
        read_manifest(tmp_path)


@given(path=some.text("ab./\\:", max_size=12))
def test_a_path_that_counts_as_inside_never_leads_out(path: str) -> None:
    if is_inside(path):
        assert (Path("/folder") / path).resolve().is_relative_to("/folder")
