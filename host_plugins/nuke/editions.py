"""What Nuke's cheaper editions do not allow, told before it is hit."""

from __future__ import annotations

import nuke

from understudy.bridge.errors import HostError

NONCOMMERCIAL_NODES = 10
"""About as many nodes may Python reach in a session of Nuke Non-commercial."""
LARGEST = {"nc": (1920, 1080), "indie": (4096, 2160)}
NAMES = {"nc": "Nuke Non-commercial", "indie": "Nuke Indie"}


def edition() -> str:
    """Return nc, indie, or nothing for an edition without such limits."""
    return next((name for name in NAMES if nuke.env.get(name, False)), "")


def cautions(width: int, height: int) -> tuple[str, ...]:
    """Return what this edition cannot do with a plate of this size, in words."""
    kind = edition()
    if not kind:
        return ()
    name = NAMES[kind]
    found = []
    if kind == "nc":
        found.append(
            f"{name} lets scripts reach about {NONCOMMERCIAL_NODES} nodes: inputs must be Reads, only `patch` "
            "comes in, and Nuke must be started again before a further take"
        )
    widest, highest = LARGEST[kind]
    if width > widest or height > highest:
        found.append(f"{name} works up to {widest}x{highest}; the plate is {width}x{height}")
    return tuple(found)


def refuse_render(pipe: str) -> None:
    """Raise HostError where temporary nodes would soon use up what Python may reach."""
    if edition() == "nc":
        raise HostError(
            f"{NAMES['nc']} cannot render {pipe} for us: it lets scripts reach only {NONCOMMERCIAL_NODES} nodes",
            remedy="Write it to EXR yourself, and connect a Read of those files.",
        )


def places_all_layers() -> bool:
    return edition() != "nc"


def refuse_terminal() -> None:
    """Raise HostError for an edition that has no command line."""
    if edition():
        raise HostError(
            f"{NAMES[edition()]} does not run from the command line", remedy="Press Recast on the node in its window."
        )
