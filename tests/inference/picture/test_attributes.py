"""What of a plate's header goes into its layers, and that the documented list is the one in the code."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenEXR

from understudy.inference.picture.attributes import KEPT, exr_timecode, kept_attributes, layer_attributes, storable

DOCUMENT = Path(__file__).parents[3] / "docs" / "attributes.md"


def test_the_documented_list_is_the_one_in_the_code() -> None:
    section = DOCUMENT.read_text().split("## Kept")[1].split("## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == KEPT


def test_camera_and_time_are_kept_and_structure_views_and_private_fields_are_not() -> None:
    header = {
        "cameraModel": "A",
        "framesPerSecond": Fraction(24000, 1001),
        "worldToCamera": np.eye(4, dtype=np.float32),
        "compression": OpenEXR.ZIP_COMPRESSION,
        "multiView": ["left", "right"],
        "cryptomatte/abc/name": "crypto",
        "nuke/node_hash": "0123",
        "preview": b"",
        "studio_secret": "x",
    }
    assert set(kept_attributes(header)) == {"cameraModel", "framesPerSecond", "worldToCamera"}


def test_a_kept_name_with_a_value_that_exr_would_change_is_left_out() -> None:
    assert kept_attributes({"imageCounter": 2**40, "focus": float("nan"), "owner": None, "comments": b"x"}) == {}


def test_make_and_model_of_other_formats_become_the_standard_names() -> None:
    assert kept_attributes({"Make": "Maker", "Model": "M1"}) == {"cameraMake": "Maker", "cameraModel": "M1"}


def test_the_layers_own_colour_replaces_the_plates() -> None:
    kept = {"chromaticities": (0.1,) * 8, "adoptedNeutral": np.zeros(2, np.float32), "owner": "me"}
    matte = layer_attributes(kept, interop_id="data")
    assert matte == {"owner": "me", "colorInteropID": "data"}
    picture = layer_attributes(kept, interop_id="lin_rec709_scene")
    assert picture["chromaticities"][:2] == (np.float32(0.64), np.float32(0.33))
    assert layer_attributes(kept)["chromaticities"] == (0.1,) * 8


def test_rate_and_timecode_that_are_known_replace_the_plates() -> None:
    attributes = layer_attributes(
        {"framesPerSecond": Fraction(24), "timeCode": exr_timecode("00:00:00:00")},
        rate=Fraction(30000, 1001),
        timecode="01:02:03;04",
    )
    code = attributes["timeCode"]
    assert attributes["framesPerSecond"] == Fraction(30000, 1001)
    assert (code.hours, code.minutes, code.seconds, code.frame, code.dropFrame) == (1, 2, 3, 4, 1)


def test_what_exr_cannot_hold_becomes_text() -> None:
    assert storable(2**40) == "1099511627776"
    assert storable({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}'
    assert storable(True) == 1
    assert storable(np.float32(0.5)) == 0.5
    assert exr_timecode("01:00:00:75") is None
    assert exr_timecode("noon") is None
