"""Jobs that the project keeps: by markers, by the medium; found again, withdrawn with their takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from resolve_rig import MakeRig
from resolve_takes import place, take

from understudy.bridge.errors import ErrorReport, HostError
from understudy.host_plugins.resolve.memory import MARK


def test_when_a_job_is_remembered_then_a_marker_holds_it_and_the_artist_s_own_marker_stays(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    rig.timeline.AddMarker(16, "Yellow", "mine", "", 1, "")
    job = take(rig, tmp_path / "v001").job
    rig.host.remember(job)
    assert rig.timeline.markers[16]["name"] == "mine"
    assert rig.timeline.markers[17]["customData"].startswith(MARK)
    assert rig.host.remembered() == (job,)


@pytest.mark.parametrize("lost", ["AddMarker", "SetThirdPartyMetadata"])
def test_when_one_of_the_two_places_is_refused_then_the_other_keeps_the_job(
    make_rig: MakeRig, tmp_path: Path, lost: str
) -> None:
    rig = make_rig()
    job = take(rig, tmp_path / "v001").job
    rig.resolve.world.fail_next(lost)
    rig.host.remember(job)
    assert rig.host.remembered() == (job,)


def test_when_both_places_are_refused_then_the_artist_learns_how_to_fetch_the_take(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    job = take(rig, tmp_path / "v001").job
    for call in ("AddMarker", "SetThirdPartyMetadata"):
        rig.resolve.world.fail_next(call)
    with pytest.raises(HostError) as refusal:
        rig.host.remember(job)
    assert "understudy fetch job1" in refusal.value.remedy


def test_when_the_marker_is_deleted_then_the_clip_under_the_playhead_still_knows_the_job(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    job = take(rig, tmp_path / "v001").job
    rig.host.remember(job)
    rig.timeline.markers.clear()
    rig.restart()
    assert rig.host.remembered() == (job,)


def test_when_another_project_is_open_then_placing_names_the_timeline_that_is_missing(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    rig.resolve.project.timelines.clear()
    with pytest.raises(HostError, match="the timeline Reel 1 is not in the open project Show"):
        for _ in rig.host.place(delivered):
            pass


def test_when_a_take_is_withdrawn_then_its_clip_goes_and_the_marker_says_why(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    place(rig, delivered)
    rig.resolve.world.page = "color"
    rig.host.withdraw(delivered.job, ErrorReport(code="compliance", message="consent was revoked", remedy="Ask legal"))
    assert rig.takes() == ()
    assert rig.resolve.world.page == "color"
    assert "consent was revoked. Ask legal" in next(iter(rig.timeline.markers.values()))["note"]


def test_when_resolve_refuses_to_take_a_clip_out_then_that_is_said(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    place(rig, delivered)
    rig.resolve.world.fail_next("DeleteClips")
    with pytest.raises(HostError, match="take sh010's take out"):
        rig.host.withdraw(delivered.job, None)
