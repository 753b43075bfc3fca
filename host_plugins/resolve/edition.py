"""Which Resolve this is, and what it may be asked: the free edition refuses, with a window that blocks everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from understudy.bridge.errors import HostError

if TYPE_CHECKING:
    from fusionscript import Resolve

OLDEST = (18, 6)
DIALOG_IS_STUDIO_ONLY_SINCE = (19, 1)
PYTHON_IS_STUDIO_ONLY_SINCE = (21, 1)
OTHER_WAY = "Export the timeline as OTIO or FCPXML and use `understudy timeline`."


class Edition(NamedTuple):
    """The product and its version, as the artist would say them."""

    studio: bool
    version: tuple[int, int]

    @property
    def has_dialogs(self) -> bool:
        """Whether `fusion.UIManager` may be touched: on a free edition that lacks it, asking opens a sales window."""
        return self.studio or self.version < DIALOG_IS_STUDIO_ONLY_SINCE

    def __str__(self) -> str:
        return f"DaVinci Resolve{' Studio' if self.studio else ''} {self.version[0]}.{self.version[1]}"


def probe(resolve: Resolve | None) -> Edition:
    """Return what answers. Raises HostError for one that cannot be scripted, or is older than we know."""
    if resolve is None:
        raise HostError(
            "DaVinci Resolve does not answer scripts: it is not running, it is the free edition (which answers only "
            "scripts of its own menu, and from 21.1 on none in Python), or external scripting is off",
            remedy=f"Start Understudy from Workspace > Scripts; in Studio you may also set Preferences > System > "
            f"General > External scripting using = Local. {OTHER_WAY}",
        )
    numbers = [int(part) for part in (resolve.GetVersion() or [])[:2] if str(part).isdigit()]
    if len(numbers) < 2:
        raise HostError("DaVinci Resolve does not say its version", remedy="Close its windows and start this again.")
    edition = Edition("studio" in str(resolve.GetProductName() or "").lower(), (numbers[0], numbers[1]))
    if edition.version < OLDEST:
        raise HostError(
            f"{edition} is older than Understudy knows", remedy=f"Use 18.6 or newer, or this way: {OTHER_WAY}"
        )
    if not edition.studio and edition.version >= PYTHON_IS_STUDIO_ONLY_SINCE:
        raise HostError(f"{edition} keeps Python scripting to Studio", remedy=f"Use Studio, or this way: {OTHER_WAY}")
    return edition
