"""The packs that ship, read from their folder; and a studio's own beside them. Reads the disk, decides nothing.

Which packs there must be is written here and not found: a file that is gone is missed, and refuses everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from understudy.bridge.errors import RequestError
from understudy.inference.compliance.policy.packs import Pack, parse_pack

SHIPPED = (
    "base", "eu-art50", "us-replica", "us-ny-ads", "us-deceased", "sag-tv-2026", "sag-commercials-2025", "cn-gb45438",
    "kr-basic", "in-it2026", "client-streaming", "studio-template", "dk-likeness", "us-nofakes", "uk-replica",
)  # fmt: skip
FOLDER = Path(__file__).parent.parent / "packs"
CASES = ".cases.toml"
NONE: Mapping[str, str] = MappingProxyType({})


def read_pack(name: str, folder: Path = FOLDER) -> Pack:
    """Return one pack. Raises RequestError naming it, with line and field where it does not read."""
    return parse_pack(read_text(folder / f"{name}.toml", name), name)


def read_text(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        raise RequestError(
            f"the policy pack {name} cannot be read: {path.name}: {why}",
            remedy="Install Understudy anew: nothing passes without its packs.",
        ) from None


def all_packs(own: Mapping[str, str] = NONE, folder: Path = FOLDER) -> tuple[Pack, ...]:
    """Return every shipped pack, in order, then the studio's own, given as name to TOML text.

    One of a shipped pack's name takes its place. Raises RequestError for the first that does not read.
    """
    found = {name: read_pack(name, folder) for name in SHIPPED}
    found |= {name: parse_pack(text, name) for name, text in own.items()}
    return tuple(found.values())


def own_packs(folder: str) -> dict[str, str]:
    """Return the text of every pack in a studio's folder by its name; none where no folder is named.

    Raises RequestError where the folder or a file cannot be read: rules that a studio counts on are never left out.
    """
    if not folder:
        return {}
    path = Path(folder)
    if not path.is_dir():
        raise RequestError(
            f"`packs_folder` names {folder}, which is no folder",
            remedy="Mend the setting, or mount the folder: nothing passes without the studio's packs.",
        )
    files = sorted(file for file in path.glob("*.toml") if not file.name.endswith(CASES))
    return {file.stem: read_text(file, file.stem) for file in files}
