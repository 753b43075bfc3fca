"""What the gate's process says to the one who started it: JSON lines on a file of their own, each written at once.

A line is on the file before the next rule begins, so that a process that dies takes no earlier answer with it.
"""

from __future__ import annotations

import os

import msgspec

from understudy.bridge.errors import Finding


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """This rule was called. Without an Answer behind it, it is the one that hung or ended the process."""

    rule: str


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag="answer"):
    rule: str
    stage: str
    finding: Finding
    more: tuple[Finding, ...] = ()
    """What a rule says one by one of rules that are data: each with a name of its own, which has a dot in it."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True, tag="trouble"):
    """Why this rule has no answer."""

    rule: str
    text: str


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """The last line: every rule that could be imported was given to pyblish."""

    answered: int


Line = Started | Answer | Trouble | Ended


class Answers:
    """Writes lines to a file descriptor. One thread."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.answered = 0

    def write(self, line: Line) -> None:
        self.answered += isinstance(line, Answer)
        rest = memoryview(msgspec.json.encode(line) + b"\n")
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]


def read_lines(data: bytes) -> tuple[Line, ...]:
    """Return every whole line; a torn or foreign one is left out, and so is a rule that it would have answered for."""
    decoder = msgspec.json.Decoder(Line)
    lines: list[Line] = []
    for text in data.split(b"\n"):
        try:
            lines.append(decoder.decode(text))
        except msgspec.MsgspecError:
            continue
    return tuple(lines)
