"""The controls of a segment as tensors, made on a thread of its own while the segment before is denoised."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

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
        """Read each frame once, also where a mirrored shot shows it twice."""
        frames = [self._frames[position] for position in span.positions]
        made = {frame: self._controls.pictures(frame) for frame in dict.fromkeys(frames)}
        replace = self._controls.material.mode == "replace"
        pose = np.stack([made[frame].skeleton for frame in frames]).astype(np.float32) / CODES
        faces = np.stack([made[frame].face for frame in frames])
        if not replace:
            return Controls(signed(pose), self._sized(faces))
        background = np.stack([made[frame].background for frame in frames])  # type: ignore[misc]
        used = np.stack([made[frame].matte_used for frame in frames])  # type: ignore[misc]
        generate = torch.from_numpy(used)[None, None]
        return Controls(signed(pose), self._sized(faces), signed(background), generate)

    def _sized(self, faces: NDArray[np.float32]) -> Tensor:
        tensor = signed(faces)
        if faces.shape[1] == self._face_size:
            return tensor
        flat = tensor[0].transpose(0, 1)
        size = (self._face_size, self._face_size)
        return torch.nn.functional.interpolate(flat, size=size, mode="area").transpose(0, 1)[None]


def signed(pictures: NDArray[np.float32]) -> Tensor:
    """Return pictures (frames, height, width, 3), 0 to 1, as (1, 3, frames, height, width), -1 to 1."""
    return torch.from_numpy(pictures).permute(3, 0, 1, 2).unsqueeze(0) * 2 - 1


def pictures_of(tensor: Tensor) -> NDArray[np.float32]:
    """Return (1, 3, frames, height, width), -1 to 1, as pictures (frames, height, width, 3), 0 to 1, on the CPU."""
    return ((tensor[0].permute(1, 2, 3, 0) + 1) / 2).float().cpu().contiguous().numpy()
