"""A host in a process of its own, with a shot in it: it opens the panel and imports what the panel sends, then ends.

`desk_host.py HOST HOME FOLDER DRAWN UNTOUCHED`, in whatever Python that host has; says what happens in lines of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "hosts/nuke"), str(HERE.parent / "hosts/resolve")]

from host_rig import CHOICES, Drawn, HostRig  # noqa: E402

from understudy.bridge.frames import FrameRate  # noqa: E402
from understudy.bridge.host_job import HostJob  # noqa: E402
from understudy.bridge.host_jobs import HostJobs  # noqa: E402
from understudy.bridge.host_panel import HostDesk  # noqa: E402
from understudy.bridge.keys import load_connection  # noqa: E402

RATE = FrameRate(24000, 1001)
PATIENCE_SECONDS = 120.0


def rig_of(name: str, folder: Path, stack: ExitStack) -> HostRig:
    """Return the named host with a document in `folder`."""
    folder.mkdir(parents=True)
    if name == "blender":
        from blender_rig import BlenderRig

        return BlenderRig(folder)
    if name == "resolve":
        from resolve_rig import ResolveRig

        return ResolveRig(folder / "show")
    from nuke_rig import NukeRig, running

    stack.enter_context(running())
    return NukeRig(folder)


def main(name: str, home: Path, folder: Path, drawn: Drawn, untouched: bool) -> None:
    with ExitStack() as stack:
        rig = rig_of(name, folder, stack)
        connection = load_connection(home)
        jobs = HostJobs(rig.host, rig.main, lambda: connection, folder / "exports")
        brought: list[HostJob] = []
        desk = HostDesk(
            jobs, rig.main, lambda: connection, host=name, title=f"{name} (shot)", home=home, asked=brought.append
        )
        stack.callback(desk.close)
        stack.callback(jobs.close)
        rig.make_shot(drawn, shot="sh010", rate=RATE, untouched=untouched)
        before = rig.surroundings()
        selection = rig.host.select()
        shown = desk.open_panel(selection, CHOICES, rig.host.default_folder(selection))
        _turn(rig, lambda: shown.ended)
        say(stage=shown.notice.stage, words=shown.notice.words, left_alone=rig.surroundings() == before)
        _turn(rig, lambda: bool(brought) and brought[0].ended)
        say(stage=brought[0].notice.stage, words=brought[0].notice.words, takes=rig.takes())
        if rig.takes():
            placed, whole = rig.placed()
            say(placed=str(placed), whole=str(whole))
        _turn(rig, lambda: brought[0].thread is None or not brought[0].thread.is_alive())


def _turn(rig: HostRig, done: Any) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    rig.main.run_until(lambda: done() or time.monotonic() > ends)
    assert done(), "it did not come to that"


def say(**said: object) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    import os

    host, home, folder, drawn, untouched = sys.argv[1:]
    try:
        main(host, Path(home), Path(folder), Drawn(*json.loads(drawn)), untouched == "untouched")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if host == "blender":  # a handler that is still registered crashes or hangs some of them at their end
            os._exit(1 if sys.exc_info()[0] else 0)
