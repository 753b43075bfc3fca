"""A small shot in the stand-in, without a daemon: three sequences, Reads, an Understudy node."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from host_rig import read_exr, write_exr
from nuke_stand_in import current
from nuke_stand_in.nodes import Group, Node, make_node
from nuke_stand_in.script import save

from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.host import Delivered, Exported, Footage, LayerFiles, RememberedJob, Selection

FRAMES = FrameRange(1001, 1003)
WIDTH, HEIGHT = 32, 18
RATE = FrameRate(24)


def write_frames(folder: Path, name: str, channels: int = 4, value: float = 0.25, header: Any = None) -> str:
    """Write one picture a frame, brighter from frame to frame; return the pattern with ####."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame in FRAMES:
        picture = np.full((HEIGHT, WIDTH, channels), value * (frame - 1000), np.float32)
        if channels == 4:
            picture[..., 3] = 0.5
        write_exr(folder / f"{name}.{frame:04}.exr", picture, header)
    return str(folder / f"{name}.####.exr")


def make(kind: str, above: Node | None = None, **knobs: Any) -> Node:
    node = make_node(kind)
    assert node is not None
    if above is not None:
        node.above[0] = above
    for name, value in knobs.items():
        node.table[name].put(value)
    return node


def read(pattern: str, **knobs: Any) -> Node:
    ends = {"first": FRAMES.first, "origfirst": FRAMES.first, "last": FRAMES.last, "origlast": FRAMES.last}
    text = "".join(f"\\{sign}" if sign in "[]$\\" else sign for sign in pattern.replace("####", "%04d"))
    return make("Read", file=text, **({**ends, **knobs} if "####" in pattern else knobs))


class SmallShot:
    """One script, saved, with an Understudy node whose inputs can be rewired."""

    def __init__(self, folder: Path) -> None:
        from understudy.host_plugins.nuke.host import NukeHost
        from understudy.host_plugins.nuke.node import create_node

        self.folder = folder
        self.plate = read(write_frames(folder / "plate", "plate"))
        self.matte = read(write_frames(folder / "matte", "matte", 3))
        reference = write_frames(folder / "reference", "reference").replace("####", "1001")
        self.reference = read(reference)
        self.node = cast(Group, create_node())
        for number, pipe in enumerate((self.plate, self.matte, self.reference)):
            self.node.setInput(number, pipe)
        self.host = NukeHost()
        save(current(), str(folder / "comp.nk"))
        current().undone.clear()

    def connect(self, number: int, pipe: Node | None) -> None:
        self.node.above[number] = pipe

    def set(self, **knobs: Any) -> None:
        for name, value in knobs.items():
            self.node.table[name].put(value)

    def select(self) -> Selection:
        selection: Selection = self.host.select()
        return selection

    def export(self) -> Exported:
        """Run an export to its end, every turn from outside as the main thread would."""
        folder = self.folder / "export"
        folder.mkdir(exist_ok=True)
        steps = self.host.export(self.select(), folder)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                exported: Exported = end.value
                return exported

    def take(
        self, version: int = 1, layers: tuple[str, ...] = ("patch", "comp", "matte"), colour: str = "lin_rec709_scene"
    ) -> Delivered:
        """Return a take that lies on disk; `patch` is white where the matte is."""
        folder = self.folder / f"v{version:03}"
        files = tuple(
            LayerFiles(
                name=name,
                pattern=write_frames(folder / name, name, 3 if name == "matte" else 4, 0.125 * version),
                colour="data" if name == "matte" else colour,
            )
            for name in layers
        )
        job = RememberedJob(
            job_id=f"job{version:08}", shot="sh010", version=version, frames=FRAMES, anchor=self.node.path(),
            folder=str(folder),
        )  # fmt: skip
        self.host.remember(job)
        return Delivered(job=job, rate=RATE, layers=files, clearance="uncleared")

    def place(self, delivered: Delivered) -> None:
        for _ in self.host.place(delivered):
            pass

    def nodes(self, kind: str) -> list[Node]:
        return [node for node in current().root.walk() if node.kind == kind]


def names(footage: Footage) -> list[str]:
    return [Path(footage.files[frame]).name for frame in sorted(footage.files)]


def rendered(shot: SmallShot, role: str = "plate") -> bool:
    return shot.export().footage[role].ours


def pixels(path: str | Path) -> Any:
    return read_exr(Path(path))


def seen(node: Node) -> Mapping[str, Any]:
    return {name: knob.get() for name, knob in node.table.items()}
