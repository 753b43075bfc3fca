"""The files that were typed: found on disk, hashed, and remembered by digest. Decodes no picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from understudy.bridge.errors import PlateError, RequestError
from understudy.bridge.exr_file import file_digest, picture_digest
from understudy.bridge.frames import FilePattern, FrameRange
from understudy.bridge.shot import PictureFile, Pictures
from understudy.bridge.typed_files import BY_NAME, Numbering, kind_of

HASHING_THREADS = 2  # BLAKE3 of a page-cached file runs at memory speed; more threads only fight for it

Hashed = Callable[[int, int], None]
"""Called with (files hashed, files in all), in the thread that gathers."""


class Gatherer:
    """Hashes files as roles ask for them and remembers where each digest lies."""

    def __init__(self, frames: FrameRange, hashed: Hashed, numbering: Numbering = BY_NAME) -> None:
        self._frames = frames
        self._numbering = numbering
        self._hashed = hashed
        self._total = 0
        self._done = 0
        self.paths: dict[str, Path] = {}

    def plan(self, typed: Iterable[str | None]) -> None:
        self._total = sum(len(self._files(text)) for text in typed if text)

    def pictures(
        self,
        typed: str,
        *,
        first: int = 0,
        colour: str | None = None,
        layer: str | None = None,
        view: str | None = None,
    ) -> Pictures:
        files = self._files(typed)
        hashed = []
        with ThreadPoolExecutor(HASHING_THREADS) as pool:
            try:
                for file in pool.map(lambda item: self._hash(item[0], item[1]), files):
                    hashed.append(file)
                    self._done += 1
                    self._hashed(self._done, max(self._total, self._done))
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        return Pictures(
            files=tuple(hashed),
            kind="sequence" if typed in self._numbering.files else kind_of(typed),
            typed=typed,
            movie_first=self._numbering.firsts.get(typed, first),
            colour=colour,
            layer=layer,
            view=view,
        )

    def _files(self, typed: str) -> list[tuple[int | None, Path]]:
        _refuse_unreadable_name(typed)
        if typed not in self._numbering.files and kind_of(typed) != "sequence":
            path = Path(typed)
            if path.is_dir():
                raise RequestError(
                    f"{typed} is a folder",
                    remedy=f"Name the files in it: {Path(typed) / 'name.####.exr'}, or one file.",
                )
            if not path.is_file():
                raise RequestError(f"there is no file {typed}", remedy="Check the path; #### stands for frame numbers.")
            return [(None, path)]
        found = self._numbering.files.get(typed) or numbered_files(typed)
        wanted = [(frame, path) for frame, path in found.items() if frame in self._frames]
        if not wanted:
            there = f"it has frames {min(found)} to {max(found)}" if found else "there is no such file"
            raise RequestError(
                f"{typed} has no frame of {self._frames}: {there}", remedy="Check --frames and the path."
            )
        return list(wanted)

    def _hash(self, frame: int | None, path: Path) -> PictureFile:
        try:
            real = path.resolve(strict=True)
            size = real.stat().st_size
            if size == 0:
                raise PlateError(f"{path} is empty", remedy="Render or copy this frame again.")
            file = file_digest(real)
            picture = picture_digest(real)
        except PlateError as problem:
            # A link leads elsewhere, but the user knows the name that was typed.
            message, remedy = (text.replace(str(real), str(path)) for text in (problem.message, problem.remedy))
            raise PlateError(message, remedy=remedy, facts={**problem.facts, "file": str(path)}) from None
        except (OSError, RuntimeError) as problem:  # RuntimeError: a link that leads to itself, until Python 3.13
            why = getattr(problem, "strerror", None) or "it is a link that leads to itself"
            raise PlateError(f"{path} cannot be read: {why}", remedy="Check the path and the file's rights.") from None
        self.paths[file] = real
        return PictureFile(file=file, picture=picture, size=size, typed=str(path), frame=frame)


def numbered_files(typed: str) -> dict[int, Path]:
    """Return the sequence's files by frame. Raises RequestError for a folder that cannot be listed."""
    try:
        found = FilePattern(typed).frames_on_disk()
    except OSError as problem:
        raise RequestError(
            f"the folder of {typed} cannot be read: {problem.strerror}", remedy="Check the folder's rights."
        ) from None
    for path in found.values():
        _refuse_unreadable_name(str(path))
    return found


def _refuse_unreadable_name(typed: str) -> None:
    """Raises RequestError for a name that is no text: no message could carry it."""
    try:
        typed.encode()
    except UnicodeEncodeError:
        raise RequestError(
            f"{typed.encode(errors='backslashreplace').decode()} is not named in UTF-8", remedy="Rename the file."
        ) from None
