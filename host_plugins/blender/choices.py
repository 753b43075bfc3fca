# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's fields as the bridge's options. Main thread only."""

from __future__ import annotations

import bpy

from understudy.bridge.options import JobOptions

from .blender_types import Scene
from .properties import settings_of


def read_choices(scene: Scene) -> JobOptions:
    settings = settings_of(scene)
    animate = settings.mode == "animate"
    size = f"{scene.render.resolution_x}x{scene.render.resolution_y}"
    return JobOptions(
        mode=settings.mode,
        format=size if animate else None,  # so that the beauty fills the sequencer's own picture
        engine=settings.engine,
        seed=settings.seed,
        project=settings.project or None,
        matte_channel="A" if not animate and settings.matte_from == "ALPHA" else None,
        matte_invert=settings.matte_invert,
        allow_large_matte=settings.allow_large_matte,
        record=bpy.path.abspath(settings.record) if settings.record else None,
        self_attest=settings.self_attest or None,
    )
