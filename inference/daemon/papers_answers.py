"""Who answers what of the papers' messages (bridge/papers_messages.py)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from understudy.bridge.messages import Reply
from understudy.bridge.papers_messages import AskConsents, AskWaivers, DecideWaiver, JudgeDraft, RequestWaiver
from understudy.inference.daemon.drafts import Drafts
from understudy.inference.daemon.house import House
from understudy.inference.daemon.picking import Picking
from understudy.inference.daemon.server import Caller
from understudy.inference.daemon.waivers import WaiverDesk

Answering = Callable[[Caller, Any], Awaitable[Reply]]


def papers_answers(house: House) -> dict[type, Answering]:
    """Return the answer to each kind of request."""
    desk = WaiverDesk(house)
    return {
        JudgeDraft: Drafts(house).judged,
        AskConsents: Picking(house).consents,
        AskWaivers: desk.listed,
        RequestWaiver: desk.requested,
        DecideWaiver: desk.decided,
    }
