"""Content Credentials: sign a movie in itself or any file by a sidecar, and read both. The only file that knows c2pa.

c2pa is imported inside the functions: it costs 50 ms and 20 MB, and only a worker that signs and a person who verifies
shall pay. Any thread; a signer is made for every signature, as one from before a fork is refused.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from understudy.bridge.errors import JobParked, SigningError, UnderstudyError

if TYPE_CHECKING:
    import c2pa

    from understudy.inference.provenance.signing_keys import SigningKey

FORMATS = {
    ".mp4": "video/mp4", ".m4v": "video/x-m4v", ".mov": "video/quicktime", ".avi": "video/avi",
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".tif": "image/tiff", ".tiff": "image/tiff",
    ".webp": "image/webp", ".avif": "image/avif", ".heic": "image/heic", ".heif": "image/heif", ".gif": "image/gif",
    ".jxl": "image/jxl", ".dng": "image/x-adobe-dng",
}  # fmt: skip
"""Suffix to media type of what can carry credentials in itself; c2pa-rs 0.91 knows these."""
MOVIES = (".mp4", ".mov")
"""What of a version, or of a final, carries its credentials in itself."""
DETACHED = "application/octet-stream"
"""What a sidecar says of its file: a type that the library does not know, for it then signs the bytes as they are."""
SIDECAR = ".c2pa"
SIGNING = ".signing"
ROOM_BYTES = 2**20
"""What credentials add to a file at most; ours have fifteen kilobytes, and those of ingredients come on top."""
SIDECAR_LIMIT_BYTES = 64 * 2**20  # ours have ten kilobytes; one of a long chain of ingredients a few megabytes
PURPOSES = ("1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.36")
"""Extended key usages that a signer may have beside e-mail protection, which the library always takes: C2PA's own, that
of cameras and editors on its trust list, and document signing (RFC 9336)."""
NOT_TAMPERING = frozenset(
    {
        "signingCredential.untrusted", "signingCredential.expired", "timeStamp.untrusted",
        "timeStamp.outsideValidity",
    }
)  # fmt: skip
"""What a validator of C2PA 2.4 holds against a signer, not against the file: it may be a stranger, or long ago."""


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that a file was made of, as its manifest lists it."""

    label: str
    title: str
    relationship: str
    """`parentOf` for what was changed, `inputTo` for what was looked at."""
    media_type: str
    path: Path | None = None
    """The file, where it carries credentials of its own; None = it is named, and no more is known of it."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a file's credentials say once they were checked."""

    state: str
    """`Trusted`; `Valid` = intact, of a signer who is not known here; `Invalid`; `Unreadable`."""
    failures: tuple[str, ...] = ()
    ingredient_failures: tuple[str, ...] = ()
    signer: str = ""
    title: str = ""
    says: dict[str, Any] = {}
    """Our own assertion, where there is one."""
    source_types: tuple[str, ...] = ()
    soft_bindings: tuple[tuple[str, str], ...] = ()
    """Algorithm and value of the invisible marks that the file is said to carry."""

    @property
    def tampered(self) -> bool:
        """Whether the file, or what it says of its ingredients, is not what was signed. A state that nothing explains
        counts against it.
        """
        return bool(self.damage) or (self.state not in ("Trusted", "Valid") and not self.failures)

    @property
    def damage(self) -> tuple[str, ...]:
        return tuple(code for code in (*self.failures, *self.ingredient_failures) if code not in NOT_TAMPERING)


def media_type(name: str) -> str:
    """Return the media type of a file that can carry credentials in itself; empty for any other. Pure."""
    return FORMATS.get(Path(name).suffix.lower(), "")


def sign_in_itself(
    path: Path, manifest: Mapping[str, Any], sources: Sequence[Source], key: SigningKey, *, durable: bool = True
) -> None:
    """Give a movie or a picture its credentials, through a temporary file: it is unsigned or signed, never half.

    `durable`: it is on the disk before it takes the place of the unsigned one. False is for a worker, which flushes a
    version as a whole before it gets its name; a file of somebody's own must outlive a power cut.
    Raises SigningError naming the file; ComplianceError is for whoever checks the sources before.
    """
    kind = media_type(path.name)
    if not kind:
        raise ValueError(f"{path.name} cannot carry credentials in itself")
    temporary = path.with_name(f".{path.name}{SIGNING}")
    temporary.unlink(missing_ok=True)
    _refuse_without_room(path)
    try:
        # "x": never a name that is there, so no link can make it the file that is being read.
        with path.open("rb") as source, temporary.open("x+b") as signed:
            _sign(path, kind, manifest, sources, key, source, signed)
            signed.flush()
            if durable:
                os.fsync(signed.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sign_beside(
    path: Path, sidecar: Path, manifest: Mapping[str, Any], sources: Sequence[Source], key: SigningKey
) -> None:
    """Write the credentials of any file beside it, whole or not at all. Raises SigningError naming the file."""
    with path.open("rb") as source:
        credentials = _sign(path, DETACHED, manifest, sources, key, source, _Nowhere(), beside=True)
    temporary = sidecar.with_name(f".{sidecar.name}{SIGNING}")
    temporary.unlink(missing_ok=True)
    try:
        with temporary.open("xb") as file:
            file.write(credentials)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(sidecar)
    finally:
        temporary.unlink(missing_ok=True)


def read_credentials(path: Path, anchors: bytes, *, sidecar: Path | None = None, kind: str = "") -> Reading | None:
    """Return what the credentials of a file say, checked against the file; None where there are none.

    Never raises for what is in a file: damaged credentials are a reading. Raises OSError for what cannot be opened.
    """
    import c2pa

    kind = DETACHED if sidecar is not None else kind or media_type(path.name)
    if not kind:
        return None
    try:
        beside = _read_sidecar(sidecar) if sidecar is not None else None
        with path.open("rb") as stream:
            reader = c2pa.Reader.try_create(kind, stream, beside, _context(anchors))
            if reader is None:
                return None
            with reader:
                return _reading(json.loads(reader.json()))
    except (c2pa.C2paError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        return Reading(state="Unreadable", failures=(f"unreadable: {_words(problem)}",))


def _refuse_without_room(path: Path) -> None:
    """Raises JobParked where the signed copy would not fit: from within, the library would only say that it failed."""
    if shutil.disk_usage(path.parent).free < path.stat().st_size + ROOM_BYTES:
        raise JobParked(
            f"no room left at {path.parent} to sign {path.name}: a signed copy lies beside it for a moment",
            remedy="Free as much as the movie's size; the job goes on where it stopped.",
        )


def _sign(
    path: Path,
    kind: str,
    manifest: Mapping[str, Any],
    sources: Sequence[Source],
    key: SigningKey,
    source: io.BufferedIOBase,
    target: Any,
    *,
    beside: bool = False,
) -> bytes:
    import c2pa

    troubles: list[UnderstudyError] = []
    with (
        _told_as_signing(path, troubles),
        _signer(key, troubles) as signer,
        c2pa.Builder(dict(manifest), context=_context(key.anchors)) as builder,
    ):
        if beside:
            builder.set_no_embed()
        for one in sources:
            _add(builder, one)
        return bytes(builder.sign(signer, kind, source, target))


def _add(builder: c2pa.Builder, source: Source) -> None:
    said = {"title": source.title, "relationship": source.relationship, "label": source.label}
    if source.path is None:
        # As a file of no known kind: the library would open a picture, and an empty one is refused.
        builder.add_ingredient({**said, "format": source.media_type}, DETACHED, io.BytesIO(b"\0"))
        return
    with source.path.open("rb") as stream:
        builder.add_ingredient(said, source.media_type, stream)


@contextmanager
def _signer(key: SigningKey, troubles: list[UnderstudyError]) -> Iterator[c2pa.Signer]:
    """Yield a signer of this process. What goes wrong while it signs is kept: the library would pass on words alone."""
    import c2pa

    def sign(data: bytes) -> bytes:
        try:
            return key.sign(bytes(data))
        except UnderstudyError as problem:
            troubles.append(problem)
            raise

    algorithm = c2pa.C2paSigningAlg[key.algorithm.upper()]
    with c2pa.Signer.from_callback(sign, algorithm, key.chain.decode("ascii"), key.time_stamp_url) as signer:
        yield signer


@contextmanager
def _told_as_signing(path: Path, troubles: Sequence[UnderstudyError]) -> Iterator[None]:
    import c2pa

    try:
        yield
    except c2pa.C2paError as problem:
        if troubles:
            raise troubles[0] from None
        raise SigningError(
            f"{path.name} cannot be signed: {_words(problem)}",
            remedy="Check the certificate (docs/provenance.md says what it needs) and the time-stamp authority; "
            "then `understudy retry`: what is made is kept.",
        ) from None


def _context(anchors: bytes) -> c2pa.Context:
    """Return how everything here is signed and read. Names that the library does not know are ignored in silence, so a
    test holds each of them to what it does.
    """
    import c2pa

    trust = {"trust_config": "\n".join(PURPOSES)}
    if anchors.strip():
        trust["user_anchors"] = anchors.decode("ascii", "replace")
    return c2pa.Context.from_dict(
        {
            "trust": trust,
            "verify": {"remote_manifest_fetch": False},  # nothing is fetched because a file says so
            "builder": {"thumbnail": {"enabled": False}},  # a small picture of an unreleased shot is a leak
        }
    )


def _read_sidecar(path: Path) -> bytes:
    if path.stat().st_size > SIDECAR_LIMIT_BYTES:
        raise ValueError(f"{path.name} is larger than credentials ever are")
    return path.read_bytes()


def _reading(said: Any) -> Reading:
    active = said["manifests"][said["active_manifest"]]
    assertions = {one["label"]: one.get("data", {}) for one in active.get("assertions", ())}
    own = assertions.get("org.understudy.compliance", {})
    actions: dict[str, Any] = next((data for label, data in assertions.items() if label.startswith("c2pa.actions")), {})
    return Reading(
        state=str(said.get("validation_state", "Invalid")),
        failures=_codes(said.get("validation_results", {}).get("activeManifest", {})),
        ingredient_failures=_ingredient_codes(said, active),
        signer=_signer_words(active.get("signature_info", {})),
        title=str(active.get("title", "")),
        says=own if isinstance(own, dict) else {},
        source_types=tuple(
            str(one["digitalSourceType"]) for one in actions.get("actions", ()) if "digitalSourceType" in one
        ),
        soft_bindings=tuple(
            (str(data["alg"]), str(block["value"]))
            for label, data in assertions.items()
            if label.startswith("c2pa.soft-binding")
            for block in data["blocks"]
        ),
    )


def _signer_words(info: Mapping[str, Any]) -> str:
    return str(info.get("common_name") or info.get("issuer") or "")


def _codes(results: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(one["code"]) for one in results.get("failure", ())))


def _ingredient_codes(said: Mapping[str, Any], active: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is wrong with what it was made of: the overall state says nothing of it."""
    checked = (one.get("validation_results", {}) for one in active.get("ingredients", ()))
    found = [_codes(results.get("activeManifest", {})) for results in checked]
    deltas = said.get("validation_results", {}).get("ingredientDeltas", ())
    found += [_codes(one.get("validationDeltas", {})) for one in deltas]
    return tuple(dict.fromkeys(code for codes in found for code in codes))


def _words(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:300] or type(problem).__name__


class _Nowhere(io.RawIOBase):
    """A stream that counts and forgets: a sidecar's signing writes the file out again, byte for byte."""

    def __init__(self) -> None:
        self._at = self._end = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return b""

    def write(self, data: Any) -> int:
        self._at += len(data)
        self._end = max(self._end, self._at)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = {0: 0, 1: self._at, 2: self._end}[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at
