"""Nuke's script walked in the strict stand-in, which renders real EXRs. Not Nuke."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nuke_rig import running
from nuke_shot import SmallShot
from nuke_stand_in import Application, current
from publish_rig import FRAMES, Paper, make_take, publish

from understudy.bridge.errors import HostError
from understudy.host_plugins.pyblish import nuke_walk
from understudy.host_plugins.pyblish.nuke_walk import NukeUpstream, script_uses

UNCLEARED = Paper(clearance="uncleared")


@pytest.fixture
def application() -> Iterator[Application]:
    with running() as application:
        yield application


@pytest.fixture
def nuke(application: Application) -> Any:
    import nuke

    return nuke


def read(nuke: Any, pattern: str, **knobs: Any) -> Any:
    return nuke.nodes.Read(file=pattern.replace("####", "%04d"), first=FRAMES[0], last=FRAMES[1], **knobs)


def merge_and_write(nuke: Any, layer: Any, target: Path, name: str = "Write1") -> Any:
    """Merge a layer over a plate and write it with metadata off, as an artist does."""
    merged = nuke.nodes.Merge2(inputs=[layer, layer])
    write = nuke.nodes.Write(name=name, inputs=[merged], file=str(target / "comp.%04d.exr"))
    write["file_type"].setValue("exr")
    write["metadata"].setValue("no metadata")
    write["create_directories"].setValue(True)
    return write


def where(nuke: Any, published: str = "Write1") -> set[str]:
    return {use.where for use in NukeUpstream(nuke).uses(published)}


def test_when_layer_merge_and_render_with_metadata_off_are_published_then_the_layer_is_still_caught(
    nuke: Any, tmp_path: Path
) -> None:
    layer = read(nuke, make_take(tmp_path / "take"))
    write = merge_and_write(nuke, layer, tmp_path / "precomp")
    nuke.execute(write, *FRAMES)
    assert (tmp_path / "precomp" / "comp.1001.exr").is_file()
    rendered = read(nuke, str(tmp_path / "precomp" / "comp.####.exr"))
    merge_and_write(nuke, rendered, tmp_path / "final", "Final")
    done = publish(NukeUpstream(nuke), UNCLEARED, "Final")
    assert done.refused_by == {"LayersAreCleared"}
    assert layer.fullName() in done.errors["ValidateUnderstudyLayersAreCleared"]


def test_when_a_render_kept_its_metadata_then_another_script_that_reads_it_is_refused(
    nuke: Any, tmp_path: Path
) -> None:
    write = merge_and_write(nuke, read(nuke, make_take(tmp_path / "take")), tmp_path / "precomp")
    write["metadata"].setValue("all metadata")
    nuke.execute(write, *FRAMES)
    nuke.delete(write)
    rendered = read(nuke, str(tmp_path / "precomp" / "comp.####.exr"))
    merge_and_write(nuke, rendered, tmp_path / "final", "Final")
    done = publish(NukeUpstream(nuke), UNCLEARED, "Final")
    assert done.refused_by == {"LayersAreCleared"}
    assert rendered.fullName() in done.errors["ValidateUnderstudyLayersAreCleared"]


def test_when_a_layer_is_not_above_what_is_published_then_it_is_none_of_its_business(nuke: Any, tmp_path: Path) -> None:
    read(nuke, make_take(tmp_path / "take"))
    plate = read(nuke, str(tmp_path / "plate.####.exr"))
    merge_and_write(nuke, plate, tmp_path / "final")
    assert where(nuke) == {plate.fullName()}


def test_when_the_layer_lies_in_a_group_then_it_is_found_inside_and_named_with_it(nuke: Any, tmp_path: Path) -> None:
    group = nuke.nodes.Group()
    with group:
        inside = read(nuke, make_take(tmp_path / "take"))
        nuke.nodes.Output(inputs=[inside])
    merge_and_write(nuke, group, tmp_path / "final")
    assert where(nuke) == {inside.fullName()}
    assert "." in inside.fullName()


def test_when_what_is_published_lies_in_a_group_then_the_walk_goes_on_outside(nuke: Any, tmp_path: Path) -> None:
    layer = read(nuke, make_take(tmp_path / "take"))
    group = nuke.nodes.Group(inputs=[layer])
    with group:
        write = merge_and_write(nuke, nuke.nodes.Input(), tmp_path / "final")
    assert where(nuke, write.fullName()) == {layer.fullName()}


def test_when_a_node_is_switched_off_then_only_what_it_lets_through_is_used(nuke: Any, tmp_path: Path) -> None:
    plate, layer = read(nuke, str(tmp_path / "plate.####.exr")), read(nuke, make_take(tmp_path / "take"))
    merged = nuke.nodes.Merge2(inputs=[plate, layer], disable=True)
    nuke.nodes.Write(name="Write1", inputs=[merged])
    assert where(nuke) == {plate.fullName()}
    merged["disable"].setValue(False)
    layer["disable"].setValue(True)
    assert where(nuke) == {plate.fullName()}


def test_when_a_name_stands_for_views_then_the_files_of_each_are_looked_at(
    nuke: Any, application: Application, tmp_path: Path
) -> None:
    application.views = ["left", "right"]
    merge_and_write(nuke, read(nuke, str(tmp_path / "%V" / "plate.####.exr")), tmp_path / "final")
    typed = {use.typed for use in NukeUpstream(nuke).uses("Write1")}
    assert typed == {str(tmp_path / view / "plate.%04d.exr") for view in ("left", "right")}


def test_when_nuke_works_on_proxies_then_the_files_themselves_are_looked_at_as_well(nuke: Any, tmp_path: Path) -> None:
    layer = make_take(tmp_path / "take [a]").replace("####", "%04d")
    proxy = str(tmp_path / "proxy.%04d.exr")
    reader = read(nuke, layer.replace("[", "\\[").replace("]", "\\]"), proxy=proxy)
    merge_and_write(nuke, reader, tmp_path / "final")
    nuke.root().setProxy(True)
    assert {use.typed for use in NukeUpstream(nuke).uses("Write1")} == {proxy, layer}


def test_when_a_publish_names_no_node_then_the_whole_script_is_looked_at(nuke: Any, tmp_path: Path) -> None:
    layer = read(nuke, make_take(tmp_path / "take"))
    assert where(nuke, "") == {layer.fullName()}


# ---- the Understudy node, whose takes all stay wired in --------------------------------------------------------------


@pytest.fixture
def two_takes(application: Application, nuke: Any, tmp_path: Path, home: Path) -> SmallShot:
    """Two takes in one node, the second one shown, and a Write under it."""
    shot = SmallShot(tmp_path / "show")
    for version in (1, 2):
        shot.place(shot.take(version))
    nuke.nodes.Write(name="Write1", inputs=[shot.node])
    return shot


def takes(nuke: Any) -> set[str]:
    return {name for name in where(nuke) if "_v0" in name}


V001, V002 = "Understudy1_v001_patch", "Understudy1_v002_patch"


def test_when_a_node_keeps_an_older_take_then_only_the_one_that_its_version_shows_is_used(
    nuke: Any, two_takes: SmallShot
) -> None:
    for version, used in (("v002", {V002}), ("v001", {V001}), ("plate", set())):
        two_takes.set(version=version)
        assert takes(nuke) == used
    two_takes.set(version="v002")
    assert two_takes.plate.path() in where(nuke)
    two_takes.node.setInput(4, nuke.nodes.Dot(inputs=[two_takes.node.input(4)]))
    assert takes(nuke) == {V002}
    two_takes.node.setName("Hero")
    assert takes(nuke) == {V002}


def version_by_expression(nuke: Any, shot: SmallShot) -> None:
    shot.node["version"].setExpression("frame > 1002")


def several_views(nuke: Any, shot: SmallShot) -> None:
    current().views = ["left", "right"]


def switch_of_their_own(nuke: Any, shot: SmallShot) -> None:
    switch = shot.node.input(4)
    assert switch is not None
    switch["which"].setExpression("frame > 1002")


def switch_set_by_hand(nuke: Any, shot: SmallShot) -> None:
    switch = shot.node.input(4)
    assert switch is not None
    switch["which"].setValue(1)


def switch_merged_into(nuke: Any, shot: SmallShot) -> None:
    shot.node.setInput(4, nuke.nodes.Merge2(inputs=[shot.node.input(4)]))


def switch_read_beside_the_node(nuke: Any, shot: SmallShot) -> None:
    nuke.toNode("Write1").setInput(0, nuke.nodes.Merge2(inputs=[shot.node, shot.node.input(4)]))


CANNOT_TELL = (
    version_by_expression, several_views, switch_of_their_own, switch_set_by_hand, switch_merged_into,
    switch_read_beside_the_node,
)  # fmt: skip


@pytest.mark.parametrize("changed", CANNOT_TELL, ids=lambda changed: changed.__name__)
def test_when_another_take_may_be_shown_than_the_version_says_now_then_all_are_used(
    nuke: Any, two_takes: SmallShot, changed: Callable[[Any, SmallShot], None]
) -> None:
    changed(nuke, two_takes)
    assert takes(nuke) == {V001, V002}


def test_when_the_node_is_rewired_inside_then_at_version_plate_its_takes_are_still_used(
    nuke: Any, two_takes: SmallShot
) -> None:
    two_takes.set(version="plate")
    inside = {node.name(): node for node in two_takes.node.nodes()}
    inside["Output1"].setInput(0, inside["takes"])
    assert takes(nuke) == {V001, V002}


def test_when_the_plugin_names_its_knobs_then_the_walk_knows_them_by_the_same_words(application: Application) -> None:
    from understudy.host_plugins.nuke import knobs, node

    ours = (nuke_walk.MEMORY, nuke_walk.VERSION, nuke_walk.PLATE_ONLY, nuke_walk.TAKES)
    assert ours == (knobs.MEMORY, knobs.VERSION, knobs.PLATE_ONLY, node.TAKES)


def test_when_the_node_is_gone_then_its_name_is_said(nuke: Any) -> None:
    with pytest.raises(HostError, match="Write9"):
        list(NukeUpstream(nuke).uses("Write9"))


def test_when_a_precomp_is_closed_then_its_script_is_read_for_the_files_that_it_reads(tmp_path: Path) -> None:
    script = tmp_path / "precomp.nk"
    script.write_text(
        "Root {\n inputs 0\n}\n"
        'Read {\n inputs 0\n file_type exr\n file "/shots/a b/x.%04d.exr"\n first 1001\n last 1010\n name Read1\n}\n'
        "Read {\n inputs 0\n file /plates/plate.exr\n name Read2\n}\n"
        'Read {\n inputs 0\n file "\\[getenv SHOT]/x.%04d.exr"\n name Read3\n}\n'
        "Write {\n file /out/comp.%04d.exr\n name Write1\n}\n"
    )
    patch, plate, program = script_uses(script, "Precomp1")
    assert (patch.typed, patch.frames) == ("/shots/a b/x.%04d.exr", (1001, 1010))
    assert (plate.typed, plate.frames) == ("/plates/plate.exr", None)
    assert "getenv" in program.unseen
    (gone,) = script_uses(tmp_path / "absent.nk", "Precomp1")
    assert "absent.nk" in gone.unseen
