"""A published final signs for itself: its files, and the versions of ours that are in it, each verified before.

A movie carries its credentials in itself; other files are listed in understudy_final.frames.json, and that list is
signed. Whoever published stands for the rest of the picture: this says which layers were there, on which papers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from understudy.bridge.errors import ComplianceError, RequestError
from understudy.inference.provenance.claims import COMPLIANCE, no_training
from understudy.inference.provenance.credentials import MOVIES, Source, sign_beside, sign_in_itself
from understudy.inference.provenance.frame_list import FINAL_LIST, FINAL_SEAL, list_files, sha256_of, write_list
from understudy.inference.provenance.opened import open_subject
from understudy.inference.provenance.signing_keys import SigningKey
from understudy.inference.provenance.subject import SEALS, subject_of
from understudy.inference.provenance.verify import Verdict, verify

CLEARED, FINAL_STATE = "cleared", "delivered"
_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_TRAINED = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")


@dataclass(frozen=True, slots=True)
class UsedVersion:
    """One version whose layers are in a final."""

    title: str
    says: dict[str, Any]
    """Its own assertion, as it was signed."""
    list_sha256: str
    source_types: tuple[str, ...]


def seal_final(
    files: Sequence[Path], layers: Sequence[Path], key: SigningKey, software: str, *, home: Path | None = None
) -> tuple[Path, ...]:
    """Sign the files of a final and return what carries their proof. `layers`: paths in the versions that are in it.
    `home`: of this machine's daemon, whose ledger is asked of each.

    Raises ComplianceError for a layer that is not what was signed, was not cleared or was recalled, or that somebody
    signed whom a studio's key does not trust; SigningError, and RequestError for a file that is not there. What is
    signed already is replaced whole, or stays as it was.
    """
    _refuse_what_is_not_there(files, layers)
    versions = tuple({used.title: used for used in (_used(layer, key, home) for layer in layers)}.values())
    proofs = []
    for path in [path for path in files if path.suffix.lower() in MOVIES]:
        sources = _sources(versions)
        sign_in_itself(path, _manifest(path.name, versions, software), sources, key)
        proofs.append(path)
    for folder in dict.fromkeys(path.parent for path in files if path.suffix.lower() not in MOVIES):
        names = [path.name for path in files if path.parent == folder]
        listed, seal = folder / FINAL_LIST, folder / FINAL_SEAL
        content = write_list(list_files(folder, names, job="", version=0))
        temporary = folder / f".{FINAL_LIST}.signing"
        temporary.write_bytes(content)
        temporary.replace(listed)
        sign_beside(listed, seal, _manifest(FINAL_LIST, versions, software), _sources(versions), key)
        proofs += [listed, seal]
    return tuple(proofs)


def _refuse_what_is_not_there(files: Sequence[Path], layers: Sequence[Path]) -> None:
    if not files or not layers:
        raise RequestError("a final needs its files and its layers", remedy="Name both: seal FINAL --layers VERSION.")
    for path in files:
        if path.is_symlink() or not path.is_file():
            raise RequestError(f"{path} is no file of a final", remedy="Name the files that were written.")


def _used(layer: Path, key: SigningKey, home: Path | None) -> UsedVersion:
    """Return the version that a layer is of. Raises ComplianceError for one that cannot stand in a final."""
    verdict = verify(layer, key.anchors, home)
    if not verdict.intact:
        first = verdict.faults[0]
        raise ComplianceError(
            f"{layer} is not what was signed: {first.file}: {first.words}"
            + (f", and {len(verdict.faults) - 1} more" if len(verdict.faults) > 1 else ""),
            remedy=f"`understudy verify {layer}` lists all of it; fetch the version again.",
        )
    subject = subject_of(layer)
    opened = open_subject(subject, key.anchors)
    if opened.seal is None or opened.listed is None or subject.seal != SEALS[0]:
        raise ComplianceError(
            f"{layer} is not of a version that Understudy delivered", remedy="Name the version's folder, or one in it."
        )
    _refuse_recalled(layer, verdict)
    if not key.development:  # such a key states nothing that anybody trusts; a studio's vouches for what it repeats
        _refuse_strangers(layer, verdict)
    for name, wanted in (("clearance", CLEARED), ("state", FINAL_STATE)):
        says = str(opened.seal.says.get(name, "nothing"))
        if says != wanted:
            raise ComplianceError(
                f"{layer} says {says}, not {wanted}: it is part of no final",
                remedy="Run it again, on a record and as it is to be seen; then comp that.",
            )
    return UsedVersion(
        title=f"job {opened.listed.job} version {opened.listed.version}",
        says=opened.seal.says,
        list_sha256=sha256_of(subject.base / SEALS[0][0]),
        source_types=opened.seal.source_types,
    )


def _refuse_recalled(layer: Path, verdict: Verdict) -> None:
    if verdict.recalled:
        raise ComplianceError(
            f"{layer} was recalled on {verdict.recalled[:10]}: it is part of no final",
            remedy="Take its layers out. `understudy audit` on the daemon's machine says whose papers fell.",
        )


def _refuse_strangers(layer: Path, verdict: Verdict) -> None:
    """Raises ComplianceError where somebody signed whose root is not trusted here: anybody can sign a statement."""
    if not verdict.trusted:
        names = ", ".join(signer.name for signer in verdict.signers if not signer.trusted)
        raise ComplianceError(
            f"{layer} is signed by {names or 'nobody'}, not trusted here: "
            "this studio's certificate states nothing of it",
            remedy="If your own machines signed it, have `trust_anchors` name their root. What a development "
            "certificate signed has to be made again where the studio's own signs. Else ask whose it is.",
        )


def _sources(versions: Sequence[UsedVersion]) -> list[Source]:
    return [
        Source(label=f"layers_{number}", title=used.title, relationship="componentOf", media_type="application/json")
        for number, used in enumerate(versions, start=1)
    ]


def _manifest(title: str, versions: Sequence[UsedVersion], software: str) -> dict[str, Any]:
    """Return the manifest of one file of a final. Its composite is as trained as its most trained layer."""
    types = {kind for used in versions for kind in used.source_types}
    trained = any(kind.rpartition("/")[2] in _TRAINED for kind in types)
    placed = [{"action": "c2pa.placed", "parameters": {"ingredientIds": [one.label]}} for one in _sources(versions)]
    created = {
        "action": "c2pa.created",
        "digitalSourceType": _IPTC + ("compositeWithTrainedAlgorithmicMedia" if trained else "compositeSynthetic"),
        "softwareAgent": {"name": "Understudy seal", "version": software},
    }
    said = [{**used.says, "list_sha256": used.list_sha256} for used in versions]
    for one in said:
        one.pop("file", None)
    return {
        "claim_generator_info": [{"name": "Understudy", "version": software}],
        "title": title,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created, *placed]}},
            no_training(),
            {"label": COMPLIANCE, "kind": "Json", "data": {"final": title, "clearance": CLEARED, "layers": said}},
        ],
    }
