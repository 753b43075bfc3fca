"""Who may look at which picture, and where it lies: all that the daemon decides about proxies. It opens none itself.

The rights are those of a file that is fetched (`Shelf.resolve`): what a key could not pull it cannot look at either.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import OrderedDict
from pathlib import PurePosixPath

import msgspec
from blake3 import blake3

from understudy.bridge.errors import KeyRefused, PlateError, RequestError
from understudy.bridge.exr_file import read_attribute
from understudy.bridge.frames import FrameRange
from understudy.bridge.picture_messages import AskPixel, AskProxy, Pixel, Proxy
from understudy.bridge.shot import JobRequest
from understudy.bridge.shot import Pictures as Files
from understudy.inference.daemon.house import House
from understudy.inference.daemon.outputs import QUARANTINE_ROLES, WITHDRAWN, Shelf
from understudy.inference.daemon.proxy_maker import ProxyMaker
from understudy.inference.daemon.server import Caller
from understudy.inference.daemon.submission import folder_of
from understudy.inference.daemon.tables import JobRow
from understudy.inference.proxy_order import InputSource, ProxyAnswer, ProxyOrder
from understudy.inference.work_order import filled_in

INPUTS = ("plate", "clean_plate", "reference")
PICTURE_LAYERS = ("comp", "beauty")
REQUESTS_KEPT = 4
"""Jobs whose inputs somebody looks at: a long job's request takes tens of milliseconds to decode."""
_MADE_BY = "proxy 1"
"""Changes with how proxies are made: a tag of an earlier way must not count as known."""
_NUMBER = re.compile(r"(-?\d+)\.exr\Z")


class Pictures:
    """Answers questions for pictures. Lives in the event loop; whatever looks at a disk runs on the house's threads."""

    def __init__(self, house: House, shelf: Shelf) -> None:
        self._house, self._shelf = house, shelf
        self.maker = ProxyMaker()
        self._requests: OrderedDict[str, JobRequest] = OrderedDict()

    def close(self) -> None:
        self.maker.close()

    async def proxy(self, caller: Caller, row: JobRow, request: AskProxy) -> Proxy:
        """Raises RequestError for what is not there, KeyRefused for a quarantine, PlateError for an unreadable file."""
        order = await self._house.looked(self._order, caller, row, request.layer, request.frame)
        tag = blake3(f"{order.tag}\n{request.width}\n{_MADE_BY}".encode()).hexdigest(16)
        if request.known == tag:
            return Proxy(tag=tag)
        order = msgspec.structs.replace(order, tag=tag, width=request.width)
        answer = await self._made(order, caller.key, request.place, ahead=request.ahead)
        return Proxy(dropped=True) if answer is None else Proxy(tag=tag, picture=answer.picture)

    async def pixel(self, caller: Caller, row: JobRow, request: AskPixel) -> Pixel:
        """Raises as `proxy` does, and RequestError where so many others look that it was dropped."""
        order = await self._house.looked(self._order, caller, row, request.layer, request.frame)
        order = msgspec.structs.replace(order, at=(request.x, request.y))
        answer = await self._made(order, caller.key, "", ahead=False)
        if answer is None:
            raise RequestError("too many look at pictures just now", remedy="Ask again.")
        return Pixel(channels=answer.channels, values=answer.values)

    async def _made(self, order: ProxyOrder, key: str, place: str, *, ahead: bool) -> ProxyAnswer | None:
        return await asyncio.wrap_future(self.maker.ask(order, key, place, ahead=ahead))

    # ---- on the house's threads ------------------------------------------------------------------------------------

    def _order(self, caller: Caller, row: JobRow, layer: str, frame: int | None) -> ProxyOrder:
        self._refuse_withdrawn(caller, row)
        role, _, _ = layer.partition(".")
        if role in INPUTS:
            return self._input(row, layer, frame)
        layer = layer or self._picture_layer(row)
        if frame is None:
            frame = self._middle(row, layer)
        path = self._shelf.resolve(caller.key, row.job_id, _path(row, layer, frame))
        if path is None:
            raise RequestError(f"job {row.job_id} has no frame {frame} of {layer} for you", remedy="See its outputs.")
        try:
            said = path.stat()
        except OSError as problem:
            raise PlateError(f"frame {frame} of {layer} is gone: {problem.strerror}", remedy="Ask again.") from None
        tag = f"{path}\n{said.st_dev} {said.st_ino} {said.st_size} {said.st_mtime_ns}"
        return ProxyOrder(tag=tag, frame=frame, path=str(path))

    def _refuse_withdrawn(self, caller: Caller, row: JobRow) -> None:
        if row.state == "quarantined" and not QUARANTINE_ROLES.intersection(caller.user.roles):
            raise KeyRefused(
                f"what job {row.job_id} made is in quarantine", remedy="Ask legal or an admin to look at it."
            )
        if row.state in WITHDRAWN:
            raise RequestError(f"job {row.job_id} is {row.state}: nothing may be looked at", remedy="Submit it again.")

    def _picture_layer(self, row: JobRow) -> str:
        return next((layer for layer in PICTURE_LAYERS if self._numbers(row, layer)), PICTURE_LAYERS[0])

    def _middle(self, row: JobRow, layer: str) -> int:
        numbers = self._numbers(row, layer)
        if not numbers:
            raise RequestError(f"job {row.job_id} has no frame of {layer} yet", remedy="Ask again when it has.")
        return numbers[len(numbers) // 2]

    def _numbers(self, row: JobRow, layer: str) -> list[int]:
        """Return which frames of a layer lie on the disk, in order."""
        inside = PurePosixPath(_path(row, layer, 0)).parent
        folder = folder_of(row, provisional=row.state != "delivered") / inside
        try:
            return sorted(int(match[1]) for name in os.listdir(folder) if (match := _NUMBER.search(name)))  # noqa: PTH208
        except OSError:
            return []

    def _input(self, row: JobRow, role: str, frame: int | None) -> ProxyOrder:
        job = self._request(row.job_id)
        files = job.shot.roles().get(role)
        if files is None:
            raise RequestError(f"job {row.job_id} has no input {role}", remedy="`understudy show` lists its inputs.")
        first, last = job.shot.range.first, job.shot.range.last
        number = (first + last) // 2 if frame is None else frame
        cut, frames = _cut(files, number, job.shot.range)
        if cut is None:
            raise RequestError(f"{role} of job {row.job_id} has no frame {number}", remedy="Ask within its range.")
        own = job.shot.colour_archive.pictures if job.shot.colour_archive is not None else None
        blobs = self._house.store.blobs(row.job_id)
        wanted = [file.file for pictures in (cut, own) if pictures is not None for file in pictures.files]
        aspect = job.shot.plate.pixel_aspect if role == "plate" and job.shot.plate is not None else None
        source = InputSource(
            role=role, pictures=cut, frames=frames, pixel_aspect=aspect, paths=self._paths(blobs, wanted),
            colour_config=job.settings.colour_config, archive=own, context=job.settings.colour_context,
            into=self._working_space(row),
        )  # fmt: skip
        tag = blake3(msgspec.msgpack.encode(source) + b"%d" % number).hexdigest()
        return ProxyOrder(tag=tag, frame=number, source=source)

    def _paths(self, blobs: dict[str, str | None], wanted: list[str]) -> dict[str, str]:
        paths = {}
        for digest in wanted:
            blob = blobs.get(digest)
            if blob is None or not self._house.vault.has(blob):
                raise PlateError(
                    "this input is not, or no longer, in the daemon's vault",
                    remedy="`understudy watch` of the job sends it again, from where the files are.",
                )
            paths[digest] = str(self._house.vault.path(blob))
        return paths

    def _request(self, job_id: str) -> JobRequest:
        """Return a job's request. Several threads may find the same one missing: they decode it both."""
        kept = self._requests.get(job_id)
        if kept is None:
            kept = self._requests[job_id] = self._house.store.request(job_id)[0]
            while len(self._requests) > REQUESTS_KEPT:
                self._requests.popitem(last=False)
        return kept

    def _working_space(self, row: JobRow) -> str:
        """Return the space that the take's own header names; empty while there is no frame."""
        folder = folder_of(row, provisional=row.state != "delivered")
        for layer in PICTURE_LAYERS:
            for number in self._numbers(row, layer)[:1]:
                try:
                    return read_attribute(folder / _path(row, layer, number), "understudy/working_space") or ""
                except (PlateError, OSError):
                    return ""
        return ""


def _path(row: JobRow, layer: str, frame: int) -> str:
    return filled_in(row.layer_file, layer, frame, row.shot, row.version)


def _cut(files: Files, frame: int, whole: FrameRange) -> tuple[Files | None, FrameRange]:
    """Return the pictures with the one file that frame `frame` needs, and the range that a reader is opened over."""
    if files.kind == "sequence":
        own = tuple(file for file in files.files if file.frame == frame)
        return (msgspec.structs.replace(files, files=own) if own else None), FrameRange(frame, frame)
    return (files if files.kind == "still" or frame in whole else None), whole if frame in whole else FrameRange(
        frame, frame
    )
