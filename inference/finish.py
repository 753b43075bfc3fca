"""What a take gets beside its layers, made of the files as they are read back: the review movie and the report page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.inference.cadence import Cadence
from understudy.inference.compliance.manifest import ManifestWatermark
from understudy.inference.compliance.marks import APPROXIMATE, STATE, clearance_words, final_state, iptc_fields, marks
from understudy.inference.compliance.policy.library import all_packs
from understudy.inference.footage import ShotPictures
from understudy.inference.picture.header import Image
from understudy.inference.picture.label import Label
from understudy.inference.picture.layers import fit_window
from understudy.inference.picture.movies import MovieWriter, stated_aspect
from understudy.inference.picture.plate import PlateFrame
from understudy.inference.provenance.watermark import ALGORITHM, Marker
from understudy.inference.provenance.watermark_key import can_carry, mark_of
from understudy.inference.provenance.xmp import xmp_box, xmp_packet
from understudy.inference.report import ReportFacts, ReportFrame, choose_frames, write_report
from understudy.inference.report_papers import papers_of
from understudy.inference.requested_movies import VIEW, Codes, RequestedMovies, movie_path, opening
from understudy.inference.version import Version

REVIEW_NAME = "review.mp4"
REPORT_NAME = "report.html"
THUMBNAIL_WIDTH = 640
JPEG_QUALITY = 80

Bytes = NDArray[np.uint8]


class _Seen(NamedTuple):
    """What is kept of one frame that was read back."""

    picture: Bytes | None
    views: dict[str, bytes]
    codes: list[Codes | None]
    """What the movies that were asked for show of it."""


class Screening:
    """Watches a take being read back: encodes the cut, without handles, and keeps the report's few small pictures.

    Use as a context: left by an exception, no review gets its name. An `Onlooker` of `read_back`.
    """

    def __init__(self, pictures: ShotPictures, version: Version) -> None:
        """Open the movie; the view that its pictures are seen through stands in its metadata."""
        self.path = version.folder / REVIEW_NAME
        self.views: dict[int, dict[str, bytes]] = {}
        self._pictures, self._version = pictures, version
        cut = pictures.order.job.shot.range.cut
        self._cut, self._chosen = frozenset(cut), frozenset(choose_frames(pictures.frames))
        trailer = xmp_box(xmp_packet(iptc_fields(pictures.order, version.description)))
        self._movie = MovieWriter(
            self.path,
            pictures.rate,
            *pictures.size,
            metadata=_review_metadata(pictures, version),
            timecode=pictures.ground(cut.first).timecode,
            trailer=trailer,
            pixel_aspect=pictures.canvas.pixel_aspect,
        )
        self._label = _label(pictures, version)
        self._labelled = frozenset(opening(tuple(cut), pictures, version))
        self._marker = _marker(pictures, version)
        self._requested = RequestedMovies(pictures, version, _review_metadata(pictures, version), trailer, self._label)
        self.paths = (self.path, *self._requested.paths)
        self.beside = tuple(movie_path(wanted) for wanted in self._requested.wanted)
        self.movies = {REVIEW_NAME: True} | {
            movie_path(wanted): wanted.layer == version.picture_layer for wanted in self._requested.wanted
        }
        """Every movie by its path, and whether it shows the finished picture: those open with the label."""

    def __enter__(self) -> Screening:
        return self

    def __exit__(self, *problem: object) -> None:
        if problem[0] is not None:
            self._movie.abandon()
            self._requested.abandon()

    def look(self, frame: int, images: Mapping[str, Image], plate: PlateFrame | None) -> _Seen:
        """Return the finished picture as a display shows it, and what the report shows of this frame. Any thread."""
        shown = {
            layer: self._shown(images[layer])
            for layer in self._wanted(frame)
            if layer in images  # one that cannot be read is the gate's to judge
        }
        picture = shown.get(self._version.picture_layer)
        picture = self._reviewed(frame, picture) if picture is not None and frame in self._cut else picture
        codes = self._requested.codes(frame, images)
        if frame not in self._chosen:
            return _Seen(picture, {}, codes)
        views = self._pictures.input_views(frame, plate)
        views |= {"result" if layer == self._version.picture_layer else layer: seen for layer, seen in shown.items()}
        return _Seen(picture, {name: _jpeg(view) for name, view in views.items()}, codes)

    def keep(self, frame: int, seen: _Seen) -> None:
        if frame in self._cut and seen.picture is not None:
            self._movie.write(seen.picture)
        self._requested.write(seen.codes)
        if seen.views:
            self.views[frame] = seen.views

    def close(self) -> None:
        """Finish the movies; one without a single picture never gets its name."""
        self._requested.close()
        if self._movie.count:
            self._movie.close()
        else:
            self._movie.abandon()

    def _reviewed(self, frame: int, picture: Bytes) -> Bytes:
        """Return a picture as the review shows it: with what people and with what machines are to see in it."""
        if self._label is not None and frame in self._labelled:
            picture = self._label.draw(picture)
        return picture if self._marker is None else self._marker.mark(picture)

    def _wanted(self, frame: int) -> tuple[str, ...]:
        """Return the layers that are shown of a frame, in the order in which the report offers them."""
        result = self._version.picture_layer
        if frame in self._chosen:
            return (result, *(layer for layer in ("character", "clean") if layer in self._version.layers))
        return (result,) if frame in self._cut else ()

    def _shown(self, image: Image) -> Bytes:
        """Return a layer as a display shows it: (height, width, 3) uint8 over the display window."""
        pixels = fit_window(image.pixels[:, :, :3], image.header.data, self._pictures.canvas.display)
        return self._pictures.display(pixels)


def _label(pictures: ShotPictures, version: Version) -> Label | None:
    text = version.order.label_text
    return Label.of(text, *pictures.size, float(stated_aspect(pictures.canvas.pixel_aspect))) if text else None


def _marker(pictures: ShotPictures, version: Version) -> Marker | None:
    """Return what puts the invisible mark into the review, and have the version know of it; None for no mark."""
    mark = mark_of(version.order)
    if mark is None or not can_carry(*pictures.size):
        return None
    version.watermark = ManifestWatermark(algorithm=ALGORITHM, content_id=mark.words, key_id=mark.key_id)
    return Marker(mark.key, mark.content_id)


def _review_metadata(pictures: ShotPictures, version: Version) -> dict[str, str]:
    view = pictures.review_view
    said = marks(pictures.order, version.description, weights=version.weights)
    said |= {APPROXIMATE: "; ".join(one.words for one in version.approximate)} if version.approximate else {}
    metadata = {name.replace("understudy/", "understudy_"): value for name, value in said.items() if name != STATE}
    return metadata | {"comment": said["understudy/disclosure"], VIEW: f"{view.display} / {view.view}"}


def make_report(
    pictures: ShotPictures,
    version: Version,
    findings: tuple[Finding, ...],
    views: Mapping[int, dict[str, bytes]],
    *,
    signer: str,
) -> Path:
    """Write the report page. views: small JPEGs by frame, as `Screening` collected them. signer: who is about to sign
    the version, in words.
    """
    order, description = pictures.order, version.description
    said = marks(order, description, weights=version.weights)
    shot, record = order.job.shot, order.job.record
    noted = {frame: finding.message for finding in findings if finding.outcome != "pass" for frame in finding.frames}
    facts = ReportFacts(
        title=f"{shot.name} {shot.range} · {description.label}",
        state=final_state(order, description.not_final),
        clearance=record.clearance,
        disclosure=f"{clearance_words(record)}. {record.disclosure.text}",
        frames=tuple(
            ReportFrame(frame, views[frame], _shown_instead(pictures.cadence, frame) or noted.get(frame, ""))
            for frame in sorted(views)
        ),
        reference=_jpeg(pictures.reference_shown()),
        numbers=_numbers(pictures),
        provenance=tuple(
            (name.removeprefix("understudy/").replace("_", " "), value) for name, value in said.items() if name != STATE
        ),
        papers=papers_of(order, findings, all_packs(order.packs), version.watermark, signer),
        files=(
            *((folder, f"{len(shot.range)} frames") for folder in version.folders),
            (REVIEW_NAME, f"{len(shot.range.cut)} frames at {pictures.rate.numerator}/{pictures.rate.denominator}"),
        ),
        findings=findings,
    )
    path = version.folder / REPORT_NAME
    write_report(path, facts)
    return path


def _shown_instead(cadence: Cadence, frame: int) -> str:
    """Return what an in-between shows, in words; empty for a frame with a picture of its own."""
    shown = cadence.pictures_of(frame)
    return "" if shown == (frame,) else f"{cadence.between}: of frame {' and '.join(str(number) for number in shown)}"


def _numbers(pictures: ShotPictures) -> tuple[tuple[str, str], ...]:
    crop, shot = pictures.crop, pictures.order.job.shot
    scale = crop.scale
    return (
        ("frames", f"{shot.range} ({len(shot.range)}), handles {shot.range.head}+{shot.range.tail}"),
        ("rate", f"{pictures.rate.numerator}/{pictures.rate.denominator}"),
        *_made_of(pictures.cadence),
        *pictures.told(),
        ("working space", pictures.canvas.space),
        ("engine picture", f"{crop.model_width} x {crop.model_height}, scale {scale[0]:.3f} x {scale[1]:.3f}"),
        ("review view", f"{pictures.review_view.display} / {pictures.review_view.view}"),
    )


def _made_of(cadence: Cadence) -> tuple[tuple[str, str], ...]:
    """Return how many frames have pictures of their own, where an engine makes fewer than a fast shot has frames."""
    if cadence.asked is None:
        return ()
    between = f"; {len(cadence.in_betweens)} frames {cadence.between}" if cadence.in_betweens else ""
    return (("pictures made", f"{len(cadence.made)} of {len(cadence.frames)} frames{between}"),)


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
