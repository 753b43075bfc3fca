"""The papers that a job carries: who is seen, who consented, on what ground. JSON on disk, on the wire and in hosts.

What a record must say is judged twice: here, so that the artist hears it at once, and in the daemon's gate, which alone
decides. How a file becomes a record, and an old one a new one, stands in record_file.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from understudy.bridge.circumstances import (
    Approval,
    CastMember,
    China,
    Client,
    Content,
    Context,
    Disclosure,
    Europe,
    Generation,
    Likeness,
    Replica,
    Script,
    Synthetic,
    Use,
)
from understudy.bridge.consent import Consent, consent_problems
from understudy.bridge.field_kinds import LongText, People
from understudy.bridge.moments import is_day

__all__ = ["RECORD_SCHEMA", "Consent", "Likeness", "Record", "is_day", "is_territory", "record_problems", "salted"]

RECORD_SCHEMA = 2

_TERRITORY = re.compile(r"(worldwide|[A-Z]{2}(-[A-Z0-9]{1,3})?)\Z")
_SALT = re.compile(r"[0-9a-f]{32,128}\Z")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Who is seen, who consented, and on what ground this job runs."""

    schema: int = RECORD_SCHEMA
    record_id: str = ""
    ground: Literal["record", "self_attested", "demonstration"] = "record"
    """`record`: the papers below. `self_attested`: every file says uncleared. `demonstration`: not for delivery."""
    attestation: LongText = ""
    """Who says so and why; required where the ground is not `record`, and where a record of likeness `no_person` names
    nobody although the plate or the driver is pictures: why no person is seen in them."""
    likeness: Likeness | None = None
    """What the picture makes of a person; required where the ground is `record`."""
    on_screen: People = ()
    """Talents that are seen and known by face."""
    performed_by: People = ()
    """Talents whose performance drives the character."""
    replaced: People = ()
    """Talents who are painted out."""
    consents: tuple[Consent, ...] = ()
    salt: str = ""
    """Private: hex digits that stand in every hash of these papers which leaves the house, so that nobody finds a
    person by trying names. Drawn when a job is submitted and its record has none."""
    cast: tuple[CastMember, ...] = ()
    use: Use = Use()
    content: Content = Content()
    eu: Europe = Europe()
    replica: Replica = Replica()
    context: Context = Context()
    disclosure: Disclosure = Disclosure()
    approvals: tuple[Approval, ...] = ()
    generation: Generation = Generation()
    script: Script = Script()
    synthetic: Synthetic = Synthetic()
    client: Client = Client()
    cn: China = China()
    retention_until: str | None = None
    """The day on which what was derived from these people (face crops, poses, mattes) is to be deleted."""

    @property
    def clearance(self) -> Literal["cleared", "uncleared", "demonstration"]:
        """Return what a finished file may say of itself at best."""
        if self.ground == "record":
            return "cleared"
        return "uncleared" if self.ground == "self_attested" else "demonstration"

    @property
    def talents(self) -> tuple[str, ...]:
        """Return everyone the record names, once, in the order in which they are named."""
        return tuple(dict.fromkeys((*self.on_screen, *self.performed_by, *self.replaced)))


def salted(record: Record, text: str) -> str:
    """Return the SHA-256 of `text` behind the record's salt: what may leave the house of a document or a person."""
    return hashlib.sha256(f"{record.salt}\n{text}".encode()).hexdigest()


def record_problems(record: Record) -> tuple[str, ...]:
    """Return what is wrong with the record in itself, each with its field's name. Pure; no clock, no job."""
    people = {"on_screen": record.on_screen, "performed_by": record.performed_by, "replaced": record.replaced}
    found = [f"`{name}` names an empty talent" for name, talents in people.items() if not all(map(str.strip, talents))]
    if record.schema != RECORD_SCHEMA:
        found.append(f"`schema` is {record.schema}, not {RECORD_SCHEMA}")
    if record.salt and _SALT.match(record.salt) is None:
        found.append("`salt` is not 32 to 128 lower-case hex digits")
    seen: set[str] = set()
    for index, consent in enumerate(record.consents):
        found.extend(f"`consents[{index}].{problem}" for problem in consent_problems(consent))
        if consent.consent_id in seen:
            found.append(f"`consents[{index}].consent_id` {consent.consent_id} is there twice")
        seen.add(consent.consent_id)
    found.extend(_cast_problems(record))
    found.extend(_territory_problems(record))
    found.extend(f"`{name}` is not a day such as 2026-11-20: {day!r}" for name, day in _days(record) if not is_day(day))
    return tuple(found)


def is_territory(text: str) -> bool:
    """Say whether `text` is one of ISO 3166's codes (DE, US-NY), EU or `worldwide`."""
    return _TERRITORY.match(text) is not None


def _cast_problems(record: Record) -> Iterator[str]:
    """Yield what is wrong with the cast: somebody whom the record does not name, or names twice."""
    seen: set[str] = set()
    for index, member in enumerate(record.cast):
        if member.talent not in record.talents:
            yield f"`cast[{index}].talent` {member.talent!r} is in none of on_screen, performed_by, replaced"
        if member.talent in seen:
            yield f"`cast[{index}].talent` {member.talent!r} is there twice"
        if member.deceased_on is not None and member.living != "no":
            yield f'`cast[{index}].deceased_on` is stated, but `living` is not "no"'
        seen.add(member.talent)


def _territory_problems(record: Record) -> Iterator[str]:
    """Yield every territory that is no code: `Germany` would reach no rule and be covered by no consent."""
    places = {"use.territories": record.use.territories}
    for index, consent in enumerate(record.consents):
        places[f"consents[{index}].scope.territories"] = consent.scope.territories
    for name, territories in places.items():
        for place in territories:
            if not is_territory(place):
                yield f"`{name}` has {place!r}, which is none of ISO 3166's codes (DE, US-NY), EU or worldwide"


def _days(record: Record) -> Iterator[tuple[str, str]]:
    """Yield every day that the record states beside its consents', with the field's name."""
    days = {
        "use.first_use_on": record.use.first_use_on,
        "script.dated_on": record.script.dated_on,
        "script.performed_on": record.script.performed_on,
        "cn.log_keep_until": record.cn.log_keep_until,
        "retention_until": record.retention_until,
    }
    for index, member in enumerate(record.cast):
        days[f"cast[{index}].deceased_on"] = member.deceased_on
    for index, approval in enumerate(record.approvals):
        days[f"approvals[{index}].approved_on"] = approval.approved_on
        days[f"approvals[{index}].expires_on"] = approval.expires_on
    yield from ((name, day) for name, day in days.items() if day is not None)
