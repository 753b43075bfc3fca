"""Proxies a second of 720p and UHD, and their bytes, beside bare reading of the same files on one thread.

The process and its queue as the daemon has them, without the wire: a proxy is half to three megabytes, which
`wire_transfer` measures. Frames are half R, G, B under grain, zip.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import OpenEXR

from benchmarks.table import Row, at_least
from benchmarks.viewer import write_shot
from understudy.inference.daemon.proxy_maker import ProxyMaker
from understudy.inference.proxy_order import ProxyOrder

SIZES = {"720p": (1280, 720, 640, 12), "UHD": (3840, 2160, 1280, 6)}
"""Width, height, width of the proxy, frames."""
GOAL = {"720p": 0.30, "UHD": 0.30}
"""A proxy is read, made small, and written again with zip: writing a ninth of the pixels costs as much as reading."""


def measure() -> list[Row]:
    """Return proxies a second of each size as a ratio to bare reads a second."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (width, height, wanted, frames) in SIZES.items():
            paths = sorted((write_shot(Path(folder) / name, frames, width, height) / "comp").glob("*.exr"))
            made, size = _proxies(paths, wanted)
            note = f"{size / 1e6:.2f} MB each, {wanted} px wide; load {os.getloadavg()[0]:.1f}"
            rows.append(at_least(f"proxies of {name}", made, _reads(paths), "frames/s", GOAL[name], note))
    return rows


def _proxies(paths: list[Path], width: int) -> tuple[float, float]:
    maker = ProxyMaker()
    try:
        maker.ask(_order(paths[0], width, "warm"), "key", "", ahead=False).result()
        start = time.perf_counter()
        answers = [maker.ask(_order(path, width, str(path)), "key", "", ahead=False).result() for path in paths]
        seconds = time.perf_counter() - start
    finally:
        maker.close()
    sizes = [len(answer.picture) for answer in answers if answer is not None]
    return len(paths) / seconds, sum(sizes) / len(sizes)


def _order(path: Path, width: int, tag: str) -> ProxyOrder:
    return ProxyOrder(tag=tag, frame=1001, path=str(path), width=width)


def _reads(paths: list[Path]) -> float:
    start = time.perf_counter()
    for path in paths:
        with OpenEXR.File(str(path)) as file:
            assert file.channels()
    return len(paths) / (time.perf_counter() - start)


if __name__ == "__main__":
    for row in measure():
        print(row)
