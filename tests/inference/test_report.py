"""The report page: self-contained, small however long the shot, and alive in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.errors import Finding
from understudy.inference.report import (
    FRAMES_LIMIT,
    ReportFacts,
    ReportFrame,
    choose_frames,
    render_report,
    write_report,
)
from understudy.inference.report_papers import PackPapers, Papers

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PAPERS = Papers(
    who=(("made on", "a record of papers"),),
    packs=(
        PackPapers(
            "us-ny-ads@1.0.0",
            (
                Finding(
                    rule="us-ny-ads.disclose", outcome="waived", message="Waived by legal, w-1.", facts={"pack": "x"}
                ),
                Finding(rule="us-ny-ads.other", outcome="not_applicable", message="not asked", facts={"pack": "x"}),
                Finding(rule="us-ny-ads.third", outcome="pass", message="so it is", facts={"pack": "x", "use": "yes"}),
            ),
            (("read by a lawyer", "no"), ("not verified", "whether a viewer knows")),
        ),
    ),
    waived=(("us-ny-ads.disclose", "Waived by legal, w-1. Reason: the client says it"),),
    proof=(("signed by", "A studio"), ("ledger entry", "7")),
)


def jpeg(level: int) -> bytes:
    done, data = cv2.imencode(".jpg", np.full((90, 160, 3), level, np.uint8))
    assert done
    return data.tobytes()


def facts(frames: int = 3, title: str = "shot 1-3") -> ReportFacts:
    views = {"plate": jpeg(40), "matte": jpeg(0), "result": jpeg(200)}
    return ReportFacts(
        title=title,
        state="delivered",
        clearance="cleared",
        disclosure="AI-altered",
        frames=tuple(ReportFrame(number, views, "a seam" if number == 2 else "") for number in range(1, frames + 1)),
        reference=jpeg(90),
        numbers=(("frames", "1-3"),),
        provenance=(("engine", "preview"),),
        papers=PAPERS,
        files=(("comp", "3 frames"),),
        findings=(
            Finding(rule="sizes_agree", outcome="pass", message="all 160x90"),
            Finding(rule="matte_is_not_empty", outcome="warn", message="empty", remedy="Roto it.", frames=(2, 3, 5)),
        ),
    )


def test_when_a_page_is_rendered_then_nothing_in_it_points_to_another_place() -> None:
    page = render_report(facts())
    assert "{{" not in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)""", page)
    assert "default-src 'none'" in page


def test_when_a_name_holds_markup_then_the_page_shows_it_as_text() -> None:
    page = render_report(facts(title="<script>alert(1)</script> & [x]"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; [x]" in page


def test_when_rules_are_listed_then_the_worst_come_first_with_their_remedy_and_frames() -> None:
    page = render_report(facts())
    assert page.index("matte_is_not_empty") < page.index("sizes_agree")
    assert "Roto it." in page
    assert "frames 2-3, 5" in page


def test_when_more_frames_come_than_the_page_may_hold_then_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most 24"):
        write_report(tmp_path / "report.html", facts(frames=FRAMES_LIMIT + 1))
    assert not list(tmp_path.iterdir())


@given(st.integers(-5000, 5000), st.integers(1, 3000))
def test_when_frames_are_chosen_then_they_are_few_in_order_and_hold_both_ends(first: int, count: int) -> None:
    frames = tuple(range(first, first + count))
    chosen = choose_frames(frames)
    assert len(chosen) <= FRAMES_LIMIT
    assert list(chosen) == sorted(set(chosen))
    assert chosen[0] == frames[0]
    assert chosen[-1] == frames[-1]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: the page is not tried in a browser")
def test_when_the_page_is_opened_in_a_browser_then_it_shows_frames_and_a_wipe(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_report(page, facts())
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path / 'profile'}",
         "--virtual-time-budget=2000", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    dom = done.stdout
    assert 'id="number">frame 2<' in dom
    assert dom.count('aria-current="true"') == 1
    assert re.search(r'<img id="under"[^>]*src="data:image/jpeg', dom)
    assert 'aria-pressed="true">plate<' in dom


def test_the_papers_say_packs_outcomes_with_their_facts_waivers_apart_and_what_nobody_verified() -> None:
    page = render_report(facts())
    papers = page[page.index('<section class="papers">') : page.index("<h2>Every rule of the gates</h2>")]
    for wanted in (
        "These rules of these versions were evaluated on these facts",
        "us-ny-ads@1.0.0", "1 not applicable, 1 pass, 1 waived", "read: use = yes", "not applicable: us-ny-ads.other",
        "not verified, by its own words: whether a viewer knows", "no lawyer is named who read it",
        "<h3>Waived</h3><table><tr><th>us-ny-ads.disclose</th>", "Reason: the client says it", "A studio",
    ):  # fmt: skip
        assert wanted in papers
    assert not re.search(r"\bcompliant\b|\bis legal\b", page)


def test_a_title_cannot_fill_a_slot_of_the_page() -> None:
    assert "<h1>{{PAPERS}}</h1>" in render_report(facts(title="{{PAPERS}}"))
