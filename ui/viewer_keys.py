"""What each key of the viewer means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from understudy.ui.viewer_places import other_words
from understudy.ui.viewer_take import PLATE

if TYPE_CHECKING:
    from understudy.ui.viewer import Viewer

LAYERS = (PLATE, "comp", "patch", "character", "matte", "clean", "difference", "skeleton", "face")
"""On the keys 1 to 9."""
TRANSPORT = {
    Qt.Key.Key_Space: "play", Qt.Key.Key_Left: "back", Qt.Key.Key_Right: "on", Qt.Key.Key_Home: "first",
    Qt.Key.Key_End: "last", Qt.Key.Key_I: "in", Qt.Key.Key_O: "out", Qt.Key.Key_U: "unmark",
    Qt.Key.Key_Up: "found_after", Qt.Key.Key_Down: "found_before",
}  # fmt: skip
CHANNELS = {Qt.Key.Key_R: "R", Qt.Key.Key_G: "G", Qt.Key.Key_B: "B", Qt.Key.Key_A: "A", Qt.Key.Key_C: "RGB"}
MODES = {
    Qt.Key.Key_W: "wipe", Qt.Key.Key_T: "flicker", Qt.Key.Key_N: "onion", Qt.Key.Key_D: "difference"
}  # fmt: skip
EXPOSURE = {Qt.Key.Key_BracketLeft: -0.25, Qt.Key.Key_BracketRight: 0.25}
"""Stops."""


def layer_of(key: Qt.Key) -> str | None:
    """Return the layer on a digit's key."""
    digit = int(key) - int(Qt.Key.Key_1)
    return LAYERS[digit] if 0 <= digit < len(LAYERS) else None


def press(viewer: Viewer, key: Qt.Key) -> bool:
    """Do what a key means; say whether it means anything. A key that is on goes off again."""
    bar, layer = viewer.look_bar, layer_of(key)
    if layer is not None:
        viewer.set_layer(layer)
    elif key in TRANSPORT:
        viewer.do(TRANSPORT[key])
    elif key in CHANNELS:
        bar.channel.setCurrentText("RGB" if bar.channel.currentText() == CHANNELS[key] else CHANNELS[key])
    elif key in MODES:
        bar.mode.setCurrentText("single" if bar.mode.currentText() == MODES[key] else MODES[key])
    elif key in EXPOSURE:
        bar.exposure.setValue(bar.exposure.value() + EXPOSURE[key])
    elif key == Qt.Key.Key_P:
        plate_or_picture(viewer)
    elif key == Qt.Key.Key_V:
        next_take(viewer)
    elif key == Qt.Key.Key_M:
        bar.overlay.toggle()
    elif key == Qt.Key.Key_F:
        viewer.canvas.fit()
    elif key == Qt.Key.Key_Z:
        viewer.canvas.set_zoom(1)
    else:
        return False
    return True


def plate_or_picture(viewer: Viewer) -> None:
    """A and B: the plate in the place of what is shown, and the finished picture in the plate's."""
    seen = viewer.seen
    if seen is not None:
        is_plate = viewer.look_bar.layer.currentText() == PLATE
        viewer.set_layer(seen.take.picture_layer if is_plate else PLATE)


def next_take(viewer: Viewer) -> None:
    """Compare with the next other take of the shot, by a wipe where nothing is compared yet; after the last, none."""
    seen, bar = viewer.seen, viewer.look_bar
    names = [other_words(other) for other in seen.others] if seen is not None else []
    if not names:
        return
    compared = bar.mode.currentText() != "single" and bar.other.currentText() in names
    at = names.index(bar.other.currentText()) + 1 if compared else 0
    if at == len(names):
        bar.mode.setCurrentText("single")
        return
    bar.other.setCurrentText(names[at])
    if bar.mode.currentText() == "single":
        bar.mode.setCurrentText("wipe")
