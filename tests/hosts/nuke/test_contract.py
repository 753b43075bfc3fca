"""The contract, in Nuke's stand-in: real EXRs, a real daemon, no Nuke."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from host_contract import HostContract
from nuke_rig import NukeRig, running


class TestNuke(HostContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[NukeRig]:
        folder = tmp_path / "document"
        folder.mkdir()
        with running():
            yield NukeRig(folder)
