"""What a key may learn of the registry: the papers that reach its projects. Pure.

The gate is told no more when it judges for that key: else its refusals, and a draft's, would tell of other projects'
papers to whoever guesses an id.
"""

from __future__ import annotations

import msgspec

from understudy.inference.authority.papers import RegisteredConsent, Snapshot, TalentState
from understudy.inference.authority.studio import shown_approval, shown_clip, shown_consent


def seen_consents(consents: tuple[RegisteredConsent, ...], projects: tuple[str, ...]) -> tuple[RegisteredConsent, ...]:
    """Return the consents that reach a project of `projects`, as consents for these; empty = every project."""
    return tuple(shown for one in consents if (shown := shown_consent(one, projects)) is not None)


def seen_by(snapshot: Snapshot, projects: tuple[str, ...], named: frozenset[str], today: str) -> Snapshot:
    """Return what of `snapshot` a key of these projects may learn; the digest is for the caller to make anew.

    named: consents that the record names; of the others, those revoked say nothing beyond who has withdrawn everything.
    Never less than a hard stop needs: who is a minor, and who has withdrawn everything, is so for whoever names them.
    """
    if not projects:
        return snapshot
    seen = seen_consents(snapshot.consents, projects)
    ids = {one.id for one in seen}
    hidden = {one.talent for one in snapshot.consents} - {one.talent for one in seen}
    return msgspec.structs.replace(
        snapshot,
        consents_known=min(1, snapshot.consents_known),
        talents=tuple(_told(one, hidden) for one in snapshot.talents if one.id not in hidden or one.minor),
        consents=tuple(one for one in seen if one.id in named or not is_revoked(one, today)),
        withdrawn=tuple(sorted({*snapshot.withdrawn, *_withdrawn(snapshot.consents, today)})),
        clips=tuple(shown_clip(one, projects, ids) for one in snapshot.clips),
        approvals=tuple(shown_approval(one, projects) for one in snapshot.approvals),
    )


def is_revoked(consent: RegisteredConsent, today: str) -> bool:
    return bool(consent.revoked_on) and consent.revoked_on <= today


def _told(talent: TalentState, hidden: set[str]) -> TalentState:
    """Return what is told of a person; of one whose consents are all for other projects, no more than a hard stop."""
    if talent.id not in hidden:
        return talent
    return TalentState(id=talent.id, living=True, minor=talent.minor, union="")


def _withdrawn(consents: tuple[RegisteredConsent, ...], today: str) -> set[str]:
    stand = {one.talent for one in consents if not is_revoked(one, today)}
    return {one.talent for one in consents} - stand
