"""Every field of a record that a person fills in: its path, its kind, what it can be, and one line of help. Pure.

Kinds and choices follow from the structs of record.py and circumstances.py; the lines of help stand here and nowhere
else. A path is as in the record's JSON; behind a list, `[]` stands for its items: `cast[].living`.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from understudy.bridge.field_kinds import Choice, FieldKind
from understudy.bridge.record import Record

NOT_FILLED_IN = frozenset({"schema", "salt"})
ITEM = "[]"

HELP = {
    "record_id": "What this record is called; waivers are bound to it. Never use one twice.",
    "ground": "What the job stands on: this record, somebody's word, or nothing (a demonstration).",
    "attestation": "Who says so, and why: without a record, or where the pictures are said to show no person.",
    "likeness": "What the picture makes of a person.",
    "on_screen": "Who is seen and can be known by face.",
    "performed_by": "Whose performance drives the character.",
    "replaced": "Who is painted out of the plate.",
    "consents": "The signed grants that cover these people and this use.",
    "consents[].consent_id": "What the registry calls the grant; that alone is enough where the registry holds it.",
    "consents[].talent": "Who gave it.",
    "consents[].document": "SHA-256 of the signed document.",
    "consents[].signed_on": "The day on which it was signed.",
    "consents[].expires_on": "The last day that it covers; empty = no end.",
    "consents[].revoked_on": "The day from which it no longer counts.",
    "consents[].grantor_capacity": "As whom the grantor signed.",
    "consents[].representation": "Who advised the grantor.",
    "consents[].separate": "Whether the grant, or its clause, was signed by itself.",
    "consents[].notice_at": "When notice of this use was given, such as 2026-11-18T09:00Z.",
    "consents[].scope.projects": "Projects that it covers; empty = all. `*` stands for any letters.",
    "consents[].scope.shots": "Shots that it covers; empty = all. `*` stands for any letters.",
    "consents[].scope.media": "Media that it covers; empty = all.",
    "consents[].scope.territories": "Territories that it covers, as codes (DE, US-NY, EU, worldwide); empty = all.",
    "consents[].scope.use_text": "The intended use, in the words that were signed.",
    "consents[].scope.exclusions": "What it leaves out: words of a use, or free text for people to read.",
    "consents[].scope.nudity": "Whether it grants nudity.",
    "consents[].scope.training": "Whether models may be trained on the person.",
    "cast": "What is known of the people named above.",
    "cast[].talent": "Whom it is about; one of the people named above.",
    "cast[].living": "Whether the person lives.",
    "cast[].deceased_on": "The day of death.",
    "cast[].minor": "Whether the person is a minor.",
    "cast[].union": "The guild: sag-aftra, another one's name, or none.",
    "cast[].contract_type": "The terms of the work: tv_theatrical, commercial, ...",
    "use.is_advertising": "Whether the pictures advertise anything.",
    "use.promotes_expressive_work": "Whether that is a film, a series, a game, and consistent with it.",
    "use.endorsement": "Whether a person, real or made, recommends a product.",
    "use.media": "Where it will be seen: theatrical, streaming, broadcast, online, ...",
    "use.territories": "Where in the world: DE, US-NY, EU or worldwide.",
    "use.first_use_on": "The day on which it is first shown.",
    "use.training": "Whether a model will learn from these pictures.",
    "content.intimate": "Whether nudity or intimacy is shown.",
    "content.violence": "Whether violence is shown.",
    "content.political": "Whether it touches politics.",
    "content.minor_depicted": "Whether a minor is depicted, whoever plays it.",
    "eu.role": "Who you are in the sense of Article 50: provider, deployer, or both.",
    "eu.deepfake": "Whether a person has judged this to be a deep fake.",
    "eu.work_class": "Whether the work is evidently artistic.",
    "eu.reason": "Why it was judged so, in a sentence.",
    "replica.type": "How the digital replica came about, in the guild's words.",
    "replica.source": "What the replica was made from.",
    "context.camera_move": "How the camera moves.",
    "context.lighting": "How the shot is lit.",
    "context.time_of_day": "When in the day it plays.",
    "context.lens": "The lens that the plate was shot with.",
    "context.notes": "Anything else that whoever searches for the shot should find.",
    "disclosure.text": "What every file tells whoever opens it.",
    "disclosure.form": "How viewers are told.",
    "disclosure.languages": "In which languages.",
    "disclosure.placement": "Where in the picture or the programme.",
    "disclosure.proof_frame": "A frame that shows it.",
    "disclosure.owner": "Who puts it on screen: us, or the client.",
    "approvals": "Who has said yes in writing.",
    "approvals[].kind": "Whose yes it is.",
    "approvals[].reference": "Where it is filed: a letter, a ticket.",
    "approvals[].by": "Who gave it.",
    "approvals[].approved_on": "The day on which it was given.",
    "approvals[].shots": "For which shots; empty = all.",
    "approvals[].expires_on": "The last day on which it counts; empty = no end.",
    "generation.prompt_writer": "Who wrote the prompt.",
    "script.reference": "The script that an alteration relies on.",
    "script.dated_on": "The day of that script.",
    "script.performed_on": "The day of the performance that is altered.",
    "synthetic.value_statement": "What a performer who is nobody adds, as the guild asks.",
    "synthetic.union_notice": "Where notice to the guild is filed.",
    "client.policy_id": "The client's policy that applies, by its pack's name.",
    "client.deliverable_class": "Whether this is a temp or a final.",
    "client.network": "Where the production's material is computed on.",
    "cn.producer_code": "The producer's code in the metadata that China asks for.",
    "cn.produce_id": "The content's id there; empty = ours.",
    "cn.label": "1 is, 2 may be, 3 is suspected to be generated.",
    "cn.explicit": "The visible label: burned in, or waived under Article 9.",
    "cn.recipient": "Who asked for it without the visible label.",
    "cn.log_keep_until": "Until when the log of that is kept.",
    "retention_until": "When what was derived from these people is to be deleted.",
}


@dataclass(frozen=True, slots=True)
class RecordField:
    """One field. `choices`: all that it can be, where that is little; else empty."""

    path: str
    kind: FieldKind
    choices: tuple[Choice, ...] = ()
    help: str = ""


@functools.cache
def record_fields() -> dict[str, RecordField]:
    """Return every field by its path, in the record's order; a list of structs is one, and so is each of their parts.

    Raises KeyError for a field that has no line of help.
    """
    return {field.path: field for field in _of_struct(Record, "")}


def _of_struct(struct: type[msgspec.Struct], before: str) -> Iterator[RecordField]:
    for name, hint in typing.get_type_hints(struct, include_extras=True).items():
        path = f"{before}{name}"
        inner = _item(hint)
        if path in NOT_FILLED_IN:
            continue
        if _is_struct(hint):
            yield from _of_struct(hint, f"{path}.")
        elif _is_struct(inner):
            yield RecordField(path, "parts", help=HELP[path])
            yield from _of_struct(inner, f"{path}{ITEM}.")
        else:
            yield RecordField(path, *_kind(name, hint), help=HELP[path])


def _kind(name: str, hint: typing.Any) -> tuple[FieldKind, tuple[Choice, ...]]:
    """Return what kind of thing a type is; days and moments follow from their names, as everywhere in the record."""
    options = [one for one in _options(hint) if one is not type(None)]
    for option in options:
        for meta in getattr(option, "__metadata__", ()):
            return meta.extra["kind"], ()
        if typing.get_origin(option) is typing.Literal:
            return "choice", typing.get_args(option)
        if typing.get_origin(option) is tuple:
            return ("territories" if name == "territories" else "list"), ()
    if bool in options:
        return "flag", ()
    if int in options:
        return "number", ()
    if name.endswith("_at"):
        return "moment", ()
    return ("day" if name.endswith(("_on", "_until")) else "text"), ()


def _options(hint: typing.Any) -> tuple[typing.Any, ...]:
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if is_union else (hint,)


def _item(hint: typing.Any) -> typing.Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else None


def _is_struct(hint: typing.Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)
