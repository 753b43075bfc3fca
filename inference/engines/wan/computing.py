"""What both Wan engines let an artist choose about how they compute. No library of tensors is loaded here."""

from __future__ import annotations

from typing import Protocol


class Computing(Protocol):
    """What of an engine's options says so; each has the meaning that its line in the engine's description gives."""

    @property
    def preset(self) -> str: ...
    @property
    def segment_frames(self) -> int: ...
    @property
    def guidance(self) -> float: ...
    @property
    def plain(self) -> bool: ...
    @property
    def step_cache(self) -> float: ...
    @property
    def float8(self) -> bool: ...
    @property
    def allow_float8(self) -> bool:
        """Where the GPU has no room otherwise; `float8` asks for it either way."""


def approximations_of(options: Computing) -> tuple[str, ...]:
    """Return what was asked for that changes the picture: it stands in the report."""
    said = []
    if options.step_cache > 0:
        said.append(f"steps are foretold up to a relative error of {options.step_cache:g}")
    if options.float8:
        said.append("the transformer's blocks are float8")
    return tuple(said)


def foretold_passes(options: Computing) -> int:
    """Return how many passes of a step a step cache foretells."""
    return 0 if options.step_cache <= 0 else 2 if options.guidance > 1 else 1


def smaller(options: Computing) -> str:
    """Return what an artist can ask for that takes less memory."""
    shorter = max(9, (options.segment_frames // 2 - 1) // 4 * 4 + 1)
    choices = [f"`--option segment_frames={shorter}`"] if options.segment_frames > shorter else []
    choices += ["`--option preset=draft`"] if options.preset != "draft" else []
    choices += ["`--option float8=allowed` (approximate)"] if not options.allow_float8 else []
    return f"Submit it again with {' or '.join(choices)}, or on a larger GPU." if choices else "Take a larger GPU."
