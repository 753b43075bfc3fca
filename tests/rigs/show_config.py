"""A studio's own OCIO config on disk: a log space behind a 1D LUT, a look behind a cube, a context variable."""

from __future__ import annotations

from pathlib import Path

import numpy as np

TEXT = """ocio_profile_version: 2.1

environment:
  SHOT: "000"
search_path: luts:looks/${SHOT}
strictparsing: true
roles:
  default: lin_show
  scene_linear: lin_show
  compositing_log: log_show
  aces_interchange: aces
  cie_xyz_d65_interchange: xyz
file_rules:
  - !<Rule> {name: Default, colorspace: default}
displays:
  Monitor:
    - !<View> {name: Show, colorspace: shown, looks: grade}
active_displays: [Monitor]
active_views: [Show]
looks:
  - !<Look>
    name: grade
    process_space: log_show
    transform: !<FileTransform> {src: grade.cube, interpolation: tetrahedral}
colorspaces:
  - !<ColorSpace>
    name: aces
    encoding: scene-linear
  - !<ColorSpace>
    name: xyz
    encoding: scene-linear
    from_scene_reference: !<BuiltinTransform> {style: UTILITY - ACES-AP0_to_CIE-XYZ-D65_BFD}
  - !<ColorSpace>
    name: lin_show
    aliases: [house_linear]
    encoding: scene-linear
    to_scene_reference: !<BuiltinTransform> {style: ACEScg_to_ACES2065-1}
  - !<ColorSpace>
    name: log_show
    aliases: [house_log]
    encoding: log
    to_scene_reference: !<GroupTransform>
      children:
        - !<FileTransform> {src: house_log.spi1d, interpolation: linear}
        - !<ColorSpaceTransform> {src: lin_show, dst: aces}
  - !<ColorSpace>
    name: shown
    encoding: sdr-video
    from_scene_reference: !<GroupTransform>
      children:
        - !<ColorSpaceTransform> {src: aces, dst: lin_show}
        - !<ExponentTransform> {value: 2.2, style: mirror, direction: inverse}
"""


def write_show(folder: Path, text: str = TEXT, *, gain: float = 1.0) -> Path:
    """Write the config with its LUTs and return the path of config.ocio. gain: how bright the look of shot 010 is."""
    for beneath in ("luts", "looks/000", "looks/010"):
        (folder / beneath).mkdir(parents=True, exist_ok=True)
    (folder / "luts" / "house_log.spi1d").write_text(log_curve())
    (folder / "looks" / "000" / "grade.cube").write_text(cube(1.0))
    (folder / "looks" / "010" / "grade.cube").write_text(cube(gain))
    (folder / "luts" / "notes.txt").write_text("no LUT")
    (folder / "config.ocio").write_text(text)
    return folder / "config.ocio"


def log_curve(length: int = 4096) -> str:
    """Return codes 0 to 1 to light: eight stops below grey at 0, eight above it at 1, as an .spi1d file."""
    codes = np.linspace(0, 1, length)
    light = 0.18 * 2.0 ** (16 * codes - 8)
    lines = "\n".join(f"  {value:.9g}" for value in light)
    return f"Version 1\nFrom 0.0 1.0\nLength {length}\nComponents 1\n{{\n{lines}\n}}\n"


def cube(gain: float, size: int = 5) -> str:
    """Return a 3D LUT that scales log codes, as a .cube file."""
    steps = np.linspace(0, 1, size) * gain
    lines = "\n".join(f"{r:.7f} {g:.7f} {b:.7f}" for b in steps for g in steps for r in steps)
    return f"LUT_3D_SIZE {size}\n{lines}\n"
