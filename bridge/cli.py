"""The artist's commands. Everything that thinks is elsewhere: this file asks and sets exit codes, `cli_view.py` shows.

Other packages add commands through the entry-point group `understudy.commands`; none is imported by name. Alone in the
bridge this file uses typer, and it is left out of what hosts get.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec
import typer

from understudy.bridge import errors, messages
from understudy.bridge.cli_view import (
    bar,
    bar_of_bytes,
    bar_of_job,
    escape,
    print_json,
    say,
    say_parked,
    screen,
    show_end,
    show_error,
    show_findings,
    show_jobs,
    slot_in_words,
)
from understudy.bridge.client import Client
from understudy.bridge.errors import RequestError
from understudy.bridge.exit_codes import CANCELLED, DONE, code_of_state
from understudy.bridge.fixes import fix_record
from understudy.bridge.gather import Gathered, engine_options, gather_job
from understudy.bridge.keys import CONNECTION_FILE, Connection, load_connection
from understudy.bridge.local_daemon import demonstration, draw_shot, running_daemon
from understudy.bridge.options import JobOptions, parse_states
from understudy.bridge.roundtrip import change_job, follow_job, new_token, redo_segment, send_job
from understudy.bridge.settings import load_settings

app = typer.Typer(
    name="understudy",
    help="Recast a performance without leaving the comp.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print what a script reads, nothing else, on standard output.")]
Out = Annotated[Path, typer.Option("--out", help="Where the take lands.")]


def main() -> None:
    """Run the command line; every error ends in words, a remedy and an exit code."""
    _add_commands_of_others()
    debug, as_json = "--debug" in sys.argv, "--json" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        app()
    except Exception as problem:
        if debug:
            raise
        sys.exit(show_error(errors.error_in_words(problem), as_json))
    except SystemExit as end:
        sys.exit(CANCELLED if end.code == 130 else end.code)  # what typer makes of Ctrl-C


@functools.cache
def _add_commands_of_others() -> None:
    for entry in entry_points(group="understudy.commands"):
        try:
            entry.load()(app)
        except ImportError as problem:
            _note_absent_commands(entry.name, problem)


def _note_absent_commands(group: str, problem: ImportError) -> None:
    """Leave out commands whose libraries are not installed, and say which extra brings them when one is asked for."""

    any_words = {"allow_extra_args": True, "ignore_unknown_options": True}  # whatever command of the group was meant

    @app.command(group, help=f"Not installed here: {problem.name} is missing.", hidden=True, context_settings=any_words)
    def absent() -> None:
        raise RequestError(f"{problem.name} is not installed", remedy=f"pip install 'understudy[{group}]'")


def _connection() -> Connection:
    return load_connection(load_settings().home / CONNECTION_FILE)


def _client() -> Client:
    return Client.connect(_connection(), load_settings().timeout_seconds)


# ---- options of a job: declared once in options.py, shown here ---------------------------------------------


def _job_parameters() -> list[inspect.Parameter]:
    """Turn JobOptions' fields into typer options: name, type, default and help come from the declaration."""
    hints = get_type_hints(JobOptions, include_extras=True)
    parameters = []
    for field in msgspec.structs.fields(JobOptions):
        kind, said = hints[field.name].__args__[0], hints[field.name].__metadata__[0]
        kind = str if kind == int | str else kind  # a number or words: on the command line all is words
        flag = "--" + field.name.replace("_", "-")
        option: Any = Annotated[kind, typer.Option(flag, help=said.description)]
        parameters.append(
            inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=_default(field), annotation=option)
        )
    return parameters


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def with_job_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command(options, ...)` every job option as a parameter of its own."""
    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "options"]
    names = {field.name for field in msgspec.structs.fields(JobOptions)}

    @functools.wraps(command)
    def wrapped(**said: Any) -> None:
        chosen = {name: said.pop(name) for name in names}
        try:
            options = msgspec.convert(chosen, JobOptions)
        except msgspec.ValidationError as problem:
            raise RequestError(str(problem), remedy="See --help for what this option takes.") from None
        command(options, **said)

    parameters = _job_parameters() + [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapped


@app.command()
@with_job_options
def submit(
    options: JobOptions,
    out: Annotated[Path | None, typer.Option("--out", help="Where the take lands; waits for it.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until the take is delivered; frames land meanwhile.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send a job to the daemon."""
    connection = _connection()
    _accepted(connection, _send(connection, _gather(options)), out, wait, as_json)


@app.command()
def redo(
    job: Annotated[str, typer.Argument(help="A delivered job.")],
    segment: Annotated[int, typer.Option(min=1, help="Which segment is made again, counted from 1.")],
    alone: Annotated[bool, typer.Option("--alone", help="Keep the segments after it, and measure both seams.")] = False,
    dissolve: Annotated[
        bool, typer.Option("--dissolve", help="With --alone: dissolve into what the next segment goes on from.")
    ] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="The segment's own. Default: the one that it had.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", help="An engine option that changes: --option steps=30.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where the take lands; waits for it.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until the take is delivered.")] = False,
    as_json: Json = False,
) -> None:
    """Make a segment of a delivered job and all after it again, as a new version; what lies before is kept."""
    request = messages.RedoSegment(
        token=new_token(),
        job_id=job,
        segment=segment,
        alone=alone,
        dissolve=dissolve,
        seed=seed,
        options=engine_options(option or []),
    )
    connection = _connection()
    with Client.connect(connection, load_settings().timeout_seconds) as client:
        accepted = redo_segment(client, request)
    _accepted(connection, accepted, out, wait, as_json)


def _accepted(connection: Connection, accepted: messages.Accepted, out: Path | None, wait: bool, as_json: bool) -> None:
    """Say which job it became, and follow it where that was asked for."""
    if not as_json:
        screen.print(f"job [bold]{accepted.job_id}[/] is {accepted.state}, version {accepted.version}")
    if wait or out is not None:
        _follow(connection, accepted.job_id, out, as_json)
    elif as_json:
        print_json(accepted)
    else:
        show_findings(accepted.findings)


@app.command()
def jobs(
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only jobs in this state; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the newest jobs."""
    states = parse_states(state or [])
    with _client() as client:
        listed = client.list_jobs(states)
    if as_json:
        print_json(listed)
        return
    show_jobs(listed)


@app.command()
def show(job: str, as_json: Json = False) -> None:
    """Show one job: inputs, settings, what the gates said, files."""
    with _client() as client:
        detail, outputs = client.show_job(job), client.outputs(job)
    if as_json:
        print_json({"detail": detail, "outputs": outputs})
        return
    for role, pictures in detail.job.shot.roles().items():
        say(f"  {role:12} {escape(pictures.typed)} ({len(pictures.files)} files)")
    if detail.job.redo is not None:
        kept = detail.job.redo
        only = " alone" if kept.alone else " and all after it"
        say(f"  {'redo':12} segment {kept.segment}{only}, from version {kept.version} of job {kept.job_id}")
    say(f"  {len(outputs.files)} files in {escape(outputs.folder)}")
    show_end(detail, None)


@app.command()
def watch(job: str, as_json: Json = False) -> None:
    """Follow a job to its end without fetching."""
    _follow(_connection(), job, None, as_json)


@app.command()
def fetch(job: str, out: Out, as_json: Json = False) -> None:
    """Bring a job's layers here; follows the job when it still runs."""
    _follow(_connection(), job, out, as_json)


def _control(as_json: bool, job: str, action: str, priority: int = 0) -> None:
    with _client() as client:
        summary = change_job(client, job, action, priority)
    if as_json:
        print_json(summary)
    else:
        stops = action in ("cancel", "pause") and summary.state in ("running", "checking")
        still = " until it has stopped" if stops else ""
        screen.print(f"job {summary.job_id} is {summary.state}{still}, priority {summary.priority}")


def _add_control(action: str, said: str) -> None:
    @app.command(action, help=said)
    def change(job: str, as_json: Json = False) -> None:
        _control(as_json, job, action)


for _action, _said in {
    "cancel": "Stop a job within a step; what was accepted stays listed.",
    "pause": "Free the slot; finished frames stay and the job goes on with `resume`.",
    "resume": "Put a paused or parked job back into the queue.",
    "retry": "Queue a failed or cancelled job again; finished frames are kept.",
}.items():
    _add_control(_action, _said)


@app.command()
def priority(job: str, value: Annotated[int, typer.Argument(min=-100, max=100)], as_json: Json = False) -> None:
    """Set a job's priority: higher runs first. A negative one is written behind two dashes: priority JOB -- -5."""
    _control(as_json, job, "priority", value)


@app.command()
def status(as_json: Json = False) -> None:
    """Is the daemon alive, and what does it do?"""
    with _client() as client:
        answer = client.status()
    if as_json:
        print_json(answer)
        return
    slots = ", ".join(slot_in_words(slot) for slot in answer.slots)
    for name, value in {**msgspec.structs.asdict(answer), "slots": slots}.items():
        say(f"  {name:18} {escape(str(value))}")


@app.command()
def stop(
    now: Annotated[bool, typer.Option("--now", help="Do not wait for running jobs; they go on later.")] = False,
) -> None:
    """Let the daemon finish what runs and exit."""
    with _client() as client:
        client.drain(now)
    screen.print("the daemon finishes what runs, then exits" if not now else "the daemon exits; its jobs go on later")


@app.command()
def fix(
    record: Annotated[Path, typer.Argument(help="The record's file, JSON.")],
    finding: Annotated[str, typer.Option(help="The rule that refused, as the refusal names it.")],
    job: Annotated[str, typer.Option(help="The refused job. Default: the newest one of this record.")] = "",
    as_json: Json = False,
) -> None:
    """Change a record as a refusal offered; says what it changed. No consent and no approval is ever changed."""
    with _client() as client:
        changed = fix_record(client, record, finding, job)
    if as_json:
        print_json(changed)
    for line in changed:
        say(f"{escape(str(record))}: {escape(line)}")


@app.command("version")
def show_version() -> None:
    """Print the version."""
    print(version("understudy"))


@app.command()
@with_job_options
def demo(options: JobOptions, out: Out = Path("out/demo"), as_json: Json = False) -> None:
    """Recast a shot of your own, or a drawn one, end to end; starts a daemon when none answers."""
    if options.plate is None and (options.mode == "replace" or options.keypoints is None):
        with screen.status("drawing a shot"):
            options = msgspec.structs.replace(options, **draw_shot(out.parent / f"{out.name}_shot", options.ocio))
    gathered = demonstration(options, _gather)
    with running_daemon(load_settings().home) as connection:
        accepted = _send(connection, gathered)
        _follow(connection, accepted.job_id, out, as_json)
    if not as_json:
        _open_page(out / "report.html")


def _open_page(page: Path) -> None:
    say(f"report: [bold]{escape(str(page.resolve()))}[/]")
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        typer.launch(page.resolve().as_uri())


def _gather(options: JobOptions) -> Gathered:
    with bar("reading files") as hashed:
        return gather_job(options, hashed=hashed)


def _send(connection: Connection, gathered: Gathered) -> messages.Accepted:
    show_findings(gathered.findings)
    with bar_of_bytes("sending") as sent:
        return send_job(connection, gathered, sent=sent, parked=say_parked)


def _follow(connection: Connection, job_id: str, out: Path | None, as_json: bool) -> None:
    """Show a job's progress to its end, then leave with its exit code."""
    silence = "the daemon is silent; its jobs go on when it is back, and so does this"
    with bar_of_job() as told:
        try:
            detail = follow_job(connection, job_id, out, told=told, silent=lambda: say(silence))
        except KeyboardInterrupt:
            say(f"Stopped watching. The job stays with the daemon; `understudy watch {job_id}` follows it again.")
            raise typer.Exit(CANCELLED) from None
    if as_json:
        print_json(detail)
    else:
        show_end(detail, out)
    if code_of_state(detail.summary.state) != DONE:
        raise typer.Exit(code_of_state(detail.summary.state))


if __name__ == "__main__":
    main()
