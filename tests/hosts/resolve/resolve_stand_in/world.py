"""A stand-in for DaVinci Resolve: the base of all its objects, and the switches for what differs or is not known.

Every name and argument of these classes is one of Blackmagic's (a test holds them against published stubs). Nothing of
it raises because of the host: refusals are False, None, '' and []. What would freeze or damage the real one raises
AssertionError here. A green run says nothing about the real application.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

EMPTY: dict[str, Any] = {
    "AddRenderJob": "", "ImportMedia": [], "AppendToTimeline": [], "GetItemListInTrack": [], "GetRenderCodecs": {},
    "GetCurrentTimeline": None, "GetCurrentProject": None, "GetMediaPool": None, "AddSubFolder": None,
    "GetRootFolder": None, "GetProjectManager": None, "GetVersion": [], "GetSetting": "", "GetCurrentVideoItem": None,
}  # fmt: skip
"""What a call answers when it refuses; False for all others."""


@dataclass
class Switches:
    """Facts that differ between versions, editions and languages; GUESS: nobody outside knows, both ways are tested."""

    product: str = "DaVinci Resolve Studio"
    version: tuple[int, int] = (21, 0)
    end_frame_inclusive: bool = False  # measured exclusive on 21; an example that ships says inclusive
    occupied: str = "dropped"  # or "phantom": an item whose GetDuration is None
    marks_from_start: bool = False  # GUESS: marks count from the timeline's start
    marks_lost_on_page: bool = True  # seen by a shipping product
    tracks_obey_on_edit_only: bool = False  # GUESS
    unknown_settings_refused: bool = True  # else ignored in silence
    language: str = "Complete"  # or "Finalizado": JobStatus is said in the interface's language
    sub_folder: bool = False
    first_number: int | None = None  # None: the timeline's frame numbers
    percent_in_paths: str = "refused"  # GUESS: or "raw", "doubled"
    show_individual_frames: bool = False
    polls_before_start: int = 0  # GUESS: StartRendering returns before the render runs
    frames_a_poll: int = 2
    hasattr_always: bool = True  # "native": any name is there, and is None; else AttributeError ("lint")
    movie_frames: int = 1
    default_space: str = ""  # what an imported clip is taken for
    refused_properties: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()  # calls that an older version lacks
    codecs: dict[str, str] = field(
        default_factory=lambda: {"RGB half (ZIP)": "RGBHalfZIP", "RGB half": "RGBHalf", "RGB float": "RGBFloat"}
    )


class Call(NamedTuple):
    name: str
    arguments: tuple[Any, ...]
    page: str
    thread: int


class World:
    """One running application: what all its objects share."""

    def __init__(self, switches: Switches) -> None:
        self.switches = switches
        self.page = "edit"
        self.calls: list[Call] = []
        self.modal = False
        """A sales window is open: every call fails until it is closed."""
        self.closed = False
        self.refused: dict[str, int] = {}
        self.thread = threading.get_ident()
        self.numbers = 0

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def fail_next(self, call: str, times: int = 1) -> None:
        self.refused[call] = times

    def called(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.name == name]


class Thing:
    """An object of the application. Calls begin with a capital letter, as Blackmagic's do; the rest is ours."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dead = False

    def __getattribute__(self, name: str) -> Any:
        if not name[0].isupper() or name.isupper() or "_" in name:
            return object.__getattribute__(self, name)
        world: World = object.__getattribute__(self, "world")
        if name in world.switches.missing:
            return self.__getattr__(name)
        return self._guarded(name, object.__getattribute__(self, name))

    def __getattr__(self, name: str) -> Any:
        """`hasattr` is True for every name in the real one, and `getattr` gives None."""
        if name[0].isupper() and object.__getattribute__(self, "world").switches.hasattr_always:
            return None
        raise AttributeError(f"{type(self).__name__} has no {name}")

    def _guarded(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any) -> Any:
            world: World = object.__getattribute__(self, "world")
            assert threading.get_ident() == world.thread, f"{name} was called off the script's thread"
            world.calls.append(Call(name, arguments, world.page, threading.get_ident()))
            if world.closed or object.__getattribute__(self, "dead"):
                return None
            if world.modal:
                return EMPTY.get(name, False)
            if world.refused.get(name, 0) > 0:
                world.refused[name] -= 1
                return EMPTY.get(name, False)
            return call(*arguments)

        return guarded

    def __dir__(self) -> list[str]:
        missing = object.__getattribute__(self, "world").switches.missing
        return [name for name in super().__dir__() if name not in missing]
