"""What is done to a review movie by those who pass it on: each attack takes pictures and returns pictures.

Pictures are (height, width, 3) uint8 RGB.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Pictures = list[Picture]
Attack = Callable[[Pictures], Pictures]


def h264(pictures: Pictures, rate_factor: int, preset: str = "medium") -> Pictures:
    """Encode by libx264 at a constant rate factor, and decode. An odd last row or column goes."""
    file = io.BytesIO()
    height, width = (side - side % 2 for side in pictures[0].shape[:2])
    with av.open(file, "w", format="mp4") as movie:
        stream = movie.add_stream("libx264", rate=24, options={"crf": str(rate_factor), "preset": preset})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), "rgb24")
            frame.pts = number
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode())
    file.seek(0)
    with av.open(file) as movie:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in movie.decode(video=0)]


def smaller(pictures: Pictures, factor: float) -> Pictures:
    height, width = pictures[0].shape[:2]
    size = (round(width * factor), round(height * factor))
    return [_picture(cv2.resize(one, size, interpolation=cv2.INTER_AREA)) for one in pictures]


def cropped(pictures: Pictures, left: float, top: float, right: float, bottom: float) -> Pictures:
    """Take away these parts of each side."""
    height, width = pictures[0].shape[:2]
    rows = slice(round(top * height), height - round(bottom * height))
    columns = slice(round(left * width), width - round(right * width))
    return [one[rows, columns] for one in pictures]


def scaled_to(pictures: Pictures, like: Pictures) -> Pictures:
    height, width = like[0].shape[:2]
    return [_picture(cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC)) for one in pictures]


def letterboxed(pictures: Pictures, part: float) -> Pictures:
    """Put black bars above and below, each this part of the height."""
    bar = 2 * round(pictures[0].shape[0] * part / 2)
    return [_picture(cv2.copyMakeBorder(one, bar, bar, 0, 0, cv2.BORDER_CONSTANT)) for one in pictures]


def turned(pictures: Pictures, degrees: float) -> Pictures:
    height, width = pictures[0].shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return [_picture(cv2.warpAffine(one, matrix, (width, height))) for one in pictures]


def noisy(pictures: Pictures, deviation: float) -> Pictures:
    random = np.random.default_rng(4)
    return [_picture(np.clip(np.rint(one + random.normal(0, deviation, one.shape)), 0, 255)) for one in pictures]


def toned(pictures: Pictures, gamma: float = 1.0, gain: float = 1.0) -> Pictures:
    codes = np.clip(np.rint(255 * gain * (np.arange(256) / 255) ** gamma), 0, 255).astype(np.uint8)
    return [_picture(codes[one]) for one in pictures]


def jpeg(pictures: Pictures, quality: int) -> Pictures:
    encoded = (cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for one in pictures)
    return [_picture(cv2.imdecode(one, cv2.IMREAD_COLOR)) for one in encoded]


STRAIGHT: dict[str, Attack] = {
    "none (the delivered CRF 16)": lambda pictures: pictures,
    "H.264 CRF 18": lambda pictures: h264(pictures, 18),
    "H.264 CRF 23": lambda pictures: h264(pictures, 23),
    "H.264 CRF 28": lambda pictures: h264(pictures, 28),
    "H.264 CRF 33": lambda pictures: h264(pictures, 33),
    "half size": lambda pictures: smaller(pictures, 0.5),
    "half size, CRF 23": lambda pictures: h264(smaller(pictures, 0.5), 23),
    "quarter size": lambda pictures: smaller(pictures, 0.25),
    "quarter size, CRF 23": lambda pictures: h264(smaller(pictures, 0.25), 23),
    "gamma 1.2": lambda pictures: toned(pictures, gamma=1.2),
    "gamma 0.8": lambda pictures: toned(pictures, gamma=1 / 1.25),
    "gain 0.8": lambda pictures: toned(pictures, gain=0.8),
    "noise of 6 codes": lambda pictures: noisy(pictures, 6),
    "blur of 2 pixels": lambda pictures: [_picture(cv2.GaussianBlur(one, (0, 0), 2)) for one in pictures],
    "one still, JPEG 75": lambda pictures: jpeg(pictures[:1], 75),
}
"""The picture stays where it is."""
MOVED: dict[str, Attack] = {
    "crop 2 % (1 % a side)": lambda pictures: cropped(pictures, 0.01, 0.01, 0.01, 0.01),
    "crop 2 % of one side, CRF 23": lambda pictures: h264(cropped(pictures, 0.02, 0, 0, 0), 23),
    "crop 4 %, scaled back, CRF 23": lambda pictures: h264(
        scaled_to(cropped(pictures, 0.02, 0.02, 0.02, 0.02), pictures), 23
    ),
    "crop 1, 3, 2, 4 % of the sides, CRF 23": lambda pictures: h264(cropped(pictures, 0.01, 0.03, 0.02, 0.04), 23),
    "crop 10 %, CRF 23": lambda pictures: h264(cropped(pictures, 0.05, 0.05, 0.05, 0.05), 23),
    "crop 20 %": lambda pictures: cropped(pictures, 0.1, 0.1, 0.1, 0.1),
    "letterbox, CRF 23": lambda pictures: h264(letterboxed(pictures, 1 / 6), 23),
    "half size, letterbox, CRF 23": lambda pictures: h264(letterboxed(smaller(pictures, 0.5), 1 / 6), 23),
    "turned by 0.25 degrees": lambda pictures: turned(pictures, 0.25),
    "turned by 1 degree": lambda pictures: turned(pictures, 1.0),
    "mirrored": lambda pictures: [np.ascontiguousarray(one[:, ::-1]) for one in pictures],
}
"""The picture lies elsewhere afterwards: the reader searches."""


def _picture(values: object) -> Picture:
    return np.asarray(values).astype(np.uint8)
