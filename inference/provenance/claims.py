"""What a manifest says of a version: actions, how it was made, on which papers, of what. Pure; no file, no clock.

No talent's name, no actor and no folder stands in it: papers are named by ids and digests alone. The layout is that of
C2PA 2.4 (first action `c2pa.opened` with a parent, or `c2pa.created`) and CAWG 1.1 (`cawg.training-mining`).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from understudy.inference.provenance.credentials import Source

SOFT_BINDING = "c2pa.soft-binding"
COMPLIANCE = "org.understudy.compliance"
IPTC_FIELDS = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_MINING = ("cawg.ai_generative_training", "cawg.ai_training", "cawg.ai_inference", "cawg.data_mining")


class SoftBinding(NamedTuple):
    """An invisible mark, as C2PA calls it: what stays of a movie's identity when its credentials are gone."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Made:
    """How a version was made, in the words that its files carry already."""

    job: str
    version: int
    shot: str
    mode: str
    source_type: str
    """An IPTC digital source type, as a URI."""
    engine: str
    engine_version: str
    software: str
    """The version of Understudy."""
    accepted_at: str
    prompt: str
    """`none` where there was none: stated, as a missing field could also be a lost one."""
    compliance: Mapping[str, Any]
    """Our own assertion: ids and digests of papers, clearance, inputs."""
    ai_fields: Mapping[str, str] = field(default_factory=dict)
    """IPTC's fields by their names, the digital source type among them."""
    soft_binding: SoftBinding | None = None
    """Of a movie with an invisible mark: a movie that lost its credentials is found by it."""


def version_manifest(made: Made, title: str, sources: Sequence[Source]) -> dict[str, Any]:
    """Return the manifest of one file of a version, as `sign_in_itself` and `sign_beside` take it."""
    return {
        "claim_generator_info": [{"name": "Understudy", "version": made.software}],
        "title": title,
        "label": f"urn:c2pa:{identity(f'{made.job}/{made.version}/{title}/manifest')}",
        "instance_id": f"xmp:iid:{identity(f'{made.job}/{made.version}/{title}')}",
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": _actions(made, sources)}},
            no_training(),
            {
                "label": "cawg.metadata",
                "kind": "Json",
                "data": {
                    "@context": {"Iptc4xmpExt": IPTC_FIELDS},
                    **{f"Iptc4xmpExt:{name}": value for name, value in made.ai_fields.items()},
                },
            },
            *_soft_binding(made),
            {"label": COMPLIANCE, "kind": "Json", "data": {**made.compliance, "file": title}},
        ],
    }


def probe_manifest() -> dict[str, Any]:
    """Return the least that C2PA takes: for bytes that are signed to see whether they can be."""
    created = {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/dataDrivenMedia",
    }
    return {
        "claim_generator_info": [{"name": "Understudy"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }


def identity(name: str) -> str:
    """Return a UUID that follows from `name`: one file of one version has one id, however often it is signed.

    In the form of version 4, which is the only one that C2PA takes in a manifest's label.
    """
    return str(uuid.UUID(bytes=hashlib.sha256(f"understudy/{name}".encode()).digest()[:16], version=4))


def _soft_binding(made: Made) -> list[dict[str, Any]]:
    if made.soft_binding is None:
        return []
    blocks = [{"scope": {}, "value": made.soft_binding.value}]
    return [{"label": SOFT_BINDING, "data": {"alg": made.soft_binding.algorithm, "blocks": blocks}}]


def no_training() -> dict[str, Any]:
    """Return the assertion that nobody may train on a file, or mine it."""
    entries = {name: {"use": "notAllowed"} for name in _MINING}
    return {"label": "cawg.training-mining", "data": {"entries": entries}}


def _actions(made: Made, sources: Sequence[Source]) -> list[dict[str, Any]]:
    """Return what was done: a parent is opened and edited; without one, the picture was created."""
    parents = [source.label for source in sources if source.relationship == "parentOf"]
    others = [source.label for source in sources if source.relationship != "parentOf"]
    making: dict[str, Any] = {
        "action": "c2pa.edited" if parents else "c2pa.created",
        "digitalSourceType": made.source_type,
        "softwareAgent": {"name": made.engine, "version": made.engine_version},
        "when": made.accepted_at,
        "parameters": {"org.understudy.mode": made.mode, **({"ingredientIds": others} if others else {})},
    }
    if not parents:
        return [making]
    return [{"action": "c2pa.opened", "parameters": {"ingredientIds": parents}}, making]
