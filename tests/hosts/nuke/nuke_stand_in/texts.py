"""File texts as Nuke reads them: a program in brackets and dollars first, then numbers and views."""

from __future__ import annotations

import re
from typing import Any

from nuke_stand_in.application import current


def expand(text: str, owner: Any = None) -> str:
    """Return the text with TCL's substitutions. Raises RuntimeError for a program that does not run."""
    found = []
    place = 0
    while place < len(text):
        sign = text[place]
        if sign == "\\" and place + 1 < len(text):
            found.append(text[place + 1])
            place += 2
        elif sign == "[":
            end = text.find("]", place)
            if end < 0:
                raise RuntimeError("missing close-bracket")
            found.append(_command(text[place + 1 : end], owner))
            place = end + 1
        elif sign == "$" and re.match(r"\$\w", text[place:]):
            name = re.match(r"\w+", text[place + 1 :])
            raise RuntimeError(f'can\'t read "{name.group() if name else ""}": no such variable')
        else:
            found.append(sign)
            place += 1
    return "".join(found)


def _command(words: str, owner: Any) -> str:
    match words.split():
        case ["value", knob]:
            node, _, name = knob.rpartition(".")
            owner = owner if not node else current().root if node == "root" else current().root.find(node)
            return str(owner.table[name].get())
        case ["file", "dirname", path]:
            return path.rpartition("/")[0]
    raise RuntimeError(f'invalid command name "{words}"')


def numbered(text: str, frame: int, view: str) -> str:
    """Return a file's text of one frame and view: %04d, ####, %V, %v."""

    def field(found: re.Match[str]) -> str:
        said = found.group()
        if said == "%V":
            return view
        if said == "%v":
            return view[:1]
        if said.startswith("#"):
            return f"{frame:0{len(said)}d}"
        if said == "%%":
            return "%%" if current().guesses.percent_is_literal else "%"
        digits = re.fullmatch(r"%0?(\d*)d", said)
        if digits is not None:
            return f"{frame:0{int(digits[1] or 1)}d}"
        return said if current().guesses.percent_is_literal else ""

    return re.sub(r"%0?\d*d|%V|%v|%%|%|#+", field, text)


def has_number(text: str) -> bool:
    return re.search(r"%0?\d*d|#+", text) is not None
