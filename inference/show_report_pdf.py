"""The declaration of a show as a PDF, drawn with fpdf2. Deterministic but for the day that it states.

The letters are those of a typeface of this machine that has more than Latin 1, where one is found; else Helvetica's,
and a letter that it lacks stands as its number in Unicode, so that none is lost in silence.
"""

from __future__ import annotations

import io
from datetime import datetime, timezone
from pathlib import Path

from fpdf import FPDF, XPos, YPos
from fpdf.enums import MethodReturnValue
from fpdf.fonts import TTFFont
from PIL import UnidentifiedImageError

from understudy.inference.report_papers import Rows
from understudy.inference.show_report import Declaration, Shown
from understudy.inference.show_report_html import PROMISE, badges, totals, written_words

TYPEFACES = (
    ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf", "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans-Bold.ttf"),
    ("/System/Library/Fonts/Supplemental/Arial.ttf", "/System/Library/Fonts/Supplemental/Arial Bold.ttf"),
    ("C:/Windows/Fonts/arial.ttf", "C:/Windows/Fonts/arialbd.ttf"),
)
MARGIN, NAME_WIDTH, PICTURE_WIDTH = 18.0, 42.0, 70.0  # millimetres
SMALL, BODY, LARGE, TITLE = 7.5, 8.5, 12.0, 19.0  # points
LINE = 4.2  # millimetres a line of BODY
LEAST_ROOM = 30.0
"""A heading with less than so many millimetres under it begins the next page."""
INK, DIM, RULE = (28, 29, 31), (93, 99, 105), (217, 220, 223)
COLOURS = {"good": (47, 107, 63), "warn": (138, 90, 0), "bad": (163, 38, 31)}


def write_pdf(declaration: Declaration) -> bytes:
    """Return the declaration as PDF."""
    return _Pages(declaration).drawn()


class _Pages(FPDF):
    """One declaration on A4."""

    def __init__(self, declaration: Declaration) -> None:
        super().__init__()
        self._declaration = declaration
        self.family = _typeface(self)
        self.set_margins(MARGIN, MARGIN)
        self.c_margin = 0  # words begin where the lines do
        self.set_auto_page_break(True, MARGIN)
        self.set_title(self._text(f"Use of AI in {declaration.show}"))
        self.set_lang("en")
        self.set_creation_date(_moment(declaration.made_at))

    def footer(self) -> None:
        self.set_y(-12)
        self._font(SMALL, colour=DIM)
        self.cell(0, 5, self._text(f"Use of AI in {self._declaration.show}, {self._declaration.made_at[:10]}"))
        self.set_x(MARGIN)
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="R")

    def drawn(self) -> bytes:
        told = self._declaration
        self.add_page()
        self._words(f"Use of AI in {told.show}", TITLE, bold=True)
        self._words(written_words(told), BODY, colour=DIM)
        self.ln(2)
        self._words(PROMISE, BODY)
        self.ln(3)
        self._rows(tuple((number, what) for number, what in totals(told)))
        self._heading("Every delivered version")
        for shown in told.versions:
            self._row(shown.title, f"{dict(shown.made)['engine']}; {dict(shown.likeness)['likeness']}", badges(shown))
        for shown in told.versions:
            self._version(shown)
        if told.packs:
            self.add_page()
            self._words("The packs, in their own words", LARGE, bold=True)
            for pack in told.packs:
                self._section(pack.pack, pack.rows)
        return bytes(self.output())

    def _version(self, shown: Shown) -> None:
        self.add_page()
        self._words(shown.title, LARGE, bold=True)
        self._badges(badges(shown))
        if shown.previz:
            self._words(shown.previz, BODY, colour=DIM)
        self._picture(shown.picture)
        self._section("What was made", shown.made)
        self._section("Whose likeness, with whose consent", shown.likeness)
        packs = tuple((one.pack, "\n".join((one.outcomes, *one.open))) for one in shown.evaluated)
        none = (("packs", "none: packs are asked of versions that were made on a record"),)
        self._section("Which rules were evaluated", packs or none)
        if shown.waived:
            self._section("What was waived", tuple((one.rule, one.words) for one in shown.waived))
        self._section("What viewers and machines are told", shown.told)
        self._section("Proof", shown.proof)
        self._section("Who was given it", shown.recipients or (("", "Nobody is noted."),))

    def _picture(self, picture: bytes | None) -> None:
        if picture is None:
            self._words("No picture: it is shown of versions that are what was signed.", BODY, colour=DIM)
            return
        self.ln(1)
        try:
            self.image(io.BytesIO(picture), w=PICTURE_WIDTH, alt_text="the finished picture")
        except (UnidentifiedImageError, OSError, ValueError):
            self._words("The picture in its report page cannot be read.", BODY, colour=DIM)
        self.ln(1)

    def _section(self, name: str, rows: Rows) -> None:
        self._heading(name)
        self._rows(rows)

    def _heading(self, name: str) -> None:
        if self.will_page_break(LEAST_ROOM):
            self.add_page()
        self.ln(2.5)
        self._words(name, BODY + 0.5, bold=True)

    def _rows(self, rows: Rows) -> None:
        for name, value in rows:
            self._row(name, value)

    def _row(self, name: str, value: str, marks: tuple[tuple[str, str], ...] = ()) -> None:
        """Draw a name beside its value, both as high as they need, and a line under them."""
        width = self.w - 2 * MARGIN - NAME_WIDTH
        height = max(self._height(name, NAME_WIDTH - 3), self._height(value, width) + LINE * bool(marks)) + 1.2
        if self.will_page_break(min(height, self.eph)):
            self.add_page()
        top = self.y
        self._font(BODY, colour=DIM)
        self.multi_cell(NAME_WIDTH - 3, LINE, self._text(name), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        page, self.y = self.page, top
        self.set_x(MARGIN + NAME_WIDTH)
        self._font(BODY)
        self.multi_cell(width, LINE, self._text(value), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if marks:
            self.set_x(MARGIN + NAME_WIDTH)
            self._badges(marks)
        self.y = max(self.y, top + height - 1.2) if self.page == page else self.y
        self.set_draw_color(*RULE)
        self.line(MARGIN, self.y + 0.5, self.w - MARGIN, self.y + 0.5)
        self.y += 1.2

    def _height(self, text: str, width: float) -> float:
        """Return how many millimetres a text of BODY's size needs."""
        self._font(BODY)
        said = self.multi_cell(width, LINE, self._text(text), dry_run=True, output=MethodReturnValue.HEIGHT, align="L")
        return said if isinstance(said, float) else LINE

    def _badges(self, marks: tuple[tuple[str, str], ...]) -> None:
        for word, kind in marks:
            self._font(SMALL, bold=True, colour=COLOURS[kind])
            self.cell(self.get_string_width(self._text(word)) + 4, LINE, self._text(word))
        self.ln(LINE)

    def _words(self, text: str, size: float, *, bold: bool = False, colour: tuple[int, int, int] = INK) -> None:
        self._font(size, bold=bold, colour=colour)
        self.multi_cell(0, size * 0.5, self._text(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _font(self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = INK) -> None:
        self.set_font(self.family, "B" if bold else "", size)
        self.set_text_color(*colour)

    def _text(self, text: str) -> str:
        """Return text in letters that can be drawn."""
        known = "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
        face = self.fonts.get("body")
        if isinstance(face, TTFFont):
            return "".join(one if ord(one) in face.cmap or one == "\n" else f"U+{ord(one):04X} " for one in known)
        return known.encode("latin-1", "backslashreplace").decode("latin-1")


def _typeface(pages: FPDF) -> str:
    """Have a typeface of this machine embedded where there is one, and return the name of what is drawn with."""
    for plain, bold in TYPEFACES:
        if Path(plain).is_file() and Path(bold).is_file():
            pages.add_font("body", "", plain)
            pages.add_font("body", "B", bold)
            return "body"
    return "helvetica"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
