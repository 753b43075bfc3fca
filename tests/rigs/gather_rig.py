"""Files to gather a job from, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import OpenEXR
import pytest

from understudy.bridge.errors import RequestError, UnderstudyError
from understudy.bridge.gather import Gathered, gather_job
from understudy.bridge.options import JobOptions


def write(path: Path, content: str = "") -> Path:
    """Write a file that no two frames share the bytes of."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((content or f"picture {path.name}").encode(errors="surrogateescape"))
    return path


def write_exr(path: Path, **header: Any) -> Path:
    pixels = np.full((4, 6, 3), 0.25, np.float16)
    path.parent.mkdir(parents=True, exist_ok=True)
    OpenEXR.File({"type": OpenEXR.scanlineimage, **header}, {"RGB": pixels}).write(str(path))
    return path


def sound_options(folder: Path) -> JobOptions:
    """Write a sound shot of four frames, 1001 to 1004, and return its options."""
    for frame in range(1001, 1005):
        write(folder / f"plate.{frame}.png")
        write(folder / f"matte.{frame}.png")
    write(folder / "hero.png")
    return JobOptions(
        plate=str(folder / "plate.####.png"), matte=str(folder / "matte.####.png"), rate="24",
        reference=str(folder / "hero.png"), self_attest="a test, to see what is gathered",
    )  # fmt: skip


def gathered(options: JobOptions, **changed: Any) -> Gathered:
    return gather_job(msgspec.structs.replace(options, **changed))


def refused(options: JobOptions, kind: type[UnderstudyError] = RequestError, **changed: Any) -> UnderstudyError:
    """Return the refusal; each has a remedy."""
    with pytest.raises(kind) as problem:
        gathered(options, **changed)
    assert problem.value.remedy
    return problem.value


def frames_of(job: Gathered, role: str = "plate") -> list[int | None]:
    return [file.frame for file in job.job.shot.roles()[role].files]
