"""The packs that ship, read from their folder; and a studio's own beside them. Reads the disk, decides nothing.

Which packs there must be is written here and not found: a file that is gone is missed, and refuses everything.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from understudy.bridge.errors import RequestError
from understudy.inference.compliance.policy.packs import Pack, parse_pack

SHIPPED = (
    "base", "eu-art50", "us-replica", "us-ny-ads", "us-deceased", "sag-tv-2026", "sag-commercials-2025", "cn-gb45438",
    "kr-basic", "in-it2026", "client-streaming", "studio-template", "dk-likeness", "us-nofakes", "uk-replica",
)  # fmt: skip
FOLDER = Path(__file__).parent.parent / "packs"
CASES = ".cases.toml"


class PackText(msgspec.Struct, frozen=True, kw_only=True):
    """A pack of the studio's own, as it travels with a job's facts."""

    name: str
    text: str


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


def all_packs(own: tuple[PackText, ...] = (), folder: Path = FOLDER) -> tuple[Pack, ...]:
    """Return every shipped pack, in order, then the studio's own. One of the same id takes the shipped one's place."""
    shipped = {name: read_pack(name, folder) for name in SHIPPED}
    for text in own:
        shipped[text.name] = parse_pack(text.text, text.name)
    return tuple(shipped.values())
