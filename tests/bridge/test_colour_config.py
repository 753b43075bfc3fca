"""The artist's own OCIO config: found, archived the same everywhere, or refused by name with what to do."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import msgspec
import PyOpenColorIO
import pytest
from show_config import TEXT, write_show

from understudy.bridge import colour_archive
from understudy.bridge.colour_archive import LUT_SUFFIXES
from understudy.bridge.colour_config import (
    BUILT_IN,
    archive_of,
    context_of,
    file_names,
    find_colour_config,
    search_path,
)
from understudy.bridge.errors import RequestError
from understudy.bridge.exr_file import file_digest
from understudy.bridge.gather import gather_job
from understudy.bridge.options import JobOptions

pytestmark = pytest.mark.usefixtures("home")

OTHER_SPELLINGS = """ocio_profile_version: 1
# $HOME stands in a comment
search_path: "luts:../other:/abs/${SEQ}"
environment: {SHOT: 010, SEQ: "a b"}
looks:
  - !<Look>
    transform: !<FileTransform> {src: '${SHOT}/x.cube', interpolation: linear}
colorspaces:
  - !<ColorSpace>
    to_reference: !<GroupTransform>
      children:
        - !<ColorSpaceTransform> {src: $USER, dst: lin}
        - !<FileTransform> {src: $SEQ.spi1d}
        - !<FileTransform>
          src: foo.spimtx
    from_reference: !<FileTransform> {name: n, src: a b.clf, direction: inverse}
"""


def refused(typed: str | Path | None, environment: dict[str, str] | None = None) -> RequestError:
    """Return the refusal; each has a remedy."""
    with pytest.raises(RequestError) as problem:
        find_colour_config(str(typed) if typed is not None else None, environment or {})
    assert problem.value.remedy
    return problem.value


def members(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


# ---- what is refused


def test_when_the_config_is_not_there_then_its_path_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "config.ocio") in refused(tmp_path / "config.ocio").message


def test_when_the_config_that_ocio_names_is_not_there_then_the_variable_is_told_and_how_to_leave_it_out() -> None:
    problem = refused(None, {"OCIO": "/show/config.ocio"})
    assert "OCIO names it here" in problem.message
    assert "--ocio none" in problem.remedy


def test_when_a_file_is_no_config_then_it_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "plate.exr").write_bytes(b"v/1\x01 pixels")
    assert "plate.exr is no OCIO config" in refused(tmp_path / "plate.exr").message


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut short", b"PK"])
def test_when_an_archive_is_damaged_then_it_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "show.ocioz").write_bytes(content)
    assert "show.ocioz cannot be read" in refused(tmp_path / "show.ocioz").message


def test_when_an_archive_holds_no_config_then_that_is_said(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "show.ocioz", "w") as archive:
        archive.writestr("sub/config.ocio", TEXT)
    assert "no config.ocio at its root" in refused(tmp_path / "show.ocioz").message


@pytest.mark.parametrize("name", ["ocio://default", "ocio://studio-config-latest", "cg-config-latest"])
def test_a_name_that_means_another_config_tomorrow_is_refused(name: str) -> None:
    assert "another config in every version" in refused(name).message


@pytest.mark.parametrize("written", ["absolute", "climbing"])
def test_when_a_lut_lies_outside_the_configs_folder_then_it_is_named(tmp_path: Path, written: str) -> None:
    config = write_show(tmp_path / "show")
    shutil.move(tmp_path / "show/luts/house_log.spi1d", tmp_path / "house_log.spi1d")
    path = str(tmp_path / "house_log.spi1d") if written == "absolute" else "../house_log.spi1d"
    config.write_text(TEXT.replace("src: house_log.spi1d", f"src: {path}"))
    problem = refused(config)
    assert f"reads {path}" in problem.message
    assert "Copy it beneath" in problem.remedy


def test_when_a_folder_of_the_search_path_lies_outside_then_it_is_named_with_its_variable_filled_in(
    tmp_path: Path,
) -> None:
    config = write_show(tmp_path / "show", TEXT.replace("luts:looks", "luts:${SHELF}:looks"))
    (tmp_path / "shelf").mkdir()
    assert f"reads {tmp_path / 'shelf'}," in refused(config, {"SHELF": str(tmp_path / "shelf")}).message
    assert find_colour_config(str(config), {"SHELF": "/of/another/site"}).archive is not None


def test_when_a_folder_is_too_large_to_be_a_configs_then_what_to_do_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(colour_archive, "VISITED_LIMIT", 3)
    problem = refused(write_show(tmp_path / "show"))
    assert "more than 3 files" in problem.message
    assert "folder of their own" in problem.remedy


def test_when_the_shelf_cannot_be_written_then_its_folder_is_named(tmp_path: Path, home: Path) -> None:
    home.write_text("a file where the folder should be")
    assert str(home) in refused(write_show(tmp_path / "show")).message


# ---- which config it is


@pytest.mark.parametrize(
    ("typed", "environment"), [(None, {}), ("none", {"OCIO": "/show/config.ocio"}), (None, {"OCIO": " "})]
)
def test_without_ocio_or_with_none_typed_the_config_is_built_in(typed: str | None, environment: dict[str, str]) -> None:
    assert find_colour_config(typed, environment) == (BUILT_IN, None, None, {}, ())


def test_a_built_in_config_is_named_with_or_without_its_prefix() -> None:
    name = "cg-config-v2.1.0_aces-v1.3_ocio-v2.3"
    assert find_colour_config(f"ocio://{name}", {}).name == name
    assert find_colour_config(name, {}).name == name


def test_the_config_that_ocio_names_is_taken_and_that_is_told(tmp_path: Path) -> None:
    config = write_show(tmp_path / "show")
    found = find_colour_config(None, {"OCIO": str(config)})
    assert found.archive is not None
    assert found.archive.typed == str(config)
    (finding,) = found.findings
    assert finding.outcome == "note"
    assert f"OCIO is set here: the job's colour config is {config}" == finding.message
    assert "--ocio none" in finding.remedy


def test_what_is_typed_wins_over_the_environment_and_needs_no_telling(tmp_path: Path) -> None:
    found = find_colour_config(str(write_show(tmp_path / "show")), {"OCIO": "/elsewhere/config.ocio"})
    assert found.archive is not None
    assert found.findings == ()


def test_a_folder_stands_for_the_config_in_it(tmp_path: Path) -> None:
    config = write_show(tmp_path / "show")
    assert find_colour_config(str(tmp_path / "show"), {}).name == find_colour_config(str(config), {}).name


# ---- the archive


def test_an_archive_holds_the_config_and_every_lut_beneath_its_folder_and_nothing_else(tmp_path: Path) -> None:
    config = write_show(tmp_path / "show")
    (tmp_path / "show/.git").mkdir()
    (tmp_path / "show/.git/old.cube").write_text("not looked at")
    archive = archive_of(str(config))
    assert members(archive) == [
        "config.ocio", "looks/000/grade.cube", "looks/010/grade.cube", "luts/house_log.spi1d",
    ]  # fmt: skip


def test_the_same_config_makes_the_same_archive_wherever_and_whenever_it_lies(tmp_path: Path) -> None:
    here = find_colour_config(str(write_show(tmp_path / "here")), {})
    shutil.copytree(tmp_path / "here", tmp_path / "there", copy_function=shutil.copy)
    there = find_colour_config(str(tmp_path / "there/config.ocio"), {"SHOT": "010"})
    assert here.name == there.name
    assert here.path == there.path
    assert here.path is not None
    assert file_digest(here.path) == here.name


def test_one_changed_value_of_a_lut_makes_another_archive(tmp_path: Path) -> None:
    first = find_colour_config(str(write_show(tmp_path / "show")), {}).name
    assert find_colour_config(str(write_show(tmp_path / "show", gain=0.9)), {}).name != first


def test_a_folder_of_luts_that_is_a_link_travels_and_one_that_leads_to_itself_ends(tmp_path: Path) -> None:
    config = write_show(tmp_path / "show")
    (tmp_path / "show/luts").rename(tmp_path / "shared")
    (tmp_path / "show/luts").symlink_to(tmp_path / "shared")
    (tmp_path / "shared/again").symlink_to(tmp_path / "shared")
    assert "luts/house_log.spi1d" in members(archive_of(str(config)))


def test_an_archive_of_ones_own_travels_as_it_is(tmp_path: Path) -> None:
    config = PyOpenColorIO.Config.CreateFromFile(str(write_show(tmp_path / "show")))
    config.archive(str(tmp_path / "show.ocioz"))
    found = find_colour_config(str(tmp_path / "show.ocioz"), {"SHOT": "010"})
    assert found.path == tmp_path / "show.ocioz"
    assert found.name == file_digest(tmp_path / "show.ocioz")
    assert found.context == {"SHOT": "010"}


def test_opencolorio_opens_our_archive_and_finds_what_it_finds_in_the_folder(tmp_path: Path) -> None:
    config = write_show(tmp_path / "show")
    codes = []
    for path in (config, archive_of(str(config))):
        opened = PyOpenColorIO.Config.CreateFromFile(str(path))
        processor = opened.getProcessor("log_show", "lin_show").getDefaultCPUProcessor()
        codes.append(processor.applyRGB([0.3, 0.5, 0.7]))
        PyOpenColorIO.ClearAllCaches()
    assert codes[0] == codes[1]


def test_every_kind_of_lut_that_opencolorio_reads_is_packed() -> None:
    assert {f".{suffix}" for _, suffix in PyOpenColorIO.FileTransform.getFormats()} <= LUT_SUFFIXES


def test_only_the_archives_packed_last_are_kept(tmp_path: Path, home: Path) -> None:
    for number in range(colour_archive.KEPT_ARCHIVES + 3):
        newest = archive_of(str(write_show(tmp_path / "show", f"{TEXT}# {number}\n")))
    assert len(list((home / "colour_configs").iterdir())) == colour_archive.KEPT_ARCHIVES
    assert newest.is_file()


def test_what_a_killed_client_left_half_packed_is_removed_after_a_day(tmp_path: Path, home: Path) -> None:
    archive_of(str(write_show(tmp_path / "show")))
    old, young = (home / "colour_configs" / name for name in (".1-1.part", ".2-2.part"))
    for path in (old, young):
        path.write_bytes(b"half an archive")
    os.utime(old, (1, 1))
    archive_of(str(tmp_path / "show/config.ocio"))
    assert (old.exists(), young.exists()) == (False, True)


# ---- the text of a config


def test_paths_and_names_are_read_in_every_spelling() -> None:
    assert search_path(OTHER_SPELLINGS) == ["luts", "../other", "/abs/${SEQ}"]
    assert search_path("search_path:\n  - luts\n  - looks/${SHOT}\nroles:\n  a: b\n") == ["luts", "looks/${SHOT}"]
    assert search_path("search_path: [a, b]\n") == search_path("search_path:\n- a\n- b\nroles: {}\n") == ["a", "b"]
    assert search_path("search_path: C:\\luts:looks\n") == ["C:\\luts", "looks"]
    assert search_path("ocio_profile_version: 2\n") == []
    assert file_names(OTHER_SPELLINGS) == ["${SHOT}/x.cube", "$SEQ.spi1d", "foo.spimtx", "a b.clf"]


def test_only_variables_that_the_config_names_travel_and_only_those_that_are_set() -> None:
    environment = {"SHOT": "010", "HOME": "/home/artist", "USER": "artist", "SEQ": ""}
    assert context_of(OTHER_SPELLINGS, environment) == {"SHOT": "010"}
    assert context_of(TEXT, environment) == {"SHOT": "010"}


# ---- the job


def test_the_archive_is_one_of_the_jobs_files_and_the_settings_name_it(tmp_path: Path) -> None:
    (tmp_path / "still.png").write_bytes(b"a picture")
    options = JobOptions(
        plate=str(tmp_path / "still.png"), matte=str(tmp_path / "still.png"), reference=str(tmp_path / "still.png"),
        self_attest="a test", ocio=str(write_show(tmp_path / "show")),
    )  # fmt: skip
    gathered = gather_job(options, environment={"SHOT": "010"})
    name = gathered.job.settings.colour_config
    assert name in gathered.job.shot.files()
    assert file_digest(gathered.paths[name]) == name
    assert gathered.job.settings.colour_context == {"SHOT": "010"}
    assert list(gathered.job.shot.roles()) == ["plate", "matte", "reference", "colour_archive"]
    plain = gather_job(msgspec.structs.replace(options, ocio="none"), environment={"OCIO": "/nowhere.ocio"})
    assert plain.job.shot.colour_archive is None
    assert plain.job.settings.colour_config == BUILT_IN
