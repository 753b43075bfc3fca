"""The story of a job on one screen: plate -> inspection -> segments -> engine -> layers -> delivery.

Reading order: `recast`, `_make`, then `footage.py` (what the engine sees, by mode), `frame_layers.py` (what is made of
what it returns), `version.py` (how a take becomes a version), `finish.py` (review, report).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import msgspec

from understudy.bridge.errors import Finding
from understudy.bridge.shot import OutputFile
from understudy.inference.authority.papers import Snapshot
from understudy.inference.compliance import evidence, gate
from understudy.inference.compliance.facts import DeliveryFacts, InspectionFacts, SealFacts, Stage
from understudy.inference.compliance.manifest import Approximation
from understudy.inference.compliance.marks import marks, weights_words
from understudy.inference.compliance.registered import as_known_now
from understudy.inference.engines.door import Engine, GeneratedFrame
from understudy.inference.engines.roster import open_engine
from understudy.inference.finding_log import FindingLog
from understudy.inference.finish import REVIEW_NAME, Screening, make_report
from understudy.inference.footage import Boxes, ShotPictures, open_pictures
from understudy.inference.frame_layers import LayerMaker, plate_as_it_is
from understudy.inference.generation import Generation, heed
from understudy.inference.in_betweens import InBetweens, plate_in_its_place, told_of
from understudy.inference.picture.label import Label
from understudy.inference.provenance.claims import SoftBinding
from understudy.inference.redo import Redoing
from understudy.inference.reuse import Twin, copy_carried
from understudy.inference.run_meter import RunMeter
from understudy.inference.sealing import Sealing, try_to_sign
from understudy.inference.seams import seam_finding
from understudy.inference.segments import Segment, plan_segments
from understudy.inference.version import Version
from understudy.inference.work_order import WorkOrder


class Reporting(Protocol):
    """What the pipeline needs of `worker.Reporter`; `step` and `check` raise when the job was cancelled or paused."""

    findings: list[Finding]
    segment: tuple[int, int]
    seconds_left: float | None
    meter: RunMeter

    def check(self) -> None: ...
    def keep_findings(self, log: FindingLog) -> None: ...
    def step(self, stage: str, done: int, total: int) -> None: ...
    def found(self, *findings: Finding) -> None: ...
    def frame(self, frame: int, files: tuple[OutputFile, ...]) -> None: ...
    def checking(self) -> None: ...
    def papers(self, known: Snapshot) -> Snapshot: ...


def recast(order: WorkOrder, reporter: Reporting) -> tuple[OutputFile, ...]:
    """Make the version that `order` asks for and return its files.

    May be called again after a crash at any point: what is whole on disk is taken as it is, the same bytes come out.
    Raises ComplianceError (refused or quarantined), JobCancelled, JobParked (no room, or another process writes this
    version), PlateError, EngineError.
    """
    with Version(order) as version:
        return version.settled_files() if version.is_settled else _make(version, reporter)


def _make(version: Version, reporter: Reporting) -> tuple[OutputFile, ...]:
    """Make what is not there yet; only the one writer of the version comes here."""
    order = version.order
    boxes = _inspect(order, reporter)
    try_to_sign()
    with closing(_engine(version, reporter)) as engine:
        version.open()
        pictures = open_pictures(order, lambda done, total: reporter.step("reading mattes", done, total), boxes)
        if order.label_text:
            Label.of(order.label_text, *pictures.size)  # one that cannot be drawn is told before anything is made
        reporter.found(*pictures.findings, *told_of(pictures))
        reporter.keep_findings(FindingLog(pictures.scratch()))
        generate(pictures, version, reporter, engine)
    reporter.checking()
    reporter.found(*(_approximately_made(one) for one in version.read_approximations()))
    screening = _check(pictures, version, reporter)
    findings = (*order.admission, *reporter.findings)
    sealing = _sealing(pictures, version, reporter)
    report = make_report(pictures, version, findings, screening.views, signer=sealing.signer)
    return version.settle(findings, (*screening.paths, report), str(pictures.rate), sealing)


def _inspect(order: WorkOrder, reporter: Reporting) -> Boxes:
    """Read every input and let the gate judge; return the mattes' boxes. What else was read is let go: it grows with
    the shot.
    """
    inspection = evidence.inspect_inputs(order, lambda done, total: reporter.step("inspecting", done, total))
    _require(inspection, reporter, "refused")
    return evidence.matte_boxes(inspection)


def _engine(version: Version, reporter: Reporting) -> Engine:
    """Return the engine, and have the version know the weights that it will load: every file says them from the first
    byte.
    """
    engine = open_engine(version.description.name)
    version.weights = engine.weights(version.order.job.settings, _Telling(reporter))
    return engine


def generate(pictures: ShotPictures, version: Version, reporter: Reporting, engine: Engine) -> None:
    """Make every frame that is not on disk yet: from a delivered twin where there is one, else segment by segment."""
    finished = version.finished_frames()
    for frame, files in finished.items():
        reporter.frame(frame, files)
    reporter.found(*(_made_before(code, frames) for code, frames in version.earlier_code(finished).items()))
    segments = plan_segments(pictures.cadence.made, version.description.segment)
    redo = version.order.job.redo
    redoing = Redoing(redo, version, segments, pictures.cadence) if redo is not None else None
    _copy_twin(pictures, version, reporter, finished)
    if redoing is not None:
        _copy_kept(pictures, version, reporter, finished, redoing)
    _make_segments(pictures, version, reporter, engine, finished, segments, redoing)
    for before, after in redoing.seams if redoing is not None else ():
        reporter.found(seam_finding(pictures, version, before, after))


def _make_segments(
    pictures: ShotPictures,
    version: Version,
    reporter: Reporting,
    engine: Engine,
    finished: dict[int, tuple[OutputFile, ...]],
    segments: tuple[Segment, ...],
    redoing: Redoing | None,
) -> None:
    """Have the engine make every segment of which a frame is not there."""
    delivered = pictures.cadence.delivered
    wanted = [segment for segment in segments if not finished.keys() >= set(delivered(segment))]
    if not wanted:
        return
    footage = pictures.footage()
    engine.prepare(footage, _Telling(reporter))
    reporter.meter.prepared(footage.height, footage.width)
    pace = _Pace(sum(len(delivered(segment)) for segment in wanted))
    in_betweens = InBetweens(pictures, version, segments)
    generation = Generation(engine, lambda segment: _untouched(segment, pictures), reporter, in_betweens.frames)
    made = generation.frames(in_betweens.with_lost(wanted), len(segments), overlapped=version.description.gpu)
    with closing(made) as frames, LayerMaker(pictures, version, reporter) as maker:
        for generated in frames:
            reporter.check()
            if generated.frame not in finished:
                kind = pictures.canvas.kind
                maker.add(generated, redoing.change(generated.frame, kind) if redoing is not None else None)
            reporter.seconds_left = pace.seconds_left(maker.done)
            reporter.step("generating", len(finished) + maker.done, len(pictures.frames))
    asked = [segment for segment in wanted if not set(segment.frames) <= set(pictures.empty)]
    reporter.meter.made(sum(len(delivered(segment)) for segment in asked), len(pictures.frames))


def _untouched(segment: Segment, pictures: ShotPictures) -> Iterator[GeneratedFrame] | None:
    """Return the frames of a segment without any performer in it, which never reaches the engine; else None."""
    if not set(segment.frames) <= set(pictures.empty):
        return None
    nobody = plate_in_its_place if pictures.cadence.in_betweens else plate_as_it_is
    return (nobody(pictures, frame) for frame in segment.frames)


def _check(pictures: ShotPictures, version: Version, reporter: Reporting) -> Screening:
    """Read back every file while the review is made of it, and let the gate judge. What was read is let go as well."""
    with Screening(pictures, version) as screening:
        delivery = evidence.read_back(
            pictures.order,
            version.folder,
            lambda done, total: reporter.step("checking", done, total),
            description=version.described(),
            beside=(*evidence.BESIDE_THE_LAYERS, *screening.beside),
            canvas=pictures.size,
            rate=pictures.rate,
            movies=screening.movies,
            onlooker=screening,
            weights=version.weights,
        )
    review = delivery.review
    if review is not None and review.mark is not None and not review.mark.is_sure:
        version.watermark = None  # nothing claims a mark that does not read back
    registry = reporter.papers(pictures.order.registry)  # as late as can be: reading back takes minutes
    job = as_known_now(delivery.job, pictures.order.sent, registry)
    _require(msgspec.structs.replace(delivery, job=job, registry=registry), reporter, "quarantined")
    return screening


def _sealing(pictures: ShotPictures, version: Version, reporter: Reporting) -> Sealing:
    """Return who signs the version and reads it back."""
    order, description, mark = pictures.order, version.description, version.watermark
    return Sealing(
        order,
        version.folder,
        description,
        marks(order, description, weights=version.weights),
        lambda done, total: reporter.step("signing", done, total),
        lambda facts: _require(facts, reporter, "quarantined"),
        marked={} if mark is None else {REVIEW_NAME: SoftBinding(mark.algorithm, mark.content_id)},
    )


def _copy_twin(
    pictures: ShotPictures, version: Version, reporter: Reporting, finished: dict[int, tuple[OutputFile, ...]]
) -> None:
    """Write the frames that an identical delivered job has, under today's headers, and count them as finished."""
    twin = Twin(pictures.order.reuse, weights_words(version.weights))
    copied = 0
    with LayerMaker(pictures, version, reporter) as maker:
        for frame in pictures.frames:
            found = None if frame in finished else twin.frame(frame, version.layers)
            if found is not None:
                if not copied and pictures.order.reuse_carried:
                    # Before any frame: one that is finished is not copied again, and a redo needs what goes with it.
                    copy_carried(Path(pictures.order.reuse_carried), pictures.carried())
                maker.add_made(frame, found.layers, found.origin)
                finished[frame] = ()
                copied += 1
                reporter.step("reusing", copied, len(pictures.frames))
    if copied:
        said = f"{copied} frames carry the pixels of an identical job; papers, headers and gates are this job's own"
        reporter.found(Finding(rule="pixels_reused", outcome="note", message=said))


def _copy_kept(
    pictures: ShotPictures,
    version: Version,
    reporter: Reporting,
    finished: dict[int, tuple[OutputFile, ...]],
    redoing: Redoing,
) -> None:
    """Write the frames that a redo keeps, under today's headers. Raises EngineError where one is no longer whole."""
    left = [frame for frame in redoing.kept if frame not in finished]
    with LayerMaker(pictures, version, reporter) as maker:
        for done, frame in enumerate(left, start=1):
            found = redoing.before(frame)
            maker.add_made(frame, found.layers, redoing.origin(found))
            finished[frame] = ()
            reporter.step("keeping", done, len(left))
    reporter.found(*redoing.findings())


def _made_before(code: str, frames: tuple[int, ...]) -> Finding:
    return Finding(
        rule="earlier_code",
        outcome="note",
        message=f"{len(frames)} frames, from {frames[0]} on, were made by {code}, before the code here was changed; "
        "their headers say so",
        frames=frames,
    )


def _approximately_made(one: Approximation) -> Finding:
    return Finding(
        rule="approximate",
        outcome="warn",
        message=f"{len(one.frames)} frames, from {one.frames[0]} on, were made with {one.words}, for want of memory: "
        "that changes their numbers, so no other job is answered with these pixels",
        remedy="Look at them. On a GPU with more memory, or while nothing else uses it, `understudy redo` makes them "
        "as the settings say.",
        frames=one.frames,
    )


def _require(facts: InspectionFacts | DeliveryFacts | SealFacts, reporter: Reporting, ends: str) -> None:
    """Let the gate judge; raise when it refuses. `ends` is the state in which such a job ends."""
    stage: Stage = gate.stage_of(facts)
    findings = gate.evaluate(stage, facts)
    reporter.found(*findings)
    refused = gate.refusal(findings, "the shot" if stage == "inspection" else "the take")
    if refused is not None:
        refused.facts["ends"] = ends
        raise refused


class _Telling:
    """What an engine tells before it generates: everything."""

    def __init__(self, reporter: Reporting) -> None:
        self._reporter = reporter

    def step(self, stage: str, done: int, total: int) -> None:
        self._reporter.step(stage, done, total)

    def found(self, finding: Finding) -> None:
        heed(finding, self._reporter)


class _Pace:
    """Seconds left by the speed measured so far; unknown until two frames are made."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._started = time.monotonic()

    def seconds_left(self, done: int) -> float | None:
        if done < 2:
            return None
        return (time.monotonic() - self._started) / done * (self._frames - done)
