"""The artist's own OCIO config: found as OCIO finds it, archived with its LUTs, and its context variables resolved.

No OCIO is needed here, and no YAML library: of a config's text only the search path, the environment and the names of
files are read. Everything else is the worker's to judge, with the real library.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from understudy.bridge.colour_archive import LONGEST_CONFIG_BYTES, MEMBER, pack
from understudy.bridge.errors import Finding, PlateError, RequestError
from understudy.bridge.exr_file import file_digest
from understudy.bridge.settings import load_settings
from understudy.bridge.shot import PictureFile, Pictures, Settings

VARIABLE = "OCIO"
BUILT_IN = Settings().colour_config
_USED = re.compile(r"\$\{(\w+)\}|\$(\w+)|%(\w+)%", re.ASCII)
_PATH_ENTRY = re.compile(r"(?:[A-Z]:(?=[\\/])|[a-z]:(?=\\))?[^:\n]+")
"""Colons part the entries of a search path, but not a drive from its path."""
_FILE_NAME = re.compile(
    r"!<FileTransform>[^!]*?\bsrc\s*:\s*(?:\"([^\"]*)\"|'([^']*)'|((?:\$\{\w+\}|[^,}\n\"'])+))", re.ASCII
)
_DEFAULT_OF_VARIABLE = re.compile(r"[\"']?(\w+)[\"']?\s*:\s*(?:\"([^\"]*)\"|'([^']*)'|([^,}\n]*))", re.ASCII)


class HostConfig(NamedTuple):
    """What a job says of colour, and where the archive lies that goes with it."""

    name: str = BUILT_IN
    """A built-in config's name, or the archive's digest."""
    archive: Pictures | None = None
    path: Path | None = None
    context: Mapping[str, str] = {}
    findings: tuple[Finding, ...] = ()


def find_colour_config(typed: str | None, environment: Mapping[str, str]) -> HostConfig:
    """Return the config that was typed, else the one that OCIO names in `environment`, else the built-in one.

    typed: a `config.ocio`, its folder, an `.ocioz`, a built-in config with or without `ocio://`, or `none`. Raises
    RequestError for one that is not here or that cannot travel whole.
    """
    said = environment.get(VARIABLE, "").strip() if typed is None else typed.strip()
    if said in ("", "none"):
        return HostConfig()
    try:
        found = _find(said, environment)
    except RequestError as problem:
        if typed is not None:
            raise
        remedy = f"{problem.remedy} Or leave it out: --ocio none."
        raise RequestError(
            f"{problem.message} ({VARIABLE} names it here)", remedy=remedy, facts=problem.facts
        ) from None
    return found._replace(findings=(_assumption(said),)) if typed is None else found


def archive_of(typed: str) -> Path:
    """Return the file that travels for an archive's typed name: itself, or what a plain config is packed into.

    Raises RequestError for a config that cannot travel whole.
    """
    path = Path(typed)
    return path if not path.is_file() or _is_archive(path) else _packed(path, _text_of(path), {})


def archive_again(file: PictureFile) -> Path:
    """Return the archive that a job announced: as it was packed then, else packed once more.

    Raises PlateError for a config that has changed since, RequestError as `archive_of` does.
    """
    kept = _shelf() / f"{file.file}.ocioz"
    if kept.is_file():
        return kept
    path = archive_of(file.typed)
    if path.is_file() and file_digest(path) != file.file:
        raise PlateError(
            f"the colour config {file.typed} has changed since the job was submitted",
            remedy="Submit the job again, or put the config back as it was.",
            facts={"config": file.typed, "file": file.file},
        )
    return path


def _find(said: str, environment: Mapping[str, str]) -> HostConfig:
    if said.startswith("ocio://"):
        return HostConfig(_pinned(said.removeprefix("ocio://")))
    path = Path(said).expanduser()
    path = path / MEMBER if path.is_dir() else path
    if path.is_file():
        text = _text_of(path)
        archive = path if _is_archive(path) else _packed(path, text, environment)
        digest = file_digest(archive)
        file = PictureFile(file=digest, picture=digest, size=archive.stat().st_size, typed=str(path))
        pictures = Pictures(files=(file,), kind="still", typed=str(path))
        return HostConfig(digest, pictures, archive.resolve(), context_of(text, environment))
    if re.search(r"[/\\]|\.ocioz?\Z", said):
        raise RequestError(
            f"there is no colour config at {said}",
            remedy="Name a config.ocio, an .ocioz archive, or a built-in config such as ocio://" + BUILT_IN + ".",
            facts={"config": said},
        )
    return HostConfig(_pinned(said))


def _pinned(name: str) -> str:
    """Return the name of a built-in config. Raises RequestError for one that means another config in every library."""
    if name == "default" or name.endswith("-latest"):
        raise RequestError(
            f"'{name}' is another config in every version of OpenColorIO: the same job would have other colours later",
            remedy=f"Name the config itself, such as --ocio {BUILT_IN}.",
            facts={"config": name},
        )
    return name


def _assumption(said: str) -> Finding:
    return Finding(
        rule="assume_colour_config",
        outcome="note",
        message=f"{VARIABLE} is set here: the job's colour config is {said}",
        remedy="If another is meant, name it with --ocio; --ocio none takes the built-in one.",
        facts={"config": said},
    )


def context_of(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the config's context variables stand for in `environment`; one that is not set there is left out.

    Only variables that the config's `environment:` section names, or that stand in its search path or in the names of
    its files: nothing else of the artist's environment travels.
    """
    used = [name for path in (*search_path(text), *file_names(text)) for name in _variables(path)]
    return {name: environment[name] for name in sorted({*defaults(text), *used}) if environment.get(name)}


def defaults(text: str) -> dict[str, str]:
    """Return the config's `environment:` section: variable to default."""
    found = _DEFAULT_OF_VARIABLE.finditer(_section(text, "environment"))
    return {match[1]: (match[2] or match[3] or match[4] or "").strip() for match in found}


def search_path(text: str) -> list[str]:
    """Return the entries of `search_path:`, written as one string with colons, as a list, or not at all."""
    section = _section(text, "search_path")
    if re.match(r"\s*[\[-]", section):
        entries = re.split(r"\n\s*-|^\s*-|[\[\],]", section)
    else:
        entries = _PATH_ENTRY.findall(section.strip().strip("\"'"))
    return [entry.strip().strip("\"'") for entry in entries if entry.strip().strip("\"'")]


def file_names(text: str) -> list[str]:
    """Return the names of LUTs and CDLs that the config's transforms read, variables and all."""
    found = ((match[1] or match[2] or match[3] or "").strip() for match in _FILE_NAME.finditer(_plain(text)))
    return [name for name in dict.fromkeys(found) if name]


def _section(text: str, name: str) -> str:
    """Return what stands behind a key of the first level: the rest of its line, and the deeper lines below it."""
    found = re.search(rf"^{name}[ \t]*:[ \t]*(.*\n?(?:(?:[ \t]+\S|-|[ \t]*$).*\n?)*)", _plain(text), re.MULTILINE)
    return found[1].rstrip() if found else ""


def _plain(text: str) -> str:
    """Return the text without comments."""
    return re.sub(r"(?m)(^|\s)#.*$", "", text)


def _variables(text: str) -> Iterator[str]:
    for match in _USED.finditer(text):
        yield match[1] or match[2] or match[3]


def resolved(text: str, values: Mapping[str, str]) -> str:
    """Return a path with its variables filled in; one without a value stays as it stands."""
    return _USED.sub(lambda match: values.get(match[1] or match[2] or match[3], match[0]), text)


def _packed(config: Path, text: str, environment: Mapping[str, str]) -> Path:
    if not re.search(r"(?m)^\s*ocio_profile_version\s*:", text):
        raise RequestError(
            f"{config} is no OCIO config: it states no ocio_profile_version",
            remedy="Give a config.ocio, an .ocioz archive, or the name of a built-in config.",
            facts={"config": str(config)},
        )
    _refuse_files_outside(config, text, {**defaults(text), **environment})
    return pack(config, _shelf())


def _shelf() -> Path:
    """Return the folder where archives are kept that were packed here."""
    return load_settings().home / "colour_configs"


def _refuse_files_outside(config: Path, text: str, values: Mapping[str, str]) -> None:
    """Raises RequestError for a LUT, or a folder of the search path, that is here but not beneath the config's folder.

    What is not here cannot be missed: many a config names the folders of another site.
    """
    folders = [resolved(entry, values) for entry in search_path(text)]
    names = [resolved(name, values) for name in file_names(text)]
    paths = [*folders, *(posixpath.join(base, name) for name in names for base in ("", *folders))]
    for path in dict.fromkeys(paths):
        if _leads_out(path) and (config.parent / path).exists():
            raise RequestError(
                f"the colour config {config} reads {path}, which is not beneath its own folder and would not travel",
                remedy=f"Copy it beneath {config.parent}, and have the config name it from there.",
                facts={"config": str(config), "file": path},
            )


def _leads_out(path: str) -> bool:
    """Say whether a path is absolute or climbs out of the config's folder. Links beneath it are packed as they lead."""
    absolute = PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
    return absolute or posixpath.normpath(path.replace("\\", "/")).split("/")[0] == ".."


def _is_archive(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"PK"


def _text_of(path: Path) -> str:
    """Return a config's text, also out of an archive. Raises RequestError for a file that is neither."""
    try:
        if not _is_archive(path):
            with path.open("rb") as stream:
                return stream.read(LONGEST_CONFIG_BYTES).decode(errors="replace")
        with zipfile.ZipFile(path) as archive, archive.open(MEMBER) as member:
            return member.read(LONGEST_CONFIG_BYTES).decode(errors="replace")
    except KeyError:
        why = f"there is no {MEMBER} at its root"
    except OSError as problem:
        why = problem.strerror or str(problem)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as problem:
        why = str(problem)
    raise RequestError(
        f"the colour config {path} cannot be read: {why}",
        remedy="Give the config.ocio itself, or make the archive again with ocioarchive.",
        facts={"config": str(path)},
    )
