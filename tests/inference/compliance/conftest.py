"""Jobs to judge: a sound one, and the one thing that each test changes in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from delivery_rig import Take
from numpy.typing import NDArray

from understudy.bridge.engine_description import EngineDescription, SegmentRule
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.record import Consent, Record
from understudy.bridge.shot import (
    Character,
    JobRequest,
    Matte,
    Output,
    Performer,
    PictureFile,
    Pictures,
    Plate,
    Settings,
    Shot,
)
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.picture.header import Window
from understudy.inference.picture.layers import write_layer
from understudy.inference.work_order import WorkOrder

PREVIEW = EngineDescription(
    name="preview",
    version="1",
    label="Preview",
    modes=("replace", "animate"),
    required_inputs={"replace": ("plate", "matte", "reference"), "animate": ("reference",)},
    optional_inputs={"replace": ("clean_plate", "holdout", "keypoints"), "animate": ("plate", "keypoints")},
    layers={"replace": ("comp", "patch", "matte_effective"), "animate": ("beauty",)},
    size_multiple=2,
    area_pixels=921600,
    segment=SegmentRule(length=24),
    previz=True,
    options={"light": "how much light"},
    limits=("makes previz",),
)


def digest(text: str) -> str:
    return text.encode().hex().ljust(64, "0")[:64]


def sequence(pattern: str, frames: Iterable[int]) -> Pictures:
    names = {frame: pattern.replace("####", f"{frame:04}") for frame in frames}
    files = tuple(
        PictureFile(file=digest(name), picture=digest(name), size=1000, typed=name, frame=frame)
        for frame, name in names.items()
    )
    return Pictures(files=files, kind="sequence", typed=pattern)


def single(name: str, kind: Any = "still") -> Pictures:
    return Pictures(
        files=(PictureFile(file=digest(name), picture=digest(name), size=1000, typed=name),), kind=kind, typed=name
    )


def consent(**changes: Any) -> Consent:
    fields = {"consent_id": "c-1", "talent": "ana", "document": "a" * 64, "signed_on": "2026-01-05"}
    return Consent(**{**fields, **changes})


def sound_record(**changes: Any) -> Record:
    fields: dict[str, Any] = {
        "record_id": "r-1",
        "likeness": "synthetic_performer",
        "performed_by": ("ana",),
        "consents": (consent(),),
    }
    return Record(**{**fields, **changes})


TEN_FRAMES = FrameRange(1, 10)


def sound_job(frames: FrameRange = TEN_FRAMES, **changes: Any) -> JobRequest:
    """Return a job that every rule of admission passes."""
    shot = Shot(
        name="SH010",
        range=frames,
        rate=FrameRate(24),
        plate=Plate(pictures=sequence("plate.####.exr", frames)),
        performers=(
            Performer(
                character=Character(pictures=single("hero.png")), matte=Matte(pictures=sequence("m.####.png", frames))
            ),
        ),
    )
    parts: dict[str, Any] = {
        "shot": shot,
        "settings": Settings(),
        "record": sound_record(),
        "output": Output(project="falcon"),
    }
    return JobRequest(**{**parts, **changes})


def with_shot(job: JobRequest, **changes: Any) -> JobRequest:
    return msgspec.structs.replace(job, shot=msgspec.structs.replace(job.shot, **changes))


def admission(job: JobRequest, **changes: Any) -> AdmissionFacts:
    fields: dict[str, Any] = {
        "job": job,
        "actor": "jo",
        "today": "2026-11-20",
        "engine": PREVIEW,
        "engines": ("identity", "preview"),
    }
    return AdmissionFacts(**{**fields, **changes})


class Makers:
    """What tests of this folder build with."""

    PREVIEW = PREVIEW
    digest = staticmethod(digest)
    sequence = staticmethod(sequence)
    single = staticmethod(single)
    consent = staticmethod(consent)
    record = staticmethod(sound_record)
    job = staticmethod(sound_job)
    with_shot = staticmethod(with_shot)
    admission = staticmethod(admission)


@pytest.fixture(scope="session")
def make() -> type[Makers]:
    return Makers


@pytest.fixture(scope="session")
def say() -> Callable[..., Any]:
    """Return a function that asks one rule, as the gate's process would, without a process; of several findings the
    first, which is the rule's own."""
    import importlib

    def ask(rule: str, facts: Any) -> Any:
        said = importlib.import_module(f"understudy.inference.compliance.rules.{rule}").Rule().check(facts)
        return getattr(said, "finding", said)

    return ask


# ---- real files: a tiny shot on disk and the layers that an engine would have made of it

WIDTH, HEIGHT = 48, 32
SMALL_RANGE = FrameRange(1, 4)


class ShotOnDisk:
    """Half EXR plate, PNG matte and PNG reference in a folder, and the order that names them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for frame in SMALL_RANGE:
            self.write_plate(frame)
            self.write_matte(frame)
        self.write_png("hero.png", np.full((300, 260, 3), 90, np.uint8))

    def plate_pixels(self, frame: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.float16]:
        return np.random.default_rng(frame).random((height, width, 3), np.float32).astype(np.float16)

    def write_plate(self, frame: int, pixels: Any = None) -> Path:
        pixels = self.plate_pixels(frame) if pixels is None else pixels
        path = self.folder / f"plate.{frame:04}.exr"
        window = Window(0, 0, pixels.shape[1], pixels.shape[0])
        write_layer(path, pixels, data=window, display=window)
        return path

    def matte_pixels(self) -> NDArray[np.uint8]:
        matte = np.zeros((HEIGHT, WIDTH), np.uint8)
        matte[8:24, 10:30] = 255
        return matte

    def write_matte(self, frame: int, pixels: Any = None) -> Path:
        return self.write_png(f"m.{frame:04}.png", self.matte_pixels() if pixels is None else pixels)

    def write_png(self, name: str, pixels: Any) -> Path:
        path = self.folder / name
        assert cv2.imwrite(str(path), pixels)
        return path

    def order(self, **changes: Any) -> WorkOrder:
        """Return an order on what lies in the folder; `plate` and `matte` may be other pictures than the sequences."""
        base = sound_job(SMALL_RANGE)
        plate = Plate(pictures=changes.pop("plate", base.shot.plate.pictures if base.shot.plate else None))
        matte = Matte(pictures=changes.pop("matte", sequence("m.####.png", SMALL_RANGE)))
        performer = Performer(character=Character(pictures=changes.pop("reference", single("hero.png"))), matte=matte)
        job = with_shot(changes.pop("job", base), plate=plate, performers=(performer,))
        files = [file for pictures in job.shot.roles().values() for file in pictures.files]
        fields: dict[str, Any] = {
            "job_id": "job0001",
            "job": job,
            "version": 1,
            "actor": "jo",
            "accepted_at": "2026-11-20T10:00:00Z",
            "blobs": {file.file: str(self.folder / file.typed) for file in files},
            "folder": str(self.folder / "jobs"),
        }
        return WorkOrder(**{**fields, **changes})


@pytest.fixture
def on_disk(tmp_path: Path) -> ShotOnDisk:
    return ShotOnDisk(tmp_path)


@pytest.fixture
def take(on_disk: ShotOnDisk, say: Callable[..., Any], tmp_path: Path) -> Take:
    """Return a sound version of the preview engine."""
    folder = tmp_path / "v001"
    folder.mkdir()
    return Take(on_disk, PREVIEW, say, folder)
