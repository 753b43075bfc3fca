"""The menu entry for the panel: the clip under the playhead in its form, and the script there as long as it is open."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from host_rig import FIRST, FRAMES, Drawn
from resolve_rig import RATE, ResolveRig

from understudy.bridge.desk_messages import Listener, Tell
from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange
from understudy.bridge.seat import this_seat
from understudy.bridge.watch import Watcher
from understudy.host_plugins.resolve.memory import Anchor
from understudy.host_plugins.resolve.panel_door import show_panel

PATIENCE_SECONDS = 30.0


@pytest.fixture
def rig(drawn: Drawn, tmp_path: Path, home: Path) -> ResolveRig:
    made = ResolveRig(tmp_path / "show")
    made.make_shot(drawn, shot="sh010", rate=RATE)
    return made


def open_and_close_panel(rig: ResolveRig, daemon: RunningDaemon) -> tuple[list[Tell], list[str]]:
    """Run the script until the panel, which is closed as soon as it has heard what there is, has gone."""
    heard: list[Tell] = []
    said: list[str] = []
    panel = Watcher(
        daemon.connection, (), None, lambda event: None, lambda: None,
        listener=Listener(ear="panel", seat=this_seat()), on_told=heard.append,
    )  # fmt: skip
    assert panel.wait_subscribed(10)

    def close_when_open() -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not any("it ends with the panel" in line for line in said) and time.monotonic() < end:
            time.sleep(0.01)
        panel.close()

    closing = threading.Thread(target=close_when_open)
    closing.start()
    show_panel(rig.host, lambda: daemon.connection, said.append, None)
    closing.join()
    return heard, said


def test_when_the_entry_is_started_then_the_clip_is_in_the_form_and_the_script_ends_with_the_panel(
    rig: ResolveRig, daemon: RunningDaemon
) -> None:
    heard, _ = open_and_close_panel(rig, daemon)
    assert [one.kind for one in heard] == ["show", "selection"]
    options = heard[1].options
    assert options is not None
    assert (options.frames, heard[1].title) == (f"{FIRST}-{FIRST + FRAMES - 1}", "Resolve (Show)")
    assert options.plate is not None
    assert Path(options.plate.replace("####", f"{FIRST:04}")).is_file()


def test_when_there_is_no_clip_then_the_panel_opens_all_the_same_and_the_console_says_why(
    rig: ResolveRig, daemon: RunningDaemon
) -> None:
    rig.timeline.playhead = FIRST + 10_000
    heard, said = open_and_close_panel(rig, daemon)
    assert [one.kind for one in heard] == ["show"]
    assert said[0].startswith("The panel opens without a shot: ")


def test_when_a_take_has_the_clip_s_own_frames_then_it_belongs_there_as_it_is(rig: ResolveRig) -> None:
    anchor = Anchor.read(rig.host.anchor_here(FrameRange(FIRST, FIRST + FRAMES - 1)))
    assert (anchor.clip_name, anchor.start) == ("sh010", FIRST)


def test_when_a_take_of_another_host_is_as_long_as_the_clip_then_its_first_frame_is_the_clip_s(rig: ResolveRig) -> None:
    assert Anchor.read(rig.host.anchor_here(FrameRange(1, FRAMES))).start == 1


def test_when_a_take_is_neither_then_it_is_refused_with_both_lengths(rig: ResolveRig) -> None:
    with pytest.raises(HostError, match=rf"has {FRAMES + 3} frames.* {FRAMES}, from {FIRST} on"):
        rig.host.anchor_here(FrameRange(1, FRAMES + 3))
