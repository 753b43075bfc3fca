"""Which channels of an EXR file are meant by a layer and a view. Pure: names in, names out.

Names are read by the OpenEXR multi-view convention (the view is the last component before the channel:
`beauty.left.R`), and by the ways studios really write them: view first (`left.beauty.R`), part names for layers, `red`
for `R`, `rgba.R`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from understudy.bridge.errors import PlateError

_COMPONENTS = {"red": "R", "green": "G", "blue": "B", "alpha": "A", "r": "R", "g": "G", "b": "B", "a": "A"}
_PLAIN = ("", "rgba", "rgb")
_MAIN = ("beauty", "combined", "composite", "main", "color", "colour", "master")


@dataclass(frozen=True, slots=True)
class ExrChannel:
    """One channel as the file lists it. `part` counts from 0."""

    part: int
    name: str
    pixel_type: str
    """`half`, `float` or `uint`."""
    x_sampling: int = 1
    y_sampling: int = 1

    @property
    def base(self) -> str:
        """Return the last component of the name: `R` of `beauty.left.R`."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class ExrPart:
    """A part's name and view attribute; both empty in most single-part files."""

    name: str = ""
    view: str = ""


@dataclass(frozen=True, slots=True)
class ChannelGroup:
    """The channels of one layer in one view of one part, by component (`R`, `G`, `B`, `A`, `Y`, or the last word)."""

    part: int
    layer: str
    view: str | None
    part_name: str
    components: dict[str, ExrChannel]

    @property
    def is_colour(self) -> bool:
        return {"R", "G", "B"} <= self.components.keys() or "Y" in self.components

    @property
    def names(self) -> tuple[str, ...]:
        """Return every word by which a user may mean this layer, in lower case."""
        return _PLAIN if self.word in _PLAIN else (self.layer.lower(), self.word)

    @property
    def label(self) -> str:
        return self.layer or self.part_name or "rgba"

    @property
    def word(self) -> str:
        """Return the one word that tells which layer this is: `combined` of `ViewLayer.Combined`, or the part."""
        own = self.layer.lower().rpartition(".")[2]
        return self.part_name.lower() if own in _PLAIN else own


def group_channels(
    channels: Sequence[ExrChannel], parts: Sequence[ExrPart], views: Sequence[str]
) -> tuple[ChannelGroup, ...]:
    """Return the file's layers in file order. `views` is the file's list of views, the default view first."""
    groups: dict[tuple[int, str, str | None], ChannelGroup] = {}
    for channel in channels:
        part = parts[channel.part]
        layer, view = _layer_and_view(channel.name, part, views)
        key = (channel.part, layer, view)
        # The only part's name says nothing of its layers.
        name = _bare_part_name(part, views) if len(parts) > 1 else ""
        group = groups.setdefault(key, ChannelGroup(channel.part, layer, view, name, {}))
        component = _COMPONENTS.get(channel.base.lower(), channel.base)
        group.components.setdefault(component, channel)
    return tuple(groups.values())


def choose_group(groups: Sequence[ChannelGroup], path: str, layer: str | None, view: str | None) -> ChannelGroup:
    """Return the colour layer meant by `layer` and `view`; None means the plain one and the default view.

    Raises PlateError naming what exists when there is no such layer or view, or when several could be meant.
    """
    groups = _in_view(groups, path, view)
    coloured = [group for group in groups if group.is_colour]
    if layer is None:
        return _default_group(coloured, groups, path)
    wanted = [group for group in coloured if layer.lower() in group.names]
    exact = [group for group in wanted if layer.lower() == group.layer.lower()]
    if len(exact or wanted) != 1:
        raise _no_such(path, "layer", layer, [group.label for group in coloured])
    return (exact or wanted)[0]


def _in_view(groups: Sequence[ChannelGroup], path: str, view: str | None) -> Sequence[ChannelGroup]:
    """Return the layers of one view. A file that lists no views may still name layers after them (`left.R`)."""
    views = tuple(dict.fromkeys(group.view for group in groups if group.view is not None))
    if view is None:
        return [group for group in groups if group.view in (*views[:1], None)]
    chosen = [group for group in groups if group.view == view]
    if not chosen and not views:
        chosen = [group for group in groups if view in group.layer.split(".")]
    if not chosen:
        raise _no_such(path, "view", view, views)
    return chosen


def _default_group(coloured: Sequence[ChannelGroup], groups: Sequence[ChannelGroup], path: str) -> ChannelGroup:
    if not coloured:
        held = ", ".join(channel.name for group in groups for channel in group.components.values())
        raise PlateError(
            f"{path}: no R, G, B or Y among its channels ({held})",
            remedy="Give a file with a colour layer, or name the layer that is meant with --layer.",
            facts={"file": path},
        )
    for names in (_PLAIN, _MAIN):
        found = [group for group in coloured if group.word in names]
        if found:
            coloured = found
            break
    if len(coloured) > 1:
        labels = ", ".join(group.label for group in coloured)
        raise PlateError(
            f"{path}: several layers could be the picture: {labels}",
            remedy="Name one of them with --layer.",
            facts={"file": path},
        )
    return coloured[0]


def _no_such(path: str, kind: str, asked: str, present: Sequence[str]) -> PlateError:
    held = ", ".join(dict.fromkeys(present)) or "none"
    return PlateError(
        f"{path}: no {kind} '{asked}'; the {kind}s in it: {held}",
        remedy=f"Name one of these with --{kind}, or leave --{kind} out.",
        facts={"file": path, kind: asked},
    )


def _layer_and_view(name: str, part: ExrPart, views: Sequence[str]) -> tuple[str, str | None]:
    prefix = name.split(".")[:-1]
    if part.view:
        return ".".join(word for word in prefix if word != part.view), part.view
    if prefix and prefix[-1] in views:
        return ".".join(prefix[:-1]), prefix[-1]
    if prefix and prefix[0] in views:
        return ".".join(prefix[1:]), prefix[0]
    if not prefix and views:
        return "", views[0]
    return ".".join(prefix), None


def _bare_part_name(part: ExrPart, views: Sequence[str]) -> str:
    """Return the part's name without the view that hosts append or prepend to it (`beauty.left`, `left.beauty`)."""
    return ".".join(word for word in part.name.split(".") if word not in (part.view, *views) or not word)
