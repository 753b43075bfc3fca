"""A plate of pixels that are not square: its movies say so, and are measured as people see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from spine_rig import Told, gathered, order_of

from understudy.bridge.options import JobOptions
from understudy.inference.picture.images import read_header
from understudy.inference.picture.label import LEAST_HEIGHT
from understudy.inference.picture.movies import MovieReader, MovieWriter
from understudy.inference.worker import Reporter, perform

WIDTH, HEIGHT = 260, 384
"""At pixel aspect 2 people see 520 x 384: the shortest side is another than the file's."""


@pytest.fixture
def squeezed(tmp_path: Path) -> JobOptions:
    """Return the options that recast one anamorphic frame."""
    matte = np.zeros((HEIGHT, WIDTH, 3), np.float16)
    matte[100:200, 60:160] = 1
    for name, pixels in (("plate", np.full((HEIGHT, WIDTH, 3), 0.2, np.float16)), ("matte", matte)):
        header = {"type": OpenEXR.scanlineimage, "pixelAspectRatio": 2.0}
        OpenEXR.File(header, {"RGB": pixels}).write(str(tmp_path / f"{name}.1001.exr"))
    return JobOptions(
        plate=str(tmp_path / "plate.####.exr"), matte=str(tmp_path / "matte.####.exr"), rate="24", frames="1001",
        reference=str(tmp_path / "plate.1001.exr"), engine="identity", self_attest="a test of anamorphic plates",
        movies="comp:prores_422_hq,matte:dnxhr_hqx,patch:prores_4444",
    )  # fmt: skip


def delivered(options: JobOptions, folder: Path, **changed: object) -> dict[str, str]:
    """Recast and return what each rule said."""
    end = perform(order_of(gathered(options), folder, **changed), Reporter(Told().append))
    assert end.state == "delivered", end
    return {finding.rule: finding.message for finding in end.findings}


def aspects(version: Path) -> dict[str, float]:
    found = {}
    for path in (version / "review.mp4", *(version / "movies").iterdir()):
        with MovieReader(path) as movie:
            assert (movie.width, movie.height) == (WIDTH, HEIGHT), "nothing is resampled"
            found[path.name] = movie.pixel_aspect
    return found


def test_when_the_plate_is_anamorphic_then_every_movie_has_its_pixel_aspect_as_every_layer_has(
    tmp_path: Path, squeezed: JobOptions
) -> None:
    delivered(squeezed, tmp_path / "job")
    version = tmp_path / "job" / "v001"
    assert read_header(version / "comp" / "comp.1001.exr").pixel_aspect == 2
    assert aspects(version) == dict.fromkeys(
        ["review.mp4", "comp_prores_422_hq.mov", "matte_dnxhr_hqx.mov", "patch_prores_4444_straight.mov"], 2.0
    )


def test_when_a_movie_of_other_pixels_is_the_plate_then_they_come_back(tmp_path: Path, squeezed: JobOptions) -> None:
    aspect = float(np.float32(16 / 15))  # PAL
    with MovieWriter(tmp_path / "plate.mp4", 24, WIDTH, HEIGHT, pixel_aspect=aspect) as movie:  # type: ignore[arg-type]
        movie.write(np.full((HEIGHT, WIDTH, 3), 100, np.uint8))
    matte = str(tmp_path / "matte.1001.exr")
    plate = {"plate": str(tmp_path / "plate.mp4"), "first": 1001, "matte": matte, "rate": None}
    end = perform(order_of(gathered(squeezed, **plate), tmp_path / "job"), Reporter(Told().append))
    assert end.state == "delivered", end
    assert set(aspects(tmp_path / "job" / "v001").values()) == {16 / 15}


def test_when_the_plate_is_anamorphic_then_the_label_is_as_high_as_it_must_be_where_people_see_it(
    tmp_path: Path, squeezed: JobOptions
) -> None:
    said = delivered(squeezed, tmp_path / "job", label_text="AI-generated")
    assert said["label_is_shown"] == "2 movies open with the label 'AI-generated'"
    with MovieReader(tmp_path / "job" / "v001" / "review.mp4") as movie:
        bright = (movie.read(0) > 0.8).all(axis=2)
    rows = np.flatnonzero(bright.any(axis=1))
    assert (rows[-1] - rows[0] + 1) / HEIGHT >= LEAST_HEIGHT
