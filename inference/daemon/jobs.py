"""What a job may become, who may do what to it, and who is next. Pure: no clock, no disk, no socket.

```
              stored            start            check            deliver
 uploading ───────────► queued ───────► running ───────► checking ───────► delivered
     ▲  ▲                ▲  │              │  │               │
     │  └───── lack ─────┼──┴──────────────┘  │ requeue       │ refuse, quarantine, fail
     │                   └────────────────────┴───────────────┘
 paused, parked, failed, cancelled, refused, quarantined: back to `uploading` by resume, unpark or retry
```

The queue: **users take turns**. The user whose last job started longest ago is next; within one user the higher
priority, then the older job goes first. An artist's priority therefore never delays a colleague. Only a priority that a
producer or an admin set counts across users (`house_priority`), and it goes before every turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from understudy.bridge.errors import KeyRefused, RequestError
from understudy.bridge.keys import User
from understudy.bridge.words import ENDED, State

CRASHES_ALLOWED = 2
"""So often in a row a worker may die without a new finished frame, and its job is tried again; then the job fails."""
HOUSE_ROLES = frozenset({"producer", "admin"})
HELD: frozenset[str] = frozenset({"running", "checking"})
"""States in which a worker holds the job."""

_ANY_LIVE = ("draft", "uploading", "queued", "parked", "paused", "running", "checking")
_MOVES: dict[str, tuple[tuple[str, ...], str]] = {
    "accept": (("draft",), "uploading"),
    "stored": (("uploading",), "queued"),
    "lack": (("queued", "running", "checking"), "uploading"),
    "start": (("queued",), "running"),
    "check": (("running",), "checking"),
    "deliver": (("running", "checking"), "delivered"),
    "refuse": (("draft", "running", "checking"), "refused"),
    "quarantine": (("running", "checking"), "quarantined"),
    "fail": (("uploading", "queued", "running", "checking", "parked"), "failed"),
    "requeue": (("running", "checking"), "queued"),
    "park": (("uploading", "queued", "running", "checking"), "parked"),
    "unpark": (("parked",), "uploading"),
    "pause": (("uploading", "queued", "running", "checking", "parked"), "paused"),
    "resume": (("paused", "parked"), "uploading"),
    "cancel": (_ANY_LIVE, "cancelled"),
    "retry": (("failed", "cancelled", "refused", "quarantined"), "uploading"),
}
_REMEDIES = {
    "cancel": "Only a job that has not ended can be cancelled.",
    "pause": "Only a job that waits or runs can be paused.",
    "resume": "Only a paused or parked job can be resumed.",
    "retry": "Only a job that failed, was cancelled or refused can be tried again; submit it anew for another take.",
}


def next_state(state: str, action: str) -> State:
    """Return what `state` becomes by `action`. Raises RequestError where the action makes no sense in that state.

    Actions are those of the drawing above, and `accept`, `refuse` for what the admission gate says of a draft.
    """
    starts, end = _MOVES[action]
    if state not in starts:
        raise RequestError(
            f"a job that is {state} cannot be {_PAST.get(action, action)}",
            remedy=_REMEDIES.get(action, "Look at the job's state with `understudy show`."),
        )
    return cast(State, end)


_PAST = {"cancel": "cancelled", "pause": "paused", "resume": "resumed", "retry": "tried again"}


def can_move(state: str, action: str) -> bool:
    return state in _MOVES[action][0]


def ends(action: str) -> bool:
    """Say whether a job has ended by `action`."""
    return _MOVES[action][1] in ENDED


def after_run(action: str, wish: str | None) -> str:
    """Return by which action a job is let go that was held; `action`: what its worker, or the want of one, makes of it.

    An end stands, whatever was wished while it came. Anything else would have the job go on: a wish outlives that, and
    who stopped the worker, and why, does not matter.

    | `action` | nothing wished | pause wished | cancel wished |
    |---|---|---|---|
    | deliver, refuse, quarantine, fail, cancel | that | that | that |
    | park, lack, requeue | that | pause | cancel |
    | pause (its slot was wanted, by no artist) | requeue | pause | cancel |
    """
    if ends(action):
        return action
    return wish or ("requeue" if action == "pause" else action)


def keeps_version(state: str) -> bool:
    """Say whether a retry from `state` goes on in the version that the job has.

    A failed job keeps its finished frames; what was withdrawn or set aside never shares a number with what comes next.
    """
    return state == "failed"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One queued job, as the queue sees it. `number` grows with every job accepted."""

    job_id: str
    user: str
    number: int
    priority: int = 0
    house_priority: int = 0


def queue_order(tickets: Iterable[Ticket], last_turns: Mapping[str, int]) -> tuple[str, ...]:
    """Return the job ids in the order in which they would start if nothing else came in.

    `last_turns`: user name to a number that grows with every start; a user who never had a turn is absent.
    """
    waiting: dict[str, list[Ticket]] = {}
    for ticket in sorted(tickets, key=lambda t: (-t.house_priority, -t.priority, t.number), reverse=True):
        waiting.setdefault(ticket.user, []).append(ticket)  # each user's next one stands last
    turns = dict(last_turns)
    newest = max(turns.values(), default=0)
    order: list[str] = []
    while waiting:
        user = min(waiting, key=lambda u: (-waiting[u][-1].house_priority, turns.get(u, -1), waiting[u][-1].number))
        order.append(waiting[user].pop().job_id)
        newest += 1
        turns[user] = newest
        if not waiting[user]:
            del waiting[user]
    return tuple(order)


def may_see(user: User, owner: str, project: str | None) -> bool:
    """Say whether a key may know of a job: its own, those of its projects, or all when it is bound to no project."""
    return not user.projects or user.name == owner or (project is not None and project in user.projects)


def check_may_change(user: User, owner: str, action: str) -> None:
    """Raises KeyRefused where someone who may only look tries to change a job."""
    if user.name != owner and not HOUSE_ROLES.intersection(user.roles):
        raise KeyRefused(
            f"{user.name} may look at this job of {owner} but not {action} it",
            remedy="Ask its owner, a producer or an admin.",
        )


def check_may_submit(user: User, project: str | None) -> None:
    """Raises KeyRefused for a project that the key does not belong to."""
    if user.projects and project is not None and project not in user.projects:
        raise KeyRefused(
            f"{user.name} does not belong to the project '{project}'",
            remedy=f"Choose one of {', '.join(user.projects)}, or ask an admin to add the project to your key.",
        )


def has_ended(state: str) -> bool:
    return state in ENDED
