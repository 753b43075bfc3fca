from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialogButtonBox
from qt_rig import application, wait_until

from understudy.bridge.errors import RequestError, UnderstudyError
from understudy.ui.errands import Errands
from understudy.ui.faults import Faults


@pytest.fixture
def faults(caplog: pytest.LogCaptureFixture) -> Iterator[Faults]:
    caplog.set_level(logging.CRITICAL, "understudy.ui.faults")
    made = Faults()
    made.install()
    yield made
    made.uninstall()


def fall() -> None:
    raise KeyError("no such noun")


def shown(faults: Faults) -> str:
    wait_until(lambda: faults.window is not None and faults.window.isVisible())
    assert faults.window is not None
    return faults.window.said.text()


def test_when_a_slot_of_the_interface_fails_then_it_is_shown_with_what_to_do_and_the_interface_goes_on(
    faults: Faults,
) -> None:
    QTimer.singleShot(0, fall)
    assert "KeyError: 'no such noun'" in shown(faults)
    assert faults.window is not None
    assert "daemon" in faults.window.next.text()
    assert "in fall" in faults.window.report.toPlainText()
    went_on: list[bool] = []
    QTimer.singleShot(0, lambda: went_on.append(True))
    wait_until(lambda: went_on == [True])


def test_when_a_thread_fails_then_it_is_shown_in_the_interface(faults: Faults) -> None:
    threading.Thread(target=fall).start()
    assert "no such noun" in shown(faults)


def test_when_an_errand_fails_that_nobody_would_tell_of_then_it_is_shown_nevertheless(faults: Faults) -> None:
    told: list[UnderstudyError] = []
    errands = Errands("test")
    errands.run(fall, lambda _: None, told.append)
    assert "no such noun" in shown(faults)
    wait_until(lambda: len(told) == 1)
    errands.close()


def test_when_an_errand_is_refused_in_words_then_that_is_no_fault(faults: Faults) -> None:
    def refuse() -> None:
        raise RequestError("no", remedy="ask otherwise")

    told: list[UnderstudyError] = []
    errands = Errands("test")
    errands.run(refuse, lambda _: None, told.append)
    wait_until(lambda: len(told) == 1)
    application().processEvents()
    assert faults.window is None
    errands.close()


def test_when_the_same_fault_comes_again_then_it_is_counted_in_one_window_and_can_be_copied(faults: Faults) -> None:
    for _ in range(3):
        QTimer.singleShot(0, fall)
    wait_until(lambda: "3 times" in shown(faults))
    assert faults.window is not None
    faults.window.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("understudy ")
    assert "3 x Traceback" in copied
    faults.window.findChild(QDialogButtonBox).rejected.emit()  # type: ignore[union-attr]
    assert faults.window is None


def test_when_ctrl_c_is_pressed_then_it_is_no_fault() -> None:
    script = (
        "import sys; from qt_rig import application; application()\n"
        "from understudy.ui.faults import Faults; Faults().install(); raise KeyboardInterrupt"
    )
    rigs = next(place for place in sys.path if place.endswith("rigs"))
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=rigs, timeout=60, check=False
    )
    assert "KeyboardInterrupt" in ended.stderr
