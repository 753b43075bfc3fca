"""Words of other people as a tool tip: Qt takes what looks like HTML there for HTML, and would fetch its pictures."""

from __future__ import annotations

from html import escape


def plain_tip(text: str) -> str:
    """Return what makes Qt show just this text in a tool tip. Pure."""
    if "<" not in text and "&" not in text:
        return text
    return f"<p style='white-space:pre-wrap'>{escape(text)}</p>"
