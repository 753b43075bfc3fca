"""The report page beside the layers: one self-contained file that shows a take and everything that was checked.

Pure but for `write_report`. No network, no font, no script from elsewhere; at most 24 frames however long the shot.
"""

from __future__ import annotations

import base64
import html
import re
from collections import Counter
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from understudy.bridge.errors import Finding
from understudy.inference.report_papers import Papers, render_papers

FRAMES_LIMIT = 24
"""Embedded frames: a page of about two megabytes that any mail system takes."""
_SLOT = re.compile(r"\{\{([A-Z]+)\}\}")
_WORST_FIRST = ("broken", "refuse", "warn", "waived", "note", "pass", "not_applicable")


@dataclass(frozen=True, slots=True)
class ReportFrame:
    """One frame as display-referred JPEGs of one size; a view that does not exist is left out."""

    frame: int
    views: dict[str, bytes]
    """`plate`, `matte`, `result`, `character`, `clean`, `difference`, in the order in which the page offers them."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """All that the page says. Rows are (name, value) pairs of plain text."""

    title: str
    state: str
    clearance: str
    disclosure: str
    frames: tuple[ReportFrame, ...]
    reference: bytes | None
    numbers: tuple[tuple[str, str], ...]
    provenance: tuple[tuple[str, str], ...]
    papers: Papers
    files: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]


def choose_frames(frames: tuple[int, ...], limit: int = FRAMES_LIMIT) -> tuple[int, ...]:
    """Return at most `limit` frames, evenly spread, first and last among them."""
    if len(frames) <= limit:
        return frames
    return tuple(frames[round(index * (len(frames) - 1) / (limit - 1))] for index in range(limit))


def write_report(path: Path, facts: ReportFacts) -> None:
    """Write the page through a temporary name. Raises ValueError for more frames than the page may embed."""
    if len(facts.frames) > FRAMES_LIMIT:
        raise ValueError(f"a report embeds at most {FRAMES_LIMIT} frames, not {len(facts.frames)}")
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(render_report(facts), encoding="utf-8")
    temporary.replace(path)


def render_report(facts: ReportFacts) -> str:
    """Return the page as HTML. The same facts give the same page."""
    shell = resources.files("understudy.inference").joinpath("report.html").read_text(encoding="utf-8")
    gates = tuple(finding for finding in facts.findings if "pack" not in finding.facts)  # packs' stand among the papers
    parts = {
        "TITLE": _text(facts.title),
        "BADGES": "".join(
            f'<span class="badge {_text(word)}">{_text(word)}</span>'
            for word in dict.fromkeys((facts.state, facts.clearance))
        ),
        "DISCLOSURE": _text(facts.disclosure),
        "VIEWER": _viewer(facts.frames),
        "REFERENCE": f'<img alt="reference" src="{_picture(facts.reference)}">' if facts.reference else "",
        "NUMBERS": _rows(facts.numbers),
        "PROVENANCE": _rows(facts.provenance),
        "PAPERS": render_papers(facts.papers),
        "FILES": _rows(facts.files),
        "COUNTS": _counts(gates),
        "FINDINGS": "".join(_finding(finding) for finding in _sorted(gates)),
    }
    return _SLOT.sub(lambda slot: parts[slot.group(1)], shell)


def _text(value: str) -> str:
    return html.escape(value, quote=True)


def _picture(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")


def _rows(rows: tuple[tuple[str, str], ...]) -> str:
    return "".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in rows)


def _viewer(frames: tuple[ReportFrame, ...]) -> str:
    """Return every view of every frame as an image; the page's script shows two of them under the wipe."""
    cells = []
    for index, frame in enumerate(frames):
        views = "".join(
            f'<img data-view="{_text(name)}" alt="{_text(name)} of frame {frame.frame}" src="{_picture(data)}">'
            for name, data in frame.views.items()
        )
        note = f'<span class="flag" title="{_text(frame.note)}"></span>' if frame.note else ""
        cells.append(
            f'<button class="frame" data-index="{index}" aria-label="frame {frame.frame}">{views}'
            f"<b>{frame.frame}</b>{note}</button>"
        )
    return "".join(cells)


def _counts(findings: tuple[Finding, ...]) -> str:
    counted = Counter(finding.outcome for finding in findings)
    return "".join(
        f'<span class="badge {name}">{counted[name]} {_text(name.replace("_", " "))}</span>'
        for name in _WORST_FIRST
        if counted[name]
    )


def _sorted(findings: tuple[Finding, ...]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (_WORST_FIRST.index(finding.outcome), finding.rule))


def _finding(finding: Finding) -> str:
    remedy = f"<p class=remedy>{_text(finding.remedy)}</p>" if finding.remedy else ""
    frames = f"<p class=facts>frames {_text(_ranges(finding.frames))}</p>" if finding.frames else ""
    read = ", ".join(f"{name} = {value}" for name, value in finding.facts.items())
    facts = f"<p class=facts>{_text(read)}</p>" if read else ""
    return (
        f'<li class="{_text(finding.outcome)}"><span class="badge {_text(finding.outcome)}">'
        f"{_text(finding.outcome.replace('_', ' '))}</span><div><code>{_text(finding.rule)}</code> "
        f"{_text(finding.message)}{remedy}{frames}{facts}</div></li>"
    )


def _ranges(frames: tuple[int, ...]) -> str:
    """Return `1, 3-5, 9` for (1, 3, 4, 5, 9)."""
    runs: list[tuple[int, int]] = []
    for frame in sorted(frames):
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
