"""What the papers of a version cost: signed and read back, against the job that made it, and against bare c2pa.

The job is a preview of 108 frames at 1280x720, made by a worker's own code in this process. Its version is then signed
and read back once more on a copy, by the same code, which can be timed alone.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import c2pa
import numpy as np

from benchmarks.colour_and_layers import times_of
from benchmarks.shots import full_shot, gathered
from benchmarks.table import Row, at_most
from understudy.bridge.settings import load_settings
from understudy.bridge.shot import OutputFile
from understudy.inference import finish, pipeline
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.ledger import Ledger
from understudy.inference.compliance import evidence, gate
from understudy.inference.compliance.facts import AdmissionFacts, SealFacts
from understudy.inference.compliance.marks import marks
from understudy.inference.daemon.papers import seal
from understudy.inference.engines.roster import describe_for
from understudy.inference.picture.movies import MovieWriter
from understudy.inference.provenance.claims import Made, version_manifest
from understudy.inference.provenance.credentials import read_credentials, sign_in_itself
from understudy.inference.provenance.frame_list import LIST_NAME, SEAL_NAME
from understudy.inference.provenance.inputs import read_input_credentials
from understudy.inference.provenance.signing_keys import load_signing_key
from understudy.inference.provenance.verify import verify
from understudy.inference.provenance.watermark import Marker
from understudy.inference.sealing import Sealing
from understudy.inference.work_order import WorkOrder
from understudy.inference.worker import Reporter, perform

GOAL_SHARE = 0.05
GOAL_OF_BARE = 1.2
ROUNDS = 7
MOVIE_BYTES = 110 * 10**6


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        return [*_version_rows(Path(folder)), *_movie_rows(Path(folder))]


def _version_rows(folder: Path) -> list[Row]:
    options, what = full_shot(folder / "shot")
    job = gathered(options)
    order = WorkOrder(
        job_id="benchjob", job=job.job, version=1, actor="bench", accepted_at="2026-11-20T10:00:00Z",
        blobs={digest: str(path) for digest, path in job.paths.items()},
        folder=str(folder / "job"), scratch=str(folder / "scratch"),
    )  # fmt: skip
    start = time.perf_counter()
    with timed_papers() as spent:
        end = perform(order, Reporter(lambda _: None))
    whole = time.perf_counter() - start
    assert end.state == "delivered", end.error
    everything = {**spent, **_daemons_part(order, end.files, folder / "home")}
    copy = folder / "copy"
    shutil.copytree(folder / "job" / "v001", copy)
    for path in copy.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    anchors = load_signing_key(load_settings()).anchors
    roles = order.job.shot.roles()
    parts = {
        "inputs looked at": _seconds(lambda: read_input_credentials(roles, order.blobs, anchors)),
        **_seal(order, copy),
    }
    papers = sum(parts.values())
    said = ", ".join(f"{name} {seconds:.2f}" for name, seconds in parts.items())
    frames = len(order.job.shot.range)
    size = sum(path.stat().st_size for path in copy.rglob("*") if path.is_file()) / 2**20
    checked = _seconds(lambda: verify(copy, anchors))
    every, marking = sum(everything.values()), _marking(frames)
    words = ", ".join(f"{name} {seconds:.2f}" for name, seconds in everything.items())
    return [
        at_most(
            f"all papers of a job of {frames} frames", every, whole - sum(spent.values()), "s", GOAL_SHARE,
            f"of the same job without them; {words} s; {load_words()}",
        ),
        at_most(
            "the invisible mark of that job", marking, whole - sum(spent.values()), "s", GOAL_SHARE,
            f"{marking / frames * 1000:.1f} ms a picture of 1280x720, on the encoding's threads",
        ),
        at_most(
            f"sign a version of {frames} frames and read it back", papers, whole, "s", GOAL_SHARE,
            f"of the preview job that made it; {what}; {size:.0f} MiB in {len(end.files)} files; {said} s",
        ),
        at_most(
            "`understudy verify` of that version, against hashing it", checked, _hashing(copy), "s", 2.0,
            "every file's SHA-256, its header, both signatures",
        ),
    ]  # fmt: skip


@contextmanager
def timed_papers() -> Iterator[dict[str, float]]:
    """Time what papers cost inside of a job that a worker makes, part by part, in seconds."""
    spent: dict[str, float] = {}
    places: tuple[tuple[str, Any, str], ...] = (
        ("can this be signed", pipeline, "try_to_sign"),
        ("inputs' credentials", evidence, "read_input_credentials"),
        ("three gates", gate, "evaluate"),
        ("inputs hashed", Sealing, "__init__"),
        ("movies signed", Sealing, "sign"),
        ("list made and signed", Sealing, "seal"),
        ("read back", Sealing, "read_back"),
        ("papers on the page", finish, "papers_of"),
    )
    with ExitStack() as undo:
        for name, owner, attribute in places:
            whole = getattr(owner, attribute)
            undo.callback(setattr, owner, attribute, whole)
            setattr(owner, attribute, _timed(whole, name, spent))
        yield spent


def _timed(work: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    @functools.wraps(work)
    def timed(*given: Any, **named: Any) -> Any:
        start = time.perf_counter()
        try:
            return work(*given, **named)
        finally:
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - start

    return timed


def _daemons_part(order: WorkOrder, files: Sequence[OutputFile], home: Path) -> dict[str, float]:
    """Time what the daemon does for the papers of a job: admission's gate, and the ledger's entries and list."""
    engine = describe_for(order.job.settings)
    facts = AdmissionFacts(
        job=order.job, actor="bench", today="2026-11-20", roles=("artist",), projects=(), engine=engine,
        engines=(engine.name,),
    )  # fmt: skip
    ledger = Ledger(home)

    def tell() -> None:
        sealed = seal(ledger, Path(order.folder) / "v001", files)
        for event in ("job.accepted", "job.finished", "delivery.sealed"):
            subjects = {"job": order.job_id, "files": sealed.files}
            ledger.append(NewEntry(event=event, actor="bench", subjects=subjects))

    return {"admission": _seconds(lambda: gate.evaluate("admission", facts)), "ledger": _seconds(tell)}


def _marking(frames: int) -> float:
    picture = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
    marker = Marker(bytes(range(32)), 1)
    return _seconds(lambda: [marker.mark(picture) for _ in range(frames)])


def load_words() -> str:
    """Return how busy the machine was: what else ran on it counts in every figure."""
    return f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"


def _seal(order: WorkOrder, folder: Path) -> dict[str, float]:
    """Sign and read back a version that lies in `folder`, and return the seconds of each part."""
    description = describe_for(order.job.settings)
    for name in (LIST_NAME, SEAL_NAME):
        (folder / name).unlink()

    def judge(facts: SealFacts) -> None:
        findings = gate.evaluate("sealing", facts)
        assert gate.refusal(findings, "the take") is None, findings

    made: list[Sealing] = []
    said = marks(order, description)
    paths = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    opened = _seconds(lambda: made.append(Sealing(order, folder, description, said, lambda done, total: None, judge)))
    (sealing,) = made
    return {
        "inputs hashed": opened,
        "movie signed": _seconds(lambda: sealing.sign([folder / "review.mp4"])),
        "list made and signed": _seconds(lambda: sealing.seal(paths)),
        "read back and judged": _seconds(sealing.judge),
    }


def _movie_rows(folder: Path) -> list[Row]:
    movie, ours, bare = folder / "long.mp4", folder / "ours.mp4", folder / "bare.mp4"
    _write_movie(movie)
    key = load_signing_key(load_settings())
    manifest = version_manifest(
        Made(
            job="b", version=1, shot="s", mode="animate", engine="e", engine_version="1", software="1",
            source_type="http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic",
            accepted_at="2026-11-20T10:00:00Z", prompt="none", compliance={},
        ),
        "long.mp4", (),
    )  # fmt: skip
    context = c2pa.Context.from_dict(
        {"trust": {"user_anchors": key.anchors.decode()}, "builder": {"thumbnail": {"enabled": False}}}
    )

    def sign_ours() -> None:
        sign_in_itself(ours, manifest, (), key, durable=False)

    def sign_bare() -> None:
        signer = c2pa.Signer.from_callback(key.sign, c2pa.C2paSigningAlg.ES256, key.chain.decode(), None)
        bare.unlink(missing_ok=True)
        c2pa.Builder(manifest, context=context).sign_file(str(movie), str(bare), signer)

    pairs = []
    for _ in range(ROUNDS):
        shutil.copy(movie, ours)
        os.sync()  # what is still to be written would be written while ours is timed
        pairs.append((_seconds(sign_ours), _seconds(sign_bare)))
    mine, theirs = (min(times) for times in zip(*pairs, strict=True))
    read, plain = times_of(lambda: read_credentials(ours, key.anchors), lambda: ours.read_bytes(), ROUNDS)
    size = movie.stat().st_size / 10**6
    return [
        at_most(f"sign a movie of {size:.0f} MB", mine, theirs, "s", GOAL_OF_BARE, "bare sign_file, as a worker signs"),
        at_most("read a signed movie back", read, plain, "ms", 4.0, "reading its bytes"),
    ]  # fmt: skip


def _write_movie(path: Path) -> None:
    """Write noise, which no codec makes small, until the movie is long enough."""
    random = np.random.default_rng(1)
    with MovieWriter(path, 24, 1280, 720) as movie:  # type: ignore[arg-type]
        for _ in range(10_000):
            movie.write(random.integers(0, 255, (720, 1280, 3), np.uint8))
            if movie.partial.stat().st_size > MOVIE_BYTES:
                break


def _hashing(folder: Path) -> float:
    from understudy.inference.provenance.frame_list import files_under, look_at

    return _seconds(lambda: look_at(folder, files_under(folder)))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
