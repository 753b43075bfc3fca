"""Opening a shot: readers of every role, the way to the engine's picture, the exposure, the footage that it is handed.

`shot_pictures.py` holds what the modes share, `replace_footage.py` and `animate_footage.py` what each adds. Everything
is derived from the order alone and comes out the same when it is done again after a crash.
"""

from __future__ import annotations

from understudy.inference.animate_footage import AnimatePictures
from understudy.inference.replace_footage import ReplacePictures
from understudy.inference.shot_pictures import Boxes, ShotPictures, Step
from understudy.inference.work_order import WorkOrder

__all__ = ["Boxes", "ShotPictures", "open_pictures"]


def open_pictures(order: WorkOrder, step: Step, boxes: Boxes | None = None) -> ShotPictures:
    """Open every input of the job in its mode; `boxes` are those of mattes that have been read before.

    step(done, total) may raise to stop. Raises PlateError, RequestError.
    """
    return AnimatePictures(order) if order.job.settings.mode == "animate" else ReplacePictures(order, step, boxes)
