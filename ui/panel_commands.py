"""`understudy panel`: the window, with what a host selected already in its form. Qt is imported when it is called."""

from __future__ import annotations

import inspect
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec
import typer

from understudy.bridge.errors import RequestError
from understudy.bridge.keys import CONNECTION_FILE
from understudy.bridge.options import JobOptions
from understudy.bridge.settings import load_settings

Key = Annotated[
    Path | None, typer.Option("--key", help="The connection file of the daemon. Default: UNDERSTUDY_HOME's own.")
]
Form = Annotated[bool, typer.Option("--new", help="Open the form for a new job, also where nothing is put into it.")]

Another = Annotated[bool, typer.Option("--another", help="Open a further window, also where the panel is open.")]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("panel")(panel_command())


def panel_command() -> Any:
    """Return the command with every job option as an option of its own, named as for `submit`, none of them needed."""

    def panel(key: Path | None = None, new: bool = False, another: bool = False, **said: Any) -> None:
        """Open the window on your jobs, or bring the one that is open to the front.

        What `submit` takes is put into the form of a new job.
        """
        open_panel(said, key, new, another=another)

    own = [
        inspect.Parameter("key", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Key),
        inspect.Parameter("new", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Form),
        inspect.Parameter("another", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Another),
    ]
    parameters = [*_job_parameters(), *own]
    panel.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    panel.__annotations__ = {one.name: one.annotation for one in parameters}
    return panel


def open_panel(said: dict[str, Any], key: Path | None, new: bool, *, another: bool = False) -> None:
    """Open the window and stay until it is closed. Raises RequestError for an option that is none, or without Qt."""
    try:
        options = msgspec.convert(said, JobOptions)
    except msgspec.ValidationError as problem:
        raise RequestError(str(problem), remedy="See `understudy submit --help` for what this option takes.") from None
    if find_spec("PySide6") is None:
        raise RequestError("PySide6 is not installed", remedy="pip install 'understudy[panel]'")
    from understudy.ui.run_panel import run_panel

    where = key if key is not None else load_settings().home / CONNECTION_FILE
    raise typer.Exit(run_panel(where, options, open_form=new or options != JobOptions(), another=another))


def _job_parameters() -> list[inspect.Parameter]:
    """Turn JobOptions' fields into options of the command: name, type, default and help are the declaration's."""
    hints = get_type_hints(JobOptions, include_extras=True)
    parameters = []
    for field in msgspec.structs.fields(JobOptions):
        kind, said = hints[field.name].__args__[0], hints[field.name].__metadata__[0]
        kind = str if kind == int | str else kind  # a number or words: on the command line all is words
        option: Any = Annotated[kind, typer.Option("--" + field.name.replace("_", "-"), help=said.description)]
        default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        parameters.append(
            inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=option)
        )
    return parameters
