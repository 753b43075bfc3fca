"""Nuke as the bridge sees it: `bridge.host.Host` over one open script. All of it on Nuke's main thread."""

from __future__ import annotations

from pathlib import Path

import nuke

from understudy.bridge.errors import ErrorReport, HostError
from understudy.bridge.frames import FrameRange
from understudy.bridge.host import (
    Delivered,
    Exported,
    RememberedJob,
    Selection,
    Steps,
    refuse_handles_beyond,
    refuse_unseen_by_farm,
)
from understudy.bridge.settings import load_settings
from understudy.host_plugins.nuke import memory
from understudy.host_plugins.nuke.cautions import cautions_of
from understudy.host_plugins.nuke.export import export_shot
from understudy.host_plugins.nuke.file_text import evaluated, safe_folder_name
from understudy.host_plugins.nuke.idle import when_idle
from understudy.host_plugins.nuke.knobs import MATTE_INPUT, handles_of
from understudy.host_plugins.nuke.node import (
    CLEAN_PLATE,
    MATTE,
    PLATE,
    REFERENCE,
    chosen_node,
    named_node,
    selected_node,
)
from understudy.host_plugins.nuke.placing import place_take, remove_take
from understudy.host_plugins.nuke.rates import script_rate
from understudy.host_plugins.nuke.undisturbed import in_words, undisturbed

UNSAVED = "Root"


class NukeHost:
    """Implements `bridge.host.Host`. Holds no node: those are found by name each time, for the artist deletes them."""

    name = "nuke"

    def __init__(self) -> None:
        self.chosen = ""
        """Full name of the node whose button was pressed; empty = the selected one."""

    def select(self) -> Selection:
        with in_words(f"reading the node {self.chosen or 'that is selected'}", "Check its knobs."):
            node = chosen_node(self.chosen)
            matte = node.input(MATTE) if node["matte_from"].value() == MATTE_INPUT else node.input(PLATE)
            return Selection(
                shot=shot_name(node),
                frames=frames_of(node),
                rate=script_rate(),
                anchor=node.fullName(),
                plate=_shown(node.input(PLATE), node),
                matte=_shown(matte, node),
                reference=_shown(node.input(REFERENCE), node),
                clean_plate=_shown(node.input(CLEAN_PLATE), node),
                cautions=cautions_of(node),
            )

    def export(self, selection: Selection, folder: Path) -> Steps[Exported]:
        return when_idle(export_shot(selection, folder))

    def place(self, delivered: Delivered) -> Steps[None]:
        return when_idle(place_take(delivered))

    def withdraw(self, job: RememberedJob, why: ErrorReport | None) -> None:
        remove_take(job, why)

    def remember(self, job: RememberedJob) -> None:
        doing = f"keeping job {job.job_id} in the script"
        with in_words(doing, "Save the script and open it again."), undisturbed(marks_modified=True):
            memory.keep(job)

    def forget(self, job: RememberedJob) -> None:
        doing = f"taking job {job.job_id} out of the script"
        with in_words(doing, "Save the script and open it again."), undisturbed(marks_modified=True):
            memory.drop(job)

    def remembered(self) -> tuple[RememberedJob, ...]:
        with in_words("reading the script's jobs", "Save the script and open it again."):
            return memory.all_jobs()

    def anchor_here(self, frames: FrameRange) -> str:
        """Return our node that is selected, else the one whose button was pressed last, else the only one."""
        with in_words("looking for an Understudy node", "Select one."):
            node = selected_node()
            return str((node if node is not None else chosen_node(self.chosen)).fullName())

    def default_folder(self, selection: Selection) -> Path:
        """Return the node's output folder, else one beside the script. Raises HostError that says what to do."""
        with in_words(f"looking for a place for {selection.shot}", "Set the output folder of the Understudy node."):
            node = named_node(selection.anchor)
            said = evaluated(node, "folder")
            folder = Path(said).expanduser() if said else _beside_script(selection)
        if not folder.is_absolute():
            raise HostError(
                f"{selection.anchor}: the output folder {folder} is relative", remedy="Write it from the root on."
            )
        refuse_unseen_by_farm(load_settings().roots, folder)
        return folder


def shot_name(node: nuke.Node) -> str:
    """Return what the artist typed, else the script's name."""
    typed = str(node["shot"].value() or "").strip()
    return typed or Path(_script()).stem or "shot"


def frames_of(node: nuke.Node) -> FrameRange:
    """Return the frames that the node's range knob means, handles inside. Raises HostError for a range without end."""
    kind = node["range"].value()
    plate = node.input(PLATE)
    if kind == "typed":
        first, last = int(node["first"].value()), int(node["last"].value())
    elif kind == "script" or plate is None:
        first, last = int(nuke.root()["first_frame"].value()), int(nuke.root()["last_frame"].value())
    else:
        first, last = plate.firstFrame(), plate.lastFrame()
    try:
        frames = FrameRange(first, last, *handles_of(node))
    except ValueError as problem:
        raise HostError(
            f"{node.fullName()}: {problem}", remedy="Set range, first, last and handles on the node."
        ) from None
    if plate is not None and any(frames.handles):
        refuse_handles_beyond(frames, FrameRange(plate.firstFrame(), plate.lastFrame()), plate.fullName())
    return frames


def _beside_script(selection: Selection) -> Path:
    script = _script()
    if not script:
        raise HostError(
            "the script was never saved, so there is no place for its takes",
            remedy=f"Save the script, or set the output folder of {selection.anchor}.",
        )
    return Path(script).parent / "understudy" / safe_folder_name(selection.shot)


def document_name() -> str:
    """Return the script's file name, as the artist knows it."""
    return Path(_script()).name or "not saved"


def _script() -> str:
    name = nuke.root().name()
    return "" if name == UNSAVED else name


def _shown(pipe: nuke.Node | None, node: nuke.Node) -> str:
    if pipe is None:
        return ""
    return f"{pipe.fullName()} ({node['view'].value()})" if len(nuke.views()) > 1 else pipe.fullName()
