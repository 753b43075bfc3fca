"""The words of the rows around the picture: what stands before a control, and its name for a screen reader."""

from __future__ import annotations

VIEWER_TITLE = "Understudy viewer"
MATTE = "Matte"
FIT = "Fit"
PLAY = "Play"
READING = "{layer}  x {x}  y {y}   reading ..."
PLATE_THROUGH_DAEMON = "the plate cannot be read here as it was submitted: it comes through the daemon"
CANVAS_NAME = "Picture"
STRIP_NAME = "Frames of the take"
TRANSPORT = (
    ("|<", "first", "First frame", "Home"), ("<", "back", "One frame back", "Left"), (PLAY, "play", PLAY, "Space"),
    (">", "on", "One frame on", "Right"), (">|", "last", "Last frame", "End"), ("In", "in", "In point here", "I"),
    ("Out", "out", "Out point here", "O"), ("All", "unmark", "No in and out point", "U"),
    ("< Mark", "found_before", "Last finding, seam or missing frame", "Down"),
    ("Mark >", "found_after", "Next finding, seam or missing frame", "Up"),
)  # fmt: skip
"""From left to right: what stands on a button, what it asks for, what it is called, its key."""
LOOK = (
    ("Layer", "Layer"),
    ("", "How two layers are compared"),
    ("with", "The layer to compare with"),
    ("", "The matte over the picture"),
    ("View", "Display"),
    ("", "View of the display"),
    ("Exposure", "Exposure in stops"),
    ("Gamma", "Gamma"),
    ("", "Channel"),
    ("", "Fit the picture into the window"),
    ("", "One pixel of the picture on one of the screen"),
)
"""From left to right."""
KEYS = {
    "Layer": "Which layer is shown (keys 1 to 9; P for the plate and back)",
    "How two layers are compared": "Two at once: wipe (W, drag its line), flicker (T), onion (N), difference (D)",
    "The layer to compare with": "What it is compared with: a layer, or another take of this shot (V for the next)",
    "The matte over the picture": "The matte over the picture, in red (M)",
    "Exposure in stops": "Exposure in stops ([ and ])",
    "Channel": "One channel alone (R, G, B, A; C for all)",
    "Fit the picture into the window": "Fit the picture into the window (F)",
    "One pixel of the picture on one of the screen": "One pixel of the picture on one of the screen (Z)",
}
"""What a pointer that rests on a control is told: the same with its keys."""
