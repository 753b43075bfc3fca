"""Records on the artist's disk: opened as documents, saved as JSON. Never on the interface's thread."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from understudy.bridge.record import RECORD_SCHEMA
from understudy.bridge.record_file import UPGRADES, read_document, upgrade
from understudy.ui import papers_words
from understudy.ui.record_document import Document


@dataclass(frozen=True, slots=True)
class Opened:
    """A record as it was opened."""

    document: Document
    path: Path
    """Where it will be saved: for a TOML file another name."""
    said: str = ""
    """What whoever opened it has to know; empty = nothing."""


def open_record(path: Path) -> Opened:
    """Return the record in a file as a document, unknown fields and all. Raises RequestError that names the file."""
    document = read_document(path)
    schema = document.get("schema")
    said = []
    document = upgrade(document, UPGRADES, RECORD_SCHEMA)
    if schema != RECORD_SCHEMA:
        said.append(papers_words.UPGRADED.format(name=path.name, schema=schema, now=RECORD_SCHEMA))
    saved = path
    if path.suffix.lower() == ".toml":
        saved = _free_name(path.with_suffix(".json"))
        said.append(papers_words.OPENED_TOML.format(old=path.name, name=saved.name))
    return Opened(document, saved, " ".join(said))


def save_record(document: Document, path: Path) -> Path:
    """Write a record as JSON, whole or not at all; what stood there is replaced only then."""
    text = json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(text)
    temporary.replace(path)
    return path


def _free_name(path: Path) -> Path:
    """Return this name, or the next that no file has: a record that is there already is not written over."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free
