"""Papers as spreadsheets: the same after a round trip, and a wrong cell refused by line and column."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.errors import RequestError
from understudy.inference.authority.papers import Clip, RegisteredConsent, Talent
from understudy.inference.authority.sheets import read_sheet, write_sheet

letters = st.characters(exclude_categories=("Cs", "Cc"))
words = st.text(letters, min_size=1, max_size=12).filter(lambda w: w == w.strip() and not set(w) & set(";/\\"))
ids = words
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
days = st.dates().map(lambda day: day.isoformat())
texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30)


@given(
    st.lists(
        st.builds(Talent, id=ids, name=texts, living=st.booleans(), minor=st.booleans(), union=texts, notes=texts),
        unique_by=lambda talent: talent.id,
    )
)
def test_talents_come_back_as_they_went(talents: list[Talent]) -> None:
    assert read_sheet(Talent, write_sheet(Talent, talents)) == talents


@given(
    st.lists(
        st.builds(
            RegisteredConsent, id=ids, talent=ids, document=digests, signed_on=st.just("2026-01-05"),
            expires_on=st.just("") | st.just("2027-01-05"), revoked_on=st.just("") | days, revoked_why=texts,
            projects=st.lists(words, max_size=3).map(tuple), exclusions=st.lists(words, max_size=3).map(tuple),
            use=texts, separate=st.sampled_from(["", "yes", "no"]),
        ),
        unique_by=lambda consent: consent.id,
    )
)  # fmt: skip
def test_consents_come_back_as_they_went(consents: list[RegisteredConsent]) -> None:
    assert read_sheet(RegisteredConsent, write_sheet(RegisteredConsent, consents)) == consents


def test_no_cell_is_a_formula_for_a_spreadsheet() -> None:
    sheet = write_sheet(Talent, [Talent(id="=1+1", name='=HYPERLINK("http://x")', notes="-2", union="@a")])
    cells = list(csv.reader(io.StringIO(sheet)))[1]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


GOOD: dict[str, Any] = {"id": "c-1", "talent": "ana", "document": "a" * 64, "signed_on": "2026-01-05"}


@pytest.mark.parametrize(
    ("field", "cell", "why"),
    [
        ("document", "abc", "Expected `str`"),
        ("signed_on", "5.1.2026", "Expected `str`"),
        ("signed_on", "2026-02-30", "is not a day"),
        ("signed_on", "", "signed on some day"),
        ("expires_on", "2025-01-01", "lies before signed_on"),
        ("capacity", "boss", "Invalid enum value 'boss'"),
        ("projects", "dune;;falcon", "Expected `str`"),
        ("id", " c-1", "Expected `str`"),
        ("id", "c-0", "stands in line 2 already"),
    ],
)
def test_a_wrong_cell_is_refused_by_line_and_column(field: str, cell: str, why: str) -> None:
    sheet = write_sheet(RegisteredConsent, [RegisteredConsent(**{**GOOD, "id": "c-0"}), RegisteredConsent(**GOOD)])
    rows = list(csv.reader(io.StringIO(sheet)))
    rows[2][rows[0].index(field)] = cell
    changed = io.StringIO()
    csv.writer(changed).writerows(rows)
    with pytest.raises(RequestError) as refused:
        read_sheet(RegisteredConsent, changed.getvalue())
    assert refused.value.facts == {"line": "3", "column": field}
    assert why in refused.value.message


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        ("", "column `document`: this column is missing"),
        ("id,talent,document,signed_on,colour\n", "column `colour`: no such column"),
        ("id,talent,document,signed_on,id\n", "column `id`: stands twice"),
        ("id,talent,document,signed_on\nc-1,ana\n", "line 2: 2 cells, but 4 columns"),
        ('id,talent,document,signed_on\n"c-1', "this is no CSV"),
    ],
)
def test_a_sheet_of_another_shape_is_refused(sheet: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        read_sheet(RegisteredConsent, sheet)


def test_columns_may_be_left_out_and_stand_in_any_order_behind_a_mark_of_excel() -> None:
    sheet = "\ufeffminor,id\r\nyes,ana\r\n\r\nno,bo\r\n"
    assert read_sheet(Talent, sheet) == [Talent(id="ana", minor=True), Talent(id="bo")]
    with pytest.raises(RequestError, match="line 2, column `minor`: 'true' is neither yes nor no"):
        read_sheet(Talent, "minor,id\ntrue,ana\n")


def test_lists_are_parted_by_semicolons() -> None:
    clip = Clip(id="walk-1", files=("a" * 64, "b" * 64), performers=("ana", "bo"), camera_move="dolly in")
    assert "ana; bo" in write_sheet(Clip, [clip])
    assert msgspec.structs.asdict(read_sheet(Clip, write_sheet(Clip, [clip]))[0]) == msgspec.structs.asdict(clip)
