"""The state of one running Nuke, and the gate that every call of its API passes: thread, log, refusal.

A stand-in, not Nuke: it encodes what is documented, and where that is a guess there is a switch in `Guesses`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Guesses:
    """What nobody has checked in Nuke itself: our code must hold either way."""

    percent_is_literal: bool = True
    """A % that begins no number in a file's text stays as it is; else it must be doubled."""
    missing_knob: type[Exception] = NameError
    unknown_entry_raises: bool = False
    """Setting an enumeration to what it has not: an error, or nothing happens."""
    offset_sign: int = 1
    """Read's frame_mode `offset`: the file's frame is the script's plus this times the offset."""
    read_stretches_script: bool = False
    """A Read that is given a file widens the script's own frame range."""
    crop_grows: bool = True
    """A Crop larger than its input's picture makes the data window as large as the box."""
    unrecorded_marks_modified: bool = True
    """What is changed while undo is disabled makes the script want saving."""


class Call(NamedTuple):
    name: str
    thread: str
    words: str


@dataclass
class Application:
    """One process of Nuke with one script."""

    gui: bool = True
    edition: str = ""
    """nc, indie, or nothing."""
    version: tuple[int, int, int] = (16, 0, 1)
    guesses: Guesses = Guesses()
    calls: list[Call] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    queue: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    """What Ctrl-Z would take back, one entry a step."""
    undo_depth: int = 0
    undo_name: str = ""
    undo_changes: int = 0
    undo_disabled: int = 0
    group_stack: list[Any] = field(default_factory=list)
    callbacks: dict[str, list[Any]] = field(default_factory=dict)
    callback_errors: list[BaseException] = field(default_factory=list)
    menus: dict[str, Any] = field(default_factory=dict)
    panes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Id of each pane that can be opened, to its name and the text that is evaluated for its widget."""
    views: list[str] = field(default_factory=lambda: ["main"])
    frame: int = 1
    executing: bool = False
    cancel_next_render: bool = False
    reached: set[int] = field(default_factory=set)
    this: list[Any] = field(default_factory=list)
    root: Any = None
    depth: int = 0
    main: threading.Thread = field(default_factory=threading.current_thread)

    def enter(self, name: str, words: str, from_any_thread: bool = False) -> None:
        """Raises RuntimeError off the main thread, and for a call that was told to fail."""
        thread = threading.current_thread()
        if not from_any_thread and thread is not self.main:
            raise RuntimeError(f"nuke.{name} was called in {thread.name}: only the main thread may")
        self.calls.append(Call(name, thread.name, words))
        for wanted in (name, f"{name}:{words}"):
            if wanted in self.failures:
                self.failures.remove(wanted)
                raise Refused(f"{name} failed")

    def fail_next(self, name: str) -> None:
        """Let the next call of that name fail: `execute`, `nodes.Read`, `Node.setInput`, `Knob.setValue:file`."""
        self.failures.append(name)

    def serve_one(self) -> bool:
        """Do one call that another thread queued for the main one, as the event loop would."""
        if not self.queue:
            return False
        call, args, kwargs = self.queue.pop(0)
        try:
            call(*args, **kwargs)
        except Exception as problem:  # noqa: BLE001 - as an event loop does
            self.callback_errors.append(problem)
        return True

    def changed(self, what: str) -> None:
        """Something that can be undone was done."""
        if self.guesses.unrecorded_marks_modified or not self.undo_disabled:
            self.root.set_modified(True)
        if self.undo_disabled:
            return
        if self.undo_depth:
            self.undo_changes += 1
        else:
            self.undone.append(what)

    def unclean(self) -> list[str]:
        """Return what a test must not leave behind."""
        found = [f"callback: {problem!r}" for problem in self.callback_errors]
        if self.group_stack:
            found.append(f"a group was begun and never ended: {self.group_stack}")
        if self.undo_depth or self.undo_disabled:
            found.append(f"undo is left open ({self.undo_depth}) or disabled ({self.undo_disabled})")
        if self.failures:
            found.append(f"never called, so never failed: {self.failures}")
        return found


class Refused(RuntimeError):
    """A call that was told to fail."""


_current: list[Application] = []


def current() -> Application:
    return _current[-1]


def run(application: Application) -> Application:
    """Make this the Nuke that is running."""
    _current[:] = [application]
    return application


def api(name: str = "", *, from_any_thread: bool = False, refuses: Callable[[], Any] | None = None) -> Any:
    """Mark a function or method of Nuke's API. refuses: what it returns, instead of raising, when it is told to fail.

    Calls that the stand-in makes itself are neither logged nor refused.
    """

    def decorate(function: _Function) -> _Function:
        said = name or function.__name__

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            application = current()
            if application.depth and threading.current_thread() is application.main:
                return function(*args, **kwargs)
            words = _words(args)
            try:
                application.enter(said, words, from_any_thread)
            except Refused:
                if refuses is None:
                    raise RuntimeError(f"{said} failed") from None
                return refuses()
            if from_any_thread:
                return function(*args, **kwargs)
            application.depth += 1
            try:
                return function(*args, **kwargs)
            finally:
                application.depth -= 1

        return called  # type: ignore[return-value]

    return decorate


def outside() -> Any:
    """Return a context in which calls count as the plugin's again: a callback or a button runs."""
    return _Outside()


class _Outside:
    def __enter__(self) -> None:
        self.depth = current().depth
        current().depth = 0

    def __exit__(self, *problem: object) -> None:
        current().depth = self.depth


def _words(args: tuple[Any, ...]) -> str:
    """Return what tells calls of one name apart: the knob's or the node's name."""
    if args and hasattr(args[0], "said"):
        return str(args[0].said)
    return ""
