"""One job as its host sees it: how it stands, what was remembered of it, whether the artist has stopped it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from understudy.bridge.host import Notice, RememberedJob, Steps

Told = Callable[["HostJob"], None]


class HostJob:
    """`notice` may be read from any thread."""

    def __init__(self, key: str, told: Told = lambda job: None) -> None:
        """told: the notice has changed; called in whatever thread tells."""
        self.key = key
        """Ours, from the first moment; the daemon's id comes later, in the notice."""
        self.notice = Notice(stage="exporting")
        self.remembered: RememberedJob | None = None
        self.draft: RememberedJob | None = None
        """What the document keeps while the daemon is asked to accept the job."""
        self.cancelled = threading.Event()
        self.thread: threading.Thread | None = None
        self.steps: Steps[Any] | None = None
        """What the host is in the middle of, one step a turn."""
        self._told = told
        self._telling = threading.Lock()

    @property
    def ended(self) -> bool:
        return self.notice.ended

    def tell(self, **changed: object) -> None:
        """Change the notice as a whole and say so: a reader in another thread never sees half of one.

        A new stage begins anew: what was counted and said of the one before is over.
        """
        with self._telling:  # the watcher and a cancel tell from threads of their own
            if changed.get("stage", self.notice.stage) != self.notice.stage:
                changed = {"done": 0, "total": 0, "words": "", **changed}
            self.notice = msgspec.structs.replace(self.notice, **changed)
        self._told(self)
