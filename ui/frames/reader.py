"""Threads that read, reduce and colour frames, so that the interface's own never does.

What is asked for last comes first: a picture to show replaces an older wish for the same place on the screen, and only
when none waits are the frames ahead of the scrub read. Reduced frames are kept within a stated number of bytes.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from understudy.bridge.errors import UnderstudyError
from understudy.ui.frames.apart import cell_means, picture_difference
from understudy.ui.frames.exr import Frame, Picture, difference_of, read_frame, reduce
from understudy.ui.frames.plate import PlateSource
from understudy.ui.frames.remote import FrameFile, RemoteFrame
from understudy.ui.frames.view import Viewing
from understudy.ui.frames.wishes import Key, Shown, Wanted, anywhere, cut, settled

CACHE_BYTES = 768 * 1024 * 1024
"""About 30 UHD frames, reduced to 1080p RGB; 145 of 720p RGB half, which is not reduced."""
WHOLE_FRAMES = 2
"""Frames kept unreduced, for the pixel under the cursor: a UHD one is 66 MB."""
PIXELS_KEPT = 64
"""Of frames elsewhere: what was asked of the daemon, so that a pointer that comes back asks nothing."""
STOP_SECONDS = 5.0
"""A thread may wait for a daemon that is slow; nothing that it brings then is told any more."""
COLOURED_AHEAD = 6
"""Frames that are coloured before they are due: at 24 a second a quarter of a second; 8 MB each at 1080p."""
NICENESS = 5
"""Reading threads stand behind the interface's own: on a machine with few cores it waits for one, never for the GIL
(every call here that takes long was measured to release it)."""


def reader_threads() -> int:
    """Return how many threads read: the module decodes one frame a thread at full speed, and a host wants cores too."""
    return max(2, min(6, (os.cpu_count() or 2) - 1))


_At = tuple[FrameFile, int, int]
_Values = tuple[tuple[str, ...], tuple[float, ...] | None]


class Reader:
    """The threads and their cache. Every method may be called from the interface's thread: none waits for a disk.

    `landed` and `whole` are called on a reading thread.
    """

    def __init__(
        self,
        viewing: Viewing,
        landed: Callable[[Shown], None],
        whole: Callable[[FrameFile], None],
        *,
        plate: PlateSource | None = None,
        of_plate: Iterable[FrameFile] = (),
        space: str = "",
        threads: int | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """of_plate: the files that are read through `plate`; whoever looked at the disk knows them already."""
        self.viewing = viewing
        self._landed, self._whole_landed = landed, whole
        self._plate, self._space = plate, space
        self._of_plate = frozenset(of_plate)
        self._room = cache_bytes
        self._changed = threading.Condition()
        self._shows: OrderedDict[str, Wanted] = OrderedDict()
        self._probe: _At | None = None
        self._ahead: list[Key] = []
        self._soon: list[Wanted] = []
        self._coloured: OrderedDict[Wanted, Shown] = OrderedDict()
        self._colouring: set[Wanted] = set()
        self._reading: set[Key] = set()
        self._kept: OrderedDict[Key, Picture] = OrderedDict()
        self._wholes: OrderedDict[Path, Frame] = OrderedDict()
        self._pixels: OrderedDict[_At, _Values] = OrderedDict()
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._work, name=f"frames {number}", daemon=True)
            for number in range(threads or reader_threads())
        ]
        for thread in self._threads:
            thread.start()

    def show(self, wanted: Wanted) -> None:
        """Ask for a picture; an older wish for the same place that nobody has begun is dropped."""
        with self._changed:
            self._shows[wanted.place] = wanted
            self._changed.notify()

    def ahead(self, frames: Iterable[tuple[FrameFile, int] | Key], soon: Iterable[Wanted] = ()) -> None:
        """Say which (file, factor) will be wanted next, the nearest first; replaces what was said before.

        soon: those that will be shown next: they are coloured too, before any other is read.
        """
        with self._changed:
            keys = dict.fromkeys(settled(Key(*frame)) for frame in frames)
            self._ahead = [key for key in keys if self._kept_as(key) is None]
            self._soon = [anywhere(wanted) for wanted in soon]
            self._changed.notify_all()

    def values(self, path: FrameFile, x: int, y: int) -> _Values | None:
        """Return a pixel's channel names and stored values; None while they are still read (see `whole`)."""
        with self._changed:
            told = self._pixels.get((path, x, y))
            frame = self._wholes.get(path) if isinstance(path, Path) else None
            if told is None and frame is None:
                self._probe = (path, x, y)
                self._changed.notify()
        return told if frame is None else (frame.channels, frame.values(x, y))

    def is_kept(self, path: FrameFile, factor: int) -> bool:
        with self._changed:
            return settled(Key(path, factor)) in self._kept

    def kept_bytes(self) -> int:
        with self._changed:
            return sum(picture.pixels.nbytes for picture in self._kept.values())

    def stop(self, *, wait: bool = True) -> None:
        """End the threads, each after the frame that it is reading; nothing lands any more.

        Waits some seconds for them all, as whoever deletes what `landed` calls must; a viewer that only goes to
        another take does not.
        """
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        ends = time.monotonic() + STOP_SECONDS
        for thread in self._threads if wait else ():
            thread.join(max(0.0, ends - time.monotonic()))

    def _work(self) -> None:
        stand_back()
        while True:
            with self._changed:
                while (task := self._next()) is None and not self._stopped:
                    self._changed.wait()
                if self._stopped or task is None:
                    return
            task()

    def _next(self) -> Callable[[], None] | None:
        """Take what is to be done first: a picture to show, a pixel to tell, one to colour, one to read."""
        if self._shows:
            return partial(self._show, self._shows.popitem(last=False)[1])
        if self._probe is not None:
            probe, self._probe = self._probe, None
            return partial(self._read_pixel, *probe)
        done = self._coloured.keys() | self._colouring
        wanted = next((wanted for wanted in self._soon if wanted not in done), None)
        if wanted is not None:
            self._colouring.add(wanted)
            return partial(self._colour_ahead, wanted)
        key = next((key for key in self._ahead if self._kept_as(key) is None and key not in self._reading), None)
        if key is not None:
            self._reading.add(key)
            return partial(self._read_ahead, key)
        return None

    def _show(self, wanted: Wanted) -> None:
        with self._changed:
            ready = self._coloured.get(anywhere(wanted))
        shown = replace(ready, wanted=wanted) if ready is not None else self._make(wanted)
        if shown is not None and not self._stopped:
            self._landed(shown)

    def _colour_ahead(self, wanted: Wanted) -> None:
        shown = self._make(wanted, ahead=True)
        with self._changed:
            self._colouring.discard(wanted)
            if shown is None or shown.codes is None:  # not again until it is asked for: it may still be landing
                self._soon = [other for other in self._soon if other != wanted]
            else:
                self._coloured[wanted] = shown
                while len(self._coloured) > COLOURED_AHEAD + reader_threads():
                    self._coloured.popitem(last=False)

    def _make(self, wanted: Wanted, *, ahead: bool = False) -> Shown | None:
        """Return what came of a wish; None for one that a newer wish overtook at the daemon."""
        key = settled(Key(wanted.path, wanted.factor, wanted.minus, wanted.rough))
        try:
            picture = self._picture(key, wanted.place, ahead=ahead)
            if picture is None:
                return None
            part, rectangle = cut(picture, wanted.region)
            codes = self.viewing.render(part, wanted.look, wanted.kind, wanted.channel)
            error = self.viewing.error(wanted.look) if wanted.kind in ("picture", "signed") else None
            return Shown(wanted, codes, rectangle, picture, error)
        except UnderstudyError as problem:
            return Shown(wanted, None, problem=f"{problem.message}. {problem.remedy}")

    def _picture(self, key: Key, place: str = "", *, ahead: bool = False) -> Picture | None:
        with self._changed:
            found = self._kept_as(key)
            if found is not None:
                self._kept.move_to_end(found)
                return self._kept[found]
        picture = self._made(key, place, ahead=ahead)
        with self._changed:
            if picture is not None:
                self._keep(key, picture)
        return picture

    def _made(self, key: Key, place: str, *, ahead: bool) -> Picture | None:
        path, minus = key.path, key.minus
        if minus is None and isinstance(path, RemoteFrame):
            return path.picture(place, ahead=ahead)
        if isinstance(path, RemoteFrame) or isinstance(minus, RemoteFrame):
            return self._apart(path, minus or path, place, ahead=ahead)
        frame = self._frame(path)
        if minus is not None:
            frame = difference_of(frame, self._frame(minus))
        return reduce(frame, key.factor, rough=key.rough)

    def _apart(self, path: FrameFile, minus: FrameFile, place: str, *, ahead: bool) -> Picture | None:
        """Return the difference of two pictures of which one at least lies elsewhere: of means of the same cells."""
        proxies = {
            file: self._picture(Key(file, 0), f"{place}{role}" if place else "", ahead=ahead)
            for file, role in ((path, ""), (minus, " minus"))
            if isinstance(file, RemoteFrame)
        }
        if (grid := next(iter(proxies.values()))) is None:
            return None
        front, back = (
            proxies[file] if isinstance(file, RemoteFrame) else cell_means(self._frame(file), grid)
            for file in (path, minus)
        )
        return picture_difference(front, back) if front is not None and back is not None else None

    def _kept_as(self, key: Key) -> Key | None:
        """Return under which key a picture is kept: a fine one does for a rough one."""
        return next((one for one in (key._replace(rough=False), key) if one in self._kept), None)

    def _frame(self, path: Path) -> Frame:
        with self._changed:
            whole = self._wholes.get(path)
        if whole is not None:
            return whole
        if self._plate is not None and path in self._of_plate:
            return self._plate.read(path, self.viewing, self._space)
        return read_frame(path)

    def _keep(self, key: Key, picture: Picture) -> None:
        self._kept[key] = picture
        held = sum(kept.pixels.nbytes for kept in self._kept.values())
        while held > self._room and len(self._kept) > 1:
            held -= self._kept.popitem(last=False)[1].pixels.nbytes

    def _read_pixel(self, file: FrameFile, x: int, y: int) -> None:
        try:
            if isinstance(file, RemoteFrame):
                told = file.values(x, y)
                with self._changed:
                    self._pixels[file, x, y] = told
                    while len(self._pixels) > PIXELS_KEPT:
                        self._pixels.popitem(last=False)
            else:
                self._read_whole(file)
        except UnderstudyError:  # the wish to show it tells why
            return
        if not self._stopped:
            self._whole_landed(file)

    def _read_whole(self, path: Path) -> None:
        frame = self._frame(path)
        with self._changed:
            self._wholes[path] = frame
            while len(self._wholes) > WHOLE_FRAMES:
                self._wholes.popitem(last=False)

    def _read_ahead(self, key: Key) -> None:
        try:
            if self._picture(key, ahead=True) is None:
                self._not_ahead(key)
        except UnderstudyError:
            self._not_ahead(key)  # it may still be landing
        finally:
            with self._changed:
                self._reading.discard(key)

    def _not_ahead(self, key: Key) -> None:
        """Leave a frame alone until it is asked for."""
        with self._changed:
            self._ahead = [other for other in self._ahead if other != key]


def stand_back() -> None:
    """Have the calling thread leave a core to the interface's. Only Linux has priorities of single threads here."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
