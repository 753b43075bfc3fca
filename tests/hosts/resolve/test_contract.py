"""The contract, on the stand-in of DaVinci Resolve."""

from __future__ import annotations

from pathlib import Path

import pytest
from host_contract import HostContract
from resolve_rig import ResolveRig


class TestResolve(HostContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> ResolveRig:
        return ResolveRig(tmp_path / "show")
