"""Commands of the daemon's machine, registered through the entry-point group `understudy.commands`.

Imports are inside the commands: `understudy jobs` must not pay for OpenEXR.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from understudy.inference.key_commands import keys
from understudy.inference.pose_commands import pose

EXIT_DONE, EXIT_RETRY, EXIT_REFUSED, EXIT_FAILED = 0, 75, 3, 4
"""`understudy run` speaks to farms: 75 is EX_TEMPFAIL of sysexits.h, which render managers requeue."""


def register(app: typer.Typer) -> None:
    """Add this package's commands to the command line."""
    app.command()(serve)
    app.command()(draw)
    app.command()(order)
    app.command()(run)
    app.command()(doctor)
    app.add_typer(keys, name="key")
    app.add_typer(pose, name="pose")


def serve(
    host: Annotated[
        str | None, typer.Option(help="Where to listen. Anything but loopback is open to other machines.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="0 = any free port.")] = None,
    slots: Annotated[int | None, typer.Option(help="Jobs that run at once, beside the slots that own GPUs.")] = None,
    gpus: Annotated[str | None, typer.Option(help="GPUs that slots own, such as 0,1,2,3.")] = None,
    gpus_per_slot: Annotated[int | None, typer.Option(help="1, 2 or 4: so many make one job together.")] = None,
    gpu_memory: Annotated[str | None, typer.Option(help="The most a job takes of each GPU: 24GiB or 80%.")] = None,
) -> None:
    """Run the daemon until `understudy stop` or Ctrl-C."""
    from understudy.inference.daemon.surroundings import begin_with_memory_settings

    begin_with_memory_settings()
    from understudy.bridge.settings import load_settings
    from understudy.inference.daemon import process

    said = {"host": host, "port": port, "slots": slots}
    process.serve(load_settings({**said, "gpus": gpus, "gpus_per_slot": gpus_per_slot, "gpu_memory": gpu_memory}))


def draw(
    folder: Path,
    frames: Annotated[int, typer.Option(min=1, max=10_000)] = 48,
    width: Annotated[int, typer.Option(min=64, max=8192)] = 1280,
    height: Annotated[int, typer.Option(min=64, max=8192)] = 720,
) -> None:
    """Draw the demonstration shot into FOLDER and print the options that recast it, as JSON."""
    from understudy.inference.drawn_shot import draw_shot

    shot = draw_shot(folder, frames=frames, width=width, height=height)
    options = {
        name: value
        for name, value in dataclasses.asdict(shot).items()
        if name in ("plate", "matte", "clean_plate", "reference", "keypoints")
    }
    said = {**options, "frames": f"{shot.first}-{shot.last}", "handles": min(4, (frames - 1) // 2), "shot": "drawn"}
    sys.stdout.write(json.dumps(said) + "\n")


def order(
    job: Annotated[str, typer.Argument(help="A paused job whose files have all arrived.")],
    file: Annotated[Path, typer.Argument(help="Where to write the work order.")],
) -> None:
    """Write the work order of a paused job, to be run elsewhere by `run`; `resume` then takes what was made."""
    from understudy.bridge.client import Client
    from understudy.bridge.settings import load_settings

    settings = load_settings()
    with Client.connect(settings.home, settings.timeout_seconds) as client:
        text = client.order(job)
    file.write_bytes(text)
    sys.stderr.write(f"wrote {file}: `understudy run {file} --once`, then `understudy resume {job}`\n")


def run(
    job: Annotated[Path, typer.Argument(help="A work order: the JSON file that `understudy order` wrote.")],
    once: Annotated[bool, typer.Option("--once", help="Run this one job and leave; the only way today.")] = True,
) -> None:
    """Run one job on a farm's node, without a daemon. Exit codes: 0 done, 75 try again, 3 refused, 4 failed.

    75 also says that another process is writing this version just now; the last line names it.
    """
    import msgspec

    from understudy.bridge.errors import RequestError
    from understudy.inference.daemon.surroundings import WORK_SETTINGS

    for name, value in WORK_SETTINGS.items():
        os.environ.setdefault(name, value)  # as the daemon's own workers have it; before numpy and PyTorch are loaded
    from understudy.inference.work_order import WorkOrder
    from understudy.inference.worker import Reporter, perform

    try:
        work = msgspec.json.decode(job.read_bytes(), type=WorkOrder)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        said = problem.strerror if isinstance(problem, OSError) else problem
        raise RequestError(
            f"{job} is no work order: {said}", remedy="Write one with `understudy order JOB FILE`."
        ) from None
    end = perform(work, Reporter(lambda message: _print_line(msgspec.json.encode(message))))
    _print_line(msgspec.json.encode(end))
    raise typer.Exit(_farm_code(end))


def _farm_code(end: object) -> int:
    state = getattr(end, "state", "failed")
    if state == "delivered":
        return EXIT_DONE
    if state in ("parked", "paused", "cancelled"):
        return EXIT_RETRY
    return EXIT_REFUSED if state in ("refused", "quarantined") else EXIT_FAILED


def _print_line(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def doctor(
    as_json: Annotated[bool, typer.Option("--json")] = False,
    ocio: Annotated[str | None, typer.Option("--ocio", help="Your own OCIO config. Default: what OCIO names.")] = None,
) -> None:
    """Find and explain what is wrong on this machine: versions, keys, ports, disk, EXR and colour round trips."""
    from understudy.inference.doctor import examine

    complaints = 0
    findings = []
    for finding in examine(ocio):
        findings.append(finding)
        complaints += finding.refuses
        if not as_json:
            sys.stdout.write(
                f"{'ok' if finding.outcome == 'pass' else finding.outcome:8} {finding.rule}: {finding.message}\n"
            )
            if finding.remedy:
                sys.stdout.write(f"         what to do: {finding.remedy}\n")
    if as_json:
        import msgspec

        _print_line(msgspec.json.encode(findings))
    raise typer.Exit(EXIT_FAILED if complaints else EXIT_DONE)
