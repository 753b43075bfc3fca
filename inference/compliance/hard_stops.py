"""What is refused whatever the papers say. Pure; no pack can allow it and no waiver reaches it."""

from __future__ import annotations

from understudy.bridge.errors import Finding
from understudy.bridge.shot import JobRequest
from understudy.inference.compliance.rule import passes, refuses

REPLICAS = ("digital_replica", "altered_performance")


def judge_content(job: JobRequest) -> Finding:
    """Return a refusal where a minor and intimacy meet, or where a model would learn from somebody's likeness.

    A minor is one of the cast as much as one who is depicted, and counts on every ground: an attestation is no consent.
    """
    record = job.record
    minor = record.content.minor_depicted or any(member.minor for member in record.cast)
    if minor and record.content.intimate:
        return refuses(
            "the record states intimate content and a minor: this is never made",
            remedy="Nobody can waive this. If the record is wrong, write a new one.",
            fields=("content.intimate", "content.minor_depicted", "cast[].minor"),
            content="minor and intimate",
        )
    if record.use.training and record.likeness in REPLICAS:
        return refuses(
            f"the record states `use.training` of a {record.likeness}: no model is trained on a person's likeness",
            remedy="Nobody can waive this. Leave the pictures out of what a model learns from.",
            fields=("use.training", "likeness"),
            content="training on a replica",
        )
    return passes("nothing stated of the content is refused whatever the papers say")
