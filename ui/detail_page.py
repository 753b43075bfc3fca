"""What there is to know of a job, as a page of HTML: pure, so that every word of it can be tested without a window.

Whatever users typed is escaped: a file's name is never markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from understudy.bridge.errors import ComplianceError, ErrorReport, Finding, UnderstudyError
from understudy.bridge.messages import JobDetail, JobSummary
from understudy.ui import papers_words, words
from understudy.ui.job_again import AGAIN_LINK, MEND_LINK, MENDED
from understudy.ui.job_rows import TakeStanding
from understudy.ui.theme import ACCENT, QUIET, STATES

_ORDER = tuple(words.OUTCOMES)
_COLOURS = {
    "refuse": STATES["failed"].name(),
    "broken": STATES["failed"].name(),
    "warn": STATES["parked"].name(),
    "note": STATES["for_review"].name(),
    "waived": STATES["demonstration"].name(),
}
FRAMES_SHOWN = 12


def detail_page(detail: JobDetail, standing: TakeStanding, folder: str = "") -> str:
    """Return the page of a job. folder: where its files lie, in words; empty = nowhere yet."""
    summary = detail.summary
    parts = [
        f"<h2>{escape(words.take_of(summary.shot, summary.version))}</h2>",
        f"<p><b>{words.STANDINGS[standing]}</b> {_quiet(words.STANDING_HELP[standing])}</p>",
        f"<p>{_quiet(f'job {summary.job_id}, {words.STATES[summary.state]}, {summary.engine}, by {summary.user}')}</p>",
    ]
    if summary.error is not None:
        parts.append(_trouble(summary, summary.error))
    if summary.state in MENDED:
        parts.append(_mend())
    elif standing == "uncleared":
        parts.append(_link(AGAIN_LINK, words.PAPERS_AGAIN, words.PAPERS_AGAIN_HELP))
    parts.append(f"<h3>{words.GATE}</h3>")
    parts.append(findings_part(detail.findings))
    parts.append(_inputs(detail))
    parts.append(_settings(detail))
    if folder:
        parts.append(f"<h3>{words.FILES}</h3><p>{escape(folder)}</p>")
    return "".join(parts)


def problem_page(problem: UnderstudyError) -> str:
    """Return what a problem says, or every finding of a refusal."""
    if isinstance(problem, ComplianceError) and problem.findings:
        return findings_part(problem.findings)
    return (
        f"<p><b>{words.HAPPENED}</b> {escape(problem.message)}</p><p><b>{words.NEXT}</b> {escape(problem.remedy)}</p>"
    )


def findings_part(findings: Iterable[Finding]) -> str:
    """Return what rules said, worst first, each with what to do; what passed is only counted."""
    found = list(findings)
    told = sorted((one for one in found if one.outcome in _ORDER), key=lambda one: _ORDER.index(one.outcome))
    passed = len(found) - len(told)
    parts = [_finding(one) for one in told]
    if passed:
        parts.append(f"<p>{_quiet(words.PASSED.format(count=passed))}</p>")
    return "".join(parts) or f"<p>{_quiet(words.NO_FINDINGS)}</p>"


def kept(summary: JobSummary) -> str:
    """Return what was kept of a job that stopped; empty where the state says nothing of it."""
    text = words.KEPT_BY_STATE.get(summary.state, "")
    return text.format(done=summary.frames_done, total=summary.frames_total)


def _trouble(summary: JobSummary, error: ErrorReport) -> str:
    rows = [(words.HAPPENED, error.message), (words.KEPT, kept(summary)), (words.NEXT, error.remedy)]
    return "".join(f"<h3>{title}</h3><p>{_text(said)}</p>" for title, said in rows if said)


def _mend() -> str:
    label = papers_words.MEND.replace("&", "")
    return _link(MEND_LINK, label, f"{papers_words.MEND_HELP} {papers_words.MEND_RETRY}")


def _link(where: str, label: str, said: str) -> str:
    return f'<p><a style="color:{ACCENT.name()}" href="{where}"><b>{label}</b></a> {_quiet(said)}</p>'


def _finding(found: Finding) -> str:
    word = f'<b style="color:{_COLOURS[found.outcome]}">{words.OUTCOMES[found.outcome]}</b>'
    said = f"<p>{word} {_quiet(found.rule)}<br/>{_text(found.message)}"
    if found.remedy:
        said += f"<br/>{_quiet(words.NEXT + ':')} {_text(found.remedy)}"
    where = _frames(found.frames)
    if where:
        said += f"<br/>{_quiet(where)}"
    if found.files:
        said += f"<br/>{_quiet(', '.join(found.files[:FRAMES_SHOWN]))}"
    return said + "</p>"


def _frames(frames: tuple[int, ...]) -> str:
    if not frames:
        return ""
    more = f" and {len(frames) - FRAMES_SHOWN} more" if len(frames) > FRAMES_SHOWN else ""
    return f"frames {', '.join(map(str, frames[:FRAMES_SHOWN]))}{more}"


def _inputs(detail: JobDetail) -> str:
    rows = [(role, f"{one.typed} ({len(one.files)})") for role, one in detail.job.shot.roles().items()]
    return f"<h3>{words.INPUTS}</h3>{_table(rows)}"


def _settings(detail: JobDetail) -> str:
    job, settings = detail.job, detail.job.settings
    rows = [("frames", str(job.shot.range)), ("rate", str(job.shot.rate or "")), ("mode", settings.mode)]
    rows += [("engine", settings.engine), ("seed", str(settings.seed)), ("prompt", settings.prompt)]
    rows += [("papers", job.record.ground), ("priority", str(detail.summary.priority))]
    rows += sorted(settings.engine_options.items())
    if job.redo is not None:
        reach = "alone" if job.redo.alone else "and all after it"
        rows.append(("redo", f"segment {job.redo.segment} {reach}, from v{job.redo.version:03} of {job.redo.job_id}"))
    return f"<h3>{words.CHOSEN}</h3>{_table([(name, said) for name, said in rows if said])}"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><td style="padding-right:10px">{_quiet(name)}</td><td>{_text(said)}</td></tr>' for name, said in rows
    )
    return f"<table>{cells}</table>"


def _text(said: str) -> str:
    return escape(said).replace("\n", "<br/>")


def _quiet(said: str) -> str:
    return f'<span style="color:{QUIET.name()}">{_text(said)}</span>'
