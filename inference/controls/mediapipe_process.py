"""MediaPipe in a process and an environment of its own. This file runs THERE, by its path: it imports nothing of ours.

MediaPipe 0.10.21 is the last release with whole-body models inside its wheel, and pins numpy 1 and other old libraries.
So it gets raw pictures on standard input and gives raw numbers on standard output; no pickle, nothing to interpret.

    greeting   b"understudy-mediapipe 1 VERSION\\n"
    request    width, height (2 x uint32), then width * height * 3 bytes RGB
    reply      4 bytes: were body, face, left hand, right hand found; then NUMBERS float32: body 33 x (x, y,
               visibility), face 468 x (x, y), hands 2 x 21 x (x, y), shares of width and height, from the edge

All integers and floats are little-endian. It ends when standard input does.
"""

from __future__ import annotations

import os
import struct
import sys
from typing import IO, Any

GREETING = b"understudy-mediapipe 1 "
BODY_POINTS, FACE_POINTS, HAND_POINTS = 33, 468, 21
NUMBERS = 3 * BODY_POINTS + 2 * FACE_POINTS + 2 * 2 * HAND_POINTS
REQUEST = struct.Struct("<II")
REPLY_BYTES = 4 + 4 * NUMBERS


def serve(pictures: IO[bytes], answers: IO[bytes]) -> None:
    import mediapipe
    import numpy as np

    # Every picture by itself: an answer depends on its picture alone, can be cached, and a restart changes nothing.
    # Complexity 1 is the model in the wheel; 0 and 2 would be downloaded.
    with mediapipe.solutions.holistic.Holistic(static_image_mode=True, model_complexity=1) as holistic:
        answers.write(GREETING + mediapipe.__version__.encode() + b"\n")
        answers.flush()
        while True:
            header = pictures.read(REQUEST.size)
            if len(header) < REQUEST.size:
                return
            width, height = REQUEST.unpack(header)
            pixels = pictures.read(width * height * 3)
            if len(pixels) < width * height * 3:
                return
            found = holistic.process(np.frombuffer(pixels, np.uint8).reshape(height, width, 3))
            answers.write(_reply(found))
            answers.flush()


def _reply(found: Any) -> bytes:
    parts = (
        (found.pose_landmarks, BODY_POINTS, ("x", "y", "visibility")),
        (found.face_landmarks, FACE_POINTS, ("x", "y")),
        (found.left_hand_landmarks, HAND_POINTS, ("x", "y")),
        (found.right_hand_landmarks, HAND_POINTS, ("x", "y")),
    )
    there, numbers = bytearray(), []
    for landmarks, count, names in parts:
        there.append(landmarks is not None)
        if landmarks is None:
            numbers += [0.0] * (count * len(names))
        else:
            numbers += [getattr(point, name) for point in landmarks.landmark[:count] for name in names]
    return bytes(there) + struct.pack(f"<{NUMBERS}f", *numbers)


def main() -> None:
    # MediaPipe's libraries print where they like: what they print must not get between our numbers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
