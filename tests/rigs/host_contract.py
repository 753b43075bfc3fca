"""What every host must do, whichever it is: one test class that each host's own tests inherit and give a `rig`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from host_jobs_contract import JobsContract
from host_rig import Desk, Drawn, HostRig, draw
from host_takes_contract import TakesContract
from host_untouched_contract import UntouchedContract

from understudy.bridge.host_jobs import HostJobs


class HostContract(TakesContract, UntouchedContract, JobsContract):
    """Inherit it, and give a fixture `rig` that returns a HostRig with a document of its own.

    The tests run from the last part to the first: whole jobs, what is the artist's, takes.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def daemon(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
        running = RunningDaemon(tmp_path_factory.mktemp("daemon") / "home")
        yield running
        running.stop()

    @pytest.fixture(scope="class")
    @classmethod
    def drawn(cls, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
        return draw(tmp_path_factory.mktemp("drawn"))

    @pytest.fixture
    def desk(self, rig: HostRig, daemon: RunningDaemon, tmp_path: Path) -> Iterator[Desk]:
        jobs = HostJobs(rig.host, rig.main, lambda: daemon.connection, tmp_path / "exports")
        yield Desk(rig, jobs)
        jobs.close()
