"""manifest.json beside the layers: what was made, from what, on which papers, and what every rule said.

Deterministic: the same order, files and findings give the same bytes. No talent's name stands in it, and an input is
named by its file's name and digest, never by the folder it lay in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath

import msgspec

from understudy.bridge.errors import Finding
from understudy.bridge.record import Record, salted
from understudy.bridge.shot import OutputFile
from understudy.bridge.take_segments import TakeSegment
from understudy.inference.authority.head import LedgerHead, StudioAuthority, Vouching
from understudy.inference.compliance.marks import NOT_FINAL, STATE, final_state, record_digest
from understudy.inference.provenance.content_id import content_id
from understudy.inference.work_order import WorkOrder

MANIFEST_SCHEMA = 1
MANIFEST_NAME = "manifest.json"


class ManifestInput(msgspec.Struct, frozen=True, kw_only=True):
    role: str
    name: str
    frame: int | None
    file: str
    picture: str
    size: int


class ManifestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The papers, as far as they may travel with the pictures."""

    digest: str
    record_id: str
    ground: str
    attestation: str
    likeness: str | None
    consents: dict[str, str]
    """Consent id to the salted SHA-256 of its document: see `salted` of bridge/record.py."""


class Approximation(msgspec.Struct, frozen=True, kw_only=True):
    """Frames that were made with less than the settings say, and what that was: memory ran short."""

    words: str
    frames: tuple[int, ...]


class ManifestWatermark(msgspec.Struct, frozen=True, kw_only=True):
    """The invisible mark in the review movie."""

    algorithm: str
    content_id: str
    """The first eight digits of the version's."""
    key_id: str
    """Names the key; the key stays in the daemon's home."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    schema: int = MANIFEST_SCHEMA
    job: str
    version: int
    content_id: str = ""
    """Of job and version; empty in a manifest of before. The mark, the credentials and the ledger say the same."""
    shot: str
    frames: tuple[int, int]
    rate: str
    state: str
    marks: dict[str, str]
    record: ManifestRecord
    inputs: tuple[ManifestInput, ...]
    files: tuple[OutputFile, ...]
    findings: tuple[Finding, ...]
    watermark: ManifestWatermark | None = None
    """None = the review carries no mark, or none that reads back."""
    segments: tuple[TakeSegment, ...] = ()
    """Where segments meet and whose pixels they are; empty in a manifest of before."""
    approximate: tuple[Approximation, ...] = ()
    """Empty = every frame is what its settings say. Else no other job may take these pixels for its own."""
    vouched_by: Vouching = "self-attested"
    """Who says that the consents are what the record says: the daemon's registry, the studio authority that it follows,
    or the record alone."""
    snapshot: str = ""
    """Keyed digest of what the registry knew of these papers when the job was accepted."""
    authority: StudioAuthority | None = None
    """Where the authority vouches: its key, and the serial and digest of the snapshot by which it did."""
    ledger_head: LedgerHead | None = None
    """Of the daemon's ledger when it accepted the job."""


def build_manifest(
    order: WorkOrder,
    files: Iterable[OutputFile],
    findings: Iterable[Finding],
    marks: Mapping[str, str],
    *,
    rate: str = "",
    segments: tuple[TakeSegment, ...] = (),
    approximate: tuple[Approximation, ...] = (),
    watermark: ManifestWatermark | None = None,
) -> Manifest:
    """Return the manifest of `order` with its files sorted by path. `marks` are those that the files carry.

    `files` leaves the manifest itself out; `rate` is the shot's as the worker resolved it.
    """
    shot = order.job.shot
    state = final_state(order, marks.get(NOT_FINAL, ""))
    inputs = tuple(
        ManifestInput(
            role=role, name=_name(file.typed), frame=file.frame, file=file.file, picture=file.picture, size=file.size
        )
        for role, pictures in shot.roles().items()
        for file in pictures.files
    )
    typed = (file.typed for pictures in shot.roles().values() for file in pictures.files)
    folders = sorted({path[: -len(_name(path))] for path in typed if _name(path)} - {""}, key=len, reverse=True)
    return Manifest(
        job=order.job_id,
        version=order.version,
        content_id=content_id(order.job_id, order.version),
        shot=shot.name,
        frames=(shot.range.first, shot.range.last),
        rate=rate or str(shot.rate or ""),
        state=state,
        marks={**marks, STATE: state},
        record=_papers(order.job.record),
        inputs=inputs,
        files=tuple(sorted(files, key=lambda file: file.path)),
        findings=tuple(_without_folders(finding, folders) for finding in findings),
        segments=segments,
        approximate=approximate,
        vouched_by=order.vouched_by,
        snapshot=order.snapshot,
        authority=order.authority,
        ledger_head=order.ledger_head,
        watermark=watermark,
    )


def _papers(record: Record) -> ManifestRecord:
    return ManifestRecord(
        digest=record_digest(record),
        record_id=record.record_id,
        ground=record.ground,
        attestation=record.attestation,
        likeness=record.likeness,
        consents={consent.consent_id: salted(record, consent.document) for consent in record.consents},
    )


def write_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as indented JSON, keys sorted, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1) + b"\n"


def read_manifest(data: bytes) -> Manifest:
    """Return the manifest in `data`. Raises msgspec.ValidationError."""
    return msgspec.json.decode(data, type=Manifest)


class _HowMade(msgspec.Struct, frozen=True):
    """Of a manifest, what is not as the settings say; the rest is not looked at."""

    approximate: tuple[Approximation, ...] = ()


def approximations_in(folder: Path) -> tuple[Approximation, ...] | None:
    """Return what a delivered version says of how it was made; None for one whose manifest is gone or damaged."""
    try:
        return msgspec.json.decode((folder / MANIFEST_NAME).read_bytes(), type=_HowMade).approximate
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _without_folders(finding: Finding, folders: list[str]) -> Finding:
    """Return the finding with inputs named by their files' names: a home folder's name is nobody's business."""

    def bare(text: str) -> str:
        for folder in folders:
            # Only where a path begins: the folder `/` is no part of the rate 24/1.
            text = re.sub(rf"(?<![^\s'\"(=]){re.escape(folder)}(?=\S)", "", text) if folder in text else text
        return text

    return msgspec.structs.replace(
        finding,
        message=bare(finding.message),
        remedy=bare(finding.remedy),
        files=tuple(bare(file) for file in finding.files),
        facts={name: bare(value) for name, value in finding.facts.items()},
        fixes=(),
        fields=(),
    )


def _name(typed: str) -> str:
    """Return the last component of a path of any operating system."""
    return PureWindowsPath(PurePosixPath(typed).name).name
