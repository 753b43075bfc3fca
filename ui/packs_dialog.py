"""Which packs are asked of this shot, why the others are not, and who has read them."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from understudy.bridge.papers_messages import PackAsked
from understudy.ui import papers_words
from understudy.ui.theme import QUIET


class PacksDialog(QDialog):
    """A page to read."""

    def __init__(self, packs: Iterable[PackAsked], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(papers_words.PACKS_TITLE)
        self.page = QTextBrowser(self)
        self.page.setAccessibleName(papers_words.PACKS_TITLE)
        self.page.setHtml(packs_page(packs))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, parent=self)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.page)
        layout.addWidget(buttons)
        letters = self.fontMetrics()
        self.resize(letters.averageCharWidth() * 100, letters.height() * 34)


def packs_page(packs: Iterable[PackAsked]) -> str:
    """Return the packs as HTML: those that are asked first."""
    ordered = sorted(packs, key=lambda pack: (not pack.asked, pack.id))
    return "".join(map(_pack, ordered)) or f"<p>{papers_words.PACKS_NONE}</p>"


def _pack(pack: PackAsked) -> str:
    word = papers_words.PACK_ASKED if pack.asked else papers_words.PACK_LEFT
    reviewed = papers_words.PACK_REVIEWED.format(who=pack.reviewed_by) if pack.reviewed_by else ""
    trust = [reviewed or papers_words.PACK_NO_LAWYER, papers_words.PACK_CONFIDENCE.format(confidence=pack.confidence)]
    days = papers_words.PACK_DAYS.format(begins=pack.valid_from, ends=pack.valid_to or papers_words.EXPIRES["never"])
    doubts = [papers_words.PACK_NOT_VERIFIED.format(what=one) for one in pack.not_verified]
    said = "<br/>".join(_quiet(one) for one in (f"{' '.join(trust)} {days if pack.valid_from else ''}", *doubts))
    head = f"<b>{word}</b> <b>{escape(pack.id)}</b> {_quiet(pack.version)}"
    return f"<p>{head}<br/>{escape(pack.title)}<br/>{escape(pack.why)}<br/>{said}</p>"


def _quiet(said: str) -> str:
    return f'<span style="color:{QUIET.name()}">{escape(said)}</span>'
