"""What one artist's programs say to each other by way of the daemon: a host shows a shot in the panel, the panel has a
take imported (docs/panel.md).

Between programs of one key at one seat, told now or not at all: nothing of it is stored, and no other user hears it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from understudy.bridge.errors import ErrorReport
from understudy.bridge.options import JobOptions

TELL_LIMIT_BYTES = 64 * 1024
"""A selection with its prompt is 2 kB: whoever has more to say sends a job."""

Ear = Literal["panel", "host"]
DeskName = Annotated[str, msgspec.Meta(max_length=200)]


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """Who a watcher is at an artist's desk."""

    ear: Ear
    seat: DeskName
    """User and machine: one key may be used at several, and nobody raises a window on another's screen."""
    desk: DeskName = ""
    """Which session of a host, unlike every other of this key; empty for a panel."""
    title: DeskName = ""
    """The host and its document, as the artist knows them: Nuke (comp.nk)."""


class Tell(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Pass this on to the programs of my key at this seat that listen as `to`; answered by how many it reached."""

    to: Ear
    kind: Literal["show", "selection", "import_take", "answer"]
    """show: come to the front. selection: a host's shot is for your form. import_take: bring this take into your
    document. answer: what came of that."""
    seat: DeskName
    desk: DeskName = ""
    """To a host: which one (empty = each). To the panel: which host says it."""
    title: DeskName = ""
    options: JobOptions | None = None
    """With `selection` and `show`: what the form is to say."""
    job_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    words: str = ""
    error: ErrorReport | None = None


class Heard(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How many programs it was passed on to; 0 = nobody listens, and nothing is kept for whoever comes later."""

    listeners: int


class AskDesks(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Which programs of my key listen at this seat?"""

    seat: DeskName


class Desks(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The hosts that can be told something, in the order in which they came, and how many panels are open."""

    hosts: tuple[Listener, ...]
    panels: int


class Told(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What another program of this key said just now, as it said it."""

    said: Tell
