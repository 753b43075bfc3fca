"""What a key of some projects is told of a registry: pure, by example and by property."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from understudy.inference.authority.papers import Approval, Clip, RegisteredConsent, Snapshot, TalentState
from understudy.inference.authority.seen import seen_by

TODAY = "2026-11-20"
NAMES = st.sampled_from(["ana", "bo", "cy"])
PROJECTS = st.sampled_from(["dune", "falcon", "arrival"])


def consent(paper_id: str, talent: str, *projects: str, revoked_on: str = "") -> RegisteredConsent:
    return RegisteredConsent(
        id=paper_id, talent=talent, document="a" * 64, signed_on="2026-01-05", projects=projects,
        revoked_on=revoked_on, revoked_why="illness" if revoked_on else "",
    )  # fmt: skip


def known(*consents: RegisteredConsent, **said: object) -> Snapshot:
    talents = tuple(
        TalentState(id=name, living=True, minor=name == "cy", union="sag-aftra")
        for name in sorted({one.talent for one in consents})
    )
    return Snapshot(**{"consents_known": 40, "talents": talents, "consents": consents, **said})  # type: ignore[arg-type]


CONSENTS = st.lists(
    st.builds(
        lambda number, talent, projects, revoked: consent(
            f"c-{number}", talent, *projects, revoked_on="2026-02-01" if revoked else ""
        ),
        st.integers(0, 999), NAMES, st.lists(PROJECTS, max_size=2, unique=True), st.booleans(),
    ),
    max_size=6,
)  # fmt: skip


@given(CONSENTS)
def test_a_key_of_one_project_hears_of_no_other_by_name_and_of_no_paper_that_does_not_reach_it(
    consents: list[RegisteredConsent],
) -> None:
    seen = seen_by(known(*consents), ("dune",), frozenset(), TODAY)
    said = msgspec.json.encode(seen).decode()
    for secret in ("falcon", "arrival", "illness"):
        assert secret not in said
    assert seen.consents_known == 1  # how many others there are is not told
    reaching = {one.id for one in consents if not one.projects or "dune" in one.projects}
    assert {one.id for one in seen.consents} <= reaching


@given(CONSENTS)
def test_who_has_withdrawn_everything_is_told_to_everyone_and_nobody_else_is_called_so(
    consents: list[RegisteredConsent],
) -> None:
    seen = seen_by(known(*consents), ("dune",), frozenset(), TODAY)
    people = {one.talent for one in consents}
    assert set(seen.withdrawn) == people - {one.talent for one in consents if not one.revoked_on}
    # A paper of theirs that is told alone, and revoked, would make the gate say so of somebody who has another one.
    for one in seen.consents:
        assert not one.revoked_on or one.talent in seen.withdrawn


def test_a_key_without_projects_is_told_everything_as_it_is() -> None:
    snapshot = known(consent("c-1", "ana", "falcon"))
    assert seen_by(snapshot, (), frozenset(), TODAY) is snapshot


def test_a_revoked_consent_that_the_record_names_is_told_as_revoked_where_it_reaches_the_key() -> None:
    snapshot = known(consent("c-1", "ana", "dune", revoked_on="2026-02-01"), consent("c-2", "ana", "falcon"))
    (told,) = seen_by(snapshot, ("dune",), frozenset({"c-1"}), TODAY).consents
    assert (told.id, told.revoked_on, told.revoked_why) == ("c-1", "2026-02-01", "")
    assert seen_by(snapshot, ("falcon",), frozenset({"c-1"}), TODAY).consents == (consent("c-2", "ana", "falcon"),)


def test_of_a_stranger_no_more_is_told_than_that_they_are_a_minor() -> None:
    snapshot = known(consent("c-1", "ana", "falcon"), consent("c-2", "cy", "falcon"), consent("c-3", "bo", "dune"))
    told = seen_by(snapshot, ("dune",), frozenset(), TODAY).talents
    assert told == (
        TalentState(id="bo", living=True, minor=False, union="sag-aftra"),
        TalentState(id="cy", living=True, minor=True, union=""),
    )


def test_a_clip_of_others_is_still_one_that_the_gate_refuses() -> None:
    clip = Clip(id="walk-07", files=("c" * 64,), performers=("ana",), projects=("falcon",))
    (told,) = seen_by(known(clips=(clip,)), ("dune",), frozenset(), TODAY).clips
    assert (told.files, told.performers) == (clip.files, ())
    assert "walk-07" not in told.id
    assert "dune" not in told.projects
    assert told.projects


def test_of_an_approval_of_others_that_a_record_names_a_key_is_told_that_it_is_no_approval_here() -> None:
    theirs = Approval(
        id="a-7", kind="legal", reference="L-9", project="falcon", shot="sh010", approved_by="lea",
        approved_on="2026-01-05", revoked_on="2026-02-01",
    )  # fmt: skip
    own = msgspec.structs.replace(theirs, id="a-8", project="dune")
    told = seen_by(known(approvals=(theirs, own)), ("dune",), frozenset(), TODAY).approvals
    assert told[1:] == (own,)
    assert (told[0].kind, told[0].reference) == ("legal", "L-9")
    said = msgspec.json.encode(told[0]).decode()
    assert [word for word in ("falcon", "a-7", "sh010", "lea", "2026-01-05", "2026-02-01") if word in said] == []
    assert told[0].approved_on > TODAY  # whatever the job's project is called
    assert msgspec.json.decode(said, type=Approval) == told[0]  # it goes to the gate's process
