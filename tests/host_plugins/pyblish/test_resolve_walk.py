"""Resolve's timelines walked in the strict stand-in. Not Resolve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from publish_rig import FRAMES, Paper, make_take, publish
from resolve_stand_in.application import Project, Resolve
from resolve_stand_in.pool import MediaPoolItem, bracketed
from resolve_stand_in.timelines import Timeline, TimelineItem

from understudy.bridge.errors import HostError
from understudy.host_plugins.pyblish.resolve_walk import ResolveUpstream


class Edit:
    """A project with one timeline that is open, `Reel`, and `Nested` beside it."""

    def __init__(self) -> None:
        self.resolve: Any = Resolve()
        self.project = self.resolve.manager.project = Project(self.resolve.world, "Show")
        self.reel, self.nested = (
            Timeline(self.resolve.world, self.project, name, 86400) for name in ("Reel", "Nested")
        )
        self.project.timelines += [self.reel, self.nested]
        self.project.current = self.reel

    def put(self, timeline: Timeline, name: str, files: list[Path], path: str = "", **said: str) -> TimelineItem:
        shown = path or (bracketed(files) if files else "")
        medium = MediaPoolItem(self.resolve.world, self.project, files, shown, "24", **{"Clip Name": name, **said})
        start = 86400 + 10 * sum(len(track.items) for track in timeline.tracks)
        item = TimelineItem(self.resolve.world, medium, name, start, 2)
        timeline.put(1, item)
        return item

    def uses(self) -> dict[str, Any]:
        return {use.where: use for use in ResolveUpstream(self.resolve).uses("")}


@pytest.fixture
def edit() -> Edit:
    return Edit()


def layer_files(folder: Path, **said: str) -> list[Path]:
    pattern = make_take(folder, **said)
    return [Path(pattern.replace("####", str(frame))) for frame in FRAMES]


def test_when_an_uncleared_layer_is_nested_then_the_publish_of_the_outer_timeline_is_refused(
    edit: Edit, tmp_path: Path
) -> None:
    edit.put(edit.reel, "Nested", [], Type="Timeline")
    edit.put(edit.nested, "patch", layer_files(tmp_path / "take", clearance="uncleared"))
    done = publish(ResolveUpstream(edit.resolve), Paper(), "")
    assert done.refused_by == {"LayersAreCleared"}
    assert "Nested: video 1, patch" in done.errors["ValidateUnderstudyLayersAreCleared"]


def test_a_sequence_is_named_with_its_numbers_and_only_those(edit: Edit, tmp_path: Path) -> None:
    files = layer_files(tmp_path / "take")
    edit.put(edit.reel, "patch", files)
    (use,) = edit.uses().values()
    assert list(use.files().values()) == files


def test_what_is_switched_off_is_not_used(edit: Edit, tmp_path: Path) -> None:
    item = edit.put(edit.reel, "patch", layer_files(tmp_path / "take"))
    item.SetClipEnabled(False)
    assert edit.uses() == {}
    item.SetClipEnabled(True)
    edit.reel.SetTrackEnable("video", 1, False)
    assert edit.uses() == {}


def test_when_a_compound_clip_does_not_tell_what_it_holds_then_it_is_refused_by_name(edit: Edit) -> None:
    edit.put(edit.reel, "Compound 1", [], Type="Compound")
    done = publish(ResolveUpstream(edit.resolve), Paper(), "")
    assert done.refused_by == {"EverythingWasSeen"}
    assert "Compound 1" in done.errors["ValidateUnderstudyEverythingWasSeen"]


def test_when_a_fusion_composition_does_not_answer_then_it_is_named(edit: Edit, tmp_path: Path) -> None:
    item = edit.put(edit.reel, "plate", layer_files(tmp_path / "take"))
    item.compositions = 1
    unseen = [use.unseen for use in ResolveUpstream(edit.resolve).uses("") if use.unseen]
    assert unseen == ["its Fusion composition does not say which files it loads"]


def test_when_no_such_timeline_is_there_then_its_name_is_said(edit: Edit) -> None:
    with pytest.raises(HostError, match="Reel 9"):
        list(ResolveUpstream(edit.resolve).uses("Reel 9"))
