"""A policy pack of one rule, as a studio would write it."""

from __future__ import annotations

MEDIA = ("The record states its media.", "use.media")
CAMERA = ("Every shot of this show is logged with its camera move.", "context.camera_move")


def pack_text(rule: str, gate: str, waivable_by: str, asks: tuple[str, str], when: str = "") -> str:
    """Return the TOML of a pack whose only rule wants a field stated. rule: PACK.NAME; asks: why, and which field."""
    pack = rule.partition(".")[0]
    explain, field = asks
    condition = f"when = {when}\n" if when else ""
    return f"""
id = "{pack}"
version = "1.0.0"
title = "What our show asks"
valid_from = "2026-01-01"
sources = ["the show's producer"]
reviewed_by = ""
confidence = "low"
not_verified = []

[[rule]]
id = "{rule}"
gate = "{gate}"
{condition}require = {{ set = "{field}" }}
severity = "block"
waivable_by = ["{waivable_by}"]
explain = "{explain}"
remedy = "State `{field}`."
"""
