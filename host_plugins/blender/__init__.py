# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender extension: recast a strip without leaving the sequencer. Blender calls `register` and `unregister`."""

from __future__ import annotations


def register() -> None:
    from .registration import register as register_all  # here: the package must import where there is no Blender

    register_all()


def unregister() -> None:
    from .registration import unregister as unregister_all

    unregister_all()
