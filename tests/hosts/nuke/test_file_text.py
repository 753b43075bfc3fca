"""Paths with everything in them that Nuke takes for something else, whichever way it takes a percent sign."""

from __future__ import annotations

from pathlib import Path

import pytest
from nuke_rig import running
from nuke_shot import make
from nuke_stand_in import Application, Guesses

from understudy.bridge.errors import HostError

AWKWARD = ("with space", "[exit]", "$HOME", "back\\slash", 'quo"te', "Größe 50%", "50% [final] $shot")


@pytest.mark.parametrize("literal", [True, False], ids=["percent stays", "percent is doubled"])
@pytest.mark.parametrize("folder", AWKWARD)
def test_when_a_folder_has_an_awkward_name_then_the_node_reads_exactly_that_file(literal: bool, folder: str) -> None:
    with running(guesses=Guesses(percent_is_literal=literal)):
        import nuke

        from understudy.host_plugins.nuke.file_text import point

        node = make("Read")
        point(node, f"/show/{folder}/comp.####.exr")
        assert nuke.filename(node, nuke.REPLACE) == f"/show/{folder}/comp.0001.exr"


def test_when_a_folder_looks_like_a_frame_number_then_it_is_read_or_refused_but_never_mistaken() -> None:
    for literal in (True, False):
        with running(guesses=Guesses(percent_is_literal=literal)):
            import nuke

            from understudy.host_plugins.nuke.file_text import point

            node = make("Read")
            if literal:
                with pytest.raises(HostError, match="100%done"):
                    point(node, "/show/100%done/comp.####.exr")
            else:
                point(node, "/show/100%done/comp.####.exr")
                assert nuke.filename(node, nuke.REPLACE) == "/show/100%done/comp.0001.exr"


def test_when_no_escape_helps_then_the_node_is_named_and_a_remedy_given(application: Application) -> None:
    from understudy.host_plugins.nuke.file_text import point

    with pytest.raises(HostError, match="Read1") as caught:
        point(make("Read"), "/show/#12/comp.####.exr")
    assert "without % and #" in caught.value.remedy


def test_when_a_shot_s_name_becomes_a_folder_then_only_what_cannot_be_escaped_is_replaced(
    application: Application,
) -> None:
    from understudy.host_plugins.nuke.file_text import safe_folder_name

    assert safe_folder_name("Größe 50% [final] $shot") == "Größe 50_ [final] $shot"
    assert safe_folder_name("#?*") == "___"
    assert safe_folder_name(" . ") == "shot"


def test_when_a_windows_path_is_set_then_its_backslashes_turn_round(application: Application) -> None:
    from understudy.host_plugins.nuke.file_text import as_text

    assert as_text("C:\\show\\a [b]\\comp.####.exr") == "C:/show/a \\[b\\]/comp.%04d.exr"
    assert as_text("\\\\server\\show\\x.exr") == "//server/show/x.exr"


def test_when_a_file_text_is_a_broken_program_then_the_error_names_node_and_knob(application: Application) -> None:
    from understudy.host_plugins.nuke.file_text import evaluated

    node = make("Read", file="/show/[nonsense]/x.exr")
    with pytest.raises(HostError, match=r"Read1.*`file`"):
        evaluated(node, "file")


@pytest.mark.parametrize(
    ("text", "counts"),
    [("/a/%04d/b.%04d.exr", True), ("/a/####/b.exr", True), ("/a/b.%04d.exr", False), ("/a 50% b/c.####.exr", False)],
)
def test_when_a_folder_is_numbered_too_then_the_files_are_nuke_s_to_find(
    text: str, counts: bool, application: Application
) -> None:
    from understudy.bridge.frames import FilePattern
    from understudy.host_plugins.nuke.file_text import counts_in_folders

    assert counts_in_folders(FilePattern(text)) is counts
    assert Path(text).suffix == ".exr"
