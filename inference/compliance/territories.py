"""Which territory lies in which: ISO 3166 codes, the European Union, the world. Pure.

A consent *covers* a territory that lies in one of its own; a rule *reaches* a job where either lies in the other: what
is for all of the US is seen in New York.
"""

from __future__ import annotations

WORLD = "worldwide"
EUROPEAN_UNION = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU",
        "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
    }
)  # fmt: skip
"""The 27 members since 2020-02-01."""


def covers(wide: str, narrow: str) -> bool:
    """Return whether `narrow` lies in `wide`, or is the same."""
    if wide in (narrow, WORLD):
        return True
    country = narrow.partition("-")[0]
    return wide == country or (wide == "EU" and country in EUROPEAN_UNION)


def reaches(one: str, other: str) -> bool:
    """Return whether the two have anything in common."""
    return covers(one, other) or covers(other, one)
