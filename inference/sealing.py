"""The last papers of a version: its movies and its list of files are signed, and read back before it is released.

Order: every layer has its final state -> movies are signed -> manifest.json -> frames.json lists all of them -> its
seal -> everything is read again -> the gate's last word -> the folder gets its name. What is signed is never changed.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import SigningError
from understudy.bridge.record import salted
from understudy.bridge.settings import UserSettings, load_settings
from understudy.inference.compliance.facts import SealFacts, SignatureReading
from understudy.inference.compliance.marks import (
    NONE,
    SOURCE_TYPE,
    clearance_words,
    final_state,
    iptc_fields,
    record_digest,
)
from understudy.inference.provenance.claims import Made, SoftBinding, probe_manifest, version_manifest
from understudy.inference.provenance.content_id import content_id
from understudy.inference.provenance.credentials import MOVIES, Reading, read_credentials, sign_beside, sign_in_itself
from understudy.inference.provenance.frame_list import (
    LIST_NAME,
    SEAL_NAME,
    differences,
    files_under,
    list_files,
    look_at,
    read_list,
    write_list,
)
from understudy.inference.provenance.inputs import sources_of, used_inputs
from understudy.inference.provenance.trust import DEVELOPMENT_NAME
from understudy.inference.work_order import WorkOrder

Step = Callable[[int, int], None]


class Sealing:
    """Signs one version. For one thread of one worker; the key is opened here, after the worker was started."""

    def __init__(
        self,
        order: WorkOrder,
        folder: Path,
        description: EngineDescription,
        said: Mapping[str, str],
        step: Step,
        judge: Callable[[SealFacts], None],
        *,
        marked: Mapping[str, SoftBinding] = {},
        settings: UserSettings | None = None,
    ) -> None:
        """`said`: the marks of the version's files. `judge` raises what keeps it from being delivered. `marked`: by
        path, what the invisible marks of its movies say.

        Raises SigningError where nobody can sign on this machine, and ComplianceError for an input whose credentials do
        not hold.
        """
        self._order, self._folder = order, folder
        self._step, self._judge = step, judge
        from understudy.inference.provenance.signing_keys import load_signing_key  # cryptography, only where it signs

        self._key = load_signing_key(settings or load_settings())
        roles = order.job.shot.roles()
        self._sources = sources_of(roles, order.blobs, self._key.anchors, mode=order.job.settings.mode)
        self._made = _made(order, description, said)
        self._marked = marked
        self._steps = 1

    @property
    def signer(self) -> str:
        """Who signs, in words: the name in the certificate, or that it stands for nobody."""
        return DEVELOPMENT_NAME if self._key.development else self._key.name

    def sign(self, movies: Sequence[Path]) -> None:
        """Give every movie its credentials."""
        self._steps = len(movies) + 1  # and the list
        for done, path in enumerate(movies):
            self._step(done, self._steps)
            name = path.relative_to(self._folder).as_posix()
            made = dataclasses.replace(self._made, soft_binding=self._marked.get(name))
            manifest = version_manifest(made, name, self._sources)
            sign_in_itself(path, manifest, self._sources, self._key, durable=False)

    def seal(self, paths: Sequence[str]) -> tuple[Path, ...]:
        """Write the list of these files and its seal; return both. After this nothing in the folder may change."""
        listed, seal = self._folder / LIST_NAME, self._folder / SEAL_NAME
        listed.write_bytes(
            write_list(list_files(self._folder, paths, job=self._order.job_id, version=self._order.version))
        )
        manifest = version_manifest(self._made, LIST_NAME, self._sources)
        sign_beside(listed, seal, manifest, self._sources, self._key)
        self._step(self._steps, self._steps)
        return listed, seal

    def judge(self) -> None:
        """Read everything back and let the gate judge it. Raises ComplianceError."""
        self._judge(self.read_back())

    def read_back(self) -> SealFacts:
        """Return what is on disk now: signatures, and the folder held against its list."""
        folder, anchors = self._folder, self._key.anchors
        files = files_under(folder)
        movies = tuple(name for name in files if name.endswith(MOVIES))
        readings = [_reading(name, read_credentials(folder / name, anchors)) for name in movies]
        seal = read_credentials(folder / LIST_NAME, anchors, sidecar=folder / SEAL_NAME)
        listed = read_list((folder / LIST_NAME).read_bytes())
        found = differences(listed, look_at(folder, files))
        return SealFacts(
            job=self._order.job,
            movies=movies,
            signatures=(*readings, _reading(LIST_NAME, seal)),
            development=self._key.development,
            listed=len(listed.files),
            missing=found.missing,
            extra=found.extra,
            renamed=found.renamed,
            altered=found.altered,
        )


def try_to_sign(settings: UserSettings | None = None) -> None:
    """Sign a few bytes and read them back as a version will be. Raises SigningError: before a GPU minute is spent.

    What cannot be signed is not delivered, so a certificate that has expired, a program that does not answer or a root
    that nobody set are told now.
    """
    from understudy.inference.provenance.signing_keys import load_signing_key

    key = load_signing_key(settings or load_settings())
    with tempfile.TemporaryDirectory(prefix="understudy-signing-") as folder:
        probe, seal = Path(folder) / "probe", Path(folder) / "probe.c2pa"
        probe.write_bytes(b"can this be signed?\n")
        sign_beside(probe, seal, probe_manifest(), (), key)
        reading = read_credentials(probe, key.anchors, sidecar=seal)
    if reading is None or reading.state != "Trusted":
        why = ", ".join(reading.failures) if reading is not None else "it carries nothing"
        raise SigningError(
            f"what this machine signs would not be trusted here: {why}",
            remedy="Set `trust_anchors` to a PEM file with the root of `signing_chain`; then `understudy retry`.",
        )


def _reading(name: str, reading: Reading | None) -> SignatureReading:
    if reading is None:
        return SignatureReading(path=name, state="unsigned")
    return SignatureReading(
        path=name, state=reading.state, failures=reading.failures, ingredient_failures=_against(reading),
        signer=reading.signer,
    )  # fmt: skip


def _against(reading: Reading) -> tuple[str, ...]:
    """Return what is wrong with the ingredients: that their signer is a stranger here is none of it."""
    return tuple(code for code in reading.ingredient_failures if code in reading.damage)


def _made(order: WorkOrder, description: EngineDescription, said: Mapping[str, str]) -> Made:
    return Made(
        job=order.job_id,
        version=order.version,
        shot=order.job.shot.name,
        mode=order.job.settings.mode,
        source_type=said[SOURCE_TYPE],
        engine=description.label,
        engine_version=description.version,
        software=said["understudy/software"].removeprefix("understudy "),
        accepted_at=order.accepted_at,
        prompt=order.job.settings.prompt or NONE,
        compliance={**_compliance(order), "state": final_state(order, description.not_final)},
        ai_fields=iptc_fields(order, description),
    )


def _compliance(order: WorkOrder) -> dict[str, Any]:
    """Return our own assertion: on which papers a version stands, by ids and digests; nobody's name."""
    record = order.job.record
    return {
        "content_id": content_id(order.job_id, order.version),
        "job": order.job_id,
        "shot": order.job.shot.name,
        "version": order.version,
        "mode": order.job.settings.mode,
        "clearance": clearance_words(record),
        "record_id": record.record_id or NONE,
        "record_blake3": record_digest(record),
        "likeness": record.likeness or NONE,
        "consents_salted_sha256": sorted(salted(record, consent.document) for consent in record.consents),
        "ledger_head": msgspec.to_builtins(order.ledger_head),
        "inputs": [msgspec.to_builtins(one) for one in used_inputs(order.job.shot.roles(), order.blobs)],
    }
