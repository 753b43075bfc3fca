"""Commands about a model's files: `understudy weights list`, `pull`, `verify`, `pin`, `unpickle`.

They need the extra `weights` (a hub client and a reader of headers), no torch and no GPU; `unpickle` alone needs torch.
"""

from __future__ import annotations

import getpass
import importlib.util
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

weights = typer.Typer(help="The models on this machine: find, pull, verify, pin.", no_args_is_help=True)

DEFAULT_MODEL = "wan2.2-animate-14b"
EXIT_DIFFERS = 3
Json = Annotated[bool, typer.Option("--json", help="Print what a script reads, nothing else, on standard output.")]
Name = Annotated[str, typer.Argument(help="Which model, by the name that `list` shows.")]
Folder = Annotated[
    str | None, typer.Option("--weights", help="The model's folder. Default: UNDERSTUDY_WEIGHTS, settings, the caches.")
]


def register(app: typer.Typer) -> None:
    """Add the group to the command line. Raises ImportError where the extra `weights` is not installed."""
    for library in ("huggingface_hub", "safetensors"):
        if importlib.util.find_spec(library) is None:
            raise ImportError(f"{library} is not installed", name=library)
    app.add_typer(weights, name="weights")


@weights.command("list")
def list_models(folder: Folder = None, as_json: Json = False) -> None:
    """List the models that Understudy knows, where each was found, and whether it is whole and pinned."""
    from understudy.bridge.settings import load_settings
    from understudy.inference.weights.catalogue import MODELS
    from understudy.inference.weights.standing import standing

    settings = load_settings({"weights": folder})
    found = [standing(model, settings) for model in MODELS]
    if as_json:
        _print_json(found)
        return
    for one in found:
        sys.stdout.write(f"{one.model:32} {one.state}{f' in {one.folder} ({one.where})' if one.folder else ''}\n")
        for line in one.lines():
            sys.stdout.write(f"{'':32} {line}\n")


@weights.command()
def pull(
    name: Name = DEFAULT_MODEL,
    to: Annotated[
        Path | None, typer.Option("--to", help="Where it goes. Default: the first shared folder, else HOME.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring a model here from the hub. One that stopped goes on; every file is checked before it gets its name."""
    from understudy.bridge.settings import load_settings
    from understudy.inference.weights.catalogue import find_model
    from understudy.inference.weights.digests import DigestCache
    from understudy.inference.weights.finding import DIGESTS_FOLDER, pull_folder
    from understudy.inference.weights.pulling import pull as pull_model

    settings, model = load_settings(), find_model(name)
    folder = (to or pull_folder(model, settings)).expanduser().absolute()
    manifest = pull_model(
        model, folder, cache=DigestCache(settings.home / DIGESTS_FOLDER), told=_Bar(f"pull {model.name}")
    )
    if as_json:
        _print_json({"folder": str(folder), "manifest": manifest})
        return
    sys.stdout.write(f"{model.name}: {len(manifest.files)} files in {folder}, licence {manifest.licence}\n")


@weights.command()
def verify(
    name: Name = DEFAULT_MODEL,
    folder: Folder = None,
    hub: Annotated[
        bool, typer.Option("--hub", help="Compare with the hub's list, not with the folder's manifest.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read every file of a model and compare it with its manifest, or with the hub. Exit code 3: they differ."""
    from understudy.bridge.settings import load_settings
    from understudy.inference.weights.catalogue import find_model
    from understudy.inference.weights.standing import verify as verify_model

    settings, model = load_settings({"weights": folder}), find_model(name)
    verified = verify_model(model, settings, with_hub=hub, told=_Bar(f"verify {model.name}"))
    if as_json:
        _print_json(verified)
    else:
        for line in verified.lines():
            sys.stdout.write(f"{line}\n")
    raise typer.Exit(EXIT_DIFFERS if verified.differences else 0)


@weights.command()
def pin(
    folder: Annotated[Path, typer.Argument(help="A model's folder, in the diffusers layout.")],
    name: Annotated[str, typer.Option("--model", help="Which model it is.")] = DEFAULT_MODEL,
    licence: Annotated[str, typer.Option(help="Its licence. Default: what its card or its LICENSE says.")] = "",
    as_json: Json = False,
) -> None:
    """Write `understudy-weights.json` into FOLDER: from now on only exactly these files are loaded from it."""
    from understudy.bridge.settings import load_settings
    from understudy.inference.weights.catalogue import find_model
    from understudy.inference.weights.layout import check_layout
    from understudy.inference.weights.manifest import pin as pin_folder
    from understudy.inference.weights.manifest import write_manifest
    from understudy.inference.weights.standing import allowed_pickled

    model, folder = find_model(name), folder.expanduser().absolute()
    check_layout(folder, model, allowed_pickled=allowed_pickled(load_settings()))
    manifest = pin_folder(folder, model.name, by=getpass.getuser(), licence=licence, told=_Bar(f"pin {folder.name}"))
    path = write_manifest(folder, manifest)
    if as_json:
        _print_json(manifest)
        return
    sys.stdout.write(f"{path}: {len(manifest.files)} files pinned, licence {manifest.licence}\n")


@weights.command()
def unpickle(
    file: Annotated[Path, typer.Argument(help="A pickled file of weights (.ckpt, .bin, .pth) that you trust.")],
) -> None:
    """Write a pickled file's tensors as safetensors beside it. Nothing else of it is read, and nothing in it is run."""
    from understudy.bridge.errors import RequestError

    if importlib.util.find_spec("torch") is None:
        raise RequestError("torch is not installed", remedy="pip install 'understudy[wan]'")
    from understudy.inference.weights.pickled import unpickle as unpickle_file

    sys.stdout.write(f"wrote {unpickle_file(file.expanduser().absolute())}\n")


class _Bar:
    """Says on a terminal how far it is, once a percent; a file gets nothing."""

    def __init__(self, what: str) -> None:
        self._what, self._told = what, -1

    def __call__(self, done: int, total: int) -> None:
        percent = 100 * done // max(total, 1)
        if sys.stderr.isatty() and percent != self._told:
            self._told = percent
            end = "\n" if done >= total else ""
            sys.stderr.write(f"\r{self._what}: {done / 2**30:.2f} of {total / 2**30:.2f} GiB ({percent} %){end}")


def _print_json(value: Any) -> None:
    import msgspec

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
    sys.stdout.buffer.flush()
