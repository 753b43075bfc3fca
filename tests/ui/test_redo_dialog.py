from __future__ import annotations

from every_window import cut
from panel_rig import summary
from qt_rig import wait_until

from understudy.bridge.messages import RedoSegment
from understudy.ui.redo_dialog import RedoDialog


def dialog() -> RedoDialog:
    return RedoDialog(summary(state="delivered", version=4))


def test_when_nothing_is_changed_then_a_cascade_is_asked_for_and_said_before() -> None:
    asking = dialog()
    asking.segment.setValue(3)
    assert "Segment 3 and every one after it are made again" in asking.will.text()
    assert "v004 stays as it is" in asking.will.text()
    request = asking.request()
    assert (request.segment, request.alone, request.dissolve, request.seed) == (3, False, False, None)


def test_when_alone_is_chosen_then_the_words_and_the_request_are_of_that_segment_only() -> None:
    asking = dialog()
    assert not asking.dissolve.isEnabled()
    asking.alone.setChecked(True)
    asking.dissolve.setChecked(True)
    asking.seed.setValue(7)
    assert "Only segment 1 is made again" in asking.will.text()
    assert "dissolve" in asking.will.text()
    request = asking.request()
    assert (request.alone, request.dissolve, request.seed) == (True, True, 7)


def test_when_cascade_is_chosen_again_then_no_dissolve_is_asked_for() -> None:
    asking = dialog()
    asking.alone.setChecked(True)
    asking.dissolve.setChecked(True)
    asking.cascade.setChecked(True)
    assert not asking.request().dissolve


def test_when_the_button_is_pressed_then_one_request_goes_out_and_asking_again_is_the_same_job() -> None:
    asking = dialog()
    heard: list[RedoSegment] = []
    asking.asked.connect(heard.append)
    asking.go.click()
    assert heard == [asking.request()]


def test_when_words_come_while_the_window_stands_then_it_grows_and_none_are_cut() -> None:
    asking = dialog()
    asking.show()
    asking.cost.setText("What it takes: about 2 min for 35 frames (median of 2 jobs here), 674.1 MiB of memory. " * 3)
    asking.cost.show()
    asking.alone.setChecked(True)
    asking.cost.show()
    wait_until(lambda: not cut(asking))
