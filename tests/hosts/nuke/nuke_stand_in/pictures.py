"""What nodes show: real EXRs read, graded, merged and cropped in float32, as Nuke would."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR

from nuke_stand_in.application import current
from nuke_stand_in.texts import expand, has_number, numbered

Plane = np.ndarray[Any, np.dtype[np.float32]]
Window = tuple[int, int, int, int]
"""x0, y0, x1, y1 inclusive, y down, as EXR has it."""
_SHORT = {"R": "rgba.red", "G": "rgba.green", "B": "rgba.blue", "A": "rgba.alpha"}
_LONG = {long: short for short, long in _SHORT.items()}


@dataclass(frozen=True)
class Picture:
    width: int
    height: int
    window: Window
    channels: dict[str, Plane]
    aspect: float = 1.0
    attributes: dict[str, Any] = field(default_factory=dict)

    def over(self, window: Window, name: str) -> Plane:
        """Return one channel over another window, black where this picture has nothing."""
        x0, y0, x1, y1 = window
        found = np.zeros((y1 - y0 + 1, x1 - x0 + 1), np.float32)
        plane = self.channels.get(name)
        if plane is None:
            return found
        left, top = max(x0, self.window[0]), max(y0, self.window[1])
        right, bottom = min(x1, self.window[2]), min(y1, self.window[3])
        if left <= right and top <= bottom:
            own_x, own_y = self.window[:2]
            part = plane[top - own_y : bottom - own_y + 1, left - own_x : right - own_x + 1]
            found[top - y0 : bottom - y0 + 1, left - x0 : right - x0 + 1] = part
        return found


_headers_only: list[bool] = []
"""Not empty while a shape is asked for."""
BLACK = Picture(640, 480, (0, 0, 639, 479), {})


def picture_of(node: Any, frame: int, view: str) -> Picture:
    """Return what a node shows. Raises RuntimeError for a file that is missing where on_error says so."""
    if node is None:
        return BLACK
    maker = {
        "Read": _read, "Grade": _grade, "Crop": _crop, "Copy": _copy, "Merge2": _merge, "Switch": _switch,
        "Group": _group, "Input": _input,
    }.get(node.kind)  # fmt: skip
    if node.table["disable"].get() and node.kind != "Read":
        maker = None
    return maker(node, frame, view) if maker is not None else picture_of(node.above.get(0), frame, view)


def shape_of(node: Any, frame: int, view: str) -> Picture:
    """Return the picture with its pixels left black: what Nuke says of a node it reads from headers alone."""
    _headers_only.append(True)
    try:
        return picture_of(node, frame, view)
    finally:
        _headers_only.pop()


def range_of(node: Any) -> tuple[int, int]:
    if node.kind == "Read":
        first, last = int(node.table["first"].get()), int(node.table["last"].get())
        shift = _shift(node)
        return first + shift, last + shift
    if node.kind == "Input":
        above = node.group.above.get(int(node.table["number"].get()))
        return range_of(above) if above is not None else _script_range()
    above = next((one for one in node.above.values() if one is not None), None)
    return range_of(above) if above is not None else _script_range()


def metadata_of(node: Any, frame: int) -> dict[str, Any]:
    picture = shape_of(node, frame, current().views[0])
    found = {f"exr/{name}": value for name, value in picture.attributes.items()}
    rate = picture.attributes.get("framesPerSecond")
    if rate is not None:
        found["input/frame_rate"] = float(rate)
    code = picture.attributes.get("timeCode")
    if code is not None:
        found["input/timecode"] = ":".join(
            f"{part:02}" for part in (code.hours, code.minutes, code.seconds, code.frame)
        )
    if node.kind == "Read" and picture.channels:
        height, width = next(iter(picture.channels.values())).shape
        found |= {"input/width": width, "input/height": height}
    return found


def file_of(node: Any, frame: int, view: str) -> str:
    """Return the file of a Read or Write: the proxy's in proxy mode, where there is one."""
    use_proxy = current().root.table["proxy"].get() and node.table["proxy"].get()
    return numbered(expand(node.table["proxy" if use_proxy else "file"].get()), frame, view)


def _script_range() -> tuple[int, int]:
    table = current().root.table
    return int(table["first_frame"].get()), int(table["last_frame"].get())


def _shift(node: Any) -> int:
    """Return by how much the script's frame number is more than the file's."""
    mode, said = node.table["frame_mode"].get(), str(node.table["frame"].get()).strip()
    if mode == "start at" and said:
        return int(said) - int(node.table["first"].get())
    if mode == "offset" and said:
        return -current().guesses.offset_sign * int(said)
    offset = re.fullmatch(r"frame\s*([+-]\s*\d+)", said) if mode == "expression" else None
    return -int(offset[1].replace(" ", "")) if offset is not None else 0


def _read(node: Any, frame: int, view: str) -> Picture:
    first, last = int(node.table["first"].get()), int(node.table["last"].get())
    own = frame - _shift(node)
    end = "before" if own < first else "after" if own > last else ""
    if end and node.table[end].get() == "black":
        return replace(_load(node, first, view), channels={})
    if end and node.table[end].get() == "loop":
        own = first + (own - first) % (last - first + 1)
    return _load(node, min(max(own, first), last), view)


def _load(node: Any, frame: int, view: str) -> Picture:
    path = file_of(node, frame, view)
    if not Path(path).is_file():
        if node.table["on_error"].get() != "error":
            return BLACK
        raise RuntimeError(f"{node.said}: {path}: No such file or directory")
    picture = _open_exr(path) if path.endswith(".exr") else _open_other(path)
    if node.table["auto_alpha"].get() and picture.channels and "rgba.alpha" not in picture.channels:
        solid = np.ones_like(next(iter(picture.channels.values())))
        picture = replace(picture, channels={**picture.channels, "rgba.alpha": solid})
    if node.table["format"].get():  # as staged: width, height, pixel aspect; the pixels stay
        width, height, aspect = node.table["format"].get()
        picture = replace(picture, width=width, height=height, aspect=aspect)
    return picture if node.table["raw"].get() else _linear(picture, node)


def _open_exr(path: str) -> Picture:
    with OpenEXR.File(path, separate_channels=True, header_only=bool(_headers_only)) as file:
        header = dict(file.header())
        pixels = {name: channel.pixels for name, channel in file.channels().items()}
    display, data = header["displayWindow"], header["dataWindow"]
    shape = tuple(int(side) for side in (data[1] - data[0] + 1)[::-1])
    planes = {
        _SHORT.get(channel.name, channel.name): pixels[channel.name].astype(np.float32)
        if pixels
        else np.broadcast_to(np.float32(0), shape)
        for channel in header["channels"]
    }
    size = display[1] - display[0] + 1
    return Picture(
        int(size[0]), int(size[1]), tuple(int(side) for corner in data for side in corner),  # type: ignore[arg-type]
        planes, float(header.get("pixelAspectRatio", 1.0)),
        {name: value for name, value in header.items() if "indow" not in name and name != "channels"},
    )  # fmt: skip


def _open_other(path: str) -> Picture:
    import OpenImageIO

    pixels = OpenImageIO.ImageBuf(path).get_pixels(OpenImageIO.FLOAT)
    height, width = pixels.shape[:2]
    planes = {list(_LONG)[n]: np.ascontiguousarray(pixels[..., n]) for n in range(min(4, pixels.shape[2]))}
    return Picture(width, height, (0, 0, width - 1, height - 1), planes)


def _linear(picture: Picture, node: Any) -> Picture:
    """Take the Read's curve out. Only those that the tests use."""
    curve = node.table["colorspace"].get()
    if curve == "default":
        table = current().root.table
        curve = table["floatLut" if file_of(node, 1, "main").endswith(".exr") else "int8Lut"].get()
    if "sRGB Enc" not in curve and curve != "sRGB":
        return picture
    bent = {
        name: plane if name == "rgba.alpha" else np.where(
            plane <= 0.04045, plane / 12.92, np.power((np.maximum(plane, 0) + 0.055) / 1.055, 2.4)
        ).astype(np.float32)
        for name, plane in picture.channels.items()
    }  # fmt: skip
    return replace(picture, channels=bent)


def _grade(node: Any, frame: int, view: str) -> Picture:
    picture = picture_of(node.above.get(0), frame, view)
    gain = np.float32(node.table["multiply"].get())
    return replace(
        picture,
        channels={
            n: p * gain if n.startswith("rgba.") and n != "rgba.alpha" else p for n, p in picture.channels.items()
        },
    )


def _crop(node: Any, frame: int, view: str) -> Picture:
    picture = picture_of(node.above.get(0), frame, view)
    x, y, right, top = (round(side) for side in node.table["box"].get())
    box = (x, picture.height - top, right - 1, picture.height - y - 1)
    if not current().guesses.crop_grows:
        inside = (max(box[0], picture.window[0]), max(box[1], picture.window[1]),
                  min(box[2], picture.window[2]), min(box[3], picture.window[3]))  # fmt: skip
        box = inside if inside[0] <= inside[2] and inside[1] <= inside[3] else (box[0], box[1], box[0], box[1])
    cropped = replace(picture, window=box, channels={name: picture.over(box, name) for name in picture.channels})
    if not node.table["reformat"].get():
        return cropped
    moved = (box[0] - x, box[1] - (picture.height - top), box[2] - x, box[3] - (picture.height - top))
    return replace(cropped, window=moved, width=right - x, height=top - y)


def _copy(node: Any, frame: int, view: str) -> Picture:
    under, upper = (picture_of(node.above.get(number), frame, view) for number in (0, 1))
    source, target = node.table["from0"].get(), node.table["to0"].get()
    return replace(under, channels={**under.channels, target: upper.over(under.window, source)})


def _merge(node: Any, frame: int, view: str) -> Picture:
    under, upper = (picture_of(node.above.get(number), frame, view) for number in (0, 1))
    first, second = under.window, upper.window
    window = (min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3]))
    alpha = upper.over(window, "rgba.alpha")
    names = [name for name in {**under.channels, **upper.channels} if name.startswith("rgba.")]
    merged = {name: upper.over(window, name) + under.over(window, name) * (1 - alpha) for name in names}
    return replace(under, window=window, channels=merged)


def _switch(node: Any, frame: int, view: str) -> Picture:
    return picture_of(node.above.get(int(node.table["which"].get())), frame, view)


def _group(node: Any, frame: int, view: str) -> Picture:
    output = next((child for child in node.children if child.kind == "Output"), None)
    return picture_of(output, frame, view)


def _input(node: Any, frame: int, view: str) -> Picture:
    return picture_of(node.group.above.get(int(node.table["number"].get())), frame, view)


def write(node: Any, frame: int, view: str) -> None:
    """Write one frame of a Write, with what Nuke adds to a header: fields that differ each time."""
    import os

    path = file_of(node, frame, view)
    if not path:
        raise RuntimeError(f"{node.said}: no file is named")
    if node.above.get(0) is None:
        raise RuntimeError(f"{node.said}: Write has no input")
    if not Path(path).parent.is_dir():
        if not node.table["create_directories"].get():
            raise RuntimeError(f"{node.said}: can't open {path}: No such file or directory")
        Path(path).parent.mkdir(parents=True)
    if node.table["file_type"].get() != "exr":
        raise RuntimeError(f"{node.said}: the stand-in writes EXR only")
    picture = picture_of(node.above[0], frame, view)
    if current().root.table["proxy"].get():
        picture = _halved(picture)
    wanted = {"rgb": "RGB", "rgba": "RGBA", "alpha": "A"}[node.table["channels"].get()]
    half = node.table["datatype"].get() == "16 bit half"
    planes = {
        name: picture.over(picture.window, _SHORT[name]).astype(np.float16 if half else np.float32) for name in wanted
    }
    x0, y0, x1, y1 = picture.window
    compression = node.table["compression"].get()
    header = {
        "compression": OpenEXR.ZIPS_COMPRESSION if compression.startswith("Zip (1 ") else OpenEXR.ZIP_COMPRESSION,
        "dataWindow": (np.array([x0, y0], np.int32), np.array([x1, y1], np.int32)),
        "displayWindow": (np.array([0, 0], np.int32), np.array([picture.width - 1, picture.height - 1], np.int32)),
        "pixelAspectRatio": picture.aspect,
        "nuke/node_hash": os.urandom(8).hex(),
    }
    if node.table["metadata"].get() == "all metadata":
        header |= {
            n: v for n, v in picture.attributes.items() if isinstance(v, str) or n in ("timeCode", "framesPerSecond")
        }
    with OpenEXR.File(header, planes) as file:
        file.write(path)


def _halved(picture: Picture) -> Picture:
    planes = {name: np.ascontiguousarray(plane[::2, ::2]) for name, plane in picture.channels.items()}
    height, width = next(iter(planes.values())).shape if planes else (picture.height // 2, picture.width // 2)
    return replace(picture, width=width, height=height, window=(0, 0, width - 1, height - 1), channels=planes)


def needs_number(node: Any) -> bool:
    return not has_number(node.table["file"].get())
