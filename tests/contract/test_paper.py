"""The contract, on the smallest host there can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from host_contract import HostContract
from paper_host import PaperRig


class TestPaper(HostContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> PaperRig:
        folder = tmp_path / "document"
        folder.mkdir()
        return PaperRig(folder)
