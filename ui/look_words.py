"""The words of the rows around the picture: what stands before a control, and its name for a screen reader."""

from __future__ import annotations

VIEWER_TITLE = "Understudy viewer"
MATTE = "Matte"
FIT = "Fit"
PLAY = "Play"
READING = "{layer}  x {x}  y {y}   reading ..."
PLATE_THROUGH_DAEMON = "the plate cannot be read here as it was submitted: it comes through the daemon"
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
