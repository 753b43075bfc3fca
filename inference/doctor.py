"""`understudy doctor`: try what a job needs, on this machine, now; say what is wrong and what to do.

Each check is a function that returns a finding; a check that meets an error of its own is a finding too.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.client import Client
from understudy.bridge.colour_config import find_colour_config
from understudy.bridge.errors import DaemonUnreachable, Finding, RequestError, UnderstudyError
from understudy.bridge.gather import gather_job
from understudy.bridge.keys import ensure_local_keys, load_connection
from understudy.bridge.options import JobOptions
from understudy.bridge.settings import UserSettings, load_settings
from understudy.inference.weights.catalogue import MODELS
from understudy.inference.weights.standing import standing
from understudy.inference.work_order import WorkOrder

LIBRARIES = (
    "pyzmq", "msgspec", "blake3", "xxhash", "numpy", "OpenEXR", "OpenImageIO", "opencolorio",
    "opencv-python-headless", "av", "pyblish-base",
)  # fmt: skip
Halves = NDArray[np.float16]
FREE_BYTES_WANTED = 20 * 2**30
"""A 1,000-frame UHD shot with every layer takes about this much."""
COLOUR_ERROR_ALLOWED = 1e-3  # relative, for values from 0 to 100: what the contracts promise at scale 1


def examine(ocio: str | None = None) -> Iterator[Finding]:
    """Yield one finding a check, in the order in which a job would need them.

    ocio: the studio's own colour config, as `--ocio` takes it; None = the one that OCIO names, if it is set.
    """
    settings = load_settings()

    def check_colour_config(settings: UserSettings) -> Finding:
        return check_own_colour(settings, ocio)

    checks: tuple[Callable[[UserSettings], Finding], ...] = (
        check_python, check_libraries, check_home, check_disk, check_port, check_daemon, check_pose, check_exr,
        check_colour, check_colour_config, check_movie, check_gate, check_weights,
    )  # fmt: skip
    for check in checks:
        name = check.__name__.removeprefix("check_")
        try:
            found = check(settings)
        except UnderstudyError as problem:
            found = Finding(rule=name, outcome="refuse", message=problem.message, remedy=problem.remedy)
        except (OSError, ValueError, ImportError) as problem:
            found = Finding(rule=name, outcome="broken", message=f"{type(problem).__name__}: {problem}")
        yield found


def check_python(settings: UserSettings) -> Finding:
    said = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    if sys.version_info < (3, 11):
        return Finding(rule="python", outcome="refuse", message=said, remedy="The daemon needs Python 3.11 or newer.")
    return Finding(rule="python", outcome="pass", message=said)


def check_libraries(settings: UserSettings) -> Finding:
    versions, missing = [], []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(
            rule="libraries", outcome="refuse", message=f"missing: {', '.join(missing)}",
            remedy="pip install -c constraints.txt '.[daemon]'",
        )  # fmt: skip
    return Finding(rule="libraries", outcome="pass", message=", ".join(versions))


def check_home(settings: UserSettings) -> Finding:
    """Keys are made when there are none; others that can read them are a refusal that keys.py words."""
    ensure_local_keys(settings.home)
    return Finding(rule="home", outcome="pass", message=f"{settings.home} is yours alone, keys are in order")


def check_disk(settings: UserSettings) -> Finding:
    free = shutil.disk_usage(settings.home).free
    started = time.perf_counter()
    with tempfile.NamedTemporaryFile(dir=settings.home) as probe:
        probe.write(bytes(2**24))
        probe.flush()
        os.fsync(probe.fileno())
    seconds = time.perf_counter() - started
    said = f"{free / 2**30:.0f} GiB free at {settings.home}, 16 MiB durable in {seconds * 1000:.0f} ms"
    if free < FREE_BYTES_WANTED:
        return Finding(
            rule="disk", outcome="warn", message=said,
            remedy="A long UHD shot may park for want of room. Free space, or set UNDERSTUDY_HOME to a larger disk.",
        )  # fmt: skip
    return Finding(rule="disk", outcome="pass", message=said)


def check_port(settings: UserSettings) -> Finding:
    with socket.socket() as probe:
        try:
            probe.bind((settings.host, 0))
        except OSError as problem:
            return Finding(
                rule="port", outcome="refuse", message=f"{settings.host} cannot be listened on: {problem.strerror}",
                remedy="Set `host` to an address of this machine; 127.0.0.1 is the default.",
            )  # fmt: skip
    return Finding(rule="port", outcome="pass", message=f"{settings.host} can be listened on")


def check_daemon(settings: UserSettings) -> Finding:
    try:
        with Client.connect(load_connection(settings.home)) as client:
            status = client.status()
            milliseconds = client.ping() * 1000
    except (DaemonUnreachable, RequestError) as problem:
        return Finding(
            rule="daemon", outcome="note", message=problem.message, remedy="Start it with `understudy serve`."
        )
    said = (
        f"version {status.version}, {len(status.slots)} slots, {status.queued} queued, answers in {milliseconds:.1f} ms"
    )
    return Finding(rule="daemon", outcome="pass", message=said)


def check_pose(settings: UserSettings) -> Finding:
    """Say which sources of poses are here; MediaPipe is asked once. Without any the preview still works."""
    from understudy.inference.controls.mediapipe_client import MediaPipe
    from understudy.inference.controls.mediapipe_environment import find_interpreter
    from understudy.inference.controls.vitpose import WEIGHTS_FOLDER, official_files_here

    here = ["vitpose"] if official_files_here(settings.home / WEIGHTS_FOLDER) is not None else []
    python = find_interpreter(settings.mediapipe_python, settings.home)
    if python is not None:
        with MediaPipe(python) as source:
            source.detect(np.zeros((64, 64, 3), np.uint8), None)
        here.append(MediaPipe.name)
    if here:
        return Finding(rule="pose", outcome="pass", message=f"poses are found by {' or '.join(here)}")
    return Finding(
        rule="pose", outcome="note", message="nothing finds poses here: engines that need a skeleton need --keypoints",
        remedy="Run `understudy pose install`, or put the model's checkpoint into the weights folder.",
    )  # fmt: skip


def check_exr(settings: UserSettings) -> Finding:
    """Write every half there is and read it back: the bits must be the same."""
    from understudy.inference.picture.header import Window
    from understudy.inference.picture.images import read_image
    from understudy.inference.picture.layers import write_layer

    halves = np.arange(65536, dtype=np.uint16).view(np.float16).reshape(256, 256)
    window = Window(0, 0, 256, 256)
    with tempfile.TemporaryDirectory(dir=settings.home) as folder:
        path = Path(folder) / "chart.exr"
        write_layer(
            path, np.dstack([halves] * 3), ("R", "G", "B"), data=window, display=window, pixel_aspect=1.0, attributes={}
        )
        back = read_image(path).pixels[:, :, 0]
    wrong = int(np.count_nonzero(back.view(np.uint16) != halves.view(np.uint16)))
    if wrong:
        return Finding(rule="exr", outcome="refuse", message=f"{wrong} of 65536 half values change on disk",
                       remedy="Install the pinned OpenEXR: pip install -c constraints.txt OpenEXR")  # fmt: skip
    return Finding(
        rule="exr", outcome="pass", message="all 65536 half values come back with their bits, NaN and infinity too"
    )


def check_colour(settings: UserSettings) -> Finding:
    """Send a chart through a whole job of the engine `identity`: plate, crop, model, back, put back, file."""
    return _judge_chart(
        settings, "none", "colour", "Install the pinned libraries: pip install -c constraints.txt '.[daemon]'"
    )


def check_own_colour(settings: UserSettings, ocio: str | None) -> Finding:
    """Send the same chart through the studio's own config, in its scene-linear space."""
    found = find_colour_config(ocio, os.environ)
    if found.archive is None:
        return Finding(rule="colour_config", outcome="pass", message="no OCIO config of your own: the built-in one")
    return _judge_chart(
        settings,
        found.archive.typed,
        "colour_config",
        "Check the config with ociocheck: its spaces must be invertible.",
    )


def _judge_chart(settings: UserSettings, ocio: str, rule: str, remedy: str) -> Finding:
    with tempfile.TemporaryDirectory(dir=settings.home) as folder:
        chart, back, matte = _recast_chart(Path(folder), ocio)
    outside, inside = matte == 0, matte == 1
    touched = int(np.count_nonzero(back.view(np.uint16)[outside] != chart.view(np.uint16)[outside]))
    before, after = chart[inside].astype(np.float32), back[inside].astype(np.float32)
    # Relative to the pixel's brightest channel: a matrix mixes channels, so a dark one beside 100 bears its rounding.
    error = float(np.max(np.abs(after - before) / np.maximum(before.max(axis=-1, keepdims=True), 1e-2)))
    through = "" if ocio == "none" else f" through {ocio}"
    said = f"a chart recast by identity{through}: worst error {error:.1e} for values 0 to 100, "
    said += f"{touched} bits touched outside"
    if error > COLOUR_ERROR_ALLOWED or touched:
        return Finding(rule=rule, outcome="refuse", message=said, remedy=remedy)
    return Finding(rule=rule, outcome="pass", message=said)


def _recast_chart(folder: Path, ocio: str) -> tuple[Halves, Halves, Halves]:
    """Return the chart, what a job of `identity` made of it (both height, width, 3), and where it might."""
    from understudy.inference.picture.images import read_image
    from understudy.inference.worker import Reporter, perform

    random = np.random.default_rng(1)
    steps = np.concatenate([np.linspace(0, 1, 2048), np.geomspace(1, 100, 2048)]).astype(np.float16)
    chart = np.stack([random.permutation(steps).reshape(64, 64) for _ in range(3)], axis=-1)
    end = perform(_chart_order(folder, chart, ocio), Reporter(lambda message: None))
    refusal = next((finding for finding in end.findings if finding.refuses), None)
    if refusal is not None:
        raise RequestError(refusal.message, remedy=refusal.remedy)
    if end.state != "delivered":
        raise ValueError(end.error.message if end.error is not None else end.state)
    comp, effective = (
        np.asarray(read_image(folder / "job" / "v001" / layer / f"{layer}.0001.exr").pixels, np.float16)
        for layer in ("comp", "matte_effective")
    )
    return chart, comp, effective[:, :, 0]


def _chart_order(folder: Path, chart: Halves, ocio: str) -> WorkOrder:
    """Write `chart` and a round matte into `folder` and return the order of a job on them."""
    from understudy.inference.picture.header import Window
    from understudy.inference.picture.layers import write_layer

    y, x = np.mgrid[0:64, 0:64]
    matte = np.clip(24 - np.hypot(x - 32, y - 32), 0, 1).astype(np.float16)
    window = Window(0, 0, 64, 64)
    for name, pixels in (("plate", chart), ("matte", matte)):
        write_layer(folder / f"{name}.exr", pixels, data=window, display=window)
    plate = str(folder / "plate.exr")
    job = gather_job(
        JobOptions(
            plate=plate, matte=str(folder / "matte.exr"), reference=plate, rate="24", engine="identity",
            colour="scene_linear", ocio=ocio, self_attest="doctor: does the picture path hold?",
        )
    )  # fmt: skip
    return WorkOrder(
        job_id="doctor",
        job=job.job,
        version=1,
        actor="doctor",
        accepted_at="1970-01-01T00:00:00Z",
        blobs={digest: str(path) for digest, path in job.paths.items()},
        folder=str(folder / "job"),
        scratch=str(folder / "scratch"),
    )


def check_movie(settings: UserSettings) -> Finding:
    from understudy.inference.picture.movies import MovieReader
    from understudy.inference.picture.review import write_review

    grey = np.full((64, 64, 3), 128, np.uint8)
    with tempfile.TemporaryDirectory(dir=settings.home) as folder:
        path = Path(folder) / "review.mp4"
        write_review(path, iter([grey] * 3), Fraction(24000, 1001), 64, 64)
        with MovieReader(path) as movie:
            count, rate = movie.count, movie.rate
    good = count == 3 and rate == Fraction(24000, 1001)
    return Finding(rule="movie", outcome="pass" if good else "refuse",
                   message=f"3 frames at 24000/1001 written, {count} at {rate} read back")  # fmt: skip


def check_gate(settings: UserSettings) -> Finding:
    """The gate must be able to refuse: a job without papers is judged, and has to fall."""
    from understudy.bridge.frames import FrameRange, FrameRate
    from understudy.bridge.record import Record
    from understudy.bridge.shot import Character, JobRequest, Performer, PictureFile, Pictures, Settings, Shot
    from understudy.inference.compliance.facts import AdmissionFacts
    from understudy.inference.compliance.gate import evaluate
    from understudy.inference.compliance.policy.library import own_packs

    file = PictureFile(file="0" * 64, picture="0" * 64, size=1, typed="chart.png")
    character = Character(pictures=Pictures(files=(file,), kind="still", typed="chart.png"))
    shot = Shot(name="chart", range=FrameRange(1, 1), rate=FrameRate(24), performers=(Performer(character=character),))
    job = JobRequest(shot=shot, settings=Settings(), record=Record(ground="self_attested", attestation=""))
    today, packs = time.strftime("%Y-%m-%d", time.gmtime()), own_packs(settings.packs_folder)
    found = evaluate("admission", AdmissionFacts(job=job, actor="doctor", today=today, packs=packs))
    broken = [finding.message for finding in found if finding.outcome == "broken"]
    if broken:
        return Finding(
            rule="gate",
            outcome="broken",
            message=f"rules that did not run: {'; '.join(broken)}",
            remedy="Nothing will be delivered until they do. Mend a pack of your own, or reinstall understudy.",
        )
    refused = sum(finding.refuses for finding in found)
    said = f"{len(found)} admission rules ran; a job without papers was {'refused' if refused else 'let through'}"
    return Finding(rule="gate", outcome="pass" if refused else "broken", message=said)


def check_weights(settings: UserSettings) -> Finding:
    """A machine without a model is sound: engines that need none run there. `weights verify` reads the files."""
    if importlib.util.find_spec("safetensors") is None:
        return Finding(
            rule="weights", outcome="note", message="models cannot be looked at: safetensors is not installed",
            remedy="pip install 'understudy[weights]', where an engine is to load a model.",
        )  # fmt: skip
    return standing(MODELS[0], settings).finding()
