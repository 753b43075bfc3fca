"""An artist's programs at one desk: who listens, and what one of them says passed on to the others. Nothing is kept.

In the event loop. Only programs of the same key, at the same seat, ever hear of each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from understudy.bridge.desk_messages import TELL_LIMIT_BYTES, Desks, Heard, Listener, Tell, Told
from understudy.bridge.errors import RequestError
from understudy.bridge.wire import encode_push
from understudy.inference.daemon.audience import Audience


@dataclass(frozen=True, slots=True)
class _Present:
    key: str
    listener: Listener


class DeskRelay:
    """Who listens as what. A connection is forgotten once it watches no more, or as something else."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._present: dict[bytes, _Present] = {}

    def note(self, connection: bytes, key: str, listener: Listener | None) -> None:
        """Know the connection as this listener from now on; None = as none."""
        self._present.pop(connection, None)
        if listener is not None:
            self._present[connection] = _Present(key, listener)

    def tell(self, key: str, said: Tell) -> Heard:
        """Pass on what a program of `key` said. Raises RequestError for more than a desk's programs have to say."""
        body = encode_push(Told(said=said))
        if len(body) > TELL_LIMIT_BYTES:
            raise RequestError(
                f"{len(body)} bytes are too many for what is passed on between programs, the limit is "
                f"{TELL_LIMIT_BYTES}",
                remedy="Shorten the prompt, or submit from where it was written.",
            )
        meant = [
            connection
            for connection, present in self._at(key, said.seat)
            if present.listener.ear == said.to and (said.to == "panel" or said.desk in ("", present.listener.desk))
        ]
        return Heard(listeners=sum(self._audience.push_to(connection, body) for connection in meant))

    def desks(self, key: str, seat: str) -> Desks:
        """Return who listens for this key at this seat now."""
        listeners = [present.listener for _, present in self._at(key, seat)]
        return Desks(
            hosts=tuple(one for one in listeners if one.ear == "host"),
            panels=sum(one.ear == "panel" for one in listeners),
        )

    def _at(self, key: str, seat: str) -> Iterator[tuple[bytes, _Present]]:
        for connection in list(self._present):
            if not self._audience.has(connection):
                del self._present[connection]
        for connection, present in self._present.items():
            if present.key == key and present.listener.seat == seat:
                yield connection, present
