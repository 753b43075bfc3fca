"""A job that is not sent yet, as far as its papers are judged by it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from understudy.bridge.words import Mode


@dataclass(frozen=True, slots=True)
class Draft:
    """The job for which papers are judged: what of it rules read."""

    shot: str
    project: str | None = None
    mode: Mode = "replace"
    engine: str = "preview"
    pictures_drive: bool = True
