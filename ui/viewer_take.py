"""What lies in a take's folder: layers and their frames, its state, its findings, where segments meet.

Reads names, one header and the manifest, never a pixel. `read_take` touches the disk: call it off the interface's
thread. A take whose frames are still landing has no manifest yet, and is read again as it grows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from understudy.bridge.errors import Finding, PlateError
from understudy.bridge.exr_file import read_attribute, read_frame_rate
from understudy.bridge.frames import FilePattern, FrameRange, FrameRate
from understudy.bridge.shot import DATA_LAYERS
from understudy.bridge.take import EARLIER, PROVISIONAL, TAKE_MARK
from understudy.bridge.take_segments import TakeSegment, seams_of
from understudy.ui.frames.plate import PatternPlate, PlateSource
from understudy.ui.frames.remote import FrameFile

PLATE = "plate"
DIFFERENCE = "difference"
PICTURE_LAYERS = ("comp", "beauty")
"""The finished picture, by mode."""
KNOWN_LAYERS = (
    PLATE, "comp", "beauty", "patch", "character", "matte", "clean", DIFFERENCE, "skeleton", "face",
    "matte_effective", "matte_used",
)  # fmt: skip
_NUMBER = re.compile(r"(-?\d+)\.exr\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TakeFiles:
    """A take as far as it lies on the disk now."""

    folder: Path
    layers: Mapping[str, Mapping[int, FrameFile]]
    """Layer to frame number to file; the plate among them where one was given."""
    state: str = ""
    """As its files say it: `provisional`, `delivered`, `for_review`, `uncleared`, `demonstration`; empty: unknown."""
    why_not_final: str = ""
    version: int | None = None
    job: str = ""
    rate: FrameRate | None = None
    colour_config: str = ""
    """The built-in config's name, or `FILE DIGEST` of the shot's own."""
    working_space: str = ""
    expected: FrameRange | None = None
    """The shot's frames, where the manifest or the caller says so."""
    findings: tuple[Finding, ...] = ()
    seams: tuple[int, ...] = ()
    """Frames before which another segment, or pixels of another version, begin."""
    problem: str = ""
    named: str = ""
    """What the interface calls it where several takes are compared; empty: by its folder."""
    plate_note: str = ""
    """What is to be said of the plate: which of it cannot be shown, and why."""

    @property
    def name(self) -> str:
        return self.named or self.folder.name

    @property
    def frames(self) -> tuple[int, ...]:
        """Return the frames that any layer but the plate has, in order; the plate's where there is nothing else."""
        made = {frame for name, files in self.layers.items() if name != PLATE for frame in files}
        return tuple(sorted(made or self.layers.get(PLATE, {})))

    @property
    def whole(self) -> FrameRange | None:
        """Return the range to scrub over: the shot's, widened by what lies outside; None for a take without frames."""
        frames = self.frames
        if self.expected is not None:
            return FrameRange(min([self.expected.first, *frames]), max([self.expected.last, *frames]))
        return FrameRange(frames[0], frames[-1]) if frames else None

    @property
    def picture_layer(self) -> str:
        """Return the finished picture's layer, else the first that there is."""
        names = [*PICTURE_LAYERS, *self.layers]
        return next((name for name in names if name in self.layers), "comp")

    def missing(self, layer: str) -> frozenset[int]:
        """Return the frames of the range that `layer` has no file of."""
        whole = self.whole
        return frozenset(whole or ()) - self.layers.get(layer, {}).keys()


class _Manifest(msgspec.Struct):
    job: str = ""
    version: int | None = None
    frames: tuple[int, int] | None = None
    rate: str = ""
    state: str = ""
    findings: tuple[Finding, ...] = ()
    segments: tuple[TakeSegment, ...] = ()


def find_take(folder: Path) -> Path:
    """Return where a take lies in `folder`: itself where it has a manifest, else its newest provisional take."""
    if (folder / TAKE_MARK).is_file():
        return folder
    try:
        takes = [path for path in (folder / PROVISIONAL).iterdir() if path.is_dir()]
        return max(takes, key=lambda path: path.stat().st_mtime, default=folder)
    except OSError:  # none, or withdrawn while it is looked at
        return folder


def job_in(folder: Path) -> str:
    """Return the job whose settled take lies in `folder`; empty where there is none, or none that reads."""
    return _manifest(folder)[0].job


def earlier_takes(folder: Path) -> tuple[Path, ...]:
    """Return the takes that newer ones put aside, the newest first."""
    return tuple(sorted((folder / EARLIER).glob("take_*"), reverse=True))


def read_take(
    folder: Path,
    plate: PlateSource | None = None,
    *,
    rate: FrameRate | None = None,
    expected: FrameRange | None = None,
    findings: Iterable[Finding] = (),
    segments: Iterable[TakeSegment] = (),
    named: str = "",
) -> TakeFiles:
    """Return what lies in `folder` now. What the caller says goes before what the files say. No file makes it raise."""
    where = find_take(folder)
    layers = _layers(where)
    if plate is not None:
        layers.pop(PLATE, None)  # a folder of that name is not what was asked for
        layers = {PLATE: dict(sorted(plate.frames().items())), **layers}
    manifest, problem = _manifest(where)
    first = next((path for name in _by_use(layers) for path in layers[name].values()), None)
    said = _header(first)
    known = (*findings, *manifest.findings)
    frames = manifest.frames
    return TakeFiles(
        folder=where,
        layers=layers,
        state=manifest.state or said.get("state", ""),
        why_not_final=said.get("not_final", ""),
        version=manifest.version,
        job=manifest.job or said.get("job", ""),
        rate=rate or _rate(manifest.rate, first),
        colour_config=said.get("colour_config", ""),
        working_space=said.get("working_space", ""),
        expected=expected or (FrameRange(*frames) if frames else None),
        findings=_once(known),
        seams=_seams(known, tuple(segments) or manifest.segments),
        problem=problem,
        named=named,
        plate_note=plate.note() if plate is not None else "",
    )


def kind_of(layer: str) -> str:
    """Return how a layer's numbers are shown: `data` without a view, `signed` around mid grey, else `picture`."""
    if layer in DATA_LAYERS:
        return "data"
    return "signed" if layer == DIFFERENCE else "picture"


def findings_by_frame(findings: tuple[Finding, ...]) -> dict[int, list[Finding]]:
    """Return each frame that findings name, with them."""
    by_frame: dict[int, list[Finding]] = {}
    for finding in findings:
        for frame in finding.frames:
            by_frame.setdefault(frame, []).append(finding)
    return by_frame


def _layers(folder: Path) -> dict[str, dict[int, Path]]:
    """Return each sub-folder's numbered EXR files: a folder is a layer."""
    found: dict[str, dict[int, Path]] = {}
    try:
        below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        for path in below:
            files = {int(match[1]): one for one in path.iterdir() if (match := _NUMBER.search(one.name))}
            if files and path.name != EARLIER:
                found[path.name] = dict(sorted(files.items()))
    except OSError:  # withdrawn or renamed while it is looked at: the next look finds it
        return found
    order = {name: index for index, name in enumerate(KNOWN_LAYERS)}
    return dict(sorted(found.items(), key=lambda item: (order.get(item[0], len(order)), item[0])))


def plate_by_name(pattern: str) -> PatternPlate:
    """Return the plate of a pattern that was typed, `plate.####.exr`. Lists its folder."""
    files = FilePattern(pattern)
    return PatternPlate(files.frames_on_disk() if files.numbered else {})


def _manifest(folder: Path) -> tuple[_Manifest, str]:
    try:
        return msgspec.json.decode((folder / TAKE_MARK).read_bytes(), type=_Manifest), ""
    except FileNotFoundError:
        return _Manifest(), ""
    except (OSError, msgspec.MsgspecError) as problem:
        return _Manifest(), f"{TAKE_MARK} cannot be read: {problem}"


def _by_use(layers: dict[str, dict[int, Path]]) -> list[str]:
    """Return the layers whose headers speak for the take: ours, pictures in a colour space first."""
    ours = [name for name in layers if name != PLATE]
    return sorted(ours, key=lambda name: (name not in PICTURE_LAYERS, name in DATA_LAYERS))


def _header(path: Path | None) -> dict[str, str]:
    names = ("state", "not_final", "job", "colour_config", "working_space")
    if path is None:
        return {}
    try:
        return {name: read_attribute(path, f"understudy/{name}") or "" for name in names}
    except (PlateError, OSError):
        return {}


def _rate(said: str, first: Path | None) -> FrameRate | None:
    if said:
        return FrameRate.parse(said)
    try:
        return read_frame_rate(first) if first is not None else None
    except (PlateError, OSError):
        return None


def _seams(findings: Iterable[Finding], segments: tuple[TakeSegment, ...]) -> tuple[int, ...]:
    starts = set(seams_of(segments))
    measured = {finding.frames[1] for finding in findings if finding.rule == "seam" and len(finding.frames) == 2}
    return tuple(sorted(starts | measured))


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that name frames and say more than `pass`, each once."""
    found = {
        (finding.rule, finding.message): finding
        for finding in findings
        if finding.frames and finding.outcome not in ("pass", "not_applicable")
    }
    return tuple(found.values())
