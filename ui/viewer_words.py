"""What the viewer says over and beside the picture. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from understudy.ui.frames.view import BakeError
from understudy.ui.playhead import Playhead
from understudy.ui.viewer_take import PLATE, TakeFiles

_STATES = {
    "provisional": "PROVISIONAL: the delivery gate has not passed this take",
    "uncleared": "UNCLEARED: made without a record, not for delivery",
    "demonstration": "DEMONSTRATION: not for delivery",
    "for_review": "FOR REVIEW: never part of a final",
    "": "STATE UNKNOWN: nothing here says that this take may be used",
}
_WORST_FIRST = ("", "provisional", "uncleared", "demonstration", "for_review", "delivered")


def banner_words(take: TakeFiles, marks: Mapping[str, str] | None) -> str:
    """Return what stands over the picture: nothing only where take and frame both say `delivered`.

    `marks` are the shown frame's own; None while there is none, and for a plate, which is not ours.
    """
    if not any(name != PLATE for name in take.layers) and not take.job:
        return ""  # a plate alone, or nothing at all
    states = [take.state, *([marks.get("state", "")] if marks is not None else [])]
    known = [state for state in states if state != "delivered"]
    if not known:
        return _previz(marks)
    worst = min(known, key=lambda state: _WORST_FIRST.index(state) if state in _WORST_FIRST else -1)
    words = _STATES.get(worst, f"{worst.upper()}: not delivered")
    why = (marks or {}).get("not_final", "") or take.why_not_final
    return " · ".join(part for part in (words + (f" ({why})" if why else ""), _previz(marks)) if part)


def _previz(marks: Mapping[str, str] | None) -> str:
    return "PREVIZ, not a finished picture" if marks is not None and marks.get("previz") else ""


def frame_words(take: TakeFiles, layer: str, frame: int, marks: Mapping[str, str], *, named: str = "") -> str:
    """Return the label of a picture: its take where there are several, layer, frame, and what is not as it seems."""
    notes = [marks.get("in_between", ""), marks.get("approximate", ""), "kept" if marks.get("pixels_from") else ""]
    notes.append(f"proxy {marks['proxy']}" if marks.get("proxy") else "")
    told = [note for note in notes if note and note != "none"]
    version = named or (f"v{take.version:03}" if take.version is not None and layer != PLATE else "")
    return " ".join(part for part in (version, layer, str(frame), *(f"({note})" for note in told)) if part)


def error_words(error: BakeError | None) -> str:
    """Return what the view's baking costs, in a line."""
    if error is None:
        return "view: OCIO's own"
    return f"view baked: 99 of 100 colours within {error.most:g} of 255 codes, the worst {error.largest:g}"


def pixel_words(
    layer: str, at: tuple[int, int], channels: tuple[str, ...], values: tuple[float, ...] | None, space: str
) -> str:
    """Return a pixel's stored values to nine digits: enough to write every 32-bit value back exactly."""
    place = f"{layer}  x {at[0]}  y {at[1]}"
    if values is None:
        return f"{place}   outside the data window"
    numbers = "  ".join(f"{name} {value:.9g}" for name, value in zip(channels, values, strict=True))
    return f"{place}   {numbers}   {space}"


def missing_words(take: TakeFiles, layer: str, frame: int) -> str:
    if layer not in take.layers:
        return f"This take has no layer {layer}."
    return f"Frame {frame} of {layer} is not there" + (": not rendered yet." if take.state == "provisional" else ".")


def playback_words(painted: int, due: int, seconds: float, rate: float) -> str:
    """Return how the playback goes. Frames are dropped, never slowed down."""
    dropped = max(0, due - painted)
    real = painted / seconds if seconds > 0 else 0.0
    return f"{real:.1f} of {rate:.3f} frames/s" + (f"   {dropped} of {due} dropped" if dropped else "   none dropped")


def transport_words(head: Playhead, rate: float, *, is_stated: bool, playing: str = "") -> str:
    """Return what stands beside the buttons: how it plays, or would, and between which marks."""
    words = playing or (f"{rate:.3f} frames/s" if is_stated else f"no rate is stated: {rate:.0f} frames/s")
    marked = (head.mark_in, head.mark_out)
    return words if marked == (head.first, head.last) else f"{words}   in {marked[0]} out {marked[1]}"
