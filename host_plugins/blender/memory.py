# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs that a .blend keeps: in its scenes, and their ids on the strips that they are about. Main thread only.

ID properties are saved with the file and survive a rename of the strip; an undo may take them back, so whoever runs
jobs writes them again after one.
"""

from __future__ import annotations

import bpy
import msgspec

from understudy.bridge.host import RememberedJob

from . import compat
from .blender_types import Scene, Strip, given
from .strips import JOBS


class Anchor(msgspec.Struct, frozen=True):
    """Where results belong."""

    scene: str
    strip: str = ""
    """Empty: above everything, at the job's frames."""

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def parse(cls, text: str) -> Anchor:
        return msgspec.json.decode(text, type=cls)


def keep(job: RememberedJob) -> None:
    anchor = Anchor.parse(job.anchor)
    scene = bpy.data.scenes.get(anchor.scene) or given(compat.sequencer_scene())
    kept = {**_kept(scene), job.job_id: job}
    scene[JOBS] = msgspec.json.encode(kept).decode()
    strip = find_source(scene, job)
    if strip is not None and job.job_id not in strip.get(JOBS, ""):
        strip[JOBS] = f"{strip.get(JOBS, '')} {job.job_id}".strip()


def drop(job: RememberedJob) -> None:
    """Take the job out of every scene and off the strip that it was about."""
    for scene in bpy.data.scenes:
        kept = _kept(scene)
        if kept.pop(job.job_id, None) is None:
            continue
        scene[JOBS] = msgspec.json.encode(kept).decode()
        strip = find_source(scene, job)
        if strip is not None and job.job_id in strip.get(JOBS, ""):
            strip[JOBS] = " ".join(one for one in strip[JOBS].split() if one != job.job_id)


def kept_jobs() -> tuple[RememberedJob, ...]:
    """Return the jobs of every scene, oldest first; a copied scene remembers them too, and counts once."""
    jobs: dict[str, RememberedJob] = {}
    for scene in bpy.data.scenes:
        jobs.update(_kept(scene))
    return tuple(jobs.values())


def find_source(scene: Scene | None, job: RememberedJob) -> Strip | None:
    """Return the strip that the job was made of: by its name, else by what it remembers; None when it is gone."""
    if scene is None or scene.sequence_editor is None:
        return None
    everything = compat.all_strips_of(scene.sequence_editor)
    named = everything.get(Anchor.parse(job.anchor).strip)
    marked = [strip for strip in everything if job.job_id in strip.get(JOBS, "")]
    return named if named is not None and (named in marked or not marked) else next(iter(marked), None)


def place_of(scene: Scene, job: RememberedJob) -> str:
    """Return what takes of one place have in common: the name that their source has now; without one, their anchor."""
    source = find_source(scene, job)
    return source.name if source is not None else job.anchor


def _kept(scene: Scene) -> dict[str, RememberedJob]:
    try:
        return msgspec.json.decode(str(scene.get(JOBS, "{}")), type=dict[str, RememberedJob])
    except msgspec.MsgspecError:
        return {}  # a newer version's words: its jobs are its own to take up
