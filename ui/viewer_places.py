"""Which pictures the screen needs: front, what it is compared with, and the matte over them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

from understudy.ui.frames.reader import Shown
from understudy.ui.frames.view import Kind
from understudy.ui.viewer_canvas import BACK, FRONT, MATTE
from understudy.ui.viewer_take import PLATE, TakeFiles, kind_of
from understudy.ui.viewer_words import banner_words

ALL_TAKES = "all takes"
Others = dict[str, "tuple[tuple[TakeFiles, str], ...]"]


class Place(NamedTuple):
    """What is to stand where on the screen."""

    place: str
    take: TakeFiles
    layer: str
    kind: Kind
    named: str = ""
    """The take's name, where it is another one than the viewer's own."""


def others_of(take: TakeFiles, earlier: tuple[TakeFiles, ...]) -> Others:
    """Return all that the front can be compared with, by what the interface calls it."""
    found: Others = {layer: ((take, layer),) for layer in take.layers}
    for other in earlier:
        found[f"{other.folder.name} {other.picture_layer}"] = ((other, other.picture_layer),)
    if earlier:
        found[ALL_TAKES] = tuple((other, other.picture_layer) for other in earlier)
    return found


def places_of(
    take: TakeFiles, layer: str, against: tuple[tuple[TakeFiles, str], ...], *, overlay: bool
) -> Iterator[Place]:
    """Yield what the screen needs, the front first. `against` is what it is compared with: nothing, one, or many."""
    yield Place(FRONT, take, layer, cast(Kind, kind_of(layer)))
    for number, (other, name) in enumerate(against):
        named = "" if other is take else other.folder.name
        yield Place(f"{BACK}{number or ''}", other, name, cast(Kind, kind_of(name)), named)
    matte = next((name for name in ("matte", "matte_effective") if name in take.layers), None)
    if overlay and matte is not None:
        yield Place(MATTE, take, matte, "overlay")


def banner_of(take: TakeFiles, places: list[Place], shown: Mapping[str, Shown]) -> str:
    """Return the words over the picture: of every picture on the screen, the longer where one says more of the same."""
    words = [banner_words(take, None)] if not shown else []
    for place in places:
        picture = shown[place.place].picture if place.place in shown else None
        marks = None if picture is None or place.layer == PLATE else picture.marks
        words.append(banner_words(place.take, marks))
    told = [word for word in dict.fromkeys(words) if word]
    return "\n".join(word for word in told if not any(other != word and other.startswith(word) for other in told))
