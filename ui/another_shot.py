"""What of a form holds for the next shot as well. Pure."""

from __future__ import annotations

import msgspec

from understudy.bridge.options import JobOptions

KEPT = ("record", "self_attest", "project")
"""Kept, unless the next shot says its own."""


def with_kept(choices: JobOptions, now: JobOptions) -> JobOptions:
    """Return the options of another shot with what is kept of the form as it says `now`."""
    default = JobOptions()
    kept = {name: getattr(now, name) for name in KEPT if getattr(choices, name) == getattr(default, name)}
    if choices.record or choices.self_attest:  # papers of its own: a job has a record or is self-attested
        kept = {name: value for name, value in kept.items() if name == "project"}
    return msgspec.structs.replace(choices, **kept)
