"""The registry on disk: what is refused, what survives, what the ledger hears."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from understudy.bridge.errors import DaemonError, KeyRefused, RequestError
from understudy.bridge.keys import ensure_local_keys, issue_key, write_connection
from understudy.inference.authority.acting import MAY, acting_user, check_may
from understudy.inference.authority.ledger import Ledger, judge_ledger, read_ledger
from understudy.inference.authority.papers import Approval, Clip, RegisteredConsent, Talent, Waiver
from understudy.inference.authority.registry import Change, Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(tmp_path, Ledger(tmp_path))
    registry.write("ann", [added("talent", Talent(id="ana", name="Ana Secret"))])
    return registry


def added(kind: Any, paper: Any) -> Change:
    return Change(kind, paper, "added")


def consent(**changes: Any) -> RegisteredConsent:
    fields = {"id": "c-1", "talent": "ana", "document": "a" * 64, "signed_on": "2026-01-05"}
    return RegisteredConsent(**{**fields, **changes})


def test_what_was_written_is_there_for_the_next_process_and_nobody_else(registry: Registry, tmp_path: Path) -> None:
    registry.write("ann", [added("consent", consent(projects=("dune",)))])
    registry.close()
    again = Registry(tmp_path, Ledger(tmp_path))
    assert again.get(RegisteredConsent, "c-1") == consent(projects=("dune",))
    for path in tmp_path.glob("registry.sqlite*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_ledger_hears_of_each_change_without_a_name(registry: Registry, tmp_path: Path) -> None:
    registry.write("ann", [added("consent", consent())])
    entry = list(read_ledger(tmp_path))[-1]
    assert (entry.event, entry.subjects["consent"]) == ("consent.added", "c-1")
    assert entry.subjects["talent"] == Ledger(tmp_path).hashed("ana")
    content = (tmp_path / "ledger/entries.jsonl").read_text()
    assert "Ana" not in content
    assert '"ana"' not in content


@pytest.mark.parametrize(
    "paper", [consent(talent="nobody"), consent(expires_on="2025-01-01"), consent(signed_on="2026-02-30")]
)
def test_when_one_of_several_is_wrong_then_none_is_stored_and_the_ledger_says_nothing(
    registry: Registry, tmp_path: Path, paper: RegisteredConsent
) -> None:
    before = judge_ledger(tmp_path).entries
    with pytest.raises(RequestError):
        registry.write("ann", [added("talent", Talent(id="bo")), added("consent", paper)])
    assert registry.find(Talent, "bo") is None
    assert judge_ledger(tmp_path).entries == before


def test_when_the_ledger_cannot_be_written_then_nothing_changes(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "ledger/entries.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DaemonError, match="it was cut"):
        registry.write("ann", [added("consent", consent())])
    assert registry.find(RegisteredConsent, "c-1") is None


def test_a_clip_names_people_and_consents_that_are_here(registry: Registry) -> None:
    with pytest.raises(RequestError, match="names the consent 'c-9'"):
        registry.write("ann", [added("clip", Clip(id="walk", performers=("ana",), consents=("c-9",)))])


def test_nobody_decides_on_a_waiver_that_they_asked_for(registry: Registry) -> None:
    with pytest.raises(RequestError, match="nobody decides on their own request"):
        registry.write("ann", [added("waiver", asked(state="granted", decided_by="ann", expires_on="2026-02-01"))])


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"state": "granted", "decided_by": "lea"}, "expires_on"), ({"waivable_by": ()}, "waivable_by")],
    ids=["without an end", "nobody may"],
)
def test_a_waiver_without_an_end_or_anybody_who_may_grant_it_is_not_kept(
    registry: Registry, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(RequestError, match=f"waiver w-1: `{field}`"):
        registry.write("ann", [added("waiver", asked(**changes))])


def test_a_snapshot_holds_the_granted_waivers_of_its_record_alone(registry: Registry) -> None:
    granted = {"state": "granted", "decided_by": "lea", "decided_as": "legal", "expires_on": "2026-02-01"}
    papers = [asked(), asked(id="w-2", **granted), asked(id="w-3", record_id="r-2", **granted)]
    registry.write("ann", [added("waiver", paper) for paper in papers])
    before = registry.snapshot(("ana",), (), "r-3").digest
    assert [one.id for one in registry.snapshot(("ana",), (), "r-1").waivers] == ["w-2"]
    assert registry.snapshot(("ana",), ()).waivers == ()
    assert registry.snapshot(("ana",), (), "r-1").digest != before


def test_a_snapshot_holds_the_approvals_of_its_project_and_those_that_its_record_names_of_whatever_project(
    registry: Registry,
) -> None:
    registry.write("ann", [added("approval", approval(name)) for name in ("dune", "falcon", "")])
    registry.write("ann", [Change("approval", approval("falcon", revoked_on="2026-02-01"), "revoked")])

    def held(project: str | None, *references: str) -> list[str]:
        return [one.id for one in registry.snapshot((), (), project=project, approvals=references).approvals]

    assert held("dune") == ["a-", "a-dune"]
    assert held("dune", "letter falcon") == ["a-", "a-dune", "a-falcon"]
    assert held(None, "letter falcon", "another") == ["a-", "a-falcon"]


def approval(project: str, **changes: Any) -> Approval:
    fields = {"kind": "legal", "reference": f"letter {project}", "approved_by": "lea", "approved_on": "2026-01-05"}
    return Approval(id=f"a-{project}", project=project, **{**fields, **changes})


def asked(**changes: Any) -> Waiver:
    fields: dict[str, Any] = {
        "id": "w-1", "rule": "mine.media", "pack": "mine@1.0.0", "record_id": "r-1", "facts": "f" * 64,
        "waivable_by": ("legal",), "reason": "the client agreed in writing", "requested_by": "ann",
        "requested_on": "2026-01-05",
    }  # fmt: skip
    return Waiver(**{**fields, **changes})


def test_a_snapshot_holds_the_people_that_are_named_and_no_names(registry: Registry) -> None:
    registry.write("ann", [added("talent", Talent(id="bo")), added("consent", consent())])
    registry.write("ann", [added("consent", consent(id="c-2", talent="bo"))])
    found = registry.snapshot(("ana",), ())
    assert ([one.id for one in found.consents], [one.id for one in found.talents]) == (["c-1"], ["ana"])
    assert found.consents_known == 2
    assert "Secret" not in str(found)
    assert [one.id for one in registry.snapshot((), ("c-2",)).talents] == ["bo"]


def test_a_snapshots_digest_changes_with_what_it_shows_and_with_nothing_else(registry: Registry) -> None:
    registry.write("ann", [added("talent", Talent(id="bo")), added("consent", consent())])
    before = registry.snapshot(("ana",), ()).digest
    registry.write("ann", [added("consent", consent(id="c-2", talent="bo"))])
    assert registry.snapshot(("ana",), ()).digest == before
    registry.write("ann", [Change("consent", consent(revoked_on="2026-11-20"), "revoked")])
    assert registry.snapshot(("ana",), ()).digest != before


WRITER = """
import sys
from pathlib import Path
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.papers import Talent
from understudy.inference.authority.registry import Change, Registry
home = Path(sys.argv[1])
registry = Registry(home, Ledger(home))
for number in range(10):
    registry.write("ann", [Change("talent", Talent(id=f"{sys.argv[2]}-{number}"), "added")])
"""


def test_when_two_processes_write_then_both_are_kept_and_the_chain_is_one(registry: Registry, tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(registry.all(Talent)) == 21
    found = judge_ledger(tmp_path)
    assert (found.entries, found.damage) == (22, None)


def test_a_damaged_registry_and_one_that_others_can_read_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(b"no database at all, but long enough to be taken for one" * 20)
    path.chmod(0o600)
    with pytest.raises(DaemonError, match="cannot be used as the registry"):
        Registry(tmp_path, Ledger(tmp_path))
    path.chmod(0o640)
    with pytest.raises(KeyRefused, match="others can read it"):
        Registry(tmp_path, Ledger(tmp_path))


def test_a_registry_of_a_newer_version_is_not_opened(registry: Registry, tmp_path: Path) -> None:
    registry.close()
    with sqlite3.connect(tmp_path / "registry.sqlite") as tables:
        tables.execute("PRAGMA user_version=9")
    with pytest.raises(DaemonError, match="another version"):
        Registry(tmp_path, Ledger(tmp_path))


def test_who_acts_is_the_user_of_a_key_that_is_known_here_and_whose_secret_is_at_hand(tmp_path: Path) -> None:
    home = tmp_path / "home"
    owner = ensure_local_keys(home).connection
    assert acting_user(home).name == owner.user
    legal = issue_key(home, "lea", roles=("legal",), projects=(), host="127.0.0.1", port=1)
    file = tmp_path / "lea.json"
    write_connection(file, legal)
    assert acting_user(home, file).roles == ("legal",)
    pretended = type(legal)(
        host="x", port=1, server_public=legal.server_public, public=owner.public, secret=legal.secret, user="lea"
    )
    write_connection(file, pretended)
    with pytest.raises(KeyRefused, match="is not one that this daemon knows"):
        acting_user(home, file)


@pytest.mark.parametrize(("role", "may"), [("artist", set()), ("producer", {"clip"}), ("legal", {"talent", "consent"})])
def test_each_role_may_what_the_table_says(tmp_path: Path, role: str, may: set[str]) -> None:
    home = tmp_path / "home"
    ensure_local_keys(home)
    file = tmp_path / "key.json"
    write_connection(file, issue_key(home, "kim", roles=(role,), projects=(), host="x", port=1))  # type: ignore[arg-type]
    user = acting_user(home, file)
    assert {what for what in ("talent", "consent", "clip", "user") if role in MAY[what]} == may
    for what in ("talent", "consent", "clip", "user"):
        if what in may:
            check_may(user, what)
        else:
            with pytest.raises(KeyRefused, match=r"kim \("):
                check_may(user, what)
