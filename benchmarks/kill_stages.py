"""kill -9 of a Wan-Animate worker in every stage that a job passes: every file as an undisturbed job has it.

One job of two segments on a tiny checkpoint of the official classes. Its worker, a process of its own as a daemon
starts it, is killed at one moment after another (`tests/rigs/wan_moments.py` has them), what it left half written is
cut to half, and the next worker goes on. The suite kills at some of these moments, and forks its workers.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path

from benchmarks.stand_ins import lend_rigs
from benchmarks.table import Row, at_least


def measure() -> list[Row]:
    lend_rigs()
    from spine_rig import gathered, order_of
    from struck import files_in, sweep
    from tiny_wan import make_tiny_checkpoint
    from wan_moments import DRAWN, JOB, STAGES, STRUCK
    from wan_shot import draw_wan_shot

    start = time.monotonic()
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        os.environ["UNDERSTUDY_HOME"] = str(folder / "home")
        os.environ["UNDERSTUDY_WEIGHTS"] = str(make_tiny_checkpoint(folder / "weights", seed=1))
        job = gathered(draw_wan_shot(folder / "shot", DRAWN), option=[*JOB])
        (whole,) = sweep(order_of(job, folder / "whole"), (), fresh=True)
        *killed, last = sweep(order_of(job, folder / STRUCK), STAGES, fresh=True)
        differ = {path for path, _ in files_in(folder / "whole").items() ^ files_in(folder / STRUCK).items()}
    faults = [f"not struck: {one.moment}" for one in killed if one.signal != signal.SIGKILL]
    faults += [f"differs: {path}" for path in sorted(differ)]
    faults += [f"ended {one.end}" for one in (whole, last) if one.end is None or one.end.state != "delivered"]
    held = 0 if differ or last.end is None else len(STAGES) - len(faults)
    note = "; ".join([f"one job, {time.monotonic() - start:.0f} s", *faults])
    name = "kills of a wan-animate worker, one in each stage, that left every file byte-identical"
    return [at_least(name, held, len(STAGES), "kills", 1.0, note)]
