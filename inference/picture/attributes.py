"""Which header attributes of a plate go into its layers, and which are added: the list that docs/attributes.md prints.

Kept is what describes the shot and stays true of the new picture. Dropped is all else: how the file was laid out, other
views, Cryptomatte manifests, hosts' hashes, previews, private fields.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import OpenEXR

_TIME = "timeCode framesPerSecond captureRate imageCounter capDate utcOffset"
_PICTURE = "chromaticities colorInteropID adoptedNeutral whiteLuminance ascFramingDecisionList"
_ORIGIN = "keyCode reelName owner comments xDensity"
_CAMERA = (
    "cameraMake cameraModel cameraSerialNumber cameraFirmwareVersion cameraUuid cameraLabel cameraCCTSetting "
    "cameraTintSetting cameraColorBalance isoSpeed expTime shutterAngle sensorCenterOffset sensorOverallDimensions "
    "sensorPhotositePitch sensorAcquisitionRectangle worldToCamera worldToNDC"
)
_LENS = (
    "lensMake lensModel lensSerialNumber lensFirmwareVersion nominalFocalLength pinholeFocalLength "
    "effectiveFocalLength entrancePupilOffset aperture tStop focus"
)
KEPT = frozenset(" ".join((_TIME, _PICTURE, _ORIGIN, _CAMERA, _LENS)).split())
"""Names of the OpenEXR 3.5 standard attributes. `pixelAspectRatio` and the windows are the writer's own arguments."""
MOMENT = frozenset(("timeCode", "keyCode", "imageCounter"))
"""Names that say which frame a picture was: true of one frame alone."""
_FROM_OTHER_FORMATS = {"Make": "cameraMake", "Model": "cameraModel"}
_COLOUR_NAMES = ("chromaticities", "colorInteropID", "adoptedNeutral", "whiteLuminance")
_INT32 = range(-(2**31), 2**31)


def kept_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a layer takes over from the plate's header (`Header.attributes`), of any format."""
    kept = {name: value for name, value in attributes.items() if name in KEPT and _is_storable(value)}
    for name, standard in _FROM_OTHER_FORMATS.items():
        if isinstance(attributes.get(name), str):
            kept.setdefault(standard, attributes[name])
    return kept


def layer_attributes(
    kept: Mapping[str, Any],
    *,
    rate: Fraction | None = None,
    timecode: str | None = None,
    interop_id: str | None = None,
    ours: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a layer's header attributes: what was kept, corrected by what is known of this layer, and our own.

    rate and timecode replace the plate's where they are given. interop_id is the colour of this layer: `data` for a
    matte takes the plate's colour attributes out, an id of a linear space also gives `chromaticities`, all that older
    readers know; None leaves the plate's own. `ours` is added as `storable` returns it.
    """
    attributes = dict(kept)
    if interop_id is not None:
        attributes = {name: value for name, value in attributes.items() if name not in _COLOUR_NAMES}
        attributes["colorInteropID"] = interop_id
        chromaticities = OpenEXR.colorInteropIDToChromaticities(interop_id)
        if chromaticities is not None:
            attributes["chromaticities"] = tuple(float(value) for value in chromaticities)
    if rate is not None and rate.numerator in _INT32 and rate.denominator in _INT32:
        attributes["framesPerSecond"] = rate
    code = exr_timecode(timecode) if timecode is not None else None
    if code is not None:
        attributes["timeCode"] = code
    for name, value in (ours or {}).items():
        attributes[name] = storable(value)
    return attributes


def storable(value: Any) -> Any:
    """Return `value` as EXR can hold it: text, 32-bit numbers, rates and arrays as they are, all else as JSON text.

    The OpenEXR module turns a larger int silently into 0 and refuses a dict: both become text here.
    """
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and value not in _INT32:
        return str(value)
    if isinstance(value, np.generic):
        return storable(value.item())
    if isinstance(value, (dict, list, tuple)) or value is None:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return value


def exr_timecode(text: str) -> Any:
    """Return the OpenEXR value of `01:02:03:04` (`;` for drop frame); None for what a header cannot hold."""
    separator = next((mark for mark in ";.," if mark in text), ":")
    parts = text.replace(separator, ":").split(":")
    if len(parts) != 4 or not all(part.isdigit() for part in parts):
        return None
    hours, minutes, seconds, frame = (int(part) for part in parts)
    if hours > 23 or minutes > 59 or seconds > 59 or frame > 59:
        return None
    return OpenEXR.TimeCode(hours, minutes, seconds, frame, int(separator != ":"), *[0] * 13)


def _is_storable(value: Any) -> bool:
    if isinstance(value, (str, Fraction, OpenEXR.TimeCode, OpenEXR.KeyCode)):
        return True
    if isinstance(value, int) and not isinstance(value, bool):
        return value in _INT32
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, np.ndarray):
        return value.dtype in (np.float32, np.float64, np.int32)
    return isinstance(value, tuple) and all(isinstance(part, (float, int, np.ndarray)) for part in value)
