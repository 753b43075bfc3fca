"""What a version was made of: each input by title, format and SHA-256, and its own credentials where it carries any.

An input whose credentials do not hold is never passed on: signed again as an ingredient, the whole would read as
trusted (C2PA validates the claim, and of an ingredient it only reports).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath, PureWindowsPath

import msgspec

from understudy.bridge.errors import ComplianceError
from understudy.bridge.shot import Pictures
from understudy.inference.provenance.credentials import Reading, Source, media_type, read_credentials
from understudy.inference.provenance.frame_list import THREADS, sha256_of
from understudy.inference.provenance.readings import InputCredentials

OTHER_FORMATS = {".exr": "image/x-exr", ".dpx": "image/x-dpx", ".json": "application/json", ".ocioz": "application/zip"}


class UsedInput(msgspec.Struct, frozen=True, kw_only=True):
    """One role as our own assertion lists it: C2PA has no place for the digest of an ingredient that is not signed."""

    role: str
    title: str
    format: str
    files: int
    sha256: str
    """Of the one file; of several, of the text of `sha256sum` over them in the order of their frames."""


def read_input_credentials(
    roles: Mapping[str, Pictures], blobs: Mapping[str, str], anchors: bytes
) -> tuple[InputCredentials, ...]:
    """Return the credentials of every input file that carries some, checked. Reads the files."""
    found = []
    for role, pictures in roles.items():
        for file in pictures.files:
            reading = _read(file.typed, blobs.get(file.file, ""), anchors)
            if reading is not None:
                found.append(
                    InputCredentials(
                        role=role, typed=file.typed, state=reading.state, damage=_damage(reading), signer=reading.signer
                    )
                )
    return tuple(found)


def _damage(reading: Reading) -> tuple[str, ...]:
    return reading.damage or ((reading.state,) if reading.tampered else ())


def _read(typed: str, path: str, anchors: bytes) -> Reading | None:
    kind = media_type(typed)
    if not kind or not path or not Path(path).is_file():
        return None  # that it is not there is another rule's to say
    reading = read_credentials(Path(path), anchors, kind=kind)
    if reading is not None and reading.state == "Unreadable" and not _mentions_credentials(Path(path)):
        return None  # a picture that the library cannot parse is no picture with credentials
    return reading


def _mentions_credentials(path: Path) -> bool:
    """Say whether a file has the type of a box of credentials in it (JUMBF, ISO/IEC 19566-5). Reads it in pieces."""
    kept = b""
    with path.open("rb") as file:
        while piece := file.read(2**20):
            if b"jumb" in kept + piece:
                return True
            kept = piece[-3:]
    return False


def sources_of(
    roles: Mapping[str, Pictures], blobs: Mapping[str, str], anchors: bytes, *, mode: str
) -> tuple[Source, ...]:
    """Return what the manifest names as ingredients: plate or driver, references, clean plate; no mattes, no points.

    A sequence whose frames carry credentials is shown by the first of them. Raises ComplianceError for an input whose
    credentials do not hold: everything is checked again here, just before it is signed.
    """
    sources = []
    for role, pictures in roles.items():
        name, _, number = role.partition(".")
        if name not in ("plate", "reference", "clean_plate"):
            continue
        label = "driver" if name == "plate" and mode == "animate" else name
        carrying = _first_intact(role, pictures, blobs, anchors)
        sources.append(
            Source(
                label=f"{label}_{number}" if number else label,
                title=bare_name(pictures.files[0].typed if carrying else pictures.typed),
                relationship="parentOf" if label == "plate" else "inputTo",
                media_type=format_of(pictures.files[0].typed),
                path=carrying,
            )
        )
    return tuple(sources)


def _first_intact(role: str, pictures: Pictures, blobs: Mapping[str, str], anchors: bytes) -> Path | None:
    first = None
    for file in pictures.files:
        path = blobs.get(file.file, "")
        reading = _read(file.typed, path, anchors)
        if reading is None:
            continue
        if reading.tampered:
            raise ComplianceError(
                f"{role} {bare_name(file.typed)} is not what was signed: {', '.join(_damage(reading))}",
                remedy="Get it again from whoever made it; what was changed on the way is not passed on as theirs.",
                facts={"ends": "refused"},
            )
        first = first or Path(path)
    return first


def used_inputs(roles: Mapping[str, Pictures], blobs: Mapping[str, str]) -> tuple[UsedInput, ...]:
    """Return every input with its SHA-256. Reads all of them; raises OSError for one that is gone."""
    return tuple(
        UsedInput(
            role=role,
            title=bare_name(pictures.typed),
            format=format_of(pictures.files[0].typed),
            files=len(pictures.files),
            sha256=_digest([(bare_name(file.typed), Path(blobs[file.file])) for file in pictures.files]),
        )
        for role, pictures in roles.items()
    )


def _digest(files: Sequence[tuple[str, Path]]) -> str:
    with ThreadPoolExecutor(THREADS, thread_name_prefix="inputs") as pool:
        digests = list(pool.map(sha256_of, (path for _, path in files)))
    lines = [(digest, name) for digest, (name, _) in zip(digests, files, strict=True)]
    if len(lines) == 1:
        return lines[0][0]
    return hashlib.sha256("".join(f"{digest}  {name}\n" for digest, name in lines).encode()).hexdigest()


def format_of(typed: str) -> str:
    suffix = PurePosixPath(typed).suffix.lower()
    return media_type(typed) or OTHER_FORMATS.get(suffix, "application/octet-stream")


def bare_name(typed: str) -> str:
    """Return the last component of a path of any operating system: the folder above it is nobody's business."""
    return PureWindowsPath(PurePosixPath(typed).name).name
