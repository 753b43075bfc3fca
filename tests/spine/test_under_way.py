"""What may happen while a job is under way: files change, disks fill, daemons die, orders run elsewhere."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from spine_rig import RunningDaemon, gathered
from terminal_rig import COMMAND, Terminal, started
from typed_rig import ATTEST, FRAMES, HERE, Submit, bits, pixels_of, write

from understudy.bridge.client import Client
from understudy.bridge.errors import KeyRefused
from understudy.bridge.exr_file import picture_digest
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import follow_job
from understudy.bridge.transfer import upload
from understudy.inference.drawn_shot import DrawnShot


def test_when_a_plate_is_overwritten_in_place_in_mid_job_then_the_take_is_of_what_was_sent(
    terminal: Terminal, submit: Submit, shot: Path, tmp_path: Path
) -> None:
    sent = bits(shot / "plate.1002.exr")
    job = terminal("submit", *HERE, *ATTEST, "--seed", "7", "--json").json["job_id"]
    with (shot / "plate.1002.exr").open("r+b") as file:
        file.write(bytes(file.seek(0, os.SEEK_END)))
    assert terminal("fetch", job, "--out", tmp_path / "out").code == 0
    outside = pixels_of(tmp_path / "out" / "matte_effective" / "matte_effective.1002.exr")[:, :, 0] == 0
    assert np.array_equal(bits(tmp_path / "out" / "comp" / "comp.1002.exr")[outside], sent[outside])


@pytest.mark.parametrize(("typed", "head", "tail"), [("1", 1, 1), ("0:1", 0, 1)])
def test_when_handles_are_typed_then_the_job_has_them_at_the_ends_that_were_meant(
    terminal: Terminal, submit: Submit, shot: Path, typed: str, head: int, tail: int
) -> None:
    job = terminal("submit", *HERE, *ATTEST, "--handles", typed, "--json").json["job_id"]
    frames = terminal("show", job, "--json").json["detail"]["job"]["shot"]["range"]
    assert (frames.get("head", 0), frames.get("tail", 0)) == (head, tail)
    assert (frames["first"], frames["last"]) == (FRAMES[0], FRAMES[-1])


def test_when_a_frame_is_a_symlink_then_the_picture_it_leads_to_is_taken(submit: Submit, shot: Path) -> None:
    (shot / "plate.1002.exr").rename(shot / "elsewhere.exr")
    (shot / "plate.1002.exr").symlink_to("elsewhere.exr")
    assert submit().code == 0


def test_when_two_clients_bring_the_same_frames_at_once_then_both_get_their_take(
    submit: Submit, shot: Path, tmp_path: Path
) -> None:
    for frame in FRAMES:
        write(shot / f"plate.{frame}.exr", pixels_of(shot / f"plate.{frame}.exr") * np.float16(0.5))
    both = [started("submit", *HERE, *ATTEST, "--out", tmp_path / f"out_{number}") for number in (1, 2)]
    for client in both:
        _, said = client.communicate(timeout=60)
        assert client.returncode == 0, said
    for frame in FRAMES:
        first, second = (tmp_path / f"out_{number}" / "comp" / f"comp.{frame}.exr" for number in (1, 2))
        assert picture_digest(first) == picture_digest(second)


def test_when_the_artists_disk_is_full_then_the_folder_is_named_and_the_take_can_still_be_fetched(
    terminal: Terminal, submit: Submit, shot: Path, tmp_path: Path
) -> None:
    job = terminal("submit", *HERE, *ATTEST, "--seed", "9", "--json").json["job_id"]
    small = f"ulimit -f 16; exec {shlex.join(COMMAND)} fetch {job} --out '{tmp_path / 'out'}'"  # 16 KiB a file
    ended = subprocess.run(["bash", "-c", small], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 4, ended.stderr
    assert f"{tmp_path / 'out'}/.provisional/{job}/" in ended.stderr
    assert "cannot be written" in ended.stderr
    assert terminal("fetch", job, "--out", tmp_path / "out").code == 0


def test_when_the_order_of_a_paused_job_is_run_elsewhere_then_resume_delivers_what_was_made(
    terminal: Terminal, submit: Submit, shared_daemon: RunningDaemon, shot: Path, tmp_path: Path, drawn: DrawnShot
) -> None:
    long = ("--plate", drawn.plate, "--matte", drawn.matte, "--engine", "preview", "--seed", "100")
    with shared_daemon.holding_its_slot():
        before = terminal("submit", *HERE, *long, *ATTEST, "--json").json["job_id"]  # keeps the slot busy
        job = terminal("submit", *HERE, *ATTEST, "--seed", "101", "--json").json["job_id"]
        assert "Say `understudy pause" in terminal("order", job, tmp_path / "order.json").err
        assert terminal("pause", job, "--json").json["state"] == "paused"
        with Client(shared_daemon.connection) as far, pytest.raises(KeyRefused, match="vault"):
            far.order(job)  # it has not proved to share the machine
        assert terminal("order", job, tmp_path / "order.json").code == 0
        assert terminal("cancel", before).code == 0
    assert terminal("run", tmp_path / "order.json", "--once").code == 0
    assert terminal("resume", job).code == 0
    assert terminal("fetch", job, "--out", tmp_path / "out").code == 0
    assert json.loads((tmp_path / "out" / "manifest.json").read_bytes())["job"] == job
    assert terminal("watch", before).code == 6


def test_when_the_daemon_is_killed_in_mid_upload_then_the_client_goes_on_where_it_stopped(
    daemon: RunningDaemon, shot: Path, tmp_path: Path
) -> None:
    noise = np.random.default_rng(3)
    for frame in FRAMES:
        write(shot / f"plate.{frame}.exr", noise.random((540, 960, 3), np.float32).astype(np.float16))
        matte = np.zeros((540, 960, 3), np.float16)
        matte[200:300, 400:500] = 1
        write(shot / f"matte.{frame}.exr", matte)
    job = gathered(
        JobOptions(plate="plate.####.exr", matte="matte.####.exr", reference="hero.png", rate="24", engine="identity",
                   self_attest="a test of a power cut")
    )  # fmt: skip
    done_when_killed: list[int] = []

    def cut_the_power(done: int, total: int) -> None:
        if not done_when_killed and 0 < done < total:
            done_when_killed.append(done)
            daemon.kill()
            daemon.start_again()

    with Client(daemon.connection) as client:  # one that has not proved to share the machine: it must send the bytes
        accepted = client.submit(job.job, "a token for a power cut")
        upload(client, daemon.connection, accepted.job_id, job.paths, cut_the_power)
    assert done_when_killed
    detail = follow_job(daemon.connection, accepted.job_id, tmp_path / "out")
    assert detail.summary.state == "delivered"


def test_when_the_vault_is_over_its_quota_then_the_client_waits_and_goes_on_when_there_is_room(
    home: Path, terminal: Terminal, shot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(path.stat().st_size for path in shot.iterdir())
    monkeypatch.setenv("UNDERSTUDY_VAULT_QUOTA_BYTES", str(max(2**20, int(size * 1.4))))
    daemon = RunningDaemon(home)
    try:
        with daemon.holding_its_slot():
            job = terminal("submit", *HERE, *ATTEST, "--engine", "preview", "--json").json["job_id"]
            assert terminal("pause", job).code == 0
        for frame in FRAMES:
            write(shot / f"plate.{frame}.exr", pixels_of(shot / f"plate.{frame}.exr") * np.float16(0.5))
        waiting = started("submit", *HERE, *ATTEST, "--wait")
        assert waiting.stderr is not None
        said = waiting.stderr.readline()
        assert said.startswith("parked: there is no room")
        assert terminal("cancel", job).code == 0
        _, said = waiting.communicate(timeout=60)
        assert waiting.returncode == 0, said
    finally:
        daemon.stop()
