"""A follower's conversation with its studio authority, in a thread of its own: the event loop never waits for it.

Every second it asks whether the papers are still what it holds, has them signed anew well before they run out, and
posts what the ledger has that the authority has not. Whatever goes wrong is told once and tried again; meanwhile the
snapshot that is held works until it runs out.
"""

from __future__ import annotations

import logging
import threading

from understudy.bridge.client import Client
from understudy.bridge.errors import UnderstudyError, error_in_words
from understudy.bridge.settings import UserSettings
from understudy.inference.authority.followed import holding_of
from understudy.inference.authority.held import Holding
from understudy.inference.authority.outbox import Outbox
from understudy.inference.authority.studio import StudioSnapshot

TURN_SECONDS = 1.0
"""How long a revocation at the authority may go unheard; what follows on it here takes another second."""
LONGEST_WAIT_SECONDS = 15.0
ANSWER_SECONDS = 5.0
CLOSING_SECONDS = 2.0
_log = logging.getLogger(__name__)


def renew(client: Client, holding: Holding, *, at_once: bool = False) -> StudioSnapshot | None:
    """Ask for a snapshot and hold it; None where what is held is still so. Raises UnderstudyError."""
    contents, key = holding.wanted()
    signed = client.snapshot("" if at_once else contents, key)
    return holding.take(signed) if signed.body else None


class Following:
    """The thread of one follower. It starts at `start` and ends with the daemon."""

    def __init__(self, settings: UserSettings) -> None:
        self._holding = holding_of(settings)
        self._outbox = Outbox(settings.home)
        self._closing = threading.Event()
        self._client: Client | None = None
        self._told = ""
        self._thread = threading.Thread(target=self._run, name="following", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Let the turn that is under way end. What is not posted is posted at the next start."""
        self._closing.set()
        self._thread.join(CLOSING_SECONDS)

    def _run(self) -> None:
        wait = TURN_SECONDS
        while not self._closing.is_set():
            try:
                self._turn()
                wait = TURN_SECONDS
                self._tell("")
            except Exception as problem:  # noqa: BLE001 - the daemon's edge: without this thread no job would run
                self._hang_up()
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
                self._tell(_words(problem))
            self._closing.wait(wait)
        self._hang_up()

    def _turn(self) -> None:
        client = self._client = self._client or Client.connect(self._holding.connection(), ANSWER_SECONDS)
        renew(client, self._holding)
        while not self._closing.is_set() and (lines := self._outbox.next()):
            self._outbox.note(client.post_entries(self._outbox.after, lines), lines)

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _tell(self, trouble: str) -> None:
        """Log what is wrong when it begins and when it is over."""
        if trouble and trouble != self._told:
            _log.warning("the studio authority %s: %s", self._holding.address, trouble)
        elif self._told and not trouble:
            _log.info("the studio authority %s answers again", self._holding.address)
        self._told = trouble


def _words(problem: Exception) -> str:
    said: UnderstudyError = error_in_words(problem)
    return f"{said.message} {said.remedy}"
