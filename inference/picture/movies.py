"""Movies in and out. `movie_reader` reads plates and mattes, `movie_writer` writes review and delivery movies."""

from understudy.inference.picture.movie_frames import ColourTags
from understudy.inference.picture.movie_reader import MovieReader
from understudy.inference.picture.movie_writer import MOVIE_KINDS, MovieWriter, stated_aspect

__all__ = ["MOVIE_KINDS", "ColourTags", "MovieReader", "MovieWriter", "stated_aspect"]
