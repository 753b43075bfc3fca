"""A version on disk: provisional while it is made, settled in one rename when the delivery gate passed.

`JOB/.provisional/v003/` -> `JOB/v003/`. A frame that has its name is whole (it got it by rename); the folder that has
its name is delivered. So a crash at any point leaves either a version that is not there yet or one that is complete.
"""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from understudy.bridge.errors import Finding
from understudy.bridge.exr_file import file_digest, set_state
from understudy.bridge.shot import OutputFile
from understudy.inference.compliance import marks
from understudy.inference.compliance.manifest import MANIFEST_NAME, build_manifest, read_manifest, write_manifest
from understudy.inference.engines.door import describe_engine
from understudy.inference.work_order import WorkOrder, layer_path

PROVISIONAL = ".provisional"


class Version:
    """The files of one version of one job. Methods that write are for the worker's own thread."""

    def __init__(self, order: WorkOrder) -> None:
        self.order = order
        name = order.version_folder.format(version=order.version)
        self.settled = Path(order.folder) / name
        self.folder = Path(order.folder) / PROVISIONAL / name
        self.description = describe_engine(order.job.settings.engine)
        self.layers = self.description.layers[order.job.settings.mode]

    @property
    def picture_layer(self) -> str:
        """The layer that holds the finished picture: what the review shows."""
        return "comp" if "comp" in self.layers else "beauty"

    @property
    def is_settled(self) -> bool:
        """A version under its final name is complete: the rename was the last step."""
        return self.settled.is_dir()

    def open(self) -> None:
        """Make the provisional folder. What an interrupted run left whole in it stays; half-written files go."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.rglob(".*"):
            if leftover.is_file():
                leftover.unlink()
        for path in self.folder.rglob("*.exr"):
            path.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH)
            set_state(path, marks.PROVISIONAL)

    def path(self, layer: str, frame: int) -> Path:
        """Return where a layer's frame lies while it is provisional."""
        return self.folder / layer_path(self.order, layer, frame)

    def finished_frames(self) -> dict[int, tuple[OutputFile, ...]]:
        """Return the frames that an interrupted run left whole, with their files."""
        frames = {}
        for frame in self.order.job.shot.range:
            paths = {layer: self.path(layer, frame) for layer in self.layers}
            if all(path.is_file() for path in paths.values()):
                frames[frame] = tuple(self.describe(path, layer, frame) for layer, path in paths.items())
        return frames

    def describe(self, path: Path, layer: str | None = None, frame: int | None = None) -> OutputFile:
        relative = path.relative_to(self.folder).as_posix()
        return OutputFile(path=relative, size=path.stat().st_size, file=file_digest(path), layer=layer, frame=frame)

    def settle(self, findings: tuple[Finding, ...], extras: tuple[Path, ...], rate: str) -> tuple[OutputFile, ...]:
        """Give every layer its final state, write the manifest, make all read-only, rename. Returns every file."""
        state = marks.final_state(self.order)
        files = []
        for layer in self.layers:
            for frame in self.order.job.shot.range:
                path = self.path(layer, frame)
                set_state(path, state)
                path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
                files.append(self.describe(path, layer, frame))
        files += [self.describe(path) for path in extras]
        manifest = self.folder / MANIFEST_NAME
        built = build_manifest(self.order, files, findings, marks.marks(self.order, self.description), rate=rate)
        manifest.write_bytes(write_manifest(built))
        files.append(self.describe(manifest))
        self.settled.parent.mkdir(parents=True, exist_ok=True)
        self.folder.rename(self.settled)
        if not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()
        return tuple(files)

    def settled_files(self) -> tuple[OutputFile, ...]:
        """Return the files of a settled version, as `settle` listed them."""
        path = self.settled / MANIFEST_NAME
        own = OutputFile(path=MANIFEST_NAME, size=path.stat().st_size, file=file_digest(path))
        return (*read_manifest(path.read_bytes()).files, own)

    def withdraw(self) -> None:
        """Remove what is provisional: the job was refused."""
        shutil.rmtree(self.folder, ignore_errors=True)
