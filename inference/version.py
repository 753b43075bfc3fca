"""A version on disk: provisional while it is made, settled in one rename when the delivery gate passed.

`JOB/.provisional/v003/` -> `JOB/v003/`. A frame that has its name is whole (it got it by rename); the folder that has
its name is delivered. So a crash at any point leaves either a version that is not there yet or one that is complete.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import EngineError, Finding, PlateError
from understudy.bridge.exr_file import file_digest, read_attribute, read_attributes, set_state, walk_exr
from understudy.bridge.shot import OutputFile
from understudy.bridge.take_segments import TakeSegment
from understudy.inference.compliance import marks
from understudy.inference.compliance.manifest import (
    MANIFEST_NAME,
    Approximation,
    ManifestWatermark,
    build_manifest,
    read_manifest,
    write_manifest,
)
from understudy.inference.engines.roster import describe_for
from understudy.inference.picture.layers import tell_anew
from understudy.inference.provenance.credentials import MOVIES
from understudy.inference.provenance.frame_list import LIST_NAME, SEAL_NAME
from understudy.inference.take_segments import planned_segments, with_origins
from understudy.inference.vault import blob_digest
from understudy.inference.version_lock import VersionLock
from understudy.inference.work_order import WorkOrder, layer_path, layers_of

PROVISIONAL = ".provisional"
SETTLING_THREADS = 4  # each waits most of its time for the disk to say that a file is on it
SUBMITTED_AT_ONCE = 64  # a task that waits its turn holds more memory than all that is known of its file
MULTIPART = "multipart"
READ_ONLY = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Sealer(Protocol):
    """Who signs a version; sealing.py has the one that there is."""

    def sign(self, movies: Sequence[Path]) -> None:
        """Sign these files in themselves."""
        ...

    def seal(self, paths: Sequence[str]) -> tuple[Path, ...]:
        """Write what proves these files, whose bytes are final, and return the files that do."""
        ...

    def judge(self) -> None:
        """Read everything back. Raises what keeps the version from being delivered."""
        ...


class Version:
    """The files of one version of one job. Methods that write are for the worker's own thread.

    `with` makes this process the only writer: a farm's node and a daemon's worker may be given one version at once.
    """

    def __init__(self, order: WorkOrder) -> None:
        self.order = order
        name = order.version_folder.format(version=order.version)
        self.settled = Path(order.folder) / name
        self.folder = Path(order.folder) / PROVISIONAL / name
        self.description = describe_for(order.job.settings)
        self.weights: Mapping[str, str] = {}
        """Digests of what the engine loads, by name; set before anything is written."""
        self.approximate: tuple[Approximation, ...] = ()
        """What its frames say of how they were made; known when all are."""
        self.watermark: ManifestWatermark | None = None
        """What its review is marked with; known when that is made."""
        self.layers = layers_of(order.job, self.description)
        """What the engine makes and the pipeline writes, a file a layer."""
        self.parts = self._parts() if order.job.output.multipart else {}
        """Part name to layer of the multi-part file, where one was asked for."""
        self.folders = (*self.layers, MULTIPART) if self.parts else self.layers
        """Every folder that holds a file a frame."""
        self._lock = VersionLock(self.folder)

    def __enter__(self) -> Version:
        """Raises JobParked naming the process that writes this version."""
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _parts(self) -> dict[str, str]:
        """Return what Nuke reads as one file: the picture first, under its own name for it."""
        others: dict[str, str] = {layer: layer for layer in ("patch", "character", "matte") if layer in self.layers}
        return {"rgba": self.picture_layer, **others}

    def described(self) -> EngineDescription:
        """Return the engine's description with every folder of this version among its layers: what must be there."""
        mode = self.order.job.settings.mode
        return msgspec.structs.replace(self.description, layers={**self.description.layers, mode: self.folders})

    @property
    def picture_layer(self) -> str:
        """The layer that holds the finished picture: what the review shows."""
        return "comp" if "comp" in self.layers else "beauty"

    @property
    def is_settled(self) -> bool:
        """A version under its final name is complete: the rename was the last step.

        Raises EngineError for a folder of that name which is not this job's: nothing is taken for ours, or overwritten.
        """
        if not self.settled.is_dir() or not any(self.settled.iterdir()):
            return False
        try:
            manifest = read_manifest((self.settled / MANIFEST_NAME).read_bytes())
        except (OSError, msgspec.MsgspecError):
            manifest = None
        if manifest is None or (manifest.job, manifest.version) != (self.order.job_id, self.order.version):
            raise EngineError(
                f"{self.settled} is there already and is not version {self.order.version} of job {self.order.job_id}",
                remedy="Move it away, or have the output template name the job; then `understudy retry`.",
            )
        return True

    def open(self) -> None:
        """Make the provisional folder. Frames that an interrupted run left whole in it stay; all other files go.

        A power cut may have given a file its name before its bytes: what does not read as a frame is made again. So is
        what another engine, other weights or other settings made; what was made by other code, or on papers of before,
        is told today's marks (docs/decisions/0062-code-may-change-in-mid-job.md). Raises JobParked.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        found = [path for path in self.folder.rglob("*") if not path.is_dir()]
        todays = marks.marks(self.order, self.description, weights=self.weights)
        with ThreadPoolExecutor(SETTLING_THREADS, thread_name_prefix="open") as pool:
            _few_at_a_time(pool, lambda path: _take_up(path, todays), found)

    def path(self, layer: str, frame: int) -> Path:
        """Return where a layer's frame lies while it is provisional."""
        return self.folder / layer_path(self.order, layer, frame)

    def finished_frames(self) -> dict[int, tuple[OutputFile, ...]]:
        """Return the frames that an interrupted run left whole, with their files."""
        frames = {}
        for frame in self.order.job.shot.range:
            paths = {folder: self.path(folder, frame) for folder in self.folders}
            if all(path.is_file() for path in paths.values()):
                frames[frame] = tuple(self.describe(path, layer, frame) for layer, path in paths.items())
        return frames

    def earlier_code(self, frames: Iterable[int]) -> dict[str, tuple[int, ...]]:
        """Return which of these whole frames say that other code made them, by their words for it."""
        found: dict[str, list[int]] = {}
        for frame in frames:
            words = read_attribute(self.path(self.picture_layer, frame), marks.PIXELS_BY)
            if words:
                found.setdefault(words, []).append(frame)
        return {words: tuple(frames) for words, frames in found.items()}

    def read_approximations(self) -> tuple[Approximation, ...]:
        """Return which frames say that they were made with less than the settings say: whichever worker made them.

        A file that cannot be read says nothing; the delivery gate refuses it.
        """
        found: dict[str, list[int]] = {}
        for frame in self.order.job.shot.range:
            try:
                words = read_attribute(self.path(self.picture_layer, frame), marks.APPROXIMATE)
            except (PlateError, OSError):
                words = None
            if words:
                found.setdefault(words, []).append(frame)
        self.approximate = tuple(Approximation(words=words, frames=tuple(found[words])) for words in sorted(found))
        return self.approximate

    def describe(self, path: Path, layer: str | None = None, frame: int | None = None) -> OutputFile:
        """Return a file as events, outputs and the manifest list it."""
        said = layer is not None and self.description.rate is not None
        return OutputFile(
            path=path.relative_to(self.folder).as_posix(),
            size=path.stat().st_size,
            file=file_digest(path),
            layer=layer,
            frame=frame,
            in_between=(read_attribute(path, marks.IN_BETWEEN) or "") if said else "",
        )

    def settle(
        self, findings: tuple[Finding, ...], extras: tuple[Path, ...], rate: str, sealer: Sealer
    ) -> tuple[OutputFile, ...]:
        """Give every layer its final state, sign, write the manifest, seal, make all read-only, rename. Returns every
        file.

        Durable when it returns. Raises PlateError when an input is no longer what the files say that they are made of,
        SigningError, and what `sealer` raises of a version that does not read back.
        """
        state = marks.final_state(self.order, self.description.not_final)
        with ThreadPoolExecutor(SETTLING_THREADS, thread_name_prefix="settle") as pool:
            _few_at_a_time(pool, self._verify_input, tuple(self.order.blobs))
            places = tuple((layer, frame) for layer in self.folders for frame in self.order.job.shot.range)
            files = _few_at_a_time(pool, lambda place: self._settle_layer(place[0], place[1], state), places)
        sealer.sign([path for path in extras if path.name.endswith(MOVIES)])
        files += [self.describe(path) for path in extras]
        manifest = self.folder / MANIFEST_NAME
        built = build_manifest(
            self.order,
            files,
            findings,
            marks.marks(self.order, self.description, weights=self.weights),
            rate=rate,
            segments=self._segments(rate),
            approximate=self.approximate,
            watermark=self.watermark,
        )
        manifest.write_bytes(write_manifest(built))
        files.append(self.describe(manifest))
        sealed = sealer.seal([file.path for file in files])
        files += [self.describe(path) for path in sealed]
        for path in (*extras, manifest, *sealed):
            path.chmod(READ_ONLY)
        for path in (*extras, manifest, *sealed, *{(self.folder / file.path).parent for file in files}):
            _flush(path)
        sealer.judge()
        self.settled.parent.mkdir(parents=True, exist_ok=True)
        self.folder.rename(self.settled)
        _flush(self.settled.parent)
        return tuple(files)

    def _segments(self, rate: str) -> tuple[TakeSegment, ...]:
        """Return the plan of the segments, with the versions that the files name as those that made their pixels."""
        planned = planned_segments(self.order.job, self.order.job_id, self.order.version, Fraction(rate))
        return with_origins(
            planned, lambda frame: read_attribute(self.path(self.picture_layer, frame), marks.PIXELS_FROM)
        )

    def _settle_layer(self, layer: str, frame: int, state: str) -> OutputFile:
        path = self.path(layer, frame)
        set_state(path, state)
        path.chmod(READ_ONLY)
        return self.describe(path, layer, frame)

    def _verify_input(self, digest: str) -> None:
        """Raises PlateError for an input whose bytes changed while the job ran."""
        path = Path(self.order.blobs[digest])
        if file_digest(path) != (blob_digest(path) or digest):
            file = self.order.job.shot.files().get(digest)
            raise PlateError(
                f"the daemon's copy of {file.typed if file else digest} was damaged on disk while the job ran",
                remedy="`understudy retry` asks for it again; what was made of it is not delivered.",
                facts={"file": digest},
            )

    def settled_files(self) -> tuple[OutputFile, ...]:
        """Return the files of a settled version, as `settle` listed them."""
        listed = read_manifest((self.settled / MANIFEST_NAME).read_bytes()).files
        beside = (self.settled / name for name in (MANIFEST_NAME, LIST_NAME, SEAL_NAME))
        return (
            *listed,
            *(
                OutputFile(path=path.name, size=path.stat().st_size, file=file_digest(path))
                for path in beside
                if path.is_file()  # versions of before had no seal
            ),
        )


def _take_up(path: Path, todays: Mapping[str, str]) -> None:
    """Make what an interrupted run left this version's own by today's marks, or remove it."""
    if path.name.startswith(".") or path.suffix != ".exr" or path.is_symlink():
        path.unlink()
        return
    path.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH)
    try:
        walk_exr(path)
        said = read_attributes(path, (*todays, marks.PIXELS_BY, marks.PIXELS_FROM))
        anew = marks.told_anew(said, todays)
        if anew is None:
            path.unlink()
            return
        if anew:
            tell_anew(path, anew)
        set_state(path, marks.PROVISIONAL)
    except PlateError:
        path.unlink()


def _flush(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _few_at_a_time(pool: ThreadPoolExecutor, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    """Return `work` of every item, in order, done on the pool's threads."""
    starts = range(0, len(items), SUBMITTED_AT_ONCE)
    return [done for start in starts for done in pool.map(work, items[start : start + SUBMITTED_AT_ONCE])]
