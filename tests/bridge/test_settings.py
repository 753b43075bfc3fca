from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from understudy.bridge.errors import RequestError
from understudy.bridge.settings import (
    Root,
    UserSettings,
    explain_settings,
    find_root,
    load_settings,
    map_path,
    this_system,
)


class Places:
    """The files and variables of one imagined machine."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.site, self.show, self.user = folder / "site.json", folder / "show.json", self.home / "settings.json"
        self.environment = {
            "UNDERSTUDY_SITE_FILE": str(self.site), "UNDERSTUDY_SHOW_FILE": str(self.show),
            "UNDERSTUDY_HOME": str(self.home),
        }  # fmt: skip

    def load(self, **arguments: Any) -> UserSettings:
        return load_settings(arguments, environment=self.environment)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def test_when_nothing_is_set_then_home_is_absolute_and_the_daemon_listens_on_loopback(tmp_path: Path) -> None:
    settings = load_settings(environment={"UNDERSTUDY_SITE_FILE": str(tmp_path / "none")})
    assert settings.home == Path.home() / ".understudy"
    assert (settings.host, settings.port, settings.slots) == ("127.0.0.1", 0, 1)


def test_what_is_kept_of_ended_jobs_and_results_can_be_said_as_text(places: Places) -> None:
    assert (places.load().keep_ended_days, places.load().result_cache) == (30, True)
    assert places.load().keep_uploading_days == 7
    assert places.load().watermark
    places.environment |= {"UNDERSTUDY_KEEP_ENDED_DAYS": "0", "UNDERSTUDY_RESULT_CACHE": "false"}
    places.environment["UNDERSTUDY_WATERMARK"] = "false"
    assert not places.load().watermark
    assert (places.load().keep_ended_days, places.load().result_cache) == (0, False)
    places.environment["UNDERSTUDY_KEEP_ENDED_DAYS"] = "-1"
    with pytest.raises(RequestError, match="keep_ended_days"):
        places.load()


def test_each_place_overrules_the_one_before(places: Places) -> None:
    said = []
    said.append(places.load().slots)
    places.site.write_text('{"slots": 2}')
    said.append(places.load().slots)
    places.show.write_text('{"slots": 3}')
    said.append(places.load().slots)
    places.user.write_text('{"slots": 4}')
    said.append(places.load().slots)
    places.environment["UNDERSTUDY_SLOTS"] = "5"
    said.append(places.load().slots)
    said.append(places.load(slots=6).slots)
    assert said == [1, 2, 3, 4, 5, 6]


def test_a_place_overrules_only_what_it_names(places: Places) -> None:
    places.site.write_text('{"slots": 2, "host": "0.0.0.0"}')
    places.user.write_text('{"slots": 4}')
    settings = places.load(port=7788, host=None)
    assert (settings.slots, settings.host, settings.port) == (4, "0.0.0.0", 7788)  # noqa: S104


def test_every_setting_says_where_it_comes_from(places: Places) -> None:
    places.site.write_text('{"slots": 2}')
    places.environment["UNDERSTUDY_PORT"] = "7788"
    told = explain_settings({"host": "10.0.0.5"}, environment=places.environment)
    assert told["slots"] == (2, str(places.site))
    assert told["port"] == (7788, "environment")
    assert told["host"] == ("10.0.0.5", "argument")
    assert told["timeout_seconds"] == (10.0, "default")
    assert set(told) == set(UserSettings.__struct_fields__)


def test_when_a_home_is_given_as_an_argument_then_its_own_settings_file_counts(places: Places, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "settings.json").write_text('{"slots": 9}')
    settings = places.load(home=other)
    assert (settings.home, settings.slots) == (other, 9)


def test_when_the_home_is_relative_or_has_a_tilde_then_it_is_made_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(environment={"UNDERSTUDY_HOME": "here"}).home == tmp_path / "here"
    assert load_settings(environment={"UNDERSTUDY_HOME": "~/there"}).home == Path.home() / "there"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"slotz": 2}', "slotz"),
        ('{"slots": 0}', "slots"),
        ('{"slots": "two"}', "slots"),
        ('{"port": 70000}', "port"),
        ('{"roots": [{"name": "a/b"}]}', "roots"),
        ('{"roots": [{"name": "a", "linus": "/x"}]}', "linus"),
        ('{"roots": [{"name": "a", "projects": ["a/b"]}]}', "projects"),
        ('{"home": "/elsewhere"}', "home"),
        ("[1]", "settings.json"),
        ("{", "settings.json"),
        ("", "settings.json"),
    ],
)
def test_when_the_users_file_is_wrong_then_file_and_field_are_named(places: Places, text: str, named: str) -> None:
    places.user.write_text(text)
    with pytest.raises(RequestError) as caught:
        places.load()
    assert str(places.user) in caught.value.message
    assert named in caught.value.message
    assert caught.value.remedy


def test_when_a_setting_is_misspelt_then_the_near_one_is_offered(places: Places) -> None:
    with pytest.raises(RequestError) as caught:
        places.load(slot=2)
    assert "`slots`" in caught.value.remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_when_the_users_file_cannot_be_read_then_it_is_named(places: Places) -> None:
    places.user.touch(mode=0o000)
    with pytest.raises(RequestError, match=r"settings\.json"):
        places.load()


@pytest.mark.parametrize(("variable", "text"), [("PORT", "http"), ("SLOTS", "0"), ("ROOTS", "/jobs"), ("ROOTS", "{}")])
def test_when_a_variable_is_wrong_then_the_field_is_named(places: Places, variable: str, text: str) -> None:
    places.environment[f"UNDERSTUDY_{variable}"] = text
    with pytest.raises(RequestError) as caught:
        places.load()
    assert variable.lower() in caught.value.message.lower()


def test_when_a_variable_with_our_prefix_is_no_setting_then_it_is_left_alone(places: Places) -> None:
    places.environment["UNDERSTUDY_TEST_PLATES"] = "/plates"
    assert places.load().slots == 1


def test_when_roots_stand_in_the_environment_then_they_are_read_as_json(places: Places) -> None:
    places.environment["UNDERSTUDY_ROOTS"] = json.dumps([{"name": "jobs", "linux": "/jobs", "farm_visible": True}])
    assert places.load().roots == (Root(name="jobs", linux="/jobs", farm_visible=True),)


@given(
    some.fixed_dictionaries(
        {},
        optional={
            "host": some.text(min_size=1, max_size=10),
            "port": some.integers(0, 65535),
            "slots": some.integers(1, 256),
            "vault_quota_bytes": some.integers(2**20, 2**60),
            "timeout_seconds": some.floats(0.001, 3600),
        },
    )
)
def test_what_is_set_in_a_file_is_what_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    places = Places(tmp_path_factory.mktemp("machine"))
    places.user.write_bytes(msgspec.json.encode(values))
    settings = places.load()
    assert {name: getattr(settings, name) for name in values} == values


ROOTS = (
    Root(name="jobs", linux="/mnt/jobs", macos="/Volumes/jobs", windows="P:\\jobs"),
    Root(name="cache", linux="/mnt/cache", windows="\\\\server\\cache"),
)


@pytest.mark.parametrize(
    ("linux", "windows"),
    [
        ("/mnt/jobs/show/a.exr", "P:\\jobs\\show\\a.exr"),
        ("/mnt/jobs", "P:\\jobs"),
        ("/mnt/cache/b.exr", "\\\\server\\cache\\b.exr"),
    ],
)
def test_a_path_inside_a_root_maps_both_ways(linux: str, windows: str) -> None:
    assert map_path(ROOTS, linux, come_from="linux", go_to="windows") == windows
    assert map_path(ROOTS, windows, come_from="windows", go_to="linux") == linux


@pytest.mark.parametrize(
    ("path", "come_from", "go_to"),
    [
        ("/mnt/jobsite/a.exr", "linux", "windows"),
        ("/home/ada/a.exr", "linux", "windows"),
        ("/mnt/jobs/../../etc/passwd", "linux", "windows"),
        ("/mnt/cache/a.exr", "linux", "macos"),
        ("C:\\jobs\\a.exr", "windows", "linux"),
    ],
)
def test_a_path_outside_the_roots_is_left_as_it_is(path: str, come_from: Any, go_to: Any) -> None:
    assert map_path(ROOTS, path, come_from=come_from, go_to=go_to) == path


def test_windows_paths_map_whatever_their_case() -> None:
    assert map_path(ROOTS, "p:\\JOBS\\Show\\a.exr", come_from="windows", go_to="linux") == "/mnt/jobs/Show/a.exr"


def test_a_file_lies_in_a_root_only_when_its_real_place_does(tmp_path: Path) -> None:
    inside, outside = tmp_path / "jobs", tmp_path / "private"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.exr").touch()
    (inside / "plate.exr").touch()
    (inside / "link.exr").symlink_to(outside / "secret.exr")
    (tmp_path / "alias").symlink_to(inside)
    root = Root(name="jobs", **{this_system(): str(inside)})
    assert find_root((root,), inside / "plate.exr") == root
    assert find_root((root,), tmp_path / "alias" / "plate.exr") == root
    assert find_root((root,), inside / "link.exr") is None
    assert find_root((root,), inside / ".." / "private" / "secret.exr") is None
    assert find_root((Root(name="elsewhere"),), inside / "plate.exr") is None
