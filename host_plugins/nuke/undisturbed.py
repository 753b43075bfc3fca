"""The artist's script left as it was: proxy, undo, the modified mark; and Nuke's refusals in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import nuke

from understudy.bridge.errors import HostError, JobCancelled

REFUSALS = (RuntimeError, ValueError, NameError, KeyError, TypeError)
"""What Nuke raises for calls it does not carry out, for deleted nodes and for knobs that are not there."""


@contextmanager
def undisturbed(*, full_size: bool = False, marks_modified: bool = False) -> Iterator[None]:
    """Do something that the artist never sees: nothing to undo, nothing to save. Main thread, within one turn.

    full_size: with proxy mode off meanwhile. marks_modified: nothing to undo, and yet the script wants saving.
    """
    root = nuke.root()
    modified = root.modified()
    proxy = full_size and bool(root["proxy"].value())
    recording = not nuke.Undo.disabled()
    if recording:
        nuke.Undo.disable()
    try:
        if proxy:
            root["proxy"].setValue(False)
        yield
    finally:
        try:
            if proxy:
                root["proxy"].setValue(True)
        finally:
            if recording:
                nuke.Undo.enable()
            root.setModified(modified or marks_modified)


@contextmanager
def unless_whole(undo: Callable[[], object]) -> Iterator[None]:
    """Call `undo` when what stands inside does not come to its end, whatever ends it."""
    with ExitStack() as undone:
        undone.callback(undo)
        yield
        undone.pop_all()


@contextmanager
def one_undo(name: str) -> Iterator[None]:
    """Let everything inside be one step of the artist's undo, under `name`. Within one turn.

    What fails takes its own changes back first; then the step is thrown away and there is nothing to undo.
    """
    root = nuke.root()
    modified = root.modified()

    def throw_away() -> None:
        nuke.Undo.cancel()
        root.setModified(modified)

    nuke.Undo.begin()
    with unless_whole(throw_away):
        nuke.Undo.name(name)
        yield
    nuke.Undo.end()


@contextmanager
def in_words(doing: str, remedy: str) -> Iterator[None]:
    """Turn Nuke's refusal into a HostError that says what we were `doing`; its Cancel button into JobCancelled."""
    try:
        yield
    except REFUSALS as problem:
        said = str(problem) or type(problem).__name__
        if isinstance(problem, RuntimeError) and said.lower().startswith("cancel"):
            raise JobCancelled(
                f"cancelled in Nuke while {doing}", remedy="Submit it again when it is wanted."
            ) from None
        raise HostError(f"Nuke refused while {doing}: {said}", remedy=remedy) from problem
