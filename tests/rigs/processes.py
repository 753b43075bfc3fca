"""What the system says of other processes, asked so that one that ends meanwhile is an answer and no accident."""

from __future__ import annotations

import psutil


def has_ended(process: int) -> bool:
    """Return whether a process is gone, or is dead and only waits to be collected by its parent."""
    try:
        return bool(psutil.Process(process).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def listening_on(process: int) -> list[str]:
    """Return the addresses on which a process takes TCP connections, one for each port."""
    connections = psutil.Process(process).net_connections(kind="tcp")
    return [connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN]


def children_named(process: int, argument: str) -> list[int]:
    """Return the children of a process that still run and whose command line has an argument."""
    found = []
    for child in psutil.Process(process).children():
        try:
            found += [child.pid] * (argument in child.cmdline())
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found
