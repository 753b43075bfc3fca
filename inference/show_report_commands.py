"""`understudy report SHOW`: the declaration of a show's use of AI for its client. On the daemon's machine.

Imports are inside the command: only whoever declares pays for c2pa and fpdf2.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.inference.desk import As, Json, counted, open_desk, print_json, say

if TYPE_CHECKING:
    from understudy.inference.show_report import Declaration, Shown


def register(app: typer.Typer) -> None:
    """Add this file's command to the command line."""
    app.command()(report)


def report(
    show: Annotated[str, typer.Argument(help="The project, as jobs name it.")],
    folder: Annotated[Path, typer.Option("--out", help="Where SHOW.html, SHOW.pdf and SHOW.csv go.")] = Path(),
    names: Annotated[bool, typer.Option("--names", help="Name performers and users. For the role legal.")] = False,
    as_json: Json = False,
    who: As = None,
) -> None:
    """Write what a client is told of a show: every delivered version, how it was made, on which papers, its proof."""
    from understudy.inference.authority.acting import check_may

    desk = open_desk("read", who)
    if names:
        check_may(desk.user, "names")
    import msgspec

    from understudy.bridge.settings import load_settings
    from understudy.inference.authority.ledger import utc_now
    from understudy.inference.compliance.marks import software_version
    from understudy.inference.compliance.policy.library import all_packs, own_packs
    from understudy.inference.daemon.audit import open_store
    from understudy.inference.provenance.trust import trust_anchors
    from understudy.inference.show_report import Sources, declare

    settings = load_settings()
    packs = all_packs(own_packs(settings.packs_folder))
    sources = Sources(
        open_store(settings.home), desk.registry, settings.home, trust_anchors(settings), packs, today=desk.today
    )
    told = declare(show, sources, made_at=f"{utc_now()[:16]}Z", software=software_version(), names=names)
    written = _written(told, folder, show)
    if as_json:
        bare = [{**msgspec.to_builtins(_without_picture(one)), "proven": one.proven} for one in told.versions]
        print_json({"files": [str(path) for path in written], "versions": bare})
        return
    for path in written:
        say(str(path))
    proven = sum(one.proven for one in told.versions)
    say(f"{counted(len(told.versions), 'version')}; {proven} unchanged since signed")
    if names:
        say("these files name people: they are readable for you alone")


def _written(told: Declaration, folder: Path, show: str) -> list[Path]:
    """Write the three files, readable for their owner alone, and return them. Raises RequestError for the folder."""
    from understudy.bridge.errors import RequestError
    from understudy.bridge.private_files import write_private
    from understudy.inference.show_report_html import page, sheet
    from understudy.inference.show_report_pdf import write_pdf

    if not folder.is_dir():
        raise RequestError(f"{folder} is no folder", remedy="Name one that is there: --out FOLDER.")
    name = re.sub(r"[^\w.-]+", "_", show).strip(".") or "show"
    content = {"html": page(told).encode(), "pdf": write_pdf(told), "csv": sheet(told).encode()}
    paths = {kind: folder.absolute() / f"{name}.{kind}" for kind in content}
    for kind, path in paths.items():
        write_private(path, content[kind])
    return list(paths.values())


def _without_picture(shown: Shown) -> Shown:
    return dataclasses.replace(shown, picture=None)
