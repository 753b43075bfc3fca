"""Small pictures of takes for the job list, and what their files say of themselves, asked in a thread of their own.

They are for knowing a shot again, not for judging: linear values through the sRGB curve (IEC 61966-2-1), whatever the
working space. Of a take that lies elsewhere the daemon sends one, as small as it is shown.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from understudy.bridge.client import Client
from understudy.bridge.errors import PlateError, RequestError
from understudy.bridge.keys import Connection
from understudy.bridge.messages import Outputs
from understudy.bridge.picture_messages import AskProxy
from understudy.ui.errands import Errands
from understudy.ui.frames.small import Small, read_small, small_proxy

LAYERS = ("comp", "beauty")
WIDTH_PIXELS = 192
"""Twice what a row shows at 100 %, so that 200 % is sharp."""
AGAIN_MILLISECONDS = 2000
ASKED_LIMIT = 200
"""Rows that somebody scrolls past are not worth the reading."""


class _Look(NamedTuple):
    """What a take shows of itself."""

    state: str
    image: QImage | None


class Thumbnails(QObject):
    """Reads pictures one after the other. Every method is for the interface's thread."""

    ready = Signal(str, QImage)
    state_told = Signal(str, str)
    """A job and what the files of its take say of themselves: delivered, for_review, uncleared, demonstration."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._errands = Errands("understudy-thumbnails")
        self._asked: dict[str, object] = {}
        """What is under way, or is not to be asked again yet; the answer to an ask that is not here is let go."""
        self._under_way = 0
        self._connection: Connection | None = None
        self._client: Client | None = None  # of the errands' thread alone

    def use(self, connection: Connection | None) -> None:
        """Ask this daemon; None = there is nobody to ask."""
        if connection != self._connection:
            self._connection = connection
            self._asked.clear()

    def want(self, job_id: str) -> None:
        """Read a job's picture; `ready` brings it where there is one."""
        if self._connection is None or job_id in self._asked or self._under_way >= ASKED_LIMIT:
            return
        ask = self._asked[job_id] = object()
        self._under_way += 1
        connection = self._connection
        self._errands.run(
            lambda: self._read(connection, job_id),
            lambda look: self._got(job_id, ask, look),
            lambda _: self._lost(job_id, ask),
        )

    def forget(self, job_id: str) -> None:
        """Let it be read again: the take has changed, and what is being read of it is old."""
        self._asked.pop(job_id, None)

    def close(self) -> None:
        """End the thread and its connection."""
        self._errands.run(self._hang_up, _nothing, _nothing)
        self._errands.close()

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _got(self, job_id: str, ask: object, look: _Look) -> None:
        self._under_way -= 1
        if self._asked.get(job_id) is not ask:
            return
        del self._asked[job_id]
        self.state_told.emit(job_id, look.state)
        if look.image is not None:
            self.ready.emit(job_id, look.image)

    def _lost(self, job_id: str, ask: object) -> None:
        """Nobody answered in time: no trouble worth a word, and asked again a little later."""
        self._under_way -= 1

        def again() -> None:
            if self._asked.get(job_id) is ask:
                self.forget(job_id)

        QTimer.singleShot(AGAIN_MILLISECONDS, self, again)

    def _read(self, connection: Connection, job_id: str) -> _Look:
        if self._client is None or self._client.connection != connection:
            self._hang_up()
            self._client = Client.connect(connection)
        outputs = self._client.outputs(job_id, files=False)
        is_here = self._client.same_machine and not outputs.removed
        image = read_thumbnail(Path(outputs.folder)) if is_here else self._ask(job_id, outputs)
        return _Look(outputs.state, image)

    def _ask(self, job_id: str, outputs: Outputs) -> QImage | None:
        """Return the middle frame of a take that lies elsewhere; None where it has none yet."""
        if self._client is None or outputs.removed:
            return None
        try:
            reply = self._client.proxy(AskProxy(job_id=job_id, width=WIDTH_PIXELS, ahead=True))
        except (RequestError, PlateError):  # no picture yet, or an older daemon
            return None
        small = small_proxy(reply.picture, WIDTH_PIXELS) if reply.picture else None
        return _image(small) if small is not None else None


def read_thumbnail(folder: Path) -> QImage | None:
    """Return the middle frame of the version in `folder`, small; None where it has no picture yet. From any thread."""
    for layer in LAYERS:
        names = sorted(entry.name for entry in _entries(folder / layer) if entry.name.endswith(".exr"))
        if names:
            return _small_picture(folder / layer / names[len(names) // 2])
    return None


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _small_picture(path: Path) -> QImage | None:
    small = read_small(path, WIDTH_PIXELS)
    return _image(small) if small is not None else None


def _image(small: Small) -> QImage:
    bytes_a_row = 3 * small.width
    return QImage(small.codes, small.width, small.height, bytes_a_row, QImage.Format.Format_RGB888).copy()


def _nothing(_: object) -> None:
    return
