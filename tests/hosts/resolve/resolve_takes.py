"""Takes as the daemon leaves them on disk, placed on the rig's timeline and looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from host_rig import read_exr, write_exr
from resolve_rig import RATE, ResolveRig

from understudy.bridge.frames import FrameRange
from understudy.bridge.host import Delivered, LayerFiles, RememberedJob

START = 86_416


def take(rig: ResolveRig, folder: Path, version: int = 1, handles: int = 0) -> Delivered:
    """Return a take whose patch covers the left half, as the daemon would have left it on disk."""
    frames = FrameRange(START - handles, START + 3 + handles, handles, handles)
    patch = np.zeros((90, 160, 4), np.float32)
    patch[:, :80] = (0.25 * version, 0.5, 0.125, 1)
    (folder / "patch").mkdir(parents=True)
    for frame in frames:
        write_exr(folder / "patch" / f"patch.{frame:04}.exr", patch)
    job = RememberedJob(
        job_id=f"job{version}", shot="sh010", version=version, frames=frames, anchor=rig.host.select().anchor,
        folder=str(folder), state="delivered",
    )  # fmt: skip
    layers = (LayerFiles(name="patch", pattern=str(folder / "patch/patch.####.exr"), colour="Linear Rec.709 (sRGB)"),)
    return Delivered(job=job, rate=RATE, layers=layers)


def place(rig: ResolveRig, delivered: Delivered) -> None:
    rig.host.remember(delivered.job)
    for _ in rig.host.place(delivered):
        pass


def shown(rig: ResolveRig, frame: int, version: int) -> None:
    """The take over the plate, and nothing of an older one."""
    assert rig.clip.medium is not None
    picture, plate = rig.picture(frame), read_exr(rig.clip.medium.files[1 + frame - START])
    np.testing.assert_array_equal(picture[:, :80], np.broadcast_to((0.25 * version, 0.5, 0.125), (90, 80, 3)))
    np.testing.assert_array_equal(picture[:, 80:], plate[:, 80:])
