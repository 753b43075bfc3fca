"""How a studio's config and the built-in one are joined: for spaces that only one of the two has.

In order: the config's role `aces_interchange`; its role `cie_xyz_d65_interchange`, where that is a scene-referred
space; a space of it that OpenColorIO recognises by its values. Where there is none of them, the two cannot be joined.
"""

from __future__ import annotations

from typing import Any

import PyOpenColorIO

ACES_ROLE = "aces_interchange"
XYZ_ROLE = "cie_xyz_d65_interchange"
_STANDARD_XYZ = "lin_ciexyzd65_scene"


def from_config(config: Any, space: str, standard: Any, target: str) -> Any:
    """Return OCIO's processor from a space of `config` to one of `standard`. Raises PyOpenColorIO.Exception."""
    if config.hasRole(ACES_ROLE):
        return PyOpenColorIO.Config.GetProcessorFromConfigs(config, space, standard, target)
    if _has_scene_xyz(config):
        return PyOpenColorIO.Config.GetProcessorFromConfigs(config, space, XYZ_ROLE, standard, target, _STANDARD_XYZ)
    return PyOpenColorIO.Config.GetProcessorToBuiltinColorSpace(config, space, target)


def to_config(standard: Any, space: str, config: Any, target: str) -> Any:
    """Return OCIO's processor from a space of `standard` to one of `config`. Raises PyOpenColorIO.Exception."""
    if config.hasRole(ACES_ROLE):
        return PyOpenColorIO.Config.GetProcessorFromConfigs(standard, space, config, target)
    if _has_scene_xyz(config):
        return PyOpenColorIO.Config.GetProcessorFromConfigs(standard, space, _STANDARD_XYZ, config, target, XYZ_ROLE)
    return PyOpenColorIO.Config.GetProcessorFromBuiltinColorSpace(space, config, target)


def way_between(config: Any, standard: Any, space: str, target: str) -> str:
    """Return in words through what the two are joined. Raises PyOpenColorIO.Exception where they are not."""
    if config.hasRole(ACES_ROLE):
        return f"its role {ACES_ROLE}"
    if _has_scene_xyz(config):
        return f"its role {XYZ_ROLE}"
    own, _ = PyOpenColorIO.Config.IdentifyInterchangeSpace(config, space, standard, target)
    return f"its space '{own}', which OpenColorIO recognises"


def _has_scene_xyz(config: Any) -> bool:
    if not config.hasRole(XYZ_ROLE):
        return False
    space = config.getColorSpace(XYZ_ROLE)
    return bool(space.getReferenceSpaceType() == PyOpenColorIO.REFERENCE_SPACE_SCENE)
