"""What a user or a site sets once: default < site file < show file < user file < environment < argument.

Files are JSON objects with the fields of `UserSettings`; the user's is HOME/settings.json. Holds no secret.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from understudy.bridge.errors import RequestError
from understudy.bridge.gpu_settings import parse_gpu_memory, parse_gpus
from understudy.bridge.words import Name

ENVIRONMENT_PREFIX = "UNDERSTUDY_"
SITE_FILE_VARIABLE = "UNDERSTUDY_SITE_FILE"
SHOW_FILE_VARIABLE = "UNDERSTUDY_SHOW_FILE"
SITE_FILE = "/etc/understudy/settings.json"
USER_FILE = "settings.json"
TEMPLATE = "{root}/{project}/{shot}/understudy/{job}/v{version:03}/{layer}/{shot}_{layer}_v{version:03}.{frame:04}.exr"
LISTS = {"roots": "roots", "weights_folders": "folders", "allow_pickled_weights": "files"}
"""Settings that a variable of the environment states as JSON, and what they list."""

System = Literal["linux", "macos", "windows"]


class Root(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder of the facility whose files may be handed over by path. One path a system; empty = not mounted there."""

    name: Name
    linux: str = ""
    macos: str = ""
    windows: str = ""
    farm_visible: bool = False
    projects: tuple[Name, ...] = ()
    """Whose files lie here: a key that is bound to projects reaches by path only roots of these. Empty = only keys that
    are bound to none do."""

    def path_on(self, system: System) -> str:
        return {"linux": self.linux, "macos": self.macos, "windows": self.windows}[system]


class UserSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting with its default."""

    home: Path = Path("~/.understudy")
    """Keys, vault and jobs. Absolute once loaded."""
    host: str = "127.0.0.1"
    """Where the daemon listens; anything but loopback is open to other machines (whose keys must be on the list)."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """0 = a free one, told in the connection file."""
    vault_quota_bytes: Annotated[int, msgspec.Meta(ge=2**20)] = 200 * 2**30
    roots: tuple[Root, ...] = ()
    slots: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    """Jobs that run at once, each in a process of its own; with `gpus`, those beside the slots that own some."""
    gpus: str = ""
    """The GPUs that slots own, such as 0,1,2,3; empty = every slot sees all that are here."""
    gpus_per_slot: int = 1
    """1, 2 or 4: so many GPUs make one job together."""
    gpu_memory: str = ""
    """The most that a job takes of each GPU: 24GiB, 24GB or 80%; empty = all that is free."""
    template: str = TEMPLATE
    """Where a layer's frame of a job with a project goes; the root is `output_root`."""
    output_root: str = ""
    """Name of the root that `{root}` stands for; empty = HOME/jobs."""
    keep_ended_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 30
    """How long the files of ended jobs stay under HOME/jobs; 0 = for ever. A project's files are never removed."""
    keep_intermediates_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 0
    """How long face crops, poses, carried pictures and frames never delivered stay after their job has ended, a
    project's too; 0 = as long as the job's files. A redo then makes more anew. Delivered layers are never removed."""
    keep_uploading_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 7
    """How long a job waits for the next of its files before it fails and frees its part of the vault; 0 = for ever."""
    when_revoked: Literal["stop", "finish"] = "stop"
    """What becomes of a job that runs while a consent of its record is revoked: it stops at the next step and waits, or
    is finished and quarantined."""
    result_cache: bool = True
    """Whether a job may take the pixels of an identical one that was delivered; its gates and papers are its own."""
    watermark: bool = True
    """Whether review movies carry the invisible mark that says, to who has this home's key, which job they are of."""
    label_text: Annotated[str, msgspec.Meta(max_length=80)] = ""
    """What review movies, and movies of the finished picture, open with for all to read; empty = no label."""
    label_seconds: Annotated[float, msgspec.Meta(ge=2, le=3600)] = 3.0
    """How long they show it."""
    aigc_producer: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """The code of the producer in the `AIGC` metadata of GB 45438 (China); empty = no such metadata."""
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
    """How long a client waits for an answer."""
    mediapipe_python: str = ""
    """The Python of an environment that has MediaPipe; empty = the one that `understudy pose install` made in HOME."""
    project: Name | None = None
    """The project that jobs belong to unless they say otherwise."""
    packs_folder: str = ""
    """A folder of the studio's own policy packs (docs/packs.md); they are asked beside those that ship."""
    authority: str = ""
    """The connection file of the studio authority that this daemon follows (docs/authority.md), with a key of role
    `follower`; empty = it is its own authority."""
    snapshot_hours: Annotated[float, msgspec.Meta(gt=0, le=168)] = 4.0
    """Of an authority: how long what it signs for its followers holds. So long they work when it cannot be reached."""
    weights: str = ""
    """The folder of the model that engines load, and the only place where it is looked for; empty = see the next."""
    weights_folders: tuple[str, ...] = ()
    """Folders of models that a studio shares, looked through in this order, before HOME and the Hugging Face cache."""
    allow_pickled_weights: tuple[str, ...] = ()
    """Weight files that are not safetensors and may be opened all the same, each by its path: tensors alone."""
    signing_chain: str = ""
    """PEM file of the certificate that versions are signed with, leaf first; empty = a development certificate that
    this machine makes for itself and that nobody trusts."""
    signing_key: str = ""
    """PEM file of that certificate's key, readable by its owner alone."""
    signing_program: str = ""
    """In its place: a program that signs what it reads (see docs/provenance.md), so that the key stays elsewhere."""
    time_stamp_url: str = ""
    """A time-stamp authority (RFC 3161); empty = none: signatures then hold as long as the certificate does."""
    trust_anchors: str = ""
    """PEM file of the roots whose signatures count as trusted here."""


class Layer(NamedTuple):
    """What one place says: the values by field, not yet checked."""

    source: str
    values: dict[str, Any]


def load_settings(
    arguments: Mapping[str, Any] | None = None, *, environment: Mapping[str, str] | None = None
) -> UserSettings:
    """Return the settings. An argument that is None counts as not given.

    Raises RequestError naming the file or variable and the field.
    """
    return _merged(_layers(arguments or {}, os.environ if environment is None else environment))


def explain_settings(
    arguments: Mapping[str, Any] | None = None, *, environment: Mapping[str, str] | None = None
) -> dict[str, tuple[Any, str]]:
    """Return every field with its value and the place that set it."""
    layers = _layers(arguments or {}, os.environ if environment is None else environment)
    settings = _merged(layers)
    places = {name: layer.source for layer in layers for name in layer.values}
    return {name: (getattr(settings, name), places.get(name, "default")) for name in UserSettings.__struct_fields__}


def this_system() -> System:
    """Return the name under which a root keeps this machine's path."""
    return "windows" if sys.platform == "win32" else "macos" if sys.platform == "darwin" else "linux"


def find_root(roots: tuple[Root, ...], path: Path) -> Root | None:
    """Return the root that `path` lies in on this machine once every symlink is followed, or None. Reads the disk."""
    real = path.resolve()
    for root in roots:
        here = root.path_on(this_system())
        if here and real.is_relative_to(Path(here).resolve()):
            return root
    return None


def map_path(roots: tuple[Root, ...], path: str, *, come_from: System, go_to: System) -> str:
    """Return `path` of one system as another names it; a path outside all roots comes back unchanged. Pure."""
    flavour: dict[System, type[PurePath]] = {
        "linux": PurePosixPath, "macos": PurePosixPath, "windows": PureWindowsPath,
    }  # fmt: skip
    source = flavour[come_from](path)
    for root in roots:
        before, after = root.path_on(come_from), root.path_on(go_to)
        if before and after and ".." not in source.parts and source.is_relative_to(before):
            return str(flavour[go_to](after, *source.relative_to(before).parts))
    return path


def _layers(arguments: Mapping[str, Any], environment: Mapping[str, str]) -> list[Layer]:
    """Return what each place says, weakest first. HOME must be known before the user's file can be found."""
    files = [environment.get(SITE_FILE_VARIABLE, SITE_FILE), environment.get(SHOW_FILE_VARIABLE, "")]
    before = [_file_layer(Path(file)) for file in files if file]
    after = [_environment_layer(environment), Layer("argument", {k: v for k, v in arguments.items() if v is not None})]
    user = _file_layer(_home([*before, *after]) / USER_FILE)
    if "home" in user.values:
        raise RequestError(f"{user.source} sets `home`, but it lies in it", remedy="Set UNDERSTUDY_HOME instead.")
    return [*before, user, *after]


def _home(layers: list[Layer]) -> Path:
    said = [layer.values["home"] for layer in layers if "home" in layer.values]
    return Path(str(said[-1] if said else UserSettings().home)).expanduser().absolute()


def _merged(layers: list[Layer]) -> UserSettings:
    settings: dict[str, Any] = {}
    for layer in layers:
        _check(layer)
        settings.update(layer.values)
    settings["home"] = _home(layers)
    merged = _convert(settings)
    _check_gpus(merged, together=True)
    return merged


def _convert(values: Mapping[str, Any]) -> UserSettings:
    """Check and build; text counts as a number where one is wanted, as the environment knows only text."""
    return msgspec.convert(values, UserSettings, strict=False, dec_hook=lambda kind, value: kind(value))


def _check(layer: Layer) -> None:
    """Raise RequestError for a name that is no setting or a value that none can have, naming the place."""
    for name in layer.values:
        if name not in UserSettings.__struct_fields__:
            raise RequestError(f"{layer.source}: `{name}` is not a setting", remedy=_near(name))
    try:
        _check_gpus(_convert(layer.values), together=False)
    except msgspec.ValidationError as problem:
        raise RequestError(f"{layer.source}: {problem}", remedy="Correct this setting, or leave it out.") from None
    except RequestError as problem:
        raise RequestError(f"{layer.source}: {problem.message}", remedy=problem.remedy) from None


def _check_gpus(settings: UserSettings, *, together: bool) -> None:
    """Raise RequestError for GPUs or memory that cannot be. `together`: how many GPUs share out is of all places."""
    parse_gpu_memory(settings.gpu_memory)
    parse_gpus("", settings.gpus_per_slot)
    parse_gpus(settings.gpus, settings.gpus_per_slot if together else 1)


def _near(name: str) -> str:
    import difflib  # only on the way to an error: it costs a host more than the rest of this file

    near = difflib.get_close_matches(name, UserSettings.__struct_fields__)
    return f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(UserSettings.__struct_fields__)}."


def _file_layer(path: Path) -> Layer:
    try:
        return Layer(str(path), msgspec.json.decode(path.read_bytes(), type=dict[str, Any]))
    except FileNotFoundError:
        return Layer(str(path), {})
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise RequestError(f"{path}: {problem}", remedy="It must be a JSON object that you can read.") from None


def _environment_layer(environment: Mapping[str, str]) -> Layer:
    """Return the settings among the variables. Others with our prefix belong to someone else and are left alone."""
    values: dict[str, Any] = {}
    for name in UserSettings.__struct_fields__:
        variable = ENVIRONMENT_PREFIX + name.upper()
        text = environment.get(variable)
        if text is None:
            continue
        try:
            values[name] = msgspec.json.decode(text) if name in LISTS else text
        except msgspec.MsgspecError as problem:
            raise RequestError(f"{variable}: {problem}", remedy=f"Write it as a JSON list of {LISTS[name]}.") from None
    return Layer("environment", values)
