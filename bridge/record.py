"""The papers that a job carries: who is seen, who consented, on what ground. JSON on disk, on the wire and in hosts.

A record is upgraded from its own schema, never guessed: a file without `schema`, or with a field that this version does
not know, is refused by that field's name. What a record must say is judged twice: here, so that the artist hears it at
once, and in the daemon's gate, which alone decides.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Literal

import msgspec

from understudy.bridge.errors import RequestError

RECORD_SCHEMA = 1
RECORD_LIMIT_BYTES = 4 * 1024 * 1024  # a feature's consents are a few hundred kilobytes; more is not a record

Likeness = Literal["digital_replica", "synthetic_performer", "altered_performance", "non_human", "no_person"]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """One signed grant. Dates are ISO days (2026-11-20) in UTC; the end day itself is still covered."""

    consent_id: str
    talent: str
    document: str
    """SHA-256 of the signed document."""
    signed_on: str
    expires_on: str | None = None
    revoked_on: str | None = None
    projects: tuple[str, ...] = ()
    """Empty = every project."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Who is seen, who consented, and on what ground this job runs."""

    schema: int = RECORD_SCHEMA
    record_id: str = ""
    ground: Literal["record", "self_attested", "demonstration"] = "record"
    """`record`: the papers below. `self_attested`: every file says uncleared. `demonstration`: not for delivery."""
    attestation: str = ""
    """Who says so and why; required where the ground is not `record`, and where a record of likeness `no_person` names
    nobody although the plate or the driver is pictures: why no person is seen in them."""
    likeness: Likeness | None = None
    """What the picture makes of a person; required where the ground is `record`."""
    on_screen: tuple[str, ...] = ()
    """Talents that are seen and known by face."""
    performed_by: tuple[str, ...] = ()
    """Talents whose performance drives the character."""
    replaced: tuple[str, ...] = ()
    """Talents who are painted out."""
    consents: tuple[Consent, ...] = ()
    disclosure: str = "Contains AI-generated or AI-altered imagery."

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


def load_record(data: bytes) -> Record:
    """Return the record in the JSON text `data`, upgraded to today's schema and sound in itself.

    Raises RequestError that names the field. Whether its consents cover a job is the gate's to say.
    """
    if len(data) > RECORD_LIMIT_BYTES:
        raise RequestError(
            f"the record is {len(data)} bytes long; {RECORD_LIMIT_BYTES} is the limit",
            remedy="Give the record's JSON, not the signed documents: those are named by their SHA-256.",
        )
    document = upgrade(_read_json(data), UPGRADES, RECORD_SCHEMA)
    _refuse_unknown_fields(document)
    try:
        record = msgspec.convert(document, Record)
    except msgspec.ValidationError as problem:
        raise RequestError(
            f"the record does not read: {problem}", remedy="Mend that field; docs/record.md shows them all."
        ) from None
    found = record_problems(record)
    if found:
        raise RequestError(
            f"the record is not sound: {'; '.join(found)}", remedy="Mend the fields that are named, then submit again."
        )
    return record


Document = dict[str, Any]  # a record before its schema is known
UPGRADES: Mapping[int, Callable[[Document], Document]] = {}
"""Schema N to the function that makes a record of schema N + 1 of it."""


def upgrade(document: Document, steps: Mapping[int, Callable[[Document], Document]], newest: int) -> Document:
    """Return `document` carried from its own schema to `newest`, one step a schema. Pure.

    Raises RequestError when the schema is absent, newer than `newest`, or older than the oldest step.
    """
    schema = document.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise RequestError(
            "the record's field `schema` is missing or no number", remedy=f'Write "schema": {newest} in the record.'
        )
    if schema > newest:
        raise RequestError(
            f"the record's `schema` is {schema}; this Understudy reads up to {newest}",
            remedy="Update Understudy, or write the record for the older schema.",
        )
    while schema < newest:
        if schema not in steps:
            raise RequestError(
                f"the record's `schema` {schema} is too old to be upgraded", remedy="Write the record anew."
            )
        document = steps[schema](document)
        schema += 1
        document["schema"] = schema
    return document


def record_problems(record: Record) -> tuple[str, ...]:
    """Return what is wrong with the record in itself, each with its field's name. Pure; no clock, no job."""
    people = {"on_screen": record.on_screen, "performed_by": record.performed_by, "replaced": record.replaced}
    found = [f"`{name}` names an empty talent" for name, talents in people.items() if not all(map(str.strip, talents))]
    if record.schema != RECORD_SCHEMA:
        found.append(f"`schema` is {record.schema}, not {RECORD_SCHEMA}")
    seen: set[str] = set()
    for index, consent in enumerate(record.consents):
        found.extend(f"`consents[{index}].{problem}" for problem in _consent_problems(consent))
        if consent.consent_id in seen:
            found.append(f"`consents[{index}].consent_id` {consent.consent_id} is there twice")
        seen.add(consent.consent_id)
    return tuple(found)


def _consent_problems(consent: Consent) -> list[str]:
    found = [f"{name}` is empty" for name in ("consent_id", "talent") if not getattr(consent, name).strip()]
    if _SHA256.match(consent.document) is None:
        found.append("document` is not the SHA-256 of a document (64 lower-case hex digits)")
    days = {name: getattr(consent, name) for name in ("signed_on", "expires_on", "revoked_on")}
    wrong = [name for name, day in days.items() if day is not None and not is_day(day)]
    found += [f"{name}` is not a day such as 2026-11-20: {days[name]!r}" for name in wrong]
    if not wrong and consent.expires_on is not None and consent.expires_on < consent.signed_on:
        found.append(f"expires_on` {consent.expires_on} lies before signed_on {consent.signed_on}")
    return found


def is_day(text: str) -> bool:
    """Return whether `text` is a day of the calendar, as 2026-11-20 and in no other form: such days compare as text."""
    if _DAY.match(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _read_json(data: bytes) -> Document:
    def once(pairs: list[tuple[str, Any]]) -> Document:
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise RequestError(f"the record states `{twice[0]}` twice", remedy="Keep the one that is meant.")
        return dict(pairs)

    try:
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=once)
    except (ValueError, RecursionError) as problem:
        raise RequestError(f"the record is not JSON: {problem}", remedy="Give a UTF-8 JSON file.") from None
    if not isinstance(document, dict):
        raise RequestError("the record is not a JSON object", remedy='Begin it with { "schema": 1, ... }.')
    return document


def _refuse_unknown_fields(document: Document) -> None:
    """Refuse what would be dropped in silence: a misspelt `revoked_on` must not turn into a consent that stands."""
    _refuse_unknown_names(document, Record, "")
    consents = document.get("consents")
    for index, consent in enumerate(consents if isinstance(consents, list) else ()):
        if isinstance(consent, dict):
            _refuse_unknown_names(consent, Consent, f"consents[{index}].")


def _refuse_unknown_names(document: Document, kind: type[msgspec.Struct], where: str) -> None:
    known = kind.__struct_fields__
    for name in document:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise RequestError(
                f"the record has an unknown field `{where}{name}`",
                remedy=f"Did you mean `{near[0]}`?" if near else f"The fields here are: {', '.join(known)}.",
            )
