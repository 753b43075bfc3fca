"""The process that makes proxies: the daemon itself opens no pixel, and a hostile file ends this one at most.

    python -P -m understudy.inference.proxies DESCRIPTOR

One order at a time over a socket; what it made is kept in memory alone and goes with the process, so that a purge of
files need not look for it anywhere. It ends when the other side closes.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
import time
from collections import OrderedDict
from pathlib import Path

import msgspec

from understudy.bridge.errors import PlateError, UnderstudyError
from understudy.inference.picture.plate import PlateReader
from understudy.inference.proxy_order import LENGTH_BYTES, InputSource, ProxyAnswer, ProxyOrder
from understudy.inference.proxy_pictures import WholeFrame, open_input, pixel, proxy, read_input, read_layer

NICENESS = 10
"""Looking gives way to whatever renders."""
ADDRESS_SPACE_BYTES = 16 * 1024**3
"""A header may promise any size; beyond this numpy says MemoryError instead of the kernel ending somebody's worker."""
KEPT_BYTES = 128 * 1024 * 1024
KEPT_SECONDS = 60.0
"""No picture outlives its file by more than this, however busy the process is."""
WHOLE_FRAMES = 2
READERS = 2


class Maker:
    """Answers orders and remembers the last of them. One thread."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._wholes: OrderedDict[str, tuple[float, WholeFrame]] = OrderedDict()
        self._readers: OrderedDict[bytes, PlateReader] = OrderedDict()

    def answer(self, order: ProxyOrder) -> ProxyAnswer:
        """Return what was ordered, or the error that it came to."""
        self._forget(time.monotonic() - KEPT_SECONDS)
        try:
            if order.width:
                return ProxyAnswer(picture=self._proxy(order))
            frame = self._whole(order)
            return ProxyAnswer(channels=frame.channels, values=pixel(frame, *order.at))
        except UnderstudyError as problem:
            return ProxyAnswer(error=problem.report())
        except (MemoryError, OverflowError):
            too_large = PlateError("the frame is too large to look at", remedy="Fetch the file and look at it there.")
            return ProxyAnswer(error=too_large.report())

    def _proxy(self, order: ProxyOrder) -> bytes:
        kept = self._made.get(order.tag)
        if kept is not None:
            self._made.move_to_end(order.tag)
            return kept[1]
        made = proxy(self._read(order), order.width)
        self._made[order.tag] = (time.monotonic(), made)
        while sum(len(data) for _, data in self._made.values()) > KEPT_BYTES:
            self._made.popitem(last=False)
        return made

    def _whole(self, order: ProxyOrder) -> WholeFrame:
        """Return a whole frame; the last two are kept, for the pointer moves over one of them."""
        if order.tag not in self._wholes:
            self._wholes[order.tag] = (time.monotonic(), self._read(order))
        while len(self._wholes) > WHOLE_FRAMES:
            self._wholes.popitem(last=False)
        return self._wholes[order.tag][1]

    def _read(self, order: ProxyOrder) -> WholeFrame:
        if order.source is None:
            return read_layer(Path(order.path))
        return read_input(self._reader(order.source), order.frame, order.source.into)

    def _reader(self, source: InputSource) -> PlateReader:
        """Return the input's reader; a movie's is kept, for its index costs more than a frame."""
        name = msgspec.msgpack.encode(source)
        if name not in self._readers:
            self._readers[name] = open_input(source)
        self._readers.move_to_end(name)
        while len(self._readers) > READERS:
            self._readers.popitem(last=False)[1].close()
        return self._readers[name]

    def _forget(self, before: float) -> None:
        for table in (self._made, self._wholes):
            for tag in [tag for tag, (made_at, _) in table.items() if made_at < before]:
                del table[tag]


def serve(channel: socket.socket) -> None:
    """Answer until the channel is closed."""
    maker = Maker()
    while length := channel.recv(LENGTH_BYTES, socket.MSG_WAITALL):
        said = channel.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)
        order = msgspec.msgpack.decode(said, type=ProxyOrder)
        answer = msgspec.msgpack.encode(maker.answer(order))
        channel.sendall(len(answer).to_bytes(LENGTH_BYTES, "big") + answer)


if __name__ == "__main__":
    os.umask(0o077)
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    serve(socket.socket(fileno=int(sys.argv[1])))
