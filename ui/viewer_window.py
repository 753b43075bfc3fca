"""The viewer in a window of its own: `python -m understudy.ui.viewer FOLDER`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication

from understudy.bridge.errors import RequestError
from understudy.bridge.frames import FrameRate
from understudy.ui.collecting import Collector
from understudy.ui.viewer import Viewer


def main(arguments: list[str] | None = None) -> int:
    """Open a folder in a window of its own."""
    parser = argparse.ArgumentParser(
        prog="python -m understudy.ui.viewer", description="Show a take's layers, frame by frame."
    )
    parser.add_argument("folder", type=Path, help="a take, or the folder that one lands in")
    parser.add_argument("--plate", help="the plate's files, as plate.####.exr")
    parser.add_argument("--rate", help="frames per second, where the files state none")
    said = parser.parse_args(arguments)
    try:
        rate = FrameRate.parse(said.rate) if said.rate else None
    except RequestError as problem:
        parser.error(f"{problem.message}. {problem.remedy}")
    application = QApplication.instance() or QApplication(sys.argv[:1])
    collector = Collector()
    viewer = Viewer()
    viewer.resize(1280, 860)
    viewer.show_take(said.folder, said.plate, rate)
    viewer.show()
    viewer.setFocus()
    code = application.exec()
    collector.end()
    return code
