"""Which pictures the screen needs: front, what it is compared with, and the matte over them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, cast

from understudy.ui.frames.view import Kind, Look
from understudy.ui.frames.wishes import Key, Shown, Wanted
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
    minus: tuple[TakeFiles, str] | None = None
    """The take and the layer whose colours are taken from it."""


def others_of(take: TakeFiles, others: tuple[TakeFiles, ...]) -> Others:
    """Return all that the front can be compared with, by what the interface calls it: layers, then other takes."""
    found: Others = {layer: ((take, layer),) for layer in take.layers}
    for other in others:
        found[other_words(other)] = ((other, other.picture_layer),)
    if others:
        found[ALL_TAKES] = tuple((other, other.picture_layer) for other in others)
    return found


def other_words(other: TakeFiles) -> str:
    """Return what the interface calls another take's finished picture."""
    return f"{other.name} {other.picture_layer}"


def places_of(
    take: TakeFiles,
    layer: str,
    against: tuple[tuple[TakeFiles, str], ...],
    *,
    overlay: bool,
    subtract: bool = False,
) -> Iterator[Place]:
    """Yield what the screen needs, the front first. `against` is what it is compared with: nothing, one, or many.

    subtract: the first of those is taken from the front, and gets no place of its own.
    """
    if subtract and against:
        yield Place(FRONT, take, layer, "signed", minus=against[0])
        against = ()
    else:
        yield Place(FRONT, take, layer, cast(Kind, kind_of(layer)))
    for number, (other, name) in enumerate(against):
        named = "" if other is take else other.name
        yield Place(f"{BACK}{number or ''}", other, name, cast(Kind, kind_of(name)), named)
    matte = next((name for name in ("matte", "matte_effective") if name in take.layers), None)
    if overlay and matte is not None:
        yield Place(MATTE, take, matte, "overlay")


def key_of(place: Place, frame: int, factor: int, rough: bool = False) -> Key | None:
    """Return what is to be read for a place at a frame; None where a file of it lacks."""
    path = place.take.layers.get(place.layer, {}).get(frame)
    minus = None
    if place.minus is not None:
        other, layer = place.minus
        minus = other.layers.get(layer, {}).get(frame)
        if minus is None:
            return None
    return None if path is None else Key(path, factor, minus, rough)


def wanted_of(place: Place, key: Key, frame: int, look: Look, channel: str) -> Wanted:
    """Return the wish for a place's picture, of all of the frame and without a number yet."""
    channel = channel if place.kind != "overlay" else "RGB"
    return Wanted(place.place, key.path, frame, key.factor, look, place.kind, channel, rough=key.rough, minus=key.minus)


def lacking_of(place: Place, frame: int) -> tuple[TakeFiles, str]:
    """Return the take and the layer that have no file of a frame, the front's first."""
    if place.minus is not None and frame in place.take.layers.get(place.layer, {}):
        return place.minus
    return place.take, place.layer


def minus_words(place: Place) -> str:
    """Return what is taken from a picture, for its label."""
    if place.minus is None:
        return ""
    other, layer = place.minus
    return f" - {layer}" if other is place.take else f" - {other.name} {layer}"


def banner_of(take: TakeFiles, places: list[Place], shown: Mapping[str, Shown]) -> str:
    """Return the words over the picture: of every take on the screen its own, named where there are several.

    Of one take the longer words, where one picture says more of the same than another.
    """
    told: dict[Path, tuple[str, list[str]]] = {
        take.folder: (take.name, [banner_words(take, None)] if not shown else [])
    }
    for place in places:
        picture = shown[place.place].picture if place.place in shown else None
        marks = None if picture is None or place.layer == PLATE else picture.marks
        told.setdefault(place.take.folder, (place.take.name, []))[1].append(banner_words(place.take, marks))
        if place.minus is not None:
            other = place.minus[0]
            told.setdefault(other.folder, (other.name, []))[1].append(banner_words(other, None))
    lines = [(name, word) for name, words in told.values() for word in _longest(words)]
    return "\n".join(f"{name}: {word}" if len(told) > 1 else word for name, word in lines)


def _longest(words: list[str]) -> list[str]:
    told = [word for word in dict.fromkeys(words) if word]
    return [word for word in told if not any(other != word and other.startswith(word) for other in told)]
