"""How a file becomes a record: JSON or TOML, carried up from its own schema, refused by name where it is not sound.

A record is upgraded from its own schema, never guessed: a file without `schema`, or with a field that this version does
not know at any depth, is refused by that field's name.
"""

from __future__ import annotations

import difflib
import functools
import json
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import msgspec

from understudy.bridge.errors import RequestError
from understudy.bridge.record import RECORD_SCHEMA, Record, record_problems

RECORD_LIMIT_BYTES = 4 * 1024 * 1024  # a feature's consents are a few hundred kilobytes; more is not a record

Document = dict[str, Any]  # a record before its schema is known


def load_record(data: bytes) -> Record:
    """Return the record in the JSON text `data`, upgraded to today's schema and sound in itself.

    Raises RequestError that names the field. Whether its consents cover a job is the gate's to say.
    """
    _refuse_large(data)
    return record_from(_read_json(data))


def load_record_file(path: Path) -> Record:
    """Return the record in a file: TOML where its name ends so, else JSON. Raises RequestError that names the file."""
    document = read_document(path)
    try:
        return record_from(document)
    except RequestError as problem:
        raise RequestError(f"{path}: {problem.message}", remedy=problem.remedy) from None


def read_document(path: Path) -> Document:
    """Return what a file states, fields that nobody knows and all. Raises RequestError that names the file."""
    if not path.is_file():
        raise RequestError(f"there is no record {path}", remedy="Check the path given to --record.")
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise RequestError(f"{path} cannot be read: {problem.strerror}", remedy="Check its rights.") from None
    try:
        _refuse_large(data)
        return _read_toml(data) if path.suffix.lower() == ".toml" else _read_json(data)
    except RequestError as problem:
        raise RequestError(f"{path}: {problem.message}", remedy=problem.remedy) from None


def record_from(document: Document) -> Record:
    """Return the record that `document` states. Pure. Raises RequestError that names the field."""
    document = upgrade(document, UPGRADES, RECORD_SCHEMA)
    _refuse_unknown_fields(document, Record, "")
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


FIELDS_OF_SCHEMA_1 = (
    "schema", "record_id", "ground", "attestation", "likeness", "on_screen", "performed_by", "replaced", "consents",
    "disclosure",
)  # fmt: skip
CONSENT_FIELDS_OF_SCHEMA_1 = (
    "consent_id", "talent", "document", "signed_on", "expires_on", "revoked_on", "projects",
)  # fmt: skip


def _second_schema(old: Document) -> Document:
    """Schema 1 to 2: the disclosure's text and a consent's projects have a place of their own. Nothing else is said."""
    _refuse_names(old, FIELDS_OF_SCHEMA_1, "")
    new = dict(old)
    if "disclosure" in old:
        if not isinstance(old["disclosure"], str):
            raise RequestError(
                "the record does not read: in schema 1 `disclosure` is a text",
                remedy='Write the text alone, or "schema": 2.',
            )
        new["disclosure"] = {"text": old["disclosure"]}
    if isinstance(old.get("consents"), list):
        new["consents"] = [_second_consent(one, index) for index, one in enumerate(old["consents"])]
    return new


def _second_consent(old: Any, index: int) -> Any:
    if not isinstance(old, dict):
        return old  # the reading that follows says what is wrong with it
    _refuse_names(old, CONSENT_FIELDS_OF_SCHEMA_1, f"consents[{index}].")
    new = {name: value for name, value in old.items() if name != "projects"}
    if "projects" in old:
        new["scope"] = {"projects": old["projects"]}
    return new


UPGRADES: Mapping[int, Callable[[Document], Document]] = {1: _second_schema}
"""Schema N to the function that makes a record of schema N + 1 of it."""


def _refuse_large(data: bytes) -> None:
    if len(data) > RECORD_LIMIT_BYTES:
        raise RequestError(
            f"the record is {len(data)} bytes long; {RECORD_LIMIT_BYTES} is the limit",
            remedy="Give the record alone, not the signed documents: those are named by their SHA-256.",
        )


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
        raise RequestError(
            "the record is not a JSON object", remedy=f'Begin it with {{ "schema": {RECORD_SCHEMA}, ... }}.'
        )
    return document


def _read_toml(data: bytes) -> Document:
    try:
        import tomllib  # only Python 3.11 has it, and hosts run 3.10 too
    except ModuleNotFoundError:
        raise RequestError(
            "this Python reads no TOML: it came with Python 3.11",
            remedy="Write the record as JSON, or submit with Python 3.11 or newer.",
        ) from None
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise RequestError(f"the record is not TOML: {problem}", remedy="Mend that line.") from None
    return {name: _plain(value) for name, value in document.items()}


def _plain(value: Any) -> Any:
    """Return a value of TOML as JSON has it: its bare dates are the days and moments of a record."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else value


def _refuse_unknown_fields(document: Document, kind: type[msgspec.Struct], where: str) -> None:
    """Refuse what would be dropped in silence: a misspelt `revoked_on` must not turn into a consent that stands."""
    _refuse_names(document, kind.__struct_fields__, where)
    for name, inner in _parts(kind).items():
        value = document.get(name)
        if isinstance(value, dict):
            _refuse_unknown_fields(value, inner, f"{where}{name}.")
        for index, one in enumerate(value if isinstance(value, list) else ()):
            if isinstance(one, dict):
                _refuse_unknown_fields(one, inner, f"{where}{name}[{index}].")


@functools.cache
def _parts(kind: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    """Return the fields of `kind` that are structs themselves, or lists of them."""
    found: dict[str, type[msgspec.Struct]] = {}
    for name, hint in typing.get_type_hints(kind).items():
        for one in (hint, *typing.get_args(hint)):
            if isinstance(one, type) and issubclass(one, msgspec.Struct):
                found[name] = one
    return found


def _refuse_names(document: Document, known: tuple[str, ...], where: str) -> None:
    for name in document:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise RequestError(
                f"the record has an unknown field `{where}{name}`",
                remedy=f"Did you mean `{near[0]}`?" if near else f"The fields here are: {', '.join(known)}.",
            )
