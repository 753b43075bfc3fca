"""One tiny checkpoint a session, and a copy of it for each test that spoils it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a whole checkpoint. Read only: tests that change one take `folder`."""
    for library in ("torch", "diffusers", "transformers"):
        pytest.importorskip(library, reason="the model's libraries: pip install 'understudy[wan]'")
    from tiny_wan import make_tiny_checkpoint

    return make_tiny_checkpoint(tmp_path_factory.mktemp("models") / "tiny", seed=1)


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    """Return a copy of the checkpoint that a test may spoil."""
    return Path(shutil.copytree(checkpoint, tmp_path / "checkpoint"))
