"""`understudy purge`: what was made on the way to old takes goes, and is written down. On the daemon's machine."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.inference.desk import As, Json

if TYPE_CHECKING:
    from understudy.inference.daemon.purge import Purged


def register(app: typer.Typer) -> None:
    """Add this file's command to the command line."""
    app.command()(purge)


def purge(
    project: Annotated[str, typer.Option(help="Whose jobs. Poses kept for longer go with any project.")],
    older_than: Annotated[int, typer.Option(min=0, max=36_500, help="Days since the job ended.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
    as_json: Json = False,
    who: As = None,
) -> None:
    """Remove face crops, skeletons, poses, carried pictures and frames never delivered of old jobs; never a take."""
    from contextlib import closing

    from understudy.bridge.errors import RequestError
    from understudy.bridge.settings import load_settings
    from understudy.inference.authority.acting import acting_user
    from understudy.inference.daemon import purge as purging
    from understudy.inference.daemon.lookup import Lookup

    home = load_settings().home
    path = home / "store.sqlite"
    if not path.is_file():
        raise RequestError(
            f"there is no job store at {path}", remedy="Run this on the daemon's machine, with its UNDERSTUDY_HOME."
        )
    with closing(Lookup(path)) as store:
        actor = acting_user(home, who).name
        gone = purging.purge(home, store, older_than, project=project, dry_run=dry_run, actor=actor)
    if as_json:
        sys.stdout.write(json.dumps([dataclasses.asdict(one) for one in gone]) + "\n")
        return
    for one in gone:
        sys.stdout.write(_in_words(one))
    total = sum(one.size for one in gone) / 2**20
    shown = f"are gone; `understudy ledger show --event {purging.PURGED}` says which"
    what = "would go; nothing was removed" if dry_run else shown
    sys.stdout.write(f"{sum(one.files for one in gone)} files, {total:.1f} MiB {what}\n")


def _in_words(one: Purged) -> str:
    whose = f"of {one.project}, job {one.job_id}" if one.job_id else "that nobody used for so long"
    digest = f", {one.digest[:16]}" if one.digest else ""
    return f"{one.kind:11} {one.files:6} files {one.size / 2**20:9.1f} MiB  {whose}{digest}\n"
