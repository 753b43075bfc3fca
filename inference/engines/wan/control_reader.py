"""The controls of a segment as tensors, made on a thread of its own while the segment before is denoised."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from understudy.inference.controls.conditioning import Controls as ShotControls
from understudy.inference.engines.wan.loop import Controls
from understudy.inference.engines.wan.spans import Span

CODES = np.float32(255)


class ControlReader:
    """Reads one segment ahead and no further. Close it in the end."""

    def __init__(self, controls: ShotControls, face_size: int) -> None:
        """face_size: pixels on a side of what the motion encoder takes; 512 in the official model."""
        self._controls, self._face_size = controls, face_size
        self._frames = controls.material.frames
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="controls")
        self._ahead: tuple[int, Future[Controls]] | None = None

    def read(self, span: Span, following: Span | None) -> Controls:
        """Return the controls of `span`, and begin with those of `following`."""
        if self._ahead is not None and self._ahead[0] == span.index:
            controls = self._ahead[1].result()
        else:
            controls = self._make(span)
        self._ahead = None
        if following is not None:
            self._ahead = following.index, self._pool.submit(self._make, following)
        return controls

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _make(self, span: Span) -> Controls:
        """Read each frame once, also where a mirrored shot shows it twice; each goes straight to its place.

        At 1280 x 720 and 77 frames what is made here has 2.2 GB: a second copy, of any of it, would be most of a peak.
        """
        frames = [self._frames[position] for position in span.positions]
        stacks: dict[str, NDArray[np.float32]] = {}
        for place, frame in enumerate(frames):
            before = frames.index(frame)
            if before < place:
                for stack in stacks.values():
                    stack[place] = stack[before]
                continue
            for name, picture in self._read(frame).items():
                if name not in stacks:
                    stacks[name] = np.empty((len(frames), *picture.shape), np.float32)
                stacks[name][place] = picture
        stacks["pose"] /= CODES
        pose, faces = _sign(stacks["pose"]), self._sized(_sign(stacks["faces"]))
        if "background" not in stacks:
            return Controls(pose, faces)
        return Controls(pose, faces, _sign(stacks["background"]), torch.from_numpy(stacks["generate"])[None, None])

    def _read(self, frame: int) -> Mapping[str, NDArray[Any]]:
        made = self._controls.pictures(frame)
        found: dict[str, NDArray[Any]] = {"pose": made.skeleton, "faces": made.face}
        if self._controls.material.mode == "replace" and made.background is not None and made.matte_used is not None:
            found |= {"background": made.background, "generate": made.matte_used}
        return found

    def _sized(self, faces: Tensor) -> Tensor:
        if faces.shape[-1] == self._face_size:
            return faces
        flat = faces[0].transpose(0, 1)
        size = (self._face_size, self._face_size)
        return torch.nn.functional.interpolate(flat, size=size, mode="area").transpose(0, 1)[None]


def signed(pictures: NDArray[np.float32]) -> Tensor:
    """Return pictures (frames, height, width, 3), 0 to 1, as (1, 3, frames, height, width), -1 to 1."""
    return torch.from_numpy(pictures).permute(3, 0, 1, 2).unsqueeze(0) * 2 - 1


def _sign(pictures: NDArray[np.float32]) -> Tensor:
    """Return what `signed` does, of pictures that are nobody else's: in their own memory."""
    pictures *= 2
    pictures -= 1
    return torch.from_numpy(pictures).permute(3, 0, 1, 2).unsqueeze(0)


def pictures_of(tensor: Tensor) -> NDArray[np.float32]:
    """Return (1, 3, frames, height, width), -1 to 1, as pictures (frames, height, width, 3), 0 to 1, on the CPU."""
    return ((tensor[0].permute(1, 2, 3, 0) + 1) / 2).float().cpu().contiguous().numpy()
