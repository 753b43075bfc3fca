"""What a take gets beside its layers: the review movie and the report page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.inference.compliance.marks import STATE, clearance_words, final_state, marks
from understudy.inference.footage import ShotPictures
from understudy.inference.picture.images import read_image
from understudy.inference.picture.layers import fit_window
from understudy.inference.picture.review import write_review
from understudy.inference.report import ReportFacts, ReportFrame, choose_frames, write_report
from understudy.inference.version import Version

REVIEW_NAME = "review.mp4"
REPORT_NAME = "report.html"
READING_THREADS = 2
READ_AHEAD = 4
"""Pictures decoded before the encoder asks for them: enough to keep it busy, few enough to stay flat."""
THUMBNAIL_WIDTH = 640
JPEG_QUALITY = 80

Bytes = NDArray[np.uint8]
Step = Callable[[str, int, int], None]


def make_review(pictures: ShotPictures, version: Version, step: Step) -> Path:
    """Encode the cut, without handles, from the finished comp; the view that was used stands in its metadata."""
    path = version.folder / REVIEW_NAME
    cut = tuple(pictures.order.job.shot.range.cut)
    view = pictures.review_view
    said = marks(pictures.order, version.description)
    metadata = {name.replace("understudy/", "understudy_"): value for name, value in said.items() if name != STATE}
    metadata |= {"comment": said["understudy/disclosure"], "understudy_view": f"{view.display} / {view.view}"}
    width, height = pictures.size
    write_review(
        path,
        _reviewed(pictures, version, cut, step),
        pictures.rate,
        width,
        height,
        metadata=metadata,
        timecode=pictures.ground(cut[0]).timecode,
    )
    return path


def _reviewed(pictures: ShotPictures, version: Version, cut: tuple[int, ...], step: Step) -> Iterator[Bytes]:
    """Yield the finished picture of every frame, decoded ahead on threads, in order."""
    layer = version.picture_layer
    with ThreadPoolExecutor(READING_THREADS, thread_name_prefix="review") as pool:
        frames = iter(cut)
        ahead = [pool.submit(_shown, pictures, version.path(layer, frame)) for frame in islice(frames, READ_AHEAD)]
        for done in range(len(cut)):
            picture = ahead.pop(0).result()
            following = next(frames, None)
            if following is not None:
                ahead.append(pool.submit(_shown, pictures, version.path(layer, following)))
            step("review", done + 1, len(cut))
            yield picture


def _shown(pictures: ShotPictures, path: Path) -> Bytes:
    """Return a layer file as a display shows it: (height, width, 3) uint8 over the display window."""
    image = read_image(path)
    pixels = fit_window(image.pixels[:, :, :3], image.header.data, pictures.canvas.display)
    return pictures.display(pixels)


def make_report(pictures: ShotPictures, version: Version, findings: tuple[Finding, ...]) -> Path:
    """Write the report page; at most 24 frames are embedded."""
    order, description = pictures.order, version.description
    said = marks(order, description)
    shot, record = order.job.shot, order.job.record
    chosen = choose_frames(pictures.frames)
    noted = {frame: finding.message for finding in findings if finding.outcome != "pass" for frame in finding.frames}
    facts = ReportFacts(
        title=f"{shot.name} {shot.range} · {description.label}",
        state=final_state(order),
        clearance=record.clearance,
        disclosure=f"{clearance_words(record)}. {record.disclosure}",
        frames=tuple(ReportFrame(frame, _views(pictures, version, frame), noted.get(frame, "")) for frame in chosen),
        reference=_jpeg(pictures.reference_shown()),
        numbers=_numbers(pictures),
        provenance=tuple(
            (name.removeprefix("understudy/").replace("_", " "), value) for name, value in said.items() if name != STATE
        ),
        record=(
            ("ground", record.ground),
            ("attestation", record.attestation or "none"),
            ("likeness", record.likeness or "not stated"),
            ("consents", ", ".join(consent.consent_id for consent in record.consents) or "none"),
        ),
        files=(
            *((layer, f"{len(shot.range)} frames") for layer in version.layers),
            (REVIEW_NAME, f"{len(shot.range.cut)} frames at {pictures.rate.numerator}/{pictures.rate.denominator}"),
        ),
        findings=findings,
    )
    path = version.folder / REPORT_NAME
    write_report(path, facts)
    return path


def _numbers(pictures: ShotPictures) -> tuple[tuple[str, str], ...]:
    crop, shot = pictures.crop, pictures.order.job.shot
    scale = crop.scale
    return (
        ("frames", f"{shot.range} ({len(shot.range)}), handles {shot.range.head}+{shot.range.tail}"),
        ("rate", f"{pictures.rate.numerator}/{pictures.rate.denominator}"),
        *pictures.told(),
        ("working space", pictures.canvas.space),
        ("engine picture", f"{crop.model_width} x {crop.model_height}, scale {scale[0]:.3f} x {scale[1]:.3f}"),
        ("review view", f"{pictures.review_view.display} / {pictures.review_view.view}"),
    )


def _views(pictures: ShotPictures, version: Version, frame: int) -> dict[str, bytes]:
    """Return the small JPEGs of one frame, in the order in which the page offers them."""
    views = pictures.input_views(frame)
    views["result"] = _shown(pictures, version.path(version.picture_layer, frame))
    for layer in ("character", "clean"):
        if layer in version.layers:
            views[layer] = _shown(pictures, version.path(layer, frame))
    return {name: _jpeg(picture) for name, picture in views.items()}


def _jpeg(picture: Bytes) -> bytes:
    """Return a small JPEG of (height, width, 3) RGB, no wider than THUMBNAIL_WIDTH."""
    height, width = picture.shape[:2]
    scale = min(1.0, THUMBNAIL_WIDTH / width)
    small = cv2.resize(
        picture, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    done, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise OSError("a thumbnail could not be encoded")
    return data.tobytes()
