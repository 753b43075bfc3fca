"""A stand-in for mediapipe_process.py that speaks its protocol without MediaPipe, and fails as it is told to.

    python pose_process.py LOG HOW     HOW: well | die:N | hang:N | deaf | babble | other | silent | always

It finds the brightest pixel and says that everybody's every point is there. LOG gets a line a start, so that a test can
count them; `die:2` dies at its second picture, once only (a second start does well), `always` at every one.
"""

from __future__ import annotations

import struct
import sys
import time
from pathlib import Path

import numpy as np

NUMBERS = 33 * 3 + 468 * 2 + 2 * 21 * 2


def main(log: Path, how: str) -> None:
    starts = len(log.read_text().splitlines()) if log.exists() else 0
    with log.open("a") as file:
        file.write(f"{how}\n")
    what, _, at = how.partition(":")
    if what == "silent":
        time.sleep(60)
    greeting = {"babble": b"Python 3.11\n", "other": b"understudy-mediapipe 1 0.9.0\n"}
    sys.stdout.buffer.write(greeting.get(what, b"understudy-mediapipe 1 0.10.21\n"))
    sys.stdout.buffer.flush()
    if what == "deaf":
        time.sleep(60)
    number = 0
    while header := sys.stdin.buffer.read(8):
        width, height = struct.unpack("<II", header)
        pixels = np.frombuffer(sys.stdin.buffer.read(width * height * 3), np.uint8).reshape(height, width, 3)
        number += 1
        if what == "always" or (starts == 0 and at == str(number)):
            if what == "hang":
                time.sleep(60)
            sys.exit("the graph burst")
        sys.stdout.buffer.write(answer(pixels))
        sys.stdout.buffer.flush()


def answer(pixels: np.ndarray) -> bytes:
    height, width = pixels.shape[:2]
    row, column = np.unravel_index(pixels.sum(axis=2).argmax(), (height, width))
    x, y = (column + 0.5) / width, (row + 0.5) / height
    return b"\1\1\1\1" + struct.pack(f"<{NUMBERS}f", *([x, y, 0.9] * 33 + [x, y] * (468 + 42)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
