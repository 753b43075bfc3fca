"""Changes outside our own folder: a startup file of ours in the host's folder, or a block of lines in the user's file.

Every change is made by writing beside and renaming, so the host finds either the old file or the new one. What the user
changed since is never overwritten or removed: it is kept, and named.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

import msgspec

from understudy.bridge.errors import HostError
from understudy.host_plugins.plan import END_MARK, START_MARK, Edit
from understudy.host_plugins.tree import flush


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One edit as it was made: enough to take it back to the letter."""

    path: str
    kind: Literal["file", "block"]
    text: str
    """The whole file, or the block with the line break that had to be put before it."""
    before: str = ""
    """What we had there before, while an installation is at work: killed, it leaves the one or the other."""

    def found_in(self, content: str | None) -> str:
        """Return which of our texts stands there; empty for none."""
        for text in (self.text, self.before):
            if content is not None and text and (text == content if self.kind == "file" else text in content):
                return text
        return ""


def plan_edit(edit: Edit, known: Written | None) -> Written:
    """Return what an edit will leave there, and what of ours is there now. Raises HostError where the file is not ours.

    known: what we wrote there earlier. Changes nothing.
    """
    path = Path(edit.path)
    content = _read(path)
    ours = known.found_in(content) if known is not None else ""
    if edit.kind == "file":
        if content is not None and known is None and content != edit.text:
            raise HostError(
                f"{path} is there and is not Understudy's; nothing was changed",
                remedy="Move it away, then run this again.",
            )
        return Written(path=str(edit.path), kind="file", text=edit.text, before=ours)
    ours = ours or _marked(content)
    lead = ours.startswith("\n") if ours else bool(content) and not str(content).endswith("\n")
    return Written(path=str(edit.path), kind="block", text="\n" * lead + edit.text, before=ours)


def make_edit(planned: Written) -> None:
    """Put the new text in place of our old one. Raises HostError when the disk refuses; the old one is there then."""
    path = Path(planned.path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = _read(path)
        if planned.kind == "file":
            if content is not None and not planned.found_in(content):
                path.replace(_free_name(path))
            _replace(path, planned.text)
        elif planned.before:
            _replace(path, (content or "").replace(planned.before, planned.text, 1))
        else:
            _replace(path, (content or "") + planned.text)
    except OSError as problem:
        raise HostError(
            f"{path} cannot be written: {problem.strerror}; what was installed before is as it was",
            remedy="Check its rights, or name another folder with --into.",
        ) from None


def take_back(written: Written) -> str:
    """Undo an edit; return in words what was kept instead, empty when all of it is gone."""
    path = Path(written.path)
    content = _read(path)
    if content is None:
        return ""
    ours = written.found_in(content)
    if not ours:
        if written.kind == "file":
            return f"{path} was changed since; it is kept"
        return f"the lines of Understudy in {path} were changed since; they are kept" if _marked(content) else ""
    rest = content.replace(ours, "", 1)
    if rest or path.is_symlink():
        _replace(path, rest)
    else:
        path.unlink()
    return ""


def edit_faults(written: Written) -> list[str]:
    """Return, in words, what is no longer as it was written."""
    content = _read(Path(written.path))
    if content is None:
        return [f"{written.path} is missing"]
    if not written.found_in(content):
        return [f"{written.path}: what Understudy wrote there was changed or taken out"]
    return []


def _marked(content: str | None) -> str:
    """Return the lines between our marks as they stand there, whoever changed them; empty for none."""
    start = (content or "").find(START_MARK)
    end = (content or "").find(END_MARK, start)
    if content is None or start < 0 or end < 0:
        return ""
    end += len(END_MARK)
    return content[start : end + 1] if content[end : end + 1] == "\n" else content[start:end]


def _read(path: Path) -> str | None:
    """Return the text with its line breaks as they are; None where there is no such file."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def _replace(path: Path, text: str) -> None:
    """Write whole or not at all; through a link to the file it stands for, with the rights that file had."""
    real = path.resolve()
    for left in real.parent.glob(f".{real.name}.*.understudy"):  # of an installation that was killed
        left.unlink()
    beside = real.with_name(f".{real.name}.{os.getpid()}.understudy")
    try:
        beside.write_bytes(text.encode("utf-8", "surrogateescape"))
        if real.exists():
            beside.chmod(stat.S_IMODE(real.stat().st_mode))
        flush(beside)
        beside.replace(real)
    finally:
        beside.unlink(missing_ok=True)


def _free_name(path: Path) -> Path:
    """Return a name under which the user's version is kept, which no host takes for a script."""
    number = 1
    while (kept := path.with_name(f"{path.name}.yours-{number}")).exists():
        number += 1
    return kept
