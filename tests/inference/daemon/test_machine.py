from __future__ import annotations

import os
from pathlib import Path

from understudy.bridge.client import Client

from .conftest import DaemonProcess, guest, make_job, send, state_of, until


def test_when_the_machine_is_asked_for_then_packs_ledger_and_uptime_are_told(daemon: DaemonProcess) -> None:
    with daemon.client() as client:
        now = client.machine()
    packs = {pack.partition("@")[0] for pack in now.packs}
    assert "base" in packs
    assert not packs & {"dk-likeness", "us-nofakes", "uk-replica"}, "bills that are switched off are not in force"
    assert now.packs_problem == ""
    assert now.ledger_entries >= 1
    assert len(now.ledger_digest) == 64
    assert 0 < now.uptime_seconds < 60
    assert now.follows == ""


def test_when_the_machine_has_cards_then_what_they_hold_is_told(tmp_path: Path) -> None:
    program = tmp_path / "bin/nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '0, GPU-aa, NVIDIA H200, 1024, 143771'\n")
    program.chmod(0o755)
    daemon = DaemonProcess(tmp_path / "home")
    daemon.environment["PATH"] = f"{program.parent}:{os.environ['PATH']}"
    daemon.start()
    with daemon.client() as client:
        (card,) = client.machine().gpus
    daemon.stop()
    assert (card.index, card.name, card.used_bytes) == ("0", "NVIDIA H200", 2**30)


def test_when_jobs_wait_then_they_are_told_in_their_order_and_those_of_others_are_hidden(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        first = send(client, make_job(tmp_path / "a", prompt="slow=30"))
        until(lambda: state_of(client, first) == "running")
        later = send(client, make_job(tmp_path / "b", shot="sh020"))
        sooner = send(client, make_job(tmp_path / "c", shot="sh030", priority=10))
        until(lambda: len(client.machine().queue) == 2)
        queue = client.machine().queue
        assert [one.job_id for one in queue] == [sooner, later]
        assert [(one.shot, one.user) for one in queue] == [
            ("sh030", client.show_job(sooner).summary.user),
            ("sh020", client.show_job(later).summary.user),
        ]
        assert all(one.seconds >= 0 for one in queue)
        with Client(guest(daemon, "ben", "dune")) as other:
            assert [(one.job_id, one.shot, one.user) for one in other.machine().queue] == [("hidden", "", "")] * 2
        client.drain(now=True)
    daemon.finish(60)
