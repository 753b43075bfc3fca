"""The environment that MediaPipe runs in: made by `understudy pose install`, found by a setting or by its place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from understudy.bridge.errors import EngineError, RequestError

MEDIAPIPE_VERSION = "0.10.21"
"""The last release that carries its whole-body models in the wheel (from 0.10.30 on there are neither models nor the
`solutions` that run them), for Python 3.9 to 3.12.
"""
MEDIAPIPE = f"mediapipe=={MEDIAPIPE_VERSION}"
# What it needs for poses: exactly what decides the numbers, loosely what is only imported. Its wheel asks for jax,
# sounddevice, sentencepiece and a second OpenCV too, which its other parts import: without them 412 MB, not 990.
NEEDED = (
    "numpy==1.26.4",
    "opencv-python-headless==4.11.0.86",
    "protobuf==4.25.9",
    "absl-py>=2.1,<3",
    "attrs>=24",
    "flatbuffers>=24.3",
    "matplotlib>=3.8,<4",
)
FOLDER = "mediapipe"
NEWEST_PYTHON = (3, 12)


def default_folder(home: Path) -> Path:
    return home / FOLDER


def interpreter_in(folder: Path) -> Path:
    """Return where a virtual environment keeps its Python."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find_interpreter(setting: str, home: Path) -> Path | None:
    """Return the Python that MediaPipe is installed for: the one of the setting, else that of `pose install`, or None.

    Raises EngineError when the setting names what is not there: a typing error must not become another source.
    """
    if setting:
        # Not resolved: a virtual environment's Python is a link, and knows its environment by where it lies.
        named = Path(setting).expanduser().absolute()
        if not named.is_file():
            raise EngineError(
                f"`mediapipe_python` names {named}, which is not there",
                remedy="Name the Python of an environment that has MediaPipe, or leave the setting out and run "
                "`understudy pose install`.",
            )
        return named
    python = interpreter_in(default_folder(home))
    return python if python.is_file() else None


def install(folder: Path, python: str = sys.executable) -> Path:
    """Make the environment in `folder` and return its Python. Needs a package index and 412 MB.

    It is made beside its place and moved there when it is whole. Raises RequestError with what pip or venv said last.
    """
    if folder.exists():
        raise RequestError(f"{folder} exists already", remedy="Remove it first, or name another place with --folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _refuse_python(python)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _run(python, "-m", "venv", str(made))
        pip = (str(interpreter_in(made)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(*pip, "--no-deps", MEDIAPIPE)
        _run(*pip, *NEEDED)
        made.replace(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return interpreter_in(folder)


def _refuse_python(python: str) -> None:
    said = _run(python, "-c", "import sys; print(*sys.version_info[:2])").split()
    if tuple(map(int, said)) > NEWEST_PYTHON:
        raise RequestError(
            f"MediaPipe {MEDIAPIPE_VERSION} has no wheel for Python {'.'.join(said)}",
            remedy="Name a Python from 3.9 to 3.12 with --python: --python python3.11.",
        )


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except OSError as problem:
        raise RequestError(f"{command[0]}: {problem.strerror}", remedy="Name a Python with --python.") from None
    except subprocess.CalledProcessError as problem:
        said = problem.stderr.strip()[-600:]
        raise RequestError(
            f"`{' '.join(command)}` failed: {said}",
            remedy="Where no package index can be reached, make the environment elsewhere and name its Python by the "
            "setting `mediapipe_python`.",
        ) from None
    return done.stdout
