"""What the machine's GPUs hold, by `nvidia-smi`: the daemon's process loads no library of a driver, which may hang it.

Blocks until the program has answered: for the house's threads.
"""

from __future__ import annotations

import csv
import shutil
import subprocess

from understudy.bridge.machine_messages import GpuNow

PROGRAM = "nvidia-smi"
QUERY = ("--query-gpu=index,uuid,name,memory.used,memory.total", "--format=csv,noheader,nounits")
TIMEOUT_SECONDS = 10.0
"""A driver that is loaded anew for each question takes two seconds a card; one that hangs is not waited for."""
_COLUMNS = 5
_MEBIBYTE = 2**20
"""`memory.used` and `memory.total` without their units are MiB (nvidia-smi --help-query-gpu)."""


def gpus_now() -> tuple[tuple[GpuNow, ...], str]:
    """Return the cards, and why nothing is known of them; a machine without the program has none that we could use."""
    program = shutil.which(PROGRAM)
    if program is None:
        return (), ""
    try:
        asked = subprocess.run(
            [program, *QUERY], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL,
            errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return (), f"{program} gave no answer in {TIMEOUT_SECONDS:g} s"
    except OSError as problem:
        return (), f"{program} cannot be run: {problem.strerror}"
    if asked.returncode:
        said = (asked.stderr or asked.stdout).strip().splitlines()
        return (), f"{program} failed: {said[0] if said else f'exit code {asked.returncode}'}"
    return read_answer(asked.stdout)


def read_answer(text: str) -> tuple[tuple[GpuNow, ...], str]:
    """Return the cards of an answer. A card whose memory cannot be told (`[N/A]`, in MIG mode) counts as unknown."""
    found, unread = [], []
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        if len(row) != _COLUMNS or not (row[3].isdecimal() and row[4].isdecimal()):
            unread.append(", ".join(row))
            continue
        index, uuid, name, used, total = row
        found.append(
            GpuNow(
                index=index, uuid=uuid, name=name, used_bytes=int(used) * _MEBIBYTE, total_bytes=int(total) * _MEBIBYTE
            )
        )
    return tuple(found), f"{PROGRAM} says nothing of memory here: {unread[0]}" if unread else ""
