"""The contract, in a real Blender."""

from __future__ import annotations

from pathlib import Path

import pytest
from blender_rig import BlenderRig
from host_contract import HostContract


class TestBlender(HostContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> BlenderRig:
        folder = tmp_path / "docu{m}ent #1"
        folder.mkdir()
        return BlenderRig(folder)
