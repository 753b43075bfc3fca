"""What is told of a whole shot before the model is loaded, through the door that a job comes through."""

from __future__ import annotations

from pathlib import Path

import pytest
from spine_rig import gathered, order_of
from wan_shot import draw_wan_shot

from understudy.bridge.errors import Finding
from understudy.bridge.settings import UserSettings
from understudy.inference.engines.wan.options import WanOptions
from understudy.inference.engines.wan.shot_controls import shot_controls
from understudy.inference.footage import open_pictures


class Ears(list[Finding]):
    def step(self, stage: str, done: int, total: int) -> None:
        """Nobody stops it."""

    def found(self, finding: Finding) -> None:
        self.append(finding)


@pytest.mark.parametrize(("scale", "told"), [(1, False), (16, True)])
def test_when_the_model_makes_fewer_pixels_than_the_plate_has_then_the_artist_hears_so(
    tmp_path: Path, scale: int, told: bool
) -> None:
    options = draw_wan_shot(tmp_path / "shot", 1, scale)
    order = order_of(gathered(options, option=["preset=draft", "pose=keypoints"]), tmp_path / "out")
    pictures = open_pictures(order, lambda done, total: None)
    ears = Ears()
    shot_controls(pictures.footage(), WanOptions.of(order.job.settings), UserSettings(home=tmp_path), ears)
    assert ("picture_scale" in [finding.rule for finding in ears]) is told
