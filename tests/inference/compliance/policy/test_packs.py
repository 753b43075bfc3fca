"""Packs as data: those that ship, their own cases, and what happens to one that is not sound."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from pack_rig import MEDIA, pack_text

from understudy.bridge.errors import RequestError
from understudy.inference.compliance.policy.cases import failures, read_cases
from understudy.inference.compliance.policy.library import CASES, FOLDER, SHIPPED, all_packs, own_packs, read_pack
from understudy.inference.compliance.policy.packs import parse_pack

DISABLED = {"dk-likeness", "us-nofakes", "uk-replica"}
SOUND = pack_text("mine.media", "delivery", "legal", MEDIA)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_pack_does_what_its_own_cases_say(name: str) -> None:
    assert list(failures(read_pack(name), read_cases(name))) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_pack_says_what_it_rests_on_and_never_that_anything_is_legal(name: str) -> None:
    pack = read_pack(name).data
    assert pack.sources
    assert pack.not_verified or name == "base"
    assert pack.enabled == (name not in DISABLED)
    assert pack.valid_to is not None or name in ("base", "studio-template")
    assert len({rule.id for rule in pack.rule}) == len(pack.rule)
    for rule in pack.rule:
        assert not re.search(
            r"\b(il)?legal\b(?! (has|approval|called))", f"{rule.explain}".lower().replace("of legal", "")
        )


def test_the_folder_holds_what_ships_with_its_cases_and_nothing_else() -> None:
    expected = {f"{name}{end}" for name in SHIPPED for end in (".toml", CASES)}
    assert {path.name for path in FOLDER.iterdir()} == expected


def test_when_a_pack_file_is_deleted_then_it_is_missed_by_name(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "packs")
    (tmp_path / "packs" / "us-deceased.toml").unlink()
    with pytest.raises(RequestError, match=r"the policy pack us-deceased cannot be read: us-deceased\.toml"):
        all_packs(folder=tmp_path / "packs")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('id = "mine"', 'id = "mine', "is not TOML: "),
        ('id = "mine"', 'id = "yours"', "`id` is yours, and the file is mine.toml"),
        ('version = "1.0.0"', 'version = "1"', "$.version"),
        ('severity = "block"', 'sevrity = "block"', "line 15: Object contains unknown field `sevrity`"),
        ('severity = "block"', "", "missing required field `severity`"),
        ('severity = "block"', 'severity = "fatal"', "$.rule[0].severity"),
        (
            'set = "use.media"',
            'exists = "use.media"',
            "rule mine.media, `require`, line 14: there is no operator `exists`",
        ),
        ('set = "use.media"', 'set = "use.medium"', "line 14: there is no field `use.medium`"),
        ('require = { set = "use.media" }', "require = []", "nothing is required"),
        ('waivable_by = ["legal"]', 'waivable_by = ["artist"]', "$.rule[0].waivable_by[0]"),
        ('valid_from = "2026-01-01"', 'valid_from = "2026"', "`valid_from` is not a day"),
        ('valid_from = "2026-01-01"', 'valid_from = "2026-01-01"\nvalid_to = "2025-01-01"', "lies before"),
        ('id = "mine.media"', 'id = "other.media"', "rule other.media does not begin with mine."),
        ('id = "mine.media"', 'id = "mine.validity"', "is one that every pack has by itself"),
        ('sources = ["the show\'s producer"]', "sources = []", "$.sources"),
        ('reviewed_by = ""', 'reviewed_by = ""\nscript = "print()"', "unknown field `script`"),
    ],
)
def test_when_a_pack_is_not_sound_then_pack_and_place_are_named(old: str, new: str, named: str) -> None:
    assert old in SOUND
    with pytest.raises(RequestError) as caught:
        parse_pack(SOUND.replace(old, new, 1), "mine")
    assert "the policy pack mine" in caught.value.message
    assert named in caught.value.message
    assert "Nothing passes" in caught.value.remedy


def test_a_studios_pack_comes_beside_those_that_ship_and_one_of_the_same_id_in_its_place() -> None:
    mine = {"mine": SOUND}
    assert [pack.id for pack in all_packs(mine)] == [*SHIPPED, "mine"]
    other = {"kr-basic": SOUND.replace('"mine', '"kr-basic')}
    assert [pack.id for pack in all_packs(other)] == list(SHIPPED)
    assert all_packs(other)[SHIPPED.index("kr-basic")].data.title == "What our show asks"


def test_the_packs_of_a_studios_folder_are_found_by_their_names_without_their_cases(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SOUND)
    (tmp_path / f"mine{CASES}").write_text("")
    assert own_packs(str(tmp_path)) == {"mine": SOUND}
    assert own_packs("") == {}


def test_when_the_studios_folder_is_not_there_then_nothing_passes(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"`packs_folder` names .*gone, which is no folder"):
        own_packs(str(tmp_path / "gone"))
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RequestError, match="the policy pack mine cannot be read"):
        own_packs(str(tmp_path))


def test_a_case_that_says_otherwise_than_its_pack_and_a_rule_without_cases_are_told() -> None:
    pack = read_pack("us-ny-ads")
    wrong = tuple(case for case in read_cases("us-ny-ads") if case.name == "an ad with a label and its proof")
    told = [failure.what for failure in failures(pack, wrong)]
    assert told == ["no case shows us-ny-ads.disclose both holding and not holding"]
    other = read_pack("kr-basic")
    assert any("the pack is not asked" in failure.what for failure in failures(other, wrong))
