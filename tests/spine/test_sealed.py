"""A delivered version proves itself: signed movies, a signed list of every file; nothing is delivered that does not."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime, timezone
from pathlib import Path

import msgspec
import pytest
from spine_rig import RunningDaemon, Told, gathered, order_of

from understudy.bridge.exr_file import file_digest
from understudy.bridge.options import JobOptions
from understudy.bridge.private_files import write_private
from understudy.bridge.roundtrip import follow_job, send_job
from understudy.bridge.settings import load_settings
from understudy.bridge.shot import Character, PictureFile, RequestedMovie
from understudy.inference.picture.movies import MovieReader
from understudy.inference.provenance.certificates import make_development_chain
from understudy.inference.provenance.claims import Made, version_manifest
from understudy.inference.provenance.credentials import read_credentials, sign_in_itself
from understudy.inference.provenance.frame_list import LIST_NAME, SEAL_NAME, read_list
from understudy.inference.provenance.signing_keys import load_signing_key
from understudy.inference.provenance.trust import development_root, trust_anchors
from understudy.inference.provenance.verify import verify
from understudy.inference.work_order import FromWorker, WorkerEnd, WorkerFrame, WorkerProgress, WorkOrder
from understudy.inference.worker import Reporter, perform


@pytest.fixture
def order(options: JobOptions, tmp_path: Path, home: Path) -> WorkOrder:
    made = order_of(gathered(options, frames="1001-1003"), tmp_path / "job")
    movie = RequestedMovie(layer="comp", kind="prores_422_hq")
    output = msgspec.structs.replace(made.job.output, movies=(movie,))
    return msgspec.structs.replace(made, job=msgspec.structs.replace(made.job, output=output))


def run(order: WorkOrder, told: Told | None = None) -> WorkerEnd:
    return perform(order, Reporter((Told() if told is None else told).append))


def test_when_a_version_is_delivered_then_its_movies_and_its_list_read_back_as_trusted_on_this_machine(
    order: WorkOrder, tmp_path: Path
) -> None:
    end = run(order)
    assert end.error is None
    version, anchors = tmp_path / "job" / "v001", trust_anchors(load_settings())
    listed = read_list((version / LIST_NAME).read_bytes())
    on_disk = {path.relative_to(version).as_posix() for path in version.rglob("*") if path.is_file()}
    assert {file.path for file in listed.files} == on_disk - {LIST_NAME, SEAL_NAME}
    assert {file.path for file in end.files} == on_disk
    for name, sidecar in (("review.mp4", None), ("movies/comp_prores_422_hq.mov", None), (LIST_NAME, SEAL_NAME)):
        reading = read_credentials(version / name, anchors, sidecar=version / sidecar if sidecar else None)
        assert reading is not None
        assert (reading.state, reading.failures, reading.ingredient_failures) == ("Trusted", (), ())
        assert reading.says["job"] == "testjob1"
        assert reading.says["clearance"] == "uncleared"
        assert [one["role"] for one in reading.says["inputs"]] == ["plate", "matte", "reference", "clean_plate"]


def test_when_the_movies_are_signed_then_their_pictures_and_metadata_are_those_that_were_encoded(
    order: WorkOrder, tmp_path: Path
) -> None:
    assert run(order).state == "delivered"
    movie = (tmp_path / "job" / "v001" / "review.mp4").read_bytes()
    assert b"<Iptc4xmpExt:AISystemUsed>none</Iptc4xmpExt:AISystemUsed>" in movie
    assert b"compositeSynthetic</Iptc4xmpExt:DigitalSourceType>" in movie
    assert movie.count(bytes.fromhex("be7acfcb97a942e89c71999491e3afac")) == 1
    with MovieReader(tmp_path / "job" / "v001" / "review.mp4") as opened:
        assert opened.count == 3


def test_when_the_xmp_of_a_signed_movie_is_changed_then_its_credentials_do_not_hold(
    order: WorkOrder, tmp_path: Path
) -> None:
    assert run(order).state == "delivered"
    changed = tmp_path / "changed.mp4"
    movie = (tmp_path / "job" / "v001" / "review.mp4").read_bytes()
    changed.write_bytes(movie.replace(b"AISystemUsed>none<", b"AISystemUsed>nond<"))
    reading = read_credentials(changed, trust_anchors(load_settings()))
    assert reading is not None
    assert reading.state == "Invalid"


def test_when_nobody_can_sign_then_it_is_said_before_any_frame_is_made(
    order: WorkOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_SIGNING_CHAIN", str(tmp_path / "no chain.pem"))
    told = Told()
    end = run(order, told)
    assert (end.state, end.error.code if end.error else "") == ("failed", "signing")
    assert end.error is not None
    assert "no chain.pem" in end.error.message
    assert not told.of(WorkerFrame)


def test_when_a_program_does_not_sign_then_its_name_is_told_and_nothing_of_what_it_said(
    order: WorkOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio(tmp_path, monkeypatch, program="#!/bin/sh\necho the key is 1234 >&2\nexit 3\n")
    end = run(order)
    assert end.error is not None
    assert str(tmp_path / "sign") in end.error.message
    assert "1234" not in msgspec.json.encode(end).decode()


def test_when_a_program_stops_signing_then_nothing_is_delivered_and_what_was_made_is_kept(
    order: WorkOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It signs what is tried before the first frame, and the review; then its HSM is gone until the next run."""
    tired = f"#!/bin/sh\necho >> {tmp_path}/asked\n[ $(wc -l < {tmp_path}/asked) -eq 3 ] && exit 1\n"
    studio(tmp_path, monkeypatch, program=f"{tired}exec {sys.executable} {tmp_path}/signs.py\n")
    monkeypatch.setenv("UNDERSTUDY_TRUST_ANCHORS", str(tmp_path / "root.pem"))
    end = run(order)
    assert (end.state, end.error.code if end.error else "") == ("failed", "signing")
    assert not (tmp_path / "job" / "v001").exists()
    again = Told()
    assert run(order, again).state == "delivered"
    assert "generating" not in {message.stage for message in again.of(WorkerProgress)}


def test_when_a_studio_signs_and_its_root_is_not_among_the_anchors_then_that_is_said_before_any_frame(
    order: WorkOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio(tmp_path, monkeypatch)
    told = Told()
    end = run(order, told)
    assert end.error is not None
    assert "trust_anchors" in end.error.remedy
    assert not told.of(WorkerFrame)
    monkeypatch.setenv("UNDERSTUDY_TRUST_ANCHORS", str(tmp_path / "root.pem"))
    assert run(order).state == "delivered"


SIGNS = """
import sys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
key = load_pem_private_key(open({key!r}, "rb").read(), None)
sys.stdout.buffer.write(key.sign(sys.stdin.buffer.read(), ec.ECDSA(hashes.SHA256())))
"""


def studio(folder: Path, monkeypatch: pytest.MonkeyPatch, program: str = "") -> None:
    """Have a chain of its own sign, whose root lies in `folder` and is not yet trusted; or a shell script."""
    made = make_development_chain(datetime.now(timezone.utc))
    for name, content in (("root", made.root), ("chain", made.chain), ("key", made.key)):
        write_private(folder / f"{name}.pem", content)
    monkeypatch.setenv("UNDERSTUDY_SIGNING_CHAIN", str(folder / "chain.pem"))
    if not program:
        monkeypatch.setenv("UNDERSTUDY_SIGNING_KEY", str(folder / "key.pem"))
        return
    (folder / "signs.py").write_text(SIGNS.format(key=str(folder / "key.pem")))
    (folder / "sign").write_text(program)
    (folder / "sign").chmod(0o700)
    monkeypatch.setenv("UNDERSTUDY_SIGNING_PROGRAM", str(folder / "sign"))


def with_reference(order: WorkOrder, reference: Path) -> WorkOrder:
    """Return the order with another character's picture."""
    digest = file_digest(reference)
    performer = order.job.shot.performers[0]
    file = PictureFile(file=digest, picture=digest, size=reference.stat().st_size, typed=f"/art/{reference.name}")
    pictures = msgspec.structs.replace(performer.character.pictures, files=(file,), typed=file.typed)
    performer = msgspec.structs.replace(performer, character=Character(pictures=pictures))
    shot = msgspec.structs.replace(order.job.shot, performers=(performer,))
    job = msgspec.structs.replace(order.job, shot=shot)
    return msgspec.structs.replace(order, job=job, blobs={**order.blobs, digest: str(reference)})


def signed_reference(order: WorkOrder, folder: Path) -> Path:
    """Return a copy of the order's reference that carries credentials."""
    folder.mkdir(exist_ok=True)
    path = folder / "hero.png"
    shutil.copy(order.blobs[order.job.shot.performers[0].character.pictures.files[0].file], path)
    made = Made(
        job="a", version=1, shot="s", mode="animate", engine="a camera", engine_version="1", software="0",
        source_type="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
        accepted_at="2026-11-20T10:00:00Z", prompt="none", compliance={},
    )  # fmt: skip
    sign_in_itself(path, version_manifest(made, path.name, ()), (), load_signing_key(load_settings()))
    return path


def test_when_a_reference_carries_credentials_then_they_travel_as_an_ingredient(
    order: WorkOrder, tmp_path: Path
) -> None:
    reference = signed_reference(order, tmp_path / "art")
    end = run(with_reference(order, reference))
    assert end.state == "delivered", end.error
    version = tmp_path / "job" / "v001"
    assert (version / SEAL_NAME).read_bytes().count(b"hero.png") >= 2
    assert {finding.rule: finding.outcome for finding in end.findings}["credentials_are_intact"] == "pass"


def test_when_a_reference_was_changed_after_it_was_signed_then_the_job_is_refused_by_its_name_before_any_frame(
    order: WorkOrder, tmp_path: Path
) -> None:
    reference = signed_reference(order, tmp_path / "art")
    data = bytearray(reference.read_bytes())
    data[data.rfind(b"IDAT") + 20] ^= 1
    reference.write_bytes(data)
    told = Told()
    end = run(with_reference(order, reference), told)
    assert end.state == "refused"
    finding = next(one for one in end.findings if one.rule == "credentials_are_intact")
    assert (finding.outcome, finding.files) == ("refuse", ("/art/hero.png",))
    assert "hero.png" in finding.message
    assert not told.of(WorkerFrame)


def test_when_a_file_changes_between_the_list_and_its_check_then_the_version_is_not_delivered(
    order: WorkOrder, tmp_path: Path
) -> None:
    provisional = tmp_path / "job" / ".provisional" / "v001"

    def add(message: FromWorker) -> None:
        if isinstance(message, WorkerProgress) and (message.stage, message.done) == ("signing", message.total):
            (provisional / "comp" / "comp.9999.exr").write_bytes(b"not ours")

    end = perform(order, Reporter(add))
    assert end.state == "quarantined"
    assert end.error is not None
    assert "comp.9999.exr" in end.error.message
    assert not (tmp_path / "job" / "v001").exists()


def test_when_a_take_was_fetched_then_it_proves_itself_on_the_artists_disk_and_earlier_takes_are_not_its_own(
    daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    anchors = b""
    for prompt in ("one", "two"):
        job = send_job(daemon.connection, gathered(options, frames="1001-1002", prompt=prompt))
        assert follow_job(daemon.connection, job.job_id, out).summary.state == "delivered"
        anchors = development_root(daemon.home)
        found = verify(out, anchors)
        assert (found.intact, found.faults) == (True, ())
        assert job.job_id in found.what
    earlier = next((out / "earlier").iterdir())
    assert verify(earlier, anchors).intact
    frame = next(earlier.glob("comp/*.exr"))
    frame.chmod(0o644)
    frame.write_bytes(frame.read_bytes()[:-1])
    assert not verify(earlier, anchors).intact
    assert verify(out, anchors).intact
