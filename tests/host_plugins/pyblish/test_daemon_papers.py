"""A real take of a real daemon, published: what the daemon says of it today decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyblish.plugin
import pytest
from daemon_rig import RunningDaemon
from host_rig import FIRST, FRAMES, draw
from publish_rig import PlainDocument, Published, discovered, publish

from understudy.bridge.errors import DaemonUnreachable, Finding
from understudy.bridge.gather import gather_job
from understudy.bridge.keys import Connection
from understudy.bridge.options import JobOptions
from understudy.bridge.record import Consent, Record
from understudy.bridge.roundtrip import follow_job, send_job
from understudy.host_plugins.pyblish.papers import (
    NOT_FINAL_RULE,
    REVOKED_VARIABLE,
    DaemonPapers,
    lapsed_consents,
    why_not_final,
)
from understudy.host_plugins.pyblish.plugins.validate_understudy_layers_are_final import FOR_REVIEW
from understudy.inference.compliance import marks
from understudy.inference.compliance.gate import STAGES

CONSENT = {"consent_id": "c-1", "talent": "ana", "document": "0" * 64, "signed_on": "2026-01-01"}
RECORD = {
    "schema": 1, "record_id": "r-1", "ground": "record", "likeness": "digital_replica", "on_screen": ["ana"],
    "performed_by": ["ana"], "consents": [{**CONSENT, "expires_on": "2099-12-31"}],
}  # fmt: skip


class Take(NamedTuple):
    daemon: RunningDaemon
    job: str
    folder: Path

    def publish(self, day: str = "2026-11-28", file: Path | None = None) -> Published:
        document = PlainDocument()
        document.reads["Read1"] = (str(file or self.frame(FIRST)), "write")
        final = self.folder.parent / "final" / "comp.1001.exr"
        final.parent.mkdir(exist_ok=True)
        final.write_bytes(b"what the studio rendered")
        return publish(document, DaemonPapers(lambda: self.daemon.connection, lambda: day), files=(str(final),))

    def frame(self, frame: int) -> Path:
        (found,) = (self.folder / "patch").glob(f"*{frame}.exr")
        return found


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Take]:
    folder = tmp_path_factory.mktemp("studio")
    record = folder / "record.json"
    record.write_bytes(msgspec.json.encode(RECORD))
    drawn = draw(folder / "shot")
    daemon = RunningDaemon(folder / "home")
    options = JobOptions(
        engine="identity", plate=drawn.plate, matte=drawn.matte, reference=drawn.reference, rate="24",
        frames=f"{FIRST}-{FIRST + FRAMES - 1}", shot="drawn", record=str(record),
    )  # fmt: skip
    try:
        job = send_job(daemon.connection, gather_job(options)).job_id
        follow_job(daemon.connection, job, folder / "take")
        yield Take(daemon, job, folder / "take")
    finally:
        daemon.stop()


def test_when_a_cleared_take_is_used_then_the_daemon_lets_it_pass(take: Take) -> None:
    assert take.publish().errors == {}


def test_when_a_consent_has_expired_by_the_day_of_the_publish_then_the_take_is_refused(take: Take) -> None:
    done = take.publish(day="2100-01-01")
    assert done.refused_by == {"LayersAreNotRevoked"}
    assert "c-1 expired on 2099-12-31" in done.errors["ValidateUnderstudyLayersAreNotRevoked"]


def test_when_a_consent_was_revoked_then_it_is_named() -> None:
    consent = Consent(consent_id="c-1", talent="t", document="0" * 64, signed_on="2026-01-01", revoked_on="2026-11-20")
    record = Record(consents=(consent,))
    assert lapsed_consents(record, "2026-11-19", {}) == ()
    assert lapsed_consents(record, "2026-11-20", {}) == ("consent c-1 was revoked on 2026-11-20",)


def test_what_the_delivery_gate_found_tells_a_publish_that_a_take_is_no_final() -> None:
    words = "4 of 14 frames are in-betweens and say so; the take is never part of a final: made with the preset std"
    told = Finding(rule=NOT_FINAL_RULE, outcome="warn", message=words)
    assert why_not_final((told,)) == words
    assert why_not_final((msgspec.structs.replace(told, outcome="not_applicable"),)) == ""
    assert NOT_FINAL_RULE in STAGES["delivery"]
    assert FOR_REVIEW == marks.FOR_REVIEW, "a host knows the word without the daemon's code"


def test_when_the_studio_lists_a_consent_as_revoked_after_the_delivery_then_its_takes_are_refused(
    take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tmp_path / "revoked.json"
    listed.write_text('{"c-1": "2026-11-20", "c-9": "2026-01-01"}')
    monkeypatch.setenv(REVOKED_VARIABLE, str(listed))
    done = take.publish()
    assert done.refused_by == {"LayersAreNotRevoked"}
    assert "c-1 was revoked on 2026-11-20" in done.errors["ValidateUnderstudyLayersAreNotRevoked"]
    assert take.publish(day="2026-11-19").errors == {}


@pytest.mark.parametrize("text", [None, "not JSON", '{"c-1": "yesterday"}'])
def test_when_the_list_of_revoked_consents_does_not_read_then_nothing_is_let_pass(
    take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    listed = tmp_path / "revoked.json"
    if text is not None:
        listed.write_text(text)
    monkeypatch.setenv(REVOKED_VARIABLE, str(listed))
    done = take.publish()
    assert done.refused_by == {"PapersWereAskedFor"}
    assert str(listed) in done.errors["ValidateUnderstudyPapersWereAskedFor"]


def test_when_a_frame_was_painted_over_then_the_repair_brings_the_delivered_one_back(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_HOME", str(take.daemon.home))
    frame = take.frame(FIRST + 1)
    delivered = frame.read_bytes()
    frame.chmod(0o644)
    frame.write_bytes(delivered[:-1] + bytes([delivered[-1] ^ 1]))
    done = take.publish(file=frame)
    assert done.refused_by == {"LayersAreUnchanged"}
    rule: Any = next(plugin for plugin in discovered() if plugin.__name__ == "ValidateUnderstudyLayersAreUnchanged")
    result = pyblish.plugin.process(rule, done.context, None, rule.actions[0].id)
    assert result["error"] is None
    assert frame.read_bytes() == delivered
    (kept,) = take.folder.rglob(f"{frame.name}.changed")
    assert kept.read_bytes() != delivered
    assert take.publish(file=frame).errors == {}


def test_when_a_movie_of_a_take_is_copied_then_the_daemon_knows_its_bytes(take: Take, tmp_path: Path) -> None:
    movie = tmp_path / "b_roll.mp4"
    movie.write_bytes((take.folder / "review.mp4").read_bytes())
    done = take.publish(day="2100-01-01", file=movie)
    assert done.refused_by >= {"LayersAreNotRevoked"}


def test_when_a_movie_is_none_of_ours_then_it_passes(take: Take, tmp_path: Path) -> None:
    movie = tmp_path / "plate.mov"
    movie.write_bytes(b"shot on a camera")
    done = take.publish(file=movie)
    assert done.errors == {}
    assert done.context.data["understudy_found"].unasked == ()


def test_when_no_daemon_answers_then_the_movies_that_it_was_not_asked_about_are_named(tmp_path: Path) -> None:
    movie = tmp_path / "clip.mov"
    movie.write_bytes(b"who knows")

    def nobody() -> Connection:
        raise DaemonUnreachable("nobody answers")

    document = PlainDocument()
    document.reads["Read1"] = (str(movie), "write")
    done = publish(document, DaemonPapers(nobody))
    assert done.context.data["understudy_found"].unasked == (str(movie),)


def test_when_a_layer_of_another_daemon_is_used_then_nobody_knows_it(take: Take, tmp_path: Path) -> None:
    from publish_rig import make_take

    layer = make_take(tmp_path / "take", job="elsewhere")
    assert take.publish(file=Path(layer.replace("####", "1001"))).refused_by == {"LayersAreKnown"}


def test_when_the_daemon_is_away_then_no_answer_is_no_permission(take: Take) -> None:
    take.daemon.kill()
    try:
        assert take.publish().refused_by == {"PapersWereAskedFor"}
    finally:
        take.daemon.start_again()
