from __future__ import annotations

import shutil
import types
from pathlib import Path

import msgspec
import pyblish.plugin
import pytest
from host_rig import read_exr, write_exr
from publish_rig import FRAMES, JOB, Paper, PlainDocument, discovered, make_take, publish, render

from understudy.host_plugins.pyblish import PLUGINS, register
from understudy.host_plugins.pyblish.layers import FINAL_NAME
from understudy.host_plugins.pyblish.refusals import LayerRefused, refusal
from understudy.host_plugins.pyblish.rules import EVERYTHING, RULES

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def comp_of(layer: str) -> PlainDocument:
    """Return a document in which a layer is read and the whole is rendered by `write`."""
    document = PlainDocument()
    document.reads["Read1"] = (layer, "write")
    return document


def test_when_every_layer_is_cleared_then_the_final_is_written_with_its_ingredients(tmp_path: Path) -> None:
    layer = make_take(tmp_path / "take")
    final = render(layer, tmp_path / "final")
    files = tuple(final.replace("####", str(frame)) for frame in FRAMES)
    done = publish(comp_of(layer), Paper(), files=files)
    assert done.errors == {}
    said = msgspec.json.decode((tmp_path / "final" / FINAL_NAME).read_bytes())
    assert set(said["files"]) == {Path(file).name for file in files}
    (made_of,) = said["layers"]
    assert (made_of["job"], made_of["layer"], made_of["record_id"]) == (JOB, "patch", "r-1")
    assert made_of["where"] == ["Read1"]
    assert len(made_of["files"]) == 2
    assert str(tmp_path) not in (tmp_path / "final" / FINAL_NAME).read_text()


def test_when_nothing_of_understudy_is_used_then_nothing_is_refused_and_nothing_written(tmp_path: Path) -> None:
    plate = render(make_take(tmp_path / "take"), tmp_path / "plates")
    done = publish(comp_of(plate), Paper(), files=(plate.replace("####", "1001"),))
    assert done.errors == {}
    assert not (tmp_path / "plates" / FINAL_NAME).exists()


@pytest.mark.parametrize(
    ("take", "papers", "rule"),
    [
        ({"state": "provisional"}, {}, "LayersAreFinal"),
        ({"state": "for_review"}, {}, "LayersAreFinal"),
        ({"not_final": "made with the preset std"}, {}, "LayersAreFinal"),
        ({}, {"not_final": "made with the preset std"}, "LayersAreFinal"),
        ({"clearance": "uncleared"}, {}, "LayersAreCleared"),
        ({"clearance": "demonstration, not for delivery"}, {}, "LayersAreCleared"),
        ({}, {"clearance": "uncleared"}, "LayersAreCleared"),
        ({}, {"revoked": ("consent c-1 was revoked on 2026-11-20",)}, "LayersAreNotRevoked"),
        ({}, {"state": "quarantined"}, "LayersAreNotRevoked"),
        ({}, {"known": False, "why": "there is no job job00001"}, "LayersAreKnown"),
        ({}, {"known": False, "asked": False, "why": "nobody answers"}, "PapersWereAskedFor"),
        ({}, {"outputs": {"patch/shot_patch_v001.1001.exr": "0" * 64}}, "LayersAreUnchanged"),
    ],
)
def test_when_a_layer_may_not_be_published_then_that_rule_refuses_and_nothing_is_written(
    tmp_path: Path, take: dict[str, str], papers: dict[str, object], rule: str
) -> None:
    done = publish(comp_of(make_take(tmp_path / "take", **take)), Paper(**papers))
    assert done.refused_by == {rule}
    assert not done.wrote
    (said,) = done.errors.values()
    assert "Read1" in said
    assert "What to do:" in said


def test_when_a_comp_is_rendered_without_metadata_then_the_layer_below_it_is_still_found(tmp_path: Path) -> None:
    layer = make_take(tmp_path / "take", clearance="uncleared")
    document = PlainDocument()
    document.reads["Read of the layer"] = (layer, "merge")
    document.renders["merge"] = str(tmp_path / "precomp" / "comp.%04d.exr")
    document.reads["Read of the precomp"] = (render(layer, tmp_path / "precomp"), "write")
    done = publish(document, Paper())
    assert done.refused_by == {"LayersAreCleared"}
    assert "Read of the layer" in done.errors["ValidateUnderstudyLayersAreCleared"]


def test_when_another_document_made_the_precomp_then_its_published_ingredients_are_found(tmp_path: Path) -> None:
    layer = make_take(tmp_path / "take")
    final = render(layer, tmp_path / "precomp")
    files = tuple(final.replace("####", str(frame)) for frame in FRAMES)
    assert publish(comp_of(layer), Paper(), files=files).errors == {}
    shutil.rmtree(tmp_path / "take")
    done = publish(comp_of(final), Paper(revoked=("consent c-1 was revoked on 2026-11-20",)))
    assert done.refused_by == {"LayersAreNotRevoked"}


@pytest.mark.parametrize("metadata", [True, False])
def test_when_a_host_kept_the_metadata_of_a_layer_then_the_render_alone_gives_it_away(
    tmp_path: Path, metadata: bool
) -> None:
    rendered = render(make_take(tmp_path / "take"), tmp_path / "elsewhere", metadata=metadata)
    done = publish(comp_of(rendered), Paper(clearance="uncleared"))
    assert done.refused_by == ({"LayersAreCleared"} if metadata else set())


def test_when_a_movie_of_ours_was_copied_then_its_digest_gives_it_away(tmp_path: Path) -> None:
    from understudy.bridge.exr_file import file_digest

    movie = tmp_path / "edit" / "some_clip.mov"
    movie.parent.mkdir()
    movie.write_bytes(b"the bytes of a movie that was delivered")
    papers = Paper(state="refused")
    papers.digests[file_digest(movie)] = JOB
    assert "LayersAreNotRevoked" in publish(comp_of(str(movie)), papers).refused_by


def test_when_a_layers_attributes_were_taken_out_then_the_manifest_of_its_take_gives_it_away(tmp_path: Path) -> None:
    layer = make_take(tmp_path / "take", clearance="uncleared")
    first = Path(layer.replace("####", "1001"))
    picture_only = tmp_path / "plain.exr"
    shutil.copy(render(layer, tmp_path / "x").replace("####", "1001"), picture_only)
    shutil.copy(picture_only, first)
    assert publish(comp_of(str(first)), Paper()).refused_by == {"LayersAreCleared", "LayersAreUnchanged"}


def test_when_a_header_says_cleared_and_the_manifest_does_not_then_the_stricter_counts(tmp_path: Path) -> None:
    layer = make_take(tmp_path / "take", clearance="uncleared")
    first = Path(layer.replace("####", "1001"))
    write_exr(first, read_exr(first), {"understudy/job": JOB, "understudy/clearance": "cleared"})
    assert "LayersAreCleared" in publish(comp_of(str(first)), Paper()).refused_by


def test_when_a_frame_is_missing_then_the_place_and_the_file_are_named(tmp_path: Path) -> None:
    layer = make_take(tmp_path / "take")
    lost = Path(layer.replace("####", "1002"))
    lost.unlink()
    done = publish(comp_of(layer), Paper())
    assert done.refused_by == {"FilesAreThere"}
    assert str(lost) in done.errors["ValidateUnderstudyFilesAreThere"]


def test_when_a_file_upstream_is_damaged_then_it_is_refused_and_not_taken_for_none_of_ours(tmp_path: Path) -> None:
    layer = make_take(tmp_path / "take")
    first = Path(layer.replace("####", "1001"))
    first.write_bytes(first.read_bytes()[:60])
    assert "EverythingWasSeen" in publish(comp_of(str(first)), Paper()).refused_by


@pytest.mark.parametrize("name", [name for name in EVERYTHING if name.startswith("Validate")])
def test_when_a_rule_did_not_run_then_nothing_is_written_as_if_it_had_passed(tmp_path: Path, name: str) -> None:
    layer = make_take(tmp_path / "take")
    final = render(layer, tmp_path / "final").replace("####", "1001")
    done = publish(comp_of(layer), Paper(), files=(final,), plugins=discovered(without=(name,)))
    assert any(name in said for said in done.errors.values())
    assert not (tmp_path / "final" / FINAL_NAME).exists()


def test_when_a_rule_is_switched_off_then_the_last_one_names_it(tmp_path: Path) -> None:
    plugins = discovered()
    for plugin in plugins:
        if plugin.__name__ == "ValidateUnderstudyLayersAreCleared":
            plugin.active = False
    done = publish(comp_of(make_take(tmp_path / "take", clearance="uncleared")), Paper(), plugins=plugins)
    assert done.refused_by == {"EveryRuleRan"}
    assert not done.wrote


def test_when_a_publish_is_for_the_farm_then_the_rules_run_as_well(tmp_path: Path) -> None:
    layer = make_take(tmp_path / "take", clearance="uncleared")
    assert publish(comp_of(layer), Paper(), targets=("farm",)).refused_by == {"LayersAreCleared"}


def test_when_the_walk_fails_then_every_rule_refuses(tmp_path: Path) -> None:
    done = publish(object(), Paper())
    assert "CollectUnderstudyLayers" in done.errors
    assert "EveryRuleRan" in done.refused_by
    assert not done.wrote


def test_when_a_studio_discovers_the_folder_then_every_plugin_is_found_with_words_for_the_artist() -> None:
    found = {plugin.__name__: plugin for plugin in pyblish.plugin.discover(paths=[str(PLUGINS)])}
    assert set(found) == set(EVERYTHING)
    assert all(plugin.__doc__ and plugin.label for plugin in found.values())


def test_when_ayon_runs_then_its_own_error_carries_title_and_text() -> None:
    class PublishValidationError(Exception):
        def __init__(self, message: str, title: str = "", description: str = "", detail: str = "") -> None:
            super().__init__(message)
            self.title, self.description, self.detail = title, description, detail

    module = types.ModuleType("ayon_core.pipeline.publish")
    module.PublishValidationError = PublishValidationError  # type: ignore[attr-defined]
    made = refusal("A title", ("one layer",), "Do this.", {module.__name__: module})
    assert isinstance(made, PublishValidationError)
    assert made.title == "A title"
    assert "- one layer" in made.description
    assert "Do this." in made.description
    assert isinstance(refusal("A title", ("one layer",), "Do this.", {}), LayerRefused)


def test_when_a_studio_registers_the_plugins_then_pyblish_has_every_one_of_them() -> None:
    before = pyblish.plugin.registered_plugins()
    try:
        register()
        names = {plugin.__name__ for plugin in pyblish.plugin.registered_plugins()}
        assert names >= set(EVERYTHING)
    finally:
        pyblish.plugin.deregister_all_plugins()
        for plugin in before:
            pyblish.plugin.register_plugin(plugin)


def test_the_page_for_studios_names_every_rule() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "hosts" / "publish.md").read_text()
    labels = [plugin.label for plugin in discovered() if plugin.__name__ in RULES]
    assert len(labels) == len(RULES)
    assert not [label for label in labels if f"| {label.removeprefix('Understudy: ')} |" not in page]
