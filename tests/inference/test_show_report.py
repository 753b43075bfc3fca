"""The declaration's pages: what hostile words, missing pictures and many versions make of them."""

from __future__ import annotations

import csv
import dataclasses
import io
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.errors import Finding
from understudy.bridge.record import Record
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.papers import Waiver
from understudy.inference.authority.registry import Change, Registry
from understudy.inference.daemon.lookup import Lookup
from understudy.inference.report_papers import without_people
from understudy.inference.show_report import Declaration, Evaluated, KnownPack, Shown, Sources, Waived, _waived
from understudy.inference.show_report_html import COLUMNS, page, sheet
from understudy.inference.show_report_pdf import write_pdf


def a_picture() -> bytes:
    return bytes(cv2.imencode(".jpg", np.full((36, 64, 3), 90, np.uint8))[1])


SHOWN = Shown(
    shot="sh010",
    version=3,
    clearance="cleared",
    previz="",
    made=(
        ("what was done", "a character"), ("frames", "1-8"), ("engine", "preview 1"), ("models", "none"),
        ("digital source type", "x"), ("prompt", "none"), ("job", "j"), ("content id", "c"),
    ),
    likeness=(("likeness", "no person"), ("consent c-1", "in force")),
    evaluated=(Evaluated("base@1.0.0", "3 pass", ("warn: base.x: words",)),),
    waived=(Waived("base.y", "Waived by legal, w-1. Reason: the client says it"),),
    told=(("disclosure", "made with AI"),),
    proof=(("verified", "every file"), ("signed by", "nobody")),
    proven=True,
    trusted=False,
    recipients=(("The broadcaster", "given"),),
    picture=a_picture(),
)  # fmt: skip
TOLD = Declaration(
    "falcon", "2026-11-28T14:00Z", "0.1.0", (SHOWN,), (KnownPack("base@1.0.0", (("title", "t"),)),), False
)


class Tags(HTMLParser):
    """Counts what a browser would take for markup."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)


def tags(text: str) -> list[str]:
    parser = Tags()
    parser.feed(text)
    return parser.names


@given(st.text(max_size=40))
def test_words_of_others_never_become_markup_a_slot_or_a_formula(words: str) -> None:
    hostile = dataclasses.replace(SHOWN, shot=words + "{{PACKS}}<script>", told=(("disclosure", words),))
    told = dataclasses.replace(TOLD, show=words + "<img src=x>", versions=(hostile,))
    assert tags(page(told)) == tags(page(TOLD))
    for line in csv.reader(io.StringIO(sheet(told))):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in line)


@pytest.mark.parametrize("words", ["", "a" * 6000, "Ünïcödé Ωмега 中文 \U0001f600", "\x00\x1b[31m\n\n", "word " * 900])
def test_a_pdf_is_made_of_any_words(words: str) -> None:
    shown = dataclasses.replace(SHOWN, shot=words or "x", told=(("disclosure", words), (words[:200], "value")))
    assert write_pdf(dataclasses.replace(TOLD, versions=(shown,))).startswith(b"%PDF-")


def test_when_a_picture_is_missing_or_none_then_the_pages_say_so() -> None:
    none = dataclasses.replace(TOLD, versions=(dataclasses.replace(SHOWN, picture=None),))
    assert "no picture: it is shown of versions" in page(none)
    broken = dataclasses.replace(TOLD, versions=(dataclasses.replace(SHOWN, picture=b"\xff\xd8 no picture"),))
    assert write_pdf(broken).startswith(b"%PDF-")


def test_the_same_facts_make_the_same_bytes() -> None:
    assert (page(TOLD), sheet(TOLD), write_pdf(TOLD)) == (page(TOLD), sheet(TOLD), write_pdf(TOLD))


def test_a_line_has_every_column() -> None:
    head, line = csv.reader(io.StringIO(sheet(TOLD)))
    assert (tuple(head), len(line)) == (COLUMNS, len(COLUMNS))


def test_people_of_a_record_stand_as_numbers_and_parts_of_words_stay() -> None:
    record = Record(on_screen=("ana",), performed_by=("bo",))
    assert without_people("ana and bo; banana (ana)", record) == "person 1 and person 2; banana (person 1)"


def test_a_waiver_is_told_with_its_reason_and_names_neither_who_performs_nor_who_decided(tmp_path: Path) -> None:
    registry = Registry(tmp_path, Ledger(tmp_path))
    waiver = Waiver(
        id="w-1", rule="base.y", pack="base@1.0.0", record_id="r-1", facts="0" * 64, waivable_by=("legal",),
        reason="ana agreed by letter", requested_by="pia", requested_on="2026-11-01", state="granted",
        decided_by="lea", decided_as="legal", decided_on="2026-11-02", expires_on="2026-12-31",
    )  # fmt: skip
    registry.write("lea", [Change("waiver", waiver, "granted")])
    store = Lookup(tmp_path / "store.sqlite")
    sources = Sources(store, registry, tmp_path, b"", (), today="2026-11-28")
    said = Finding(rule="base.y", outcome="waived", message="Waived by legal, w-1.", facts={"waiver": "w-1"})
    told = _waived(said, Record(on_screen=("ana",)), sources, False)
    named = _waived(said, Record(on_screen=("ana",)), sources, True)
    store.close()
    registry.close()
    assert told.words == "Waived by legal, w-1. Reason: person 1 agreed by letter"
    assert "Decided by lea." in named.words
