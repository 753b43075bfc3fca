"""A version as a worker signs it, made of small files: pictures are not what these tests are about."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from understudy.bridge.settings import load_settings
from understudy.inference.picture.review import write_review
from understudy.inference.provenance.claims import Made, version_manifest
from understudy.inference.provenance.credentials import sign_beside, sign_in_itself
from understudy.inference.provenance.frame_list import LIST_NAME, SEAL_NAME, files_under, list_files, write_list
from understudy.inference.provenance.signing_keys import SigningKey, load_signing_key

MADE = Made(
    job="job1",
    version=1,
    shot="sh010",
    mode="animate",
    source_type="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    engine="an engine",
    engine_version="1",
    software="0.1.0",
    accepted_at="2026-11-20T10:00:00Z",
    prompt="none",
    compliance={
        "job": "job1",
        "version": 1,
        "shot": "sh010",
        "record_blake3": "ab",
        "clearance": "cleared",
        "state": "delivered",
    },
    ai_fields={"AISystemUsed": "an engine"},
)


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    """Return the development key of a machine of its own; the tests' commands run in that HOME."""
    return load_signing_key(load_settings({"home": tmp_path_factory.mktemp("signer") / "home"}))


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Path:
    """Return a signed version that nobody may change."""
    folder = tmp_path_factory.mktemp("signed") / "v001"
    draw_version(folder)
    seal_version(folder, key)
    return folder


@pytest.fixture
def version(tmp_path: Path, signed: Path) -> Path:
    """Return a copy of that version, to be spoilt."""
    return Path(shutil.copytree(signed, tmp_path / "v001"))


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """Return an unsigned movie."""
    path = tmp_path / "movie.mp4"
    draw_movie(path)
    return path


def draw_version(folder: Path) -> None:
    for frame in range(1001, 1005):
        path = folder / "comp" / f"comp.{frame}.exr"
        path.parent.mkdir(parents=True, exist_ok=True)
        said = {"job": "job1", "version": "1", "record": "ab", "state": "delivered".ljust(16)}
        header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.NO_COMPRESSION}
        header |= {f"understudy/{name}": value for name, value in said.items()}
        pixels = np.full((8, 8, 3), frame / 2000, np.float16)
        OpenEXR.File(header, {"RGB": pixels}).write(str(path))
    draw_movie(folder / "review.mp4")
    (folder / "manifest.json").write_text("{}\n")


def draw_movie(path: Path) -> None:
    random = np.random.default_rng(3)
    pictures = (random.integers(0, 255, (64, 96, 3), np.uint8) for _ in range(4))
    write_review(path, pictures, Fraction(24), 96, 64)


def seal_version(folder: Path, key: SigningKey, made: Made = MADE) -> None:
    sign_in_itself(folder / "review.mp4", version_manifest(made, "review.mp4", ()), (), key)
    (folder / LIST_NAME).write_bytes(write_list(list_files(folder, files_under(folder), job="job1", version=1)))
    sign_beside(folder / LIST_NAME, folder / SEAL_NAME, version_manifest(made, LIST_NAME, ()), (), key)
