"""Movies of layers: pictures as people see them, data as it is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from spine_rig import gathered, order_of
from wan_shot import FIRST, HEIGHT, WIDTH, draw_wan_shot

from understudy.bridge.shot import DATA_LAYERS
from understudy.inference.footage import open_pictures
from understudy.inference.picture.header import Header, Image, Window
from understudy.inference.picture.movies import MovieReader
from understudy.inference.requested_movies import RequestedMovies, movie_path
from understudy.inference.version import Version

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
VIEW = "sRGB - Display / a view"


def ramp() -> Image:
    """Return a picture of five grey bars, as tall as the shot."""
    across = np.repeat(np.array(STEPS, np.float16), -(-WIDTH // len(STEPS)))[:WIDTH]
    pixels = np.broadcast_to(across[None, :, None], (HEIGHT, WIDTH, 3)).copy()
    window = Window(0, 0, WIDTH, HEIGHT)
    channels = ("R", "G", "B")
    return Image(Header("matte.1001.exr", "exr", "half", window, window, channels, 1.0), channels, pixels)


def film(folder: Path, wanted: str, image: Image) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return the codes in the middle of each bar, as a movie of one picture gives them back, and its metadata."""
    options = draw_wan_shot(folder / "shot", 1)
    order = order_of(gathered(options, movies=wanted), folder / "job")
    version = Version(order)
    movies = RequestedMovies(open_pictures(order, lambda done, total: None), version, {"understudy_view": VIEW})
    layer = movies.wanted[0].layer
    movies.write(movies.codes(FIRST, {layer: image}))
    movies.close()
    with MovieReader(version.folder / movie_path(movies.wanted[0])) as movie:
        middles = [round((bar + 0.5) * WIDTH / len(STEPS)) for bar in range(len(STEPS))]
        return movie.read(0)[HEIGHT // 2, middles], movie.header.attributes


@pytest.mark.parametrize("wanted", ["matte:prores_4444", *(f"{layer}:prores_422_hq" for layer in DATA_LAYERS)])
def test_when_a_movie_is_of_data_then_it_holds_the_stored_values(tmp_path: Path, wanted: str) -> None:
    codes, said = film(tmp_path, wanted, ramp())
    np.testing.assert_allclose(codes, np.repeat(np.array(STEPS)[:, None], 3, axis=1), atol=0.01)
    assert said["movie/understudy_view"] == "none: data, as it is stored"


def test_when_a_movie_is_of_a_picture_then_it_is_seen_through_the_view_and_says_which(tmp_path: Path) -> None:
    codes, said = film(tmp_path, "comp:prores_422_hq", ramp())
    assert codes[2, 0] > 0.55  # no view shows scene light of 0.5 as the code 0.5
    assert said["movie/understudy_view"] == VIEW
