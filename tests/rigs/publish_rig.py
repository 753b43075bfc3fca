"""Real takes, a plain document of files, and papers that a test decides: what the tests of a publish share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyblish.api
import pyblish.plugin
import pyblish.util
from host_rig import read_exr, write_exr

from understudy.bridge.exr_file import file_digest
from understudy.bridge.shot import OutputFile
from understudy.host_plugins.pyblish import PLUGINS
from understudy.host_plugins.pyblish.papers import Standing
from understudy.host_plugins.pyblish.rule import PAPERS, UPSTREAM
from understudy.host_plugins.pyblish.walk import Use, same_files

JOB, FRAMES = "job00001", (1001, 1002)


class Paper:
    """Papers as a test states them: cleared and delivered unless it says otherwise."""

    def __init__(self, **said: Any) -> None:
        self.said = said
        self.digests: dict[str, str] = {}

    def standing(self, job_id: str) -> Standing:
        return msgspec.structs.replace(Standing(state="delivered", clearance="cleared"), **self.said)

    def job_of(self, path: Path) -> str | None:
        return self.digests.get(file_digest(path), "")


class PlainDocument:
    """A document of places that read files and render others. Implements `walk.Upstream`, as simply as it can be."""

    host = "plain"

    def __init__(self) -> None:
        self.reads: dict[str, tuple[str, str]] = {}
        """Place to the pattern it reads, and to the place that it feeds."""
        self.renders: dict[str, str] = {}
        """Place to the pattern that it renders."""

    def uses(self, published: str) -> Iterator[Use]:
        waiting, seen = [published], set[str]()
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            for name, (pattern, feeds) in self.reads.items():
                if feeds == place or name == place or not published:
                    yield Use(pattern, name, FRAMES if "#" in pattern else None)
                    waiting += [maker for maker, made in self.renders.items() if same_files(made, pattern)]


def make_take(
    folder: Path,
    *,
    state: str = "delivered",
    clearance: str = "cleared",
    not_final: str = "",
    layer: str = "patch",
    job: str = JOB,
) -> str:
    """Write a small take as the daemon leaves it and return its layer's pattern."""
    files = []
    for frame in range(FRAMES[0], FRAMES[1] + 1):
        path = folder / layer / f"shot_{layer}_v001.{frame:04}.exr"
        path.parent.mkdir(parents=True, exist_ok=True)
        marks = {"job": job, "version": "1", "shot": "shot", "state": f"{state:16}", "clearance": clearance}
        marks |= {"not_final": not_final} if not_final else {}
        picture = np.full((4, 8, 4), frame / 10_000, np.float32)
        write_exr(path, picture, {f"understudy/{name}": value for name, value in marks.items()})
        relative = path.relative_to(folder).as_posix()
        files.append(
            OutputFile(path=relative, size=path.stat().st_size, file=file_digest(path), layer=layer, frame=frame)
        )
    manifest = {
        "job": job, "version": 1, "shot": "shot", "state": state, "files": files, "rate": "24/1",
        "marks": {"understudy/clearance": clearance, **({"understudy/not_final": not_final} if not_final else {})},
        "record": {"digest": "a" * 64, "record_id": "r-1", "consents": {"c-1": "b" * 64}},
    }  # fmt: skip
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return str(folder / layer / f"shot_{layer}_v001.####.exr")


def render(layer: str, target: Path, *, metadata: bool = False) -> str:
    """Merge a layer over grey and write the result, as a comp does; without metadata unless it is asked for."""
    target.mkdir(parents=True, exist_ok=True)
    for frame in range(FRAMES[0], FRAMES[1] + 1):
        picture = read_exr(Path(layer.replace("####", str(frame))))
        over = picture[..., :3] + 0.18 * (1 - picture[..., 3:])
        header = {"exr/understudy/job": JOB, "exr/understudy/clearance": "cleared"} if metadata else {}
        write_exr(target / f"comp.{frame}.exr", over, header)
    return str(target / "comp.####.exr")


class Published:
    """What a publish came to."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.errors = {
            result["plugin"].__name__: str(result["error"]) for result in context.data["results"] if result["error"]
        }
        self.wrote = any(result["plugin"].__name__ == "StudioWrites" for result in context.data["results"])

    @property
    def refused_by(self) -> set[str]:
        return {re.sub("^ValidateUnderstudy", "", name) for name in self.errors}


class StudioWrites(pyblish.api.InstancePlugin):  # type: ignore[misc]
    """The studio's own extractor: it must not run when a rule refuses."""

    order = pyblish.api.ExtractorOrder

    def process(self, instance: Any) -> None:
        instance.data["files"] = instance.data.get("to_be_written", [])


def discovered(without: tuple[str, ...] = ()) -> list[Any]:
    """Return our plugins as a studio's publisher finds them, by folder, and the studio's own."""
    found = pyblish.plugin.discover(paths=[str(PLUGINS)])
    chosen = [plugin for plugin in found if plugin.__name__ not in without] + [StudioWrites]
    return sorted(chosen, key=lambda plugin: plugin.order)


def publish(
    document: Any,
    papers: Any,
    published: str = "write",
    *,
    files: tuple[str, ...] = (),
    plugins: list[Any] | None = None,
    targets: tuple[str, ...] = ("default",),
) -> Published:
    """Publish one instance as a studio does."""
    context = pyblish.api.Context()
    context.data[UPSTREAM], context.data[PAPERS] = document, papers
    instance = context.create_instance("comp", node=published, to_be_written=list(files))
    instance.data["family"] = "render"
    pyblish.util.publish(context, discovered() if plugins is None else plugins, targets=list(targets))
    return Published(context)
