"""Every stage that a Wan-Animate job of two segments passes, in its order, and where a worker is struck in it."""

from __future__ import annotations

from struck import Moment

DRAWN = 8
"""Frames: 5 and 3 of their own in segments of 5."""
JOB = ("steps=2", "segment_frames=5")
STRUCK = "struck"
"""The name of the folder that such a job is made in: one moment knows it by that."""

STAGES = (
    Moment("inspecting", "tells", "inspecting"),
    Moment("checking the weights", "tells", "checking the weights"),
    Moment("opening the version", "enters", "inference/version.py:open"),
    Moment("opening the pictures", "enters", "inference/footage.py:open_pictures"),
    Moment("measuring memory", "enters", "wan/tried_model.py:admit"),
    Moment("looking at the shot", "tells", "looking at the shot"),
    Moment("finding poses", "enters", "wan/shot_controls.py:_find_poses"),
    Moment("loading", "tells", "loading the VAE"),
    Moment("encoding the shot", "enters", "wan/loop.py:look"),
    Moment("encoding the shot for the blocks", "enters", "wan/loop.py:guide"),
    Moment("encoding a segment", "enters", "wan/loop.py:_encode"),
    Moment("denoising", "enters", "wan/model.py:predict", 2),
    Moment("decoding", "enters", "wan/loop.py:_decode"),
    Moment("keeping what is carried", "writes", "carried-"),
    Moment("naming what is carried", "names", "carried-"),
    Moment("finishing", "enters", "wan/finishing.py:hold"),
    Moment("telling the character apart", "enters", "wan/coverage.py:cover"),
    Moment("writing a layer", "writes", "comp.1002"),
    Moment("naming a layer", "names", "comp.1002"),
    Moment("encoding the next segment", "enters", "wan/loop.py:_conditions", 2),
    Moment("giving out a segment's last frame", "tells", "WorkerFrame", 5),
    Moment("denoising the next segment", "enters", "wan/model.py:predict", 2),
    Moment("naming a layer of the next segment", "names", "comp.1007"),
    Moment("beginning the check", "tells", "WorkerChecking"),
    Moment("reading back", "enters", "compliance/read_back.py:_read_frame", 3),
    Moment("naming the review", "names", "review.mp4"),
    Moment("judging the take", "enters", "compliance/gate.py:evaluate", 2),
    Moment("naming the report", "names", "report.html"),
    Moment("settling the layers", "enters", "inference/version.py:_settle_layer", 5),
    Moment("signing the review", "writes", ".review.mp4.signing"),
    Moment("naming the signed review", "names", "review.mp4", 2),
    Moment("writing the manifest", "writes", "manifest.json"),
    Moment("writing the list of files", "writes", "frames.json"),
    Moment("naming the seal", "names", "provenance.c2pa"),
    Moment("judging the seal", "enters", "compliance/gate.py:evaluate", 3),
    Moment("delivering", "names", f"{STRUCK}/v001"),
    Moment("telling that it is delivered", "enters", "inference/version_lock.py:release"),
)

TELLING = tuple(
    moment
    for moment in STAGES
    if moment.stage
    in (
        "naming what is carried", "giving out a segment's last frame", "denoising the next segment", "reading back",
        "naming the signed review", "delivering",
    )
)  # fmt: skip
"""For the suite: one of each kind, and every file that a kill can leave half written. `benchmarks/kill_stages.py` has
all."""
