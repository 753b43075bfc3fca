"""What one job's pictures measure. No library of tensors is loaded here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """What the model makes: `animate` or `replace`, in pixels."""

    mode: str
    height: int
    width: int
