"""A studio's papers for the panel's tests: a pack of its own, people and consents in a registry, keys by role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from daemon_rig import RunningDaemon
from pack_rig import pack_text

from understudy.bridge.keys import issue_key, write_connection
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.papers import RegisteredConsent, Talent
from understudy.inference.authority.registry import Change, Registry

LENS = ("Every shot of this show is logged with its lens.", "context.lens")
RULE = "our-show.lens"
WHY = "The camera log of that day was lost in the flood."
NARROW = "consents_reach_this_use"


def show_pack(folder: Path) -> Path:
    """Write the show's pack into a folder: admission asks for the lens where the shot says that it moves."""
    folder.mkdir(parents=True, exist_ok=True)
    when = '[{ set = "context.camera_move" }]'
    (folder / "our-show.toml").write_text(pack_text(RULE, "admission", "legal", LENS, when=when))
    return folder


def fill_registry(daemon: RunningDaemon) -> None:
    """Put two people and their consents into the daemon's registry: one for DE and AT, one that has run out."""
    kept = RegisteredConsent(
        id="c-ana", talent="ana", document="a" * 64, signed_on="2026-01-05", expires_on="2099-01-01",
        territories=("DE", "AT"), media=("streaming",),
    )  # fmt: skip
    gone = RegisteredConsent(
        id="c-bo", talent="bo", document="b" * 64, signed_on="2024-01-05", expires_on="2025-01-05", projects=("dune",)
    )
    papers = (
        Change("talent", Talent(id="ana", name="Ana Lopez"), "added"), Change("talent", Talent(id="bo"), "added"),
        Change("consent", kept, "added"), Change("consent", gone, "added"),
    )  # fmt: skip
    registry = Registry(daemon.home, Ledger(daemon.home))
    registry.write("pia", papers)
    registry.close()


def key_of(daemon: RunningDaemon, folder: Path, name: str, role: str) -> Path:
    """Return the connection file of somebody of the house, with one role."""
    path = folder / f"{name}.json"
    write_connection(path, issue_key(daemon.home, name, roles=(role,), projects=(), host="127.0.0.1"))  # type: ignore[arg-type]
    return path


def record(**changed: Any) -> dict[str, Any]:
    """Return a record that admission takes: its consent is the registry's, its use within it."""
    said = {
        "schema": 2, "record_id": "r-1", "likeness": "non_human", "performed_by": ["ana"],
        "consents": [{"consent_id": "c-ana"}], "use": {"territories": ["DE"], "media": ["streaming"]},
        "eu": {"role": "both", "deepfake": "no", "reason": "A puppet that nobody takes for a person, in any shot."},
    }  # fmt: skip
    return {**said, **changed}


def write_record(path: Path, **changed: Any) -> Path:
    path.write_text(json.dumps(record(**changed), indent=2))
    return path
