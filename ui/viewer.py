"""The viewer: a take's layers frame by frame, beside each other and beside the plate, in the shot's own view.

Stands alone (`python -m understudy.ui.viewer FOLDER`) or inside the panel. Reads no file on the interface's thread:
a `TakeWatch` looks at the folder, a `Reader` at the frames, and both tell by signals.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from understudy.bridge.errors import Finding
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.take_segments import TakeSegment
from understudy.ui import look_words, viewer_keys, viewer_places
from understudy.ui.frames.plate import PlateSource
from understudy.ui.frames.reader import COLOURED_AHEAD, Reader
from understudy.ui.frames.wishes import Shown, Wanted
from understudy.ui.other_takes import OtherTake
from understudy.ui.playhead import Playhead, next_frames
from understudy.ui.remote_take import RemoteTake
from understudy.ui.viewer_bar import LookBar, TransportBar, set_items
from understudy.ui.viewer_canvas import FRONT, Canvas, Mode, laid_of
from understudy.ui.viewer_pixel import told_pixel
from understudy.ui.viewer_places import Others, Place
from understudy.ui.viewer_playback import Playback
from understudy.ui.viewer_strip import FrameStrip
from understudy.ui.viewer_style import STYLE
from understudy.ui.viewer_take import PLATE
from understudy.ui.viewer_watch import Seen, TakeWatch, Watched, notes_of
from understudy.ui.viewer_words import banner_words, frame_words, missing_words, transport_words

AHEAD_FRAMES = 24
FLICKER_MILLISECONDS = 400
RESTS_MILLISECONDS = 250  # after the last move of the head the picture is made fine
DEFAULT_RATE = FrameRate(24)  # of a take that states none; the viewer says so


class _Told(QObject):
    """Carries what other threads say to the interface's."""

    landed = Signal(object)
    whole = Signal(object)
    seen = Signal(object)


class Viewer(QWidget):
    """A widget of its own or of the panel. Every method is the interface's thread's."""

    frame_changed = Signal(int)
    take_read = Signal()  # a take is read for the first time: its frames can be gone to

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(look_words.VIEWER_TITLE)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.canvas, self.strip = Canvas(self), FrameStrip(self)
        self.look_bar, self.transport = LookBar(self), TransportBar(self)
        self.pixel, self.said = (QLabel(" ", textFormat=Qt.TextFormat.PlainText) for _ in range(2))
        self.said.setWordWrap(True)
        self.head: Playhead | None = None
        self.seen: Seen | None = None
        self.playback = Playback(self)
        self._others: Others = {}
        self._reader: Reader | None = None
        self._made_of: object = None
        self._watch: TakeWatch | None = None
        self._serial, self._newest = 0, dict[str, int]()
        self._shown: dict[str, Shown] = {}
        self._pointed: tuple[int, int] | None = None
        self._direction = 1
        self._told = _Told()
        self._lay_out()
        self._connect()

    def show_take(
        self,
        folder: Path,
        plate: PlateSource | str | None = None,
        rate: FrameRate | None = None,
        findings: tuple[Finding, ...] = (),
        *,
        expected: FrameRange | None = None,
        segments: tuple[TakeSegment, ...] = (),
        others: tuple[OtherTake, ...] = (),
        remote: RemoteTake | None = None,
    ) -> None:
        """Show the take that lies, or lands, in `folder`. Returns at once: the folder is read on another thread.

        plate: where its frames come from, or a pattern; others: takes to compare with.
        """
        self.pause()
        self._end_threads(wait=False)
        self.head, self.seen = None, None
        self._shown.clear()
        self.canvas.clear()
        self.canvas.banner, self.canvas.problem = "", "Reading the take ..."
        watched = Watched(folder, plate, rate, expected, findings, segments, others, remote)
        self._watch = TakeWatch(watched, self._told.seen.emit)

    def learn(
        self, findings: tuple[Finding, ...], segments: tuple[TakeSegment, ...], others: tuple[OtherTake, ...]
    ) -> None:
        """Take what is known of the shown take by now: the frame and all that is chosen stay."""
        if self._watch is not None:
            self._watch.learn(findings, segments, others)

    def set_frame(self, frame: int) -> None:
        """Go to a frame; frames in the direction of the move are made ready."""
        if self.head is None:
            return
        if frame != self.head.frame:
            self._direction = 1 if frame > self.head.frame else -1
            self._resting.start()
        self.head = self.head.at(frame)
        self.strip.show_head(self.head)
        self.frame_changed.emit(self.head.frame)
        self._ask()
        self._tell()

    def set_layer(self, layer: str) -> None:
        """Show a layer in front, or say that the take lacks it."""
        box = self.look_bar.layer
        if box.findText(layer) < 0:
            self.canvas.problem = missing_words(self.seen.take, layer, 0) if self.seen is not None else ""
            self.canvas.lay(FRONT, None)
            return
        box.setCurrentText(layer)

    def play(self) -> None:
        """Play between the marks at the shot's rate, dropping frames rather than slowing down."""
        if self.head is None:
            return
        self._direction = 1
        self.transport.play.setChecked(True)
        self.playback.start(self.head.frame)

    def pause(self) -> None:
        self.playback.stop()
        self.transport.play.setChecked(False)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.close_take()
        super().closeEvent(event)

    def close_take(self, *, wait: bool = True) -> None:
        """End the threads. wait: for some seconds, until they have, as whoever deletes the viewer must."""
        self.pause()
        self._flicker.stop()
        self._resting.stop()
        self._end_threads(wait=wait)

    def _end_threads(self, *, wait: bool) -> None:
        for thread in (self._watch, self._reader):
            if thread is not None:
                thread.stop(wait=wait)
        self._watch = self._reader = None

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for label in (self.pixel, self.said):
            label.setContentsMargins(8, 3, 8, 3)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.pixel.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )  # long words push nobody aside
        for widget in (self.look_bar, self.canvas, self.pixel, self.strip, self.transport, self.said):
            column.addWidget(widget, 1 if widget is self.canvas else 0)
        self.canvas.setFocusProxy(self)
        self.said.setFixedHeight(2 * self.said.fontMetrics().lineSpacing() + 8)  # the picture must not move
        self.said.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setStyleSheet(STYLE)
        self._flicker = QTimer(self)
        self._resting = QTimer(self, singleShot=True, interval=RESTS_MILLISECONDS)

    def _connect(self) -> None:
        self._told.landed.connect(self._on_landed)
        self._told.whole.connect(lambda _: self._tell_pixel())
        self._told.seen.connect(self._on_seen)
        self.playback.due.connect(self._on_due)
        self._flicker.timeout.connect(self._on_flicker)
        self._resting.timeout.connect(self._ask)
        self.canvas.moved.connect(self._ask)
        self.canvas.pointed.connect(self._on_pointed)
        self.canvas.left.connect(self._on_left)
        self.strip.chosen.connect(self._on_chosen)
        self.transport.asked.connect(self.do)
        self.look_bar.changed.connect(self._on_look)
        self.look_bar.typed.connect(self.setFocus)
        self.look_bar.fit_asked.connect(self.canvas.fit)
        self.look_bar.pixels_asked.connect(lambda: self.canvas.set_zoom(1))

    def _on_seen(self, seen: Seen) -> None:
        if self._watch is None or seen.watch is not self._watch:
            return  # of a take that is no longer shown
        first, self.seen = self.seen is None, seen
        take, whole = seen.take, seen.take.whole
        files = take.layers.get(PLATE, {})
        made_of = (seen.viewing, seen.plate, take.working_space, files)
        if self._reader is None or self._made_of != made_of:
            if self._reader is not None:
                self._reader.stop(wait=False)
            self._made_of = made_of
            self._reader = Reader(
                seen.viewing, self._told.landed.emit, self._told.whole.emit, plate=seen.plate,
                of_plate=files.values(), space=take.working_space,
            )  # fmt: skip
        self.playback.rate = take.rate or DEFAULT_RATE
        self.look_bar.set_displays(seen.viewing.displays())
        set_items(self.look_bar.layer, list(take.layers))
        if first:
            self.look_bar.layer.setCurrentText(take.picture_layer)
        self._others = viewer_places.others_of(take, seen.others)
        set_items(self.look_bar.other, list(self._others))
        if whole is None:
            self.canvas.problem = take.problem or "No frame lies here yet."
        else:
            self.head = Playhead.over(whole) if self.head is None else self.head.widened(whole)
        self._on_look()
        if first:
            self.take_read.emit()

    def _on_look(self) -> None:
        if self.seen is None:
            return
        bar = self.look_bar
        self.canvas.mode = cast(Mode, bar.mode.currentText())
        if self.canvas.mode == "flicker":
            self._flicker.start(FLICKER_MILLISECONDS)
        else:
            self._flicker.stop()
        bar.other.setEnabled(self.canvas.mode != "single")
        self.strip.show_take(self.seen.take, bar.layer.currentText())
        self.strip.show_head(self.head)
        self._ask()
        self._tell()

    def _places(self, seen: Seen) -> list[Place]:
        bar = self.look_bar
        against = self._others.get(bar.other.currentText(), ()) if self.canvas.mode != "single" else ()
        if self.canvas.mode != "onion":
            against = against[:1]
        subtract, overlay = self.canvas.mode == "difference", bar.overlay.isChecked()
        return list(
            viewer_places.places_of(seen.take, bar.layer.currentText(), against, overlay=overlay, subtract=subtract)
        )

    def _factor(self) -> int:
        return max(1, int(1 / self.canvas.zoom))

    def _size(self) -> tuple[int, bool]:
        """Return how much smaller pictures are to be made, and whether roughly: the head moves."""
        return (factor := self._factor()), factor > 1 and self._resting.isActive()

    def _ask(self) -> None:
        """Ask for every picture that the screen needs now, and for those that will be needed next."""
        if self.seen is None or self._reader is None or self.head is None:
            self.canvas.update()
            return
        frame, places = self.head.frame, self._places(self.seen)
        for gone in self._shown.keys() - {place.place for place in places}:
            self._shown.pop(gone)
            self.canvas.lay(gone, None)
        for place in places:
            self._ask_for(place, frame)
        near = next_frames(self.head, self._direction, AHEAD_FRAMES)
        keys = (viewer_places.key_of(place, other, *self._size()) for other in near for place in places)
        soon = (self._wanted(place, other) for other in near[:COLOURED_AHEAD] for place in places)
        self._reader.ahead(
            (key for key in keys if key), (replace(one, region=self.canvas.region()) for one in soon if one)
        )

    def _ask_for(self, place: Place, frame: int) -> None:
        self._serial += 1
        wanted = self._wanted(place, frame)
        if wanted is None or self._reader is None:
            self._newest[place.place] = self._serial
            self._shown.pop(place.place, None)
            self.canvas.lay(place.place, None)
            if place.place == FRONT:
                self.canvas.problem = missing_words(*viewer_places.lacking_of(place, frame), frame)
                self.canvas.banner = banner_words(place.take, None)
            return
        self._reader.show(replace(wanted, region=self.canvas.region(), serial=self._serial))

    def _wanted(self, place: Place, frame: int) -> Wanted | None:
        key = viewer_places.key_of(place, frame, *self._size())
        if key is None or self.seen is None:
            return None
        bar, space = self.look_bar, self.seen.viewing.space(place.take.working_space)
        return viewer_places.wanted_of(place, key, frame, bar.look(space), bar.channel.currentText())

    def _on_landed(self, shown: Shown) -> None:
        wanted, seen = shown.wanted, self.seen
        if seen is None or wanted.serial < self._newest.get(wanted.place, 0):
            return
        place = next((place for place in self._places(seen) if place.place == wanted.place), None)
        if place is None or wanted.path not in place.take.layers.get(place.layer, {}).values():
            return
        self._newest[wanted.place] = wanted.serial
        self._shown[wanted.place] = shown
        marks = shown.picture.marks if shown.picture is not None else {}
        label = frame_words(
            place.take, place.layer, wanted.frame, marks, named=place.named
        ) + viewer_places.minus_words(place)
        self.canvas.lay(wanted.place, laid_of(shown, label))
        if wanted.place == FRONT:
            self._front_landed(shown)
        self.canvas.banner = viewer_places.banner_of(seen.take, self._places(seen), self._shown)

    def _front_landed(self, shown: Shown) -> None:
        self.playback.was_painted(shown.wanted.frame)
        self.canvas.problem = shown.problem
        if (picture := shown.picture) is not None and self.canvas.set_display(picture.display, picture.pixel_aspect):
            self._ask()  # its size was not known when it was asked for
        self._tell()
        self._tell_pixel()

    def _on_due(self, steps: int) -> None:
        if self.head is not None and (frame := self.playback.frame(self.head, steps)) != self.head.frame:
            self.set_frame(frame)
            self._direction = 1

    def _on_flicker(self) -> None:
        self.canvas.flicker_back = not self.canvas.flicker_back
        self.canvas.update()

    def _on_chosen(self, frame: int) -> None:
        self.pause()
        self.set_frame(frame)

    def _on_pointed(self, x: int, y: int) -> None:
        self._pointed = (x, y)
        self._tell_pixel()

    def _on_left(self) -> None:
        self._pointed = None
        self.pixel.setText(" ")

    def _tell_pixel(self) -> None:
        shown = self._shown.get(FRONT)
        if self._pointed is not None and shown is not None and self._reader is not None and not self.playback.runs:
            self.pixel.setText(told_pixel(self._reader, shown.wanted, self.look_bar.layer.currentText(), self._pointed))

    def _tell(self) -> None:
        """Say what the playback does, which view there is at which error, and what was found at this frame."""
        if self.seen is None or self.head is None:
            return
        playing = self.playback.words() if self.playback.runs else ""
        rate, is_stated = float(self.playback.rate.fraction), self.seen.take.rate is not None
        self.transport.words.setText(transport_words(self.head, rate, is_stated=is_stated, playing=playing))
        self.said.setText("\n".join(notes_of(self.seen, self._shown.get(FRONT), self.head.frame)))

    def do(self, what: str) -> None:
        """Do what a button or a key of the transport says."""
        head = self.head
        if head is None:
            return
        if what == "play":
            self.pause() if self.playback.runs else self.play()
        elif what in ("in", "out", "unmark"):
            marked = {"in": head.with_in(head.frame), "out": head.with_out(head.frame), "unmark": head.unmarked()}
            self.head = marked[what]
            self.strip.show_head(self.head)
        else:
            self._go(head, what)
        self._tell()

    def _go(self, head: Playhead, what: str) -> None:
        self.pause()
        target = {
            "first": head.mark_in,
            "last": head.mark_out,
            "back": head.frame - 1,
            "on": head.frame + 1,
            "found_before": self.strip.next_found(-1),
            "found_after": self.strip.next_found(1),
        }[what]
        if target is not None:
            self.set_frame(target)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if not viewer_keys.press(self, Qt.Key(event.key())):
            super().keyPressEvent(event)


if __name__ == "__main__":
    from understudy.ui.viewer_window import main

    sys.exit(main())
