"""What counts as present, what is taken for the same picture, and what a job finds when it starts."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np
import OpenEXR
import pytest
from xxhash import xxh3_128_digest

from understudy.bridge.bulk_line import BulkLine
from understudy.bridge.bulk_messages import Chunk, Rejected
from understudy.bridge.client import Client
from understudy.bridge.errors import JobParked, PlateError
from understudy.bridge.exr_file import file_digest, picture_digest
from understudy.bridge.keys import ensure_local_keys, issue_key
from understudy.bridge.settings import load_settings
from understudy.bridge.shot import PictureFile
from understudy.bridge.transfer import upload
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.registry import Registry
from understudy.inference.daemon.house import House
from understudy.inference.daemon.inputs import Inputs
from understudy.inference.daemon.orders import make_order
from understudy.inference.daemon.store import Store
from understudy.inference.vault import Vault
from understudy.inference.work_order import WorkOrder

from .conftest import (
    DaemonProcess,
    Job,
    finished,
    large_job,
    let,
    make_job,
    send,
    state_of,
    until,
)


def with_plate(job: Job, path: Path, *, picture: str = "") -> Job:
    """Return the job with this file as its plate's only frame."""
    file = file_digest(path)
    told = PictureFile(
        file=file, picture=picture or picture_digest(path), size=path.stat().st_size, typed=str(path), frame=1001
    )
    plate = job.request.shot.plate
    assert plate is not None
    job.paths.pop(plate.pictures.files[0].file)
    job.paths[file] = path
    plate = msgspec.structs.replace(plate, pictures=msgspec.structs.replace(plate.pictures, files=(told,)))
    job.request = msgspec.structs.replace(job.request, shot=msgspec.structs.replace(job.request.shot, plate=plate))
    return job


def draw(path: Path, value: float, **header: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((4, 6, 3), value, np.float16)
    with OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, **header}, {"RGB": pixels}) as file:
        file.write(str(path))
    return path


def reuse_said(client: Client, job_id: str) -> str:
    return next(finding.message for finding in client.show_job(job_id).findings if finding.rule == "stub")


def test_a_re_export_of_the_same_picture_sends_no_plate_and_may_reuse_the_result(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    plate = draw(tmp_path / "plate.1001.exr", 0.5)
    again = draw(tmp_path / "again.1001.exr", 0.5, capDate="2026:11:20 12:00:00")
    with daemon.client() as client:
        first = send(client, with_plate(make_job(tmp_path / "a", frames=1, content="x"), plate))
        finished(client, first)
        second = with_plate(make_job(tmp_path / "a", frames=1, content="x"), again)
        assert file_digest(again) != file_digest(plate)
        job_id = client.submit(second.request, second.token).job_id
        assert client.lacking(job_id) == {}
        assert finished(client, job_id).state == "delivered"
        assert reuse_said(client, job_id) == f"reuse {client.outputs(first).folder}"


def test_a_client_that_names_its_picture_wrongly_gets_and_gives_nothing_from_the_cache(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    """The daemon digests every picture itself before it believes that two jobs show the same."""
    plate, other = draw(tmp_path / "plate.1001.exr", 0.5), draw(tmp_path / "other.1001.exr", 0.25)
    claimed = picture_digest(plate)
    with daemon.client() as client:
        finished(client, send(client, with_plate(make_job(tmp_path / "a", frames=1, content="x"), plate)))
        liar = with_plate(make_job(tmp_path / "a", frames=1, content="x"), other, picture=claimed)
        # The plate that it brings is not the one that it names: the vault's own stands for it only by picture.
        job_id = client.submit(liar.request, liar.token).job_id
        digest = file_digest(other)
        client.hand_over(job_id, digest, other)
        assert finished(client, job_id).state == "delivered"
        assert reuse_said(client, job_id) == "reuse None"


def test_another_frame_number_of_the_same_picture_is_not_the_same_frame(daemon: DaemonProcess, tmp_path: Path) -> None:
    plate = draw(tmp_path / "plate.1001.exr", 0.5)
    held = draw(tmp_path / "held.1002.exr", 0.5, capDate="2026:11:20 12:00:00")
    with daemon.client() as client:
        finished(client, send(client, with_plate(make_job(tmp_path / "a", frames=1), plate)))
        job = with_plate(make_job(tmp_path / "b", frames=1), held)
        picture = job.request.shot.plate
        assert picture is not None
        moved = msgspec.structs.replace(picture.pictures.files[0], frame=1002)
        plates = msgspec.structs.replace(picture, pictures=msgspec.structs.replace(picture.pictures, files=(moved,)))
        request = msgspec.structs.replace(job.request, shot=msgspec.structs.replace(job.request.shot, plate=plates))
        job_id = client.submit(request, job.token).job_id
        assert file_digest(held) in client.lacking(job_id)


def test_an_upload_that_finds_no_room_parks_its_job(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", vault_quota_bytes=1 << 20).start()
    key = issue_key(daemon.home, "ada", roles=("artist",), projects=(), host="127.0.0.1")
    with Client(key) as ada, daemon.client() as client:
        ada.hello()
        gate = tmp_path / "gate"
        first = large_job(tmp_path / "a", b"a" * 64, 700, prompt=f"hold={gate}")
        first_id = send(client, first)
        second = large_job(tmp_path / "b", b"b" * 64, 700)
        job_id = ada.submit(second.request, second.token).job_id
        with pytest.raises(JobParked):
            upload(ada, key, job_id, second.paths, lambda done, total: None)
        until(lambda: state_of(ada, job_id) == "parked")
        let(gate)
        finished(client, first_id)
        until(lambda: state_of(ada, job_id) == "uploading")
        upload(ada, key, job_id, second.paths, lambda done, total: None)
        assert finished(ada, job_id).state == "delivered"
    daemon.stop()


def test_an_upload_whose_room_is_taken_by_another_in_mid_file_parks_its_job(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", vault_quota_bytes=4 << 20).start()
    jobs = [large_job(tmp_path / name, name.encode() * 64, 3 << 10) for name in "ab"]
    with daemon.client() as client:
        ids = [client.submit(job.request, job.token).job_id for job in jobs]
        larges = [next((d, p) for d, p in job.paths.items() if p.name == "large.dat") for job in jobs]
        with BulkLine(client) as line:
            for offset in range(0, 3 << 20, 1 << 20):
                for job_id, (digest, path) in zip(ids, larges, strict=True):
                    payload = path.read_bytes()[offset : offset + (1 << 20)]
                    line.send(Chunk(job_id, digest, offset, 3 << 20, xxh3_128_digest(payload)), payload)
            rejected = until(lambda: header if isinstance(header := line.receive()[0], Rejected) else None)
        assert rejected.error.code == "job_parked"
        loser = ids[[digest for digest, _ in larges].index(rejected.file)]
        reason = until(lambda: client.show_job(loser).summary.error)
        assert (state_of(client, loser), reason.code) == ("parked", "job_parked")
        for job_id in ids:
            client.control(job_id, "cancel")
    daemon.stop()


def test_cleaning_takes_what_ended_jobs_used_and_never_what_a_live_job_needs(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", vault_quota_bytes=1 << 20).start()
    with daemon.client() as client:
        old = large_job(tmp_path / "old", b"o" * 64, 400)
        finished(client, send(client, old))
        live = large_job(tmp_path / "live", b"l" * 64, 400)
        live_id = client.submit(live.request, live.token).job_id
        for digest in sorted(client.lacking(live_id), key=lambda digest: live.paths[digest].name != "large.dat")[:-1]:
            client.hand_over(live_id, digest, live.paths[digest])
        new = large_job(tmp_path / "new", b"n" * 64, 400)
        assert finished(client, send(client, new)).state == "delivered"
        assert len(client.lacking(live_id)) == 1
        kept = {path.parent.name + path.name for path in (daemon.home / "vault" / "blobs").rglob("*") if path.is_file()}
        assert large_digest(live) in kept
        assert large_digest(old) not in kept
        client.control(live_id, "cancel")
    daemon.stop()


def large_digest(job: Job) -> str:
    return next(digest for digest, path in job.paths.items() if path.name == "large.dat")


def test_a_failed_job_that_is_tried_again_keeps_its_version_and_its_finished_frames(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        job_id = send(client, make_job(tmp_path, prompt="end=failed"))
        assert finished(client, job_id).state == "failed"
        again = client.control(job_id, "retry")
        assert (again.version, again.frames_done, again.error) == (1, 4, None)
        until(lambda: state_of(client, job_id) == "failed")


def open_house(home: Path) -> House:
    """Open what a daemon that has ended left, as a farm's submitter does."""
    settings = load_settings({"home": str(home)}, environment={})
    vault = Vault(home / "vault", settings.vault_quota_bytes)
    ledger = Ledger(home)
    users = ensure_local_keys(home).users
    return House(settings, Store(home / "store.sqlite"), vault, users, ledger, Registry(home, ledger))


def test_a_stored_job_can_be_written_as_an_order_for_a_farm(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client:
        job = make_job(tmp_path / "in")
        blocker = send(client, make_job(tmp_path / "blocker", prompt="slow=0.1", frames=100))
        job_id = send(client, job)
        client.drain(now=True)
    assert blocker != job_id
    daemon.finish()
    house = open_house(daemon.home)
    order = make_order(house, Inputs(house), house.store.job(job_id), lambda done, total: None)
    house.close()
    assert msgspec.json.decode(msgspec.json.encode(order), type=WorkOrder) == order
    assert order.job == job.request
    assert {digest: Path(path).read_bytes() for digest, path in order.blobs.items()} == {
        digest: path.read_bytes() for digest, path in job.paths.items()
    }


def test_an_order_for_a_job_with_a_missing_file_names_it_as_the_user_typed_it(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        job = make_job(tmp_path / "in")
        job_id = client.submit(job.request, job.token).job_id
        client.drain(now=True)
    daemon.finish()
    shutil.rmtree(daemon.home / "vault")
    house = open_house(daemon.home)
    with pytest.raises(PlateError) as caught:
        make_order(house, Inputs(house), house.store.job(job_id), lambda done, total: None)
    house.close()
    assert any(str(path) in caught.value.message for path in job.paths.values())
