"""`understudy packs`: what it prints, what a script reads, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminal_rig import Terminal

from understudy.inference.compliance.policy.library import CASES, FOLDER, SHIPPED


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Return a pack of the studio's own: a copy of a shipped one under another name, with its cases."""
    for end in (".toml", CASES):
        text = (FOLDER / f"us-ny-ads{end}").read_text()
        (tmp_path / f"my-ads{end}").write_text(text.replace("us-ny-ads", "my-ads"))
    return tmp_path / "my-ads.toml"


def test_every_pack_is_listed_with_where_it_is_in_force_and_who_has_read_it(terminal: Terminal) -> None:
    end = terminal("packs", "list")
    assert end.code == 0
    assert all(f"\n{name} " in f"\n{end.out}" for name in SHIPPED)
    assert "switched off; DK" in end.out
    assert "no lawyer has reviewed it" in end.out
    listed = terminal("packs", "list", "--json").json
    assert [one["id"] for one in listed] == list(SHIPPED)
    assert all(one["not_verified"] or one["id"] == "base" for one in listed)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_pack_is_explained_rule_by_rule_in_words(terminal: Terminal, name: str) -> None:
    said = terminal("packs", "explain", name).out
    data = terminal("packs", "explain", name, "--json").json
    for rule in data["rule"]:
        assert rule["id"] in said
        assert rule["explain"] in said
    assert all(f"rests on: {source}" in said for source in data["sources"])
    assert all(f"not verified: {text}" in said for text in data["not_verified"])


def test_the_cases_of_every_pack_that_ships_hold(terminal: Terminal) -> None:
    end = terminal("packs", "test", "--json")
    assert end.code == 0
    assert [one["pack"].partition("@")[0] for one in end.json] == list(SHIPPED)
    assert all(one["cases"] and not one["differ"] for one in end.json)


def test_a_studios_own_pack_is_tested_from_its_file(terminal: Terminal, mine: Path) -> None:
    end = terminal("packs", "test", mine)
    assert (end.code, end.out.strip()) == (0, "my-ads@1.0.0                   10 cases, 0 differ")


def test_when_a_pack_says_otherwise_than_its_cases_then_both_are_shown_and_it_leaves_with_3(
    terminal: Terminal, mine: Path
) -> None:
    mine.write_text(mine.read_text().replace('severity = "block"', 'severity = "warn"'))
    end = terminal("packs", "test", mine)
    assert end.code == 3
    assert "an ad without a label: my-ads.disclose says warn, not refuse" in end.out


def test_when_a_pack_does_not_read_then_the_line_is_named(terminal: Terminal, mine: Path) -> None:
    mine.write_text(mine.read_text().replace("{ set =", "{ exists ="))
    end = terminal("packs", "explain", mine)
    assert end.code == 2
    assert "there is no operator `exists`" in end.err
    assert "line 1" in end.err


@pytest.mark.parametrize("words", [("explain", "nope"), ("test", "nope"), ("test", "nope.toml")])
def test_when_there_is_no_such_pack_then_those_that_are_there_or_the_file_are_named(
    terminal: Terminal, words: tuple[str, str]
) -> None:
    end = terminal("packs", *words)
    assert end.code == 2
    assert "nope" in end.err


def test_when_a_pack_has_no_cases_then_it_is_not_called_tested(terminal: Terminal, mine: Path, tmp_path: Path) -> None:
    (tmp_path / f"my-ads{CASES}").unlink()
    assert terminal("packs", "test", mine).code == 2


def test_the_page_of_packs_names_every_pack_that_ships() -> None:
    page = (Path(__file__).parents[2] / "docs" / "packs.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in SHIPPED)
    assert "understudy packs test" in page
