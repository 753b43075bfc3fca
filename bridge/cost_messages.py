"""What jobs have cost on one daemon, as its workers measured it; nothing in it is guessed."""

from __future__ import annotations

import msgspec

from understudy.bridge.words import Mode


class AskCosts(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What has each engine cost here? A key of any project may ask: no shot and no person is in the answer."""

    engine: str = ""
    """Only this one; empty = every one."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Medians of the newest jobs that were alike: one engine, mode, choices, size class and device.

    What a job takes: `start_seconds` + frames that the engine makes * `frame_seconds` + all frames of the version *
    `finish_seconds`.
    """

    engine: str
    engine_version: str
    mode: Mode
    choices: dict[str, str]
    """What decides the cost of the engine's options (`EngineDescription.costly`), as `bridge/costs.py` writes it."""
    height: int
    width: int
    """Of the picture that the newest of these jobs generated, in pixels; the others were of its size class."""
    device: str
    """What it was computed on, such as `NVIDIA H200` or `2 x NVIDIA H100`; `CPU`."""
    jobs: int
    """How many the medians are of."""
    newest_at: str
    """When the newest of them ended, ISO 8601 UTC."""
    start_seconds: float
    """Inputs inspected, weights loaded, controls made: until the first picture is begun."""
    frame_seconds: float
    """For each frame that the engine makes."""
    finish_seconds: float
    """Reading back, review, signing: for each frame of the version."""
    gpu_bytes: int = 0
    """The most that the engine held of a GPU; 0 = not measured."""
    host_bytes: int = 0
    """The most memory that the worker held; 0 = not measured."""


class Costs(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What was measured here, the newest first. Nothing of an engine = no job of it has ended here yet."""

    measured: tuple[Cost, ...]
