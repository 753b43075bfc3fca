"""Frames that lie with a daemon elsewhere: small pictures of them, and exact pixels, over the protocol.

A `RemoteFrame` stands where a path stands for a file of this machine. Its door may be used from any thread: each
question takes a connection of its own out of a pool.
"""

from __future__ import annotations

import io
import json
import secrets
import threading
import warnings
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import OpenEXR

from understudy.bridge.client import Client
from understudy.bridge.errors import PlateError, ProtocolError, UnderstudyError
from understudy.bridge.keys import Connection
from understudy.bridge.picture_messages import AskPixel, AskProxy
from understudy.ui.frames.exr import Picture, frame_of

KEPT_BYTES = 128 * 1024 * 1024
"""Files as they came, so that a take that is chosen again costs a question a frame and no picture."""
PROXY_MARK = "proxy"


@dataclass(frozen=True, slots=True)
class RemoteFrame:
    """One frame of a layer, or of an input, of a daemon's job."""

    door: Door = field(compare=False, repr=False)
    job_id: str
    layer: str
    frame: int
    stamp: str = ""
    """The file's digest where it is known: another one is another picture."""

    def picture(self, place: str = "", *, ahead: bool = False) -> Picture | None:
        """Return it made small; None where a newer wish for `place` took its turn. Blocks. Raises UnderstudyError."""
        return self.door.picture(self, place, ahead=ahead)

    def values(self, x: int, y: int) -> tuple[tuple[str, ...], tuple[float, ...] | None]:
        """Return a pixel's channels and stored values, None outside the data window. Blocks. Raises UnderstudyError."""
        return self.door.values(self, x, y)


FrameFile: TypeAlias = "Path | RemoteFrame"


class Door:
    """One daemon, for pictures alone. Any thread."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._token = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._idle: list[Client] = []
        self._closed = False
        self._kept: OrderedDict[tuple[str, str, int], tuple[str, bytes]] = OrderedDict()

    def close(self) -> None:
        """End the connections; one that is in use ends after its answer."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for client in idle:
            client.close()

    def picture(self, frame: RemoteFrame, place: str, *, ahead: bool) -> Picture | None:
        key = (frame.job_id, frame.layer, frame.frame)
        with self._lock:
            tag, data = self._kept.get(key, ("", b""))
        where = f"{self._token} {place}" if place else ""
        request = AskProxy(
            job_id=frame.job_id, layer=frame.layer, frame=frame.frame, known=tag, place=where, ahead=ahead
        )
        client = self._borrow()
        try:
            reply = client.proxy(request)
        finally:
            self._give_back(client)
        if reply.dropped:
            return None
        data = reply.picture or data
        self._keep(key, reply.tag, data)
        return proxy_picture(data, f"{frame.layer} {frame.frame}")

    def values(self, frame: RemoteFrame, x: int, y: int) -> tuple[tuple[str, ...], tuple[float, ...] | None]:
        client = self._borrow()
        try:
            told = client.pixel(AskPixel(job_id=frame.job_id, layer=frame.layer, frame=frame.frame, x=x, y=y))
        finally:
            self._give_back(client)
        if not told.values:
            return told.channels, None
        if len(told.values) != 4 * len(told.channels):
            raise ProtocolError("a pixel has other values than channels", remedy="Is it an Understudy daemon?")
        return told.channels, tuple(float(value) for value in np.frombuffer(told.values, "<f4"))

    def _borrow(self) -> Client:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return Client.connect(self.connection)  # looks into the key file again where the daemon moved

    def _give_back(self, client: Client) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(client)
                return
        client.close()

    def _keep(self, key: tuple[str, str, int], tag: str, data: bytes) -> None:
        with self._lock:
            self._kept[key] = (tag, data)
            self._kept.move_to_end(key)
            while sum(len(kept) for _, kept in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)


def proxy_picture(data: bytes, name: str) -> Picture:
    """Return the picture of a proxy file: its pixels stand for the whole frame's. Raises PlateError.

    Its marks are the frame's own, and `proxy`, WxH of the small picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            part = OpenEXR.File(io.BytesIO(data)).parts[0]
            frame = frame_of(part.header, part.channels)
        told = json.loads(frame.marks[PROXY_MARK])
        left, top, _, _ = (int(value) for value in told["data"])
        across, down, width, height = (int(value) for value in told["display"])
        factor = int(told["factor"])
    except (OSError, RuntimeError, ValueError, IndexError, KeyError, TypeError, UnderstudyError) as problem:
        raise PlateError(f"the proxy of {name} cannot be read: {problem}", remedy="Ask the daemon again.") from None
    high, wide = frame.pixels.shape[:2]
    marks = {**frame.marks, PROXY_MARK: f"{wide}x{high}"}
    display = (across, down, width, height)
    return Picture(frame.pixels, factor, frame.channels, (left, top), display, frame.pixel_aspect, marks)
