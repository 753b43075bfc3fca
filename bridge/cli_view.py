"""What the commands show: errors, findings, jobs, and bars for what takes longer than a second. Asks nobody.

The one file that uses rich; `cli.py` alone may import it, and like that it is left out of what hosts get. Words for
people go to standard error; standard output is for what a script reads.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console, RenderableType
from rich.markup import escape as escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from understudy.bridge import messages
from understudy.bridge.errors import ComplianceError, Finding, UnderstudyError, error_from_report
from understudy.bridge.exit_codes import code_of_error
from understudy.bridge.fixes import changes_record, in_words

BAR_AFTER_SECONDS = 1.0  # what is done sooner needs no bar
FILE_WIDTH = 400  # columns of a table that no terminal shows: nothing is cut off for want of room

screen = Console(stderr=True)


def show_error(problem: UnderstudyError, as_json: bool = False) -> int:
    """Print an error for people, and for a script where one asked; return the exit code."""
    if as_json:
        print_json(problem.report())
    if isinstance(problem, ComplianceError) and problem.findings:
        show_findings(problem.findings)
        say(f"[bold red]{problem.code}[/]: refused by {sum(found.refuses for found in problem.findings)} of the rules")
    else:
        say(f"[bold red]{problem.code}[/]: {escape(problem.message)}", problem.remedy)
    return code_of_error(problem)


def slot_in_words(slot: messages.Slot) -> str:
    """Return one slot as it stands in the status: its name, its GPUs, its job."""
    owns = f" (GPU {', '.join(slot.gpus)})" if slot.gpus else ""
    return f"{slot.name}{owns} {slot.job_id or 'idle'}"


def say(line: str, remedy: str = "") -> None:
    """Print a line for people, in rich's markup; what users typed must come escaped."""
    screen.print(line, highlight=False, soft_wrap=True)
    if remedy:
        screen.print(f"          what to do: {escape(remedy)}", highlight=False, soft_wrap=True)


def show_findings(findings: tuple[Finding, ...]) -> None:
    """Print what was found, worst first; what passed is only counted."""
    colour = {"refuse": "bold red", "broken": "bold red", "warn": "yellow", "note": "cyan", "waived": "magenta"}
    order = list(colour)
    told = sorted((f for f in findings if f.outcome in colour), key=lambda finding: order.index(finding.outcome))
    for finding in told:
        outcome = f"[{colour[finding.outcome]}]{finding.outcome:7}[/]"
        say(f"  {outcome} {finding.rule}: {escape(finding.message)}", finding.remedy)
        for fix in finding.fixes:
            how = f": understudy fix RECORD.json --finding {finding.rule}" if changes_record(fix) else ""
            say(f"          {escape(f'fix: {in_words(fix)}{how}')}")
    passed = sum(1 for finding in findings if finding.outcome in ("pass", "not_applicable"))
    if passed:
        say(f"  [dim]{passed} rules passed[/]")


def print_json(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")


def show_jobs(listed: Iterable[messages.JobSummary]) -> None:
    """Print jobs as a table: for a terminal as wide as that, for a file as wide as need be."""
    table = Table(box=None, header_style="dim")
    for column in ("job", "shot", "engine", "state", "stage", "frames", "who", "since"):
        table.add_column(column)
    for job in listed:
        frames = f"{job.frames_done}/{job.frames_total}"
        row = (job.job_id, job.shot, job.engine, job.state, job.stage, frames, job.user, job.created_at[:19])
        table.add_row(*map(escape, row))
    Console(width=None if sys.stdout.isatty() else FILE_WIDTH).print(table)


class _Bars(Progress):
    """Bars for a terminal, once something has taken a second; a file gets none."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        super().__init__(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"), console=screen, disable=not screen.is_terminal,
        )  # fmt: skip

    def get_renderables(self) -> Iterable[RenderableType]:
        return super().get_renderables() if time.monotonic() - self._since > BAR_AFTER_SECONDS else ()


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what is called with (done, total) while `what` goes on."""
    with _Bars() as bars:
        shown = bars.add_task(what, total=None, note="")
        yield lambda done, total: bars.update(shown, completed=done, total=total)


@contextmanager
def bar_of_bytes(what: str) -> Iterator[Callable[[int, int], None]]:
    """The same where bytes are counted; shown in MiB."""
    with _Bars() as bars:
        shown = bars.add_task(what, total=None, note="")
        yield lambda done, total: bars.update(shown, completed=done >> 20, total=total >> 20, note="MiB")


@contextmanager
def bar_of_job() -> Iterator[Callable[[messages.Event], None]]:
    """Yield what shows a job's events as they come."""
    with _Bars() as bars:
        shown = bars.add_task("waiting", total=None, note="")

        def told(event: messages.Event) -> None:
            what = event.what
            if isinstance(what, messages.Progress):
                left = f"{what.seconds_left:.0f} s left" if what.seconds_left is not None else ""
                bars.update(shown, description=what.stage, completed=what.done, total=what.total or None, note=left)
            elif isinstance(what, messages.StateChanged):
                bars.update(shown, description=what.state)
                if what.state == "parked" and what.reason is not None:
                    say_parked(error_from_report(what.reason))

        yield told


def say_parked(problem: UnderstudyError) -> None:
    say(f"parked: {escape(problem.message)}", problem.remedy)


def show_end(detail: messages.JobDetail, out: Path | None) -> None:
    """Print what the gates said and how the job stands."""
    summary = detail.summary
    show_findings(detail.findings)
    where = f" in {escape(str(out))}" if out is not None and summary.state == "delivered" else ""
    say(f"job [bold]{summary.job_id}[/] {escape(summary.shot)}: [bold]{summary.state}[/] ({summary.clearance}){where}")
    if summary.error is not None and not any(finding.refuses for finding in detail.findings):
        say(f"  [red]{escape(summary.error.message)}[/]", summary.error.remedy)
