"""The manifest of a final: its files, and every Understudy layer in it, so that the next publish finds them.

No talent's name stands in it: consents by id and by the digest of their documents.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from understudy.bridge.exr_file import file_digest
from understudy.host_plugins.pyblish.found import Found
from understudy.host_plugins.pyblish.layers import FINAL_NAME, Sight

FINAL_SCHEMA = 1


class Ingredient(msgspec.Struct, frozen=True, kw_only=True):
    """One layer of one take."""

    job: str
    version: int
    shot: str
    layer: str
    record: str
    """The digest of the record that it was made on, as its marks state it."""
    record_id: str
    consents: dict[str, str]
    where: tuple[str, ...]
    found_by: tuple[str, ...]
    files: dict[str, str]
    """Name to digest of the layer's files as they were when this was published."""


class Final(msgspec.Struct, frozen=True, kw_only=True):
    """understudy_final.json. `ingredients` is what the next publish reads, `layers` what people read."""

    schema: int = FINAL_SCHEMA
    files: dict[str, str]
    layers: tuple[Ingredient, ...]
    ingredients: tuple[Sight, ...]
    rules: tuple[str, ...]
    """Every rule that answered, and none of them refused."""


def build_final(files: Mapping[str, str], found: Found, rules: Iterable[str]) -> Final:
    """Return the manifest of one folder of a final. files: name to digest. Pure."""
    return Final(
        files=dict(sorted(files.items())),
        layers=tuple(
            Ingredient(
                job=layer.job, version=layer.version, shot=layer.shot, layer=layer.layer,
                record=layer.files[0].sight.record.digest, record_id=layer.files[0].sight.record.record_id,
                consents=layer.files[0].sight.record.consents, where=layer.where,
                found_by=tuple(sorted({file.sight.found_by for file in layer.files})),
                files={file.sight.path.name: file.digest for file in layer.files},
            )
            for layer in found.layers
        ),
        ingredients=tuple(_travelling(layer.files[0].sight) for layer in found.layers),
        rules=tuple(sorted(rules)),
    )  # fmt: skip


def _travelling(sight: Sight) -> Sight:
    """Return a sight without the folders that it lay in: those are nobody's business where the final goes."""
    return msgspec.structs.replace(sight, path=Path(sight.path.name), take="")


def write_finals(files: Iterable[Path], found: Found, rules: Iterable[str]) -> tuple[Path, ...]:
    """Write a manifest into every folder that holds files of the final; return them. Whole or not at all."""
    folders: dict[Path, dict[str, str]] = {}
    for path in files:
        folders.setdefault(path.parent, {})[path.name] = file_digest(path)
    written = []
    for folder, named in folders.items():
        target = folder / FINAL_NAME
        beside = folder / f".{FINAL_NAME}.{os.getpid()}"
        final = build_final(named, found, rules)
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(final, enc_hook=_as_text, order="sorted"), indent=1))
        beside.replace(target)
        written.append(target)
    return tuple(written)


def _as_text(value: object) -> str:
    return str(value)
