from __future__ import annotations

from understudy.host_plugins.pyblish import rule
from understudy.host_plugins.pyblish.found import Found


class ValidateUnderstudyEverythingWasSeen(rule.LayerRule):
    """Everything upstream could be looked into: no nested timeline, script or file stayed closed."""

    label = "Understudy: everything was seen"
    title = "Something upstream could not be looked into"
    remedy = "Open it, flatten it or render it, so that its sources can be read; then publish again."

    def problems(self, found: Found) -> tuple[str, ...]:
        return tuple(f"{gap.where}: {gap.what}" for gap in found.unseen)
