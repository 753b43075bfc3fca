"""`make first-shot`: the pictures of docs/first-shot.md, drawn by going through it with clicks and keys alone.

What is done here is what a hand can do, but for two things whose place depends on the font: a link of the page is
followed by its signal, and a form is scrolled by a call. What is read of the panel is only waited for. Look at every
picture afterwards: a step that needs a word the panel does not say is a fault of the panel.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QDialogButtonBox, QFileDialog, QLineEdit, QWidget
from qt_rig import application, wait_until

from understudy.inference.drawn_shot import draw_shot
from understudy.ui.consent_picker import ConsentPicker
from understudy.ui.memory import Memory
from understudy.ui.own_command import own_command
from understudy.ui.panel import Panel
from understudy.ui.papers_dialog import PapersDialog
from understudy.ui.redo_dialog import RedoDialog
from understudy.ui.session import Session
from understudy.ui.take_centre import TakeCentre
from understudy.ui.theme import dress
from understudy.ui.viewer_canvas import FRONT

OUT = Path(__file__).resolve().parents[2] / "docs/images/first-shot"
ROOT = Path("/tmp/first-shot")  # noqa: S108 - drawn in pictures, holds nothing private, and is cleared first
"""Stands in the pictures: a neutral place."""
WIDE, HIGH = 1500, 860
PICTURE_WIDE = 1100
SHOWN = frozenset(
    {
        "01-empty",
        "03-form",
        "04-landing",
        "05-uncleared",
        "06-wipe",
        "07-difference",
        "09-consents",
        "10-papers-refused",
        "11-papers",
        "13-delivered",
        "15-two-takes",
        "16-redo",
        "19-again",
    }
)
"""Those that docs/first-shot.md has; the others are left in ROOT, to be looked at."""
FRAMES = 26
"""Two segments of preview, so that one can be made again."""
UNCLEARED = "Ada: a first try, to see it move"


class Walk:
    """One artist's hands and eyes."""

    def __init__(self, root: Path, out: Path) -> None:
        self.root, self.out = root, out
        self.panel = self.open_panel()

    def open_panel(self) -> Panel:
        """Open the window as `understudy panel` does."""
        home = self.root / "home"
        panel = Panel(Session(home / "daemon.json"), None, TakeCentre(), None, Memory(home))
        panel.session.start()
        panel.resize(WIDE, HIGH)
        panel.show()
        panel.resize(WIDE, HIGH)
        return panel

    def press(self, widget: QWidget, key: str) -> None:
        """Press a key, or a letter, where the focus is put first."""
        widget.window().activateWindow()
        widget.setFocus()
        application().processEvents()
        if len(key) == 1:
            QTest.keyClick(widget, key)
        else:
            QTest.keyClick(widget, getattr(Qt.Key, f"Key_{key}"))
        application().processEvents()

    def key(self, widget: QWidget, letter: str) -> None:
        """Press a command's keys: Ctrl and a letter."""
        widget.window().activateWindow()
        application().processEvents()
        QTest.keyClick(widget, letter, Qt.KeyboardModifier.ControlModifier)
        application().processEvents()

    def click(self, button: QWidget, at: QPoint | None = None) -> None:
        """Click what is seen and can be clicked."""
        wait_until(lambda: button.isVisible() and button.isEnabled(), 30, f"{button.accessibleName()} is not there")
        QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=at or QPoint())
        application().processEvents()

    def type(self, line: QLineEdit, text: str, end: str = "") -> None:
        """Replace what stands in a line."""
        line.setFocus()
        line.selectAll()
        QTest.keyClicks(line, text) if text else QTest.keyClick(line, Qt.Key.Key_Delete)
        if end:
            QTest.keyClick(line, getattr(Qt.Key, f"Key_{end}"))
        application().processEvents()

    def choose_file(self, button: QWidget, file: Path) -> None:
        """Press a chooser's button and name the file in the dialog that opens."""

        def answer() -> None:
            dialog = application().activeModalWidget()
            if not isinstance(dialog, QFileDialog):
                QTimer.singleShot(50, answer)
                return
            line = dialog.findChild(QLineEdit)
            assert line is not None
            line.setText(str(file))
            box = dialog.findChild(QDialogButtonBox)
            assert box is not None
            accept = box.buttons()[0]
            QTest.mouseClick(accept, Qt.MouseButton.LeftButton)

        QTimer.singleShot(50, answer)
        self.click(button)

    def choose_word(self, box: QComboBox, word: str) -> None:
        """Choose in a box by the arrow keys, until what is read there has the word."""
        box.setFocus()
        for _ in range(box.count()):
            if word == box.currentText() or (len(word) > 4 and word in box.currentText()):
                return
            QTest.keyClick(box, Qt.Key.Key_Down)
        raise AssertionError(f"nobody reads {word}")

    def chips(self, dialog: PapersDialog, path: str, *said: str) -> None:
        """Type words into a field that takes several."""
        line = dialog.form.lines[path].editor.line  # type: ignore[attr-defined]
        for word in said:
            self.type(line, word, "Return")

    def hover(self, widget: QWidget, at: QPoint) -> None:
        """Move the pointer over a widget."""
        where = QPointF(at)
        moved = QMouseEvent(
            QEvent.Type.MouseMove, where, widget.mapToGlobal(where), Qt.MouseButton.NoButton,
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        application().sendEvent(widget, moved)

    def save(self, widget: QWidget, name: str, settle: float = 0.5) -> None:
        """Keep a picture of what is seen once it has settled."""
        ends = time.monotonic() + settle
        wait_until(lambda: time.monotonic() > ends, settle + 20)
        picture = widget.grab()
        if picture.width() > PICTURE_WIDE:
            picture = picture.scaledToWidth(PICTURE_WIDE, Qt.TransformationMode.SmoothTransformation)
        picture.save(str((self.out if name in SHOWN else ROOT) / f"{name}.png"))
        print(f"{time.strftime('%X')} {name}", flush=True)

    def buttons(self, within: QWidget, words: str) -> list[QAbstractButton]:
        """Find buttons by the words on them, as an eye does."""
        found = (one for one in within.findChildren(QAbstractButton) if one.isVisible())
        return [one for one in found if words.lower() in one.text().replace("&", "").lower()]

    def button(self, within: QWidget, words: str) -> QAbstractButton:
        """Find the one with these words."""
        found = self.buttons(within, words)
        assert found, f"nobody sees a button {words}"
        return found[0]

    def form_field(self, name: str) -> QLineEdit:
        """Find the line of the form under which a hand types."""
        assert self.panel.form is not None
        editor = self.panel.form.fields[name].editor
        assert isinstance(editor, QLineEdit)
        return editor

    def state(self, at: int = 0) -> str:
        """Read the state of a row of the list."""
        return self.panel.jobs.row(at).summary.state if self.panel.jobs.rowCount() > at else ""

    # ---- the steps of docs/first-shot.md --------------------------------------------------------------------------

    def start(self) -> None:
        """1: the empty window, and a daemon started from it."""
        panel = self.panel
        wait_until(lambda: panel.session.standing.life == "away")
        self.save(panel, "01-empty")
        self.click(self.button(panel.pane, "Start one here"))
        wait_until(lambda: panel.session.standing.life == "alive", 60)
        self.save(panel, "02-daemon")

    def fill(self) -> None:
        """2: the form, by its choosers, with a reason in the place of papers."""
        self.click(self.button(self.panel.pane, "New job"))
        wait_until(lambda: self.panel.form is not None and self.panel.form.isVisible())
        form = self.panel.form
        assert form is not None
        self.save(form, "03-form-empty", 1.5)
        shot = self.root / "shot"
        for name, file in (
            ("plate", shot / "plate/plate.1001.exr"), ("matte", shot / "matte/matte.1001.exr"),
            ("reference", shot / "reference.png"),
        ):  # fmt: skip
            self.choose_file(form._choosers[name], file)
        self.type(self.form_field("shot"), "sh010")
        self.type(self.form_field("self_attest"), UNCLEARED)
        self.save(form, "03-form", 1)

    def draft(self) -> None:
        """3: a draft, whose frames land while it is looked at."""
        panel, form = self.panel, self.panel.form
        assert form is not None
        self.click(form.draft)
        wait_until(lambda: not form.isVisible(), 60)
        centre = panel.middle
        assert isinstance(centre, TakeCentre)
        wait_until(lambda: centre.currentWidget() is centre.viewer and FRONT in centre.viewer._shown, 120)
        self.save(panel, "04-landing", 0.2)
        wait_until(lambda: self.state() == "delivered", 240)
        self.save(panel, "05-uncleared", 3)

    def judge(self) -> None:
        """4: wipe, difference, a pixel, a finding."""
        viewer = self.panel.middle.viewer  # type: ignore[attr-defined]
        for _ in range(8):
            self.press(viewer, "Right")
        self.press(viewer, "W")
        self.hover(viewer.canvas, QPoint(viewer.canvas.width() // 2 - 40, viewer.canvas.height() // 2))
        self.save(self.panel, "06-wipe", 1.5)
        self.press(viewer, "D")
        self.save(self.panel, "07-difference", 1.5)
        self.press(viewer, "D")

    def write_papers(self) -> None:
        """5: what legal puts into the registry, at a shell; the panel cannot."""
        for line in (
            ("talent", "add", "ana", "name=Ana Lopez", "living=yes", "minor=no", "union=none"),
            (
                "consent", "add", "c-ana", "talent=ana", f"document={'a' * 64}", "signed_on=2026-01-05",
                "expires_on=2099-01-01", "territories=DE; AT", "media=streaming",
            ),
        ):  # fmt: skip
            subprocess.run([own_command(), *line], check=True, capture_output=True)

    def papers(self) -> None:
        """6: submitted again, with papers: a creature, performed by Ana, for streaming in Germany and Brazil."""
        panel = self.panel
        panel.details.anchorClicked.emit("papers:again")  # a click on the link: its place depends on the font
        wait_until(lambda: panel.form is not None and panel.form.isVisible())
        form = panel.form
        assert form is not None
        self.click(form.papers.edit)
        dialog = form.papers.dialog
        assert dialog is not None
        wait_until(lambda: len(dialog.form.boxes()) > 1, 30)
        self.save(dialog, "08-papers-empty", 1)
        self.choose_word(dialog.form.lines["likeness"].editor, "creature")
        self.chips(dialog, "performed_by", "ana")
        self.chips(dialog, "use.media", "streaming")
        self.chips(dialog, "use.territories", "DE", "BR")
        self.click(dialog.form.lines["use.is_advertising"].editor.buttons[False])
        self.click(dialog.form.consents.pick)
        picker = next(
            one for one in application().topLevelWidgets() if isinstance(one, ConsentPicker) and one.isVisible()
        )
        wait_until(lambda: picker.model.rowCount() > 0, 30)
        self.save(picker, "09-consents", 0.5)
        self.click(self.button(picker, "Put into these papers"))
        wait_until(lambda: bool(self.buttons(dialog, "Narrow to")), 30)
        dialog.form.ensureWidgetVisible(self.button(dialog, "Narrow to"))
        self.save(dialog, "10-papers-refused", 1)
        self.click(self.button(dialog, "Narrow to"))
        wait_until(lambda: not self.buttons(dialog, "Narrow to"), 30)
        lines = dialog.form.lines
        self.choose_word(lines["eu.role"].editor, "both")
        self.choose_word(lines["eu.deepfake"].editor, "no")
        reason = lines["eu.reason"].editor
        reason.setFocus()
        QTest.keyClicks(reason, "A drawn puppet that nobody takes for a person.")
        self.save(dialog, "11-papers", 3)
        self.choose_file(dialog.use, self.root / "sh010.json")
        wait_until(lambda: not dialog.isVisible(), 20)
        self.save(form, "12-form-with-papers", 1)

    def deliver(self) -> None:
        """7: sent with papers, and delivered."""
        form = self.panel.form
        assert form is not None
        self.click(form.final)
        wait_until(lambda: not form.isVisible(), 60)
        wait_until(lambda: self.panel.jobs.rowCount() > 1 and self.state() in ("delivered", "quarantined"), 240)
        self.save(self.panel, "13-delivered", 3)

    def take(self) -> None:
        """8: the folder, and in it the layers."""
        self.press(self.panel.pane.table, "O")
        self.save(self.panel, "14-folder", 1)

    def compare(self) -> None:
        """9: this take against the one before."""
        viewer = self.panel.middle.viewer  # type: ignore[attr-defined]
        self.press(viewer, "V")
        self.save(self.panel, "15-two-takes", 2)

    def redo(self) -> None:
        """10: the second segment again."""
        self.press(self.panel.pane.table, "D")
        dialog = next(one for one in self.panel.findChildren(RedoDialog) if one.isVisible())
        dialog.segment.setFocus()
        QTest.keyClick(dialog.segment, Qt.Key.Key_Up)
        self.save(dialog, "16-redo", 1)
        self.click(self.button(dialog, "Make it again"))
        wait_until(lambda: self.panel.jobs.rowCount() > 2 and self.state() in ("delivered", "quarantined"), 240)
        self.save(self.panel, "17-redone", 3)

    def copy(self) -> None:
        """11: the same from a shell."""
        self.key(self.panel.pane.table, "c")
        self.save(self.panel, "18-copied", 1)
        print(application().clipboard().text())

    def come_back(self) -> None:
        """12: closed and opened again."""
        self.panel.close()
        self.panel = self.open_panel()
        wait_until(lambda: self.panel.jobs.rowCount() > 2, 30)
        self.key(self.panel, "n")
        self.save(self.panel, "19-again", 2)


def main() -> None:
    """Go the whole way, and keep the pictures."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(ROOT, ignore_errors=True)
    ROOT.mkdir()
    os.environ["UNDERSTUDY_HOME"] = str(ROOT / "home")
    draw_shot(ROOT / "shot", frames=FRAMES, width=640, height=360)
    os.chdir(ROOT)
    dress(application())
    walk = Walk(ROOT, out)
    try:
        for step in (
            walk.start, walk.fill, walk.draft, walk.judge, walk.write_papers, walk.papers, walk.deliver, walk.take,
            walk.compare, walk.redo, walk.copy, walk.come_back,
        ):  # fmt: skip
            step()
    except BaseException:
        for at, window in enumerate(one for one in application().topLevelWidgets() if one.isVisible()):
            window.grab().save(str(ROOT / f"stopped-{at}.png"))
        raise
    finally:
        walk.panel.close()
        subprocess.run([own_command(), "stop"], check=False)


if __name__ == "__main__":
    main()
