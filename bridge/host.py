"""What a host application does for us, and the nouns in which it is said. One class per host implements `Host`.

All methods of a `Host` are called on the host's main thread. What may take longer than one frame's own render is a
generator of steps: between two steps the host's event loop has its turn. `host_work` drives them.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from understudy.bridge.errors import ErrorReport, Finding, HostError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.options import JobOptions
from understudy.bridge.settings import Root, find_root
from understudy.bridge.typed_files import Numbering

_Result = TypeVar("_Result")

DATA = "data"
"""The colour of a matte or a skeleton: none. The word is the interop id that stands in its header."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What the artist has chosen, in the host's own numbers and names, before anything is written."""

    shot: str
    frames: FrameRange
    rate: FrameRate | None
    anchor: str
    """The host's own words for where results belong (a node, a strip, a clip), by which `place` finds it again."""
    plate: str = ""
    matte: str = ""
    reference: str = ""
    clean_plate: str = ""
    """The four as the artist knows them: shown, never opened."""
    cautions: tuple[str, ...] = ()
    """What the artist should know before pressing the button: a rate that disagrees, a licence's limit."""


class Footage(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one role, as exported or as the host found them untouched."""

    typed: str
    """A pattern (####), a movie or a still, as the host names it."""
    files: Mapping[int, str] = {}
    """Frame number to file, where the numbers in the names are not the host's frame numbers."""
    first: int = 0
    """The frame number of a movie's first picture."""
    ours: bool = False
    """Our exporter wrote these files and gives them up: the daemon may link them instead of copying."""
    colour: str | None = None
    """A name, alias or role of the config that travels; None = what the file itself says."""


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the host gives for one job."""

    footage: Mapping[str, Footage]
    """By role: plate, matte, reference, clean_plate, holdout, keypoints."""
    window: str = "plate"
    """`display` for hosts that ignore a data window's offset."""
    layer: str | None = None
    view: str | None = None
    ocio: str | None = None
    """The OCIO config in force in the host, as `--ocio` takes it: a path, ocio://NAME, or none. None = not known."""

    def numbering(self) -> Numbering:
        """Return how the host counts where its numbers are not those of the files."""
        return Numbering(
            files={
                footage.typed: {frame: Path(file) for frame, file in footage.files.items()}
                for footage in self.footage.values()
                if footage.files
            },
            firsts={footage.typed: footage.first for footage in self.footage.values()},
        )

    def given_up(self, paths: Mapping[str, Path]) -> frozenset[str]:
        """Return the digests of files that our exporter wrote. paths: digest to file, of the whole job."""
        ours = [Path(footage.typed).resolve().parent for footage in self.footage.values() if footage.ours]
        return frozenset(digest for digest, path in paths.items() if path.parent in ours)

    def options(self, choices: JobOptions, selection: Selection, series: str) -> JobOptions:
        """Return what the artist chose, completed by what the host knows; what was typed by the artist wins.

        Frames and handles are the selection's: the host has asked the artist before it exported them.

        series: within what takes are numbered where there is no project: the folder that holds them.
        """
        plate, reference, clean = (self.footage.get(role) for role in ("plate", "reference", "clean_plate"))
        known = {role: footage.typed for role, footage in self.footage.items()}
        frames = selection.frames
        return msgspec.structs.replace(
            choices,
            **known,
            series=choices.series or series,
            frames=str(frames),
            handles=str(frames.handles),
            rate=choices.rate or (str(selection.rate) if selection.rate is not None else None),
            shot=choices.shot or selection.shot,
            colour=choices.colour or (plate.colour if plate is not None else None),
            reference_colour=choices.reference_colour or (reference.colour if reference is not None else None),
            clean_plate_colour=choices.clean_plate_colour or (clean.colour if clean is not None else None),
            ocio=choices.ocio or self.ocio,
            window=self.window,
            layer=choices.layer or self.layer,
            view=choices.view or self.view,
        )


DRAFT = "draft-"


class RememberedJob(msgspec.Struct, frozen=True, kw_only=True):
    """What a document keeps of a job, so that it is found again after the host was closed."""

    job_id: str
    """Of a draft, which was kept just before it was submitted: DRAFT and the token by which the daemon knows it."""
    shot: str
    version: int
    frames: FrameRange
    anchor: str
    folder: str
    """Where the take lies or will lie, absolute."""
    state: str = "uploading"
    """The job's last known state."""
    settled: bool = False
    """Nothing is left to do here: its layers are placed, or it ended otherwise and was withdrawn."""

    @property
    def token(self) -> str:
        """Return a draft's token; empty for a job that the daemon has accepted."""
        return self.job_id.removeprefix(DRAFT) if self.job_id.startswith(DRAFT) else ""


class LayerFiles(msgspec.Struct, frozen=True, kw_only=True):
    """One delivered layer on this machine."""

    name: str
    pattern: str
    """Absolute, with #### for the frame."""
    colour: str
    """The space its pixels are in; `DATA` for mattes and skeletons."""


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """A take that lies complete on this machine, for `Host.place`."""

    job: RememberedJob
    rate: FrameRate | None
    layers: tuple[LayerFiles, ...]
    review: str = ""
    clearance: str = ""
    """What every file says of itself: delivered, for_review, uncleared, demonstration."""
    findings: tuple[Finding, ...] = ()

    def layer(self, name: str) -> LayerFiles:
        """Raises HostError for a layer that this engine does not make."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = ", ".join(layer.name for layer in self.layers)
        raise HostError(f"the take has no layer {name}", remedy=f"It has: {names}.")


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """How a job stands, for a panel to draw. Frozen: read it from any thread."""

    stage: str
    """exporting, hashing, sending, then the job's own states; at last placed, withdrawn, failed, or shown
    (in the panel)."""
    done: int = 0
    total: int = 0
    job_id: str = ""
    words: str = ""
    error: ErrorReport | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def ended(self) -> bool:
        return self.stage in ("placed", "withdrawn", "cancelled", "failed", "shown")


class Step(NamedTuple):
    """One turn of the host's main thread is over."""

    done: int
    total: int
    words: str = ""
    pause_seconds: float = 0.0
    """So long there is nothing to do here: whoever drives the steps waits, never the main thread."""


Steps = Generator[Step, None, _Result]
"""A generator that does at most one frame's work a turn and returns its result at the end."""


class Host(Protocol):
    """A host application. Every method may raise HostError that names the node, strip or clip and what to do."""

    name: str

    def select(self) -> Selection:
        """Return what is selected now. Changes nothing; touches no picture."""

    def export(self, selection: Selection, folder: Path) -> Steps[Exported]:
        """Hand over untouched sources by their files; write the rest into `folder`, one frame a step.

        Closed early (the artist cancelled) or failed, it leaves proxy, page, marks, undo and selection as they were.
        """

    def place(self, delivered: Delivered) -> Steps[None]:
        """Bring the layers in at their own frames, `patch` wired over the plate, the old take kept."""

    def withdraw(self, job: RememberedJob, why: ErrorReport | None) -> None:
        """Take out whatever of this job was shown, and say why."""

    def remember(self, job: RememberedJob) -> None:
        """Keep the job in the document, in place of what was kept under the same id."""

    def forget(self, job: RememberedJob) -> None:
        """Take out of the document what was kept under this id; where there is nothing, do nothing."""

    def remembered(self) -> tuple[RememberedJob, ...]:
        """Return the jobs that the document keeps, oldest first."""

    def anchor_here(self, frames: FrameRange) -> str:
        """Return where a take of these frames belongs that was not sent from this document, by what is selected.

        Raises HostError where nothing is selected that could hold it.
        """

    def default_folder(self, selection: Selection) -> Path:
        """Return where versions of this shot go unless the artist says otherwise. Raises HostError without a place."""


def refuse_handles_beyond(frames: FrameRange, has: FrameRange, name: str) -> None:
    """Raise HostError where the handles of `frames` reach past the frames that a source has, naming it.

    What was asked for is sent, or nothing is: handles of another length on one shot of many are found out too late.
    What the cut itself shows there is the host's to say.
    """
    there = frames.handles_within(has)
    if there != frames.handles:
        raise HostError(
            f"handles {frames.handles} around {frames.cut} reach past the end of {name}, which has frames {has}",
            remedy=f"Ask for handles {there}, or give it more frames.",
        )


def refuse_unseen_by_farm(roots: tuple[Root, ...], folder: Path) -> None:
    """Raise HostError when farm-visible roots are declared and `folder` lies in none of them.

    Checked before a job is sent: a script that renders here and not on the farm is found out too late.
    """
    visible = [root for root in roots if root.farm_visible]
    root = find_root(roots, folder)
    if visible and (root is None or not root.farm_visible):
        raise HostError(
            f"a render farm cannot see {folder}",
            remedy=f"Choose a folder under a farm-visible root: {', '.join(root.name for root in visible)}.",
        )
