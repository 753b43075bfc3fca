"""How the daemon's machine stands: what its GPUs hold, who waits for them, the packs in force, its ledger."""

from __future__ import annotations

import msgspec


class AskMachine(msgspec.Struct, frozen=True, tag=True):
    """GPUs, queue, packs and ledger, as they are now. `AskStatus` has slots, vault and disk."""


class GpuNow(msgspec.Struct, frozen=True, kw_only=True):
    """One card, as `nvidia-smi` on the daemon's machine says it."""

    index: str
    """Its number on the bus, as the setting `gpus` may name it."""
    uuid: str
    name: str
    used_bytes: int
    """Of everyone on the machine, not of our workers alone."""
    total_bytes: int


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One job in the queue."""

    job_id: str
    """`hidden` = one that this key may not see; then shot and user are empty."""
    shot: str = ""
    user: str = ""
    seconds: float = 0.0
    """Since it was queued."""


class Machine(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    gpus: tuple[GpuNow, ...] = ()
    gpu_problem: str = ""
    """Why nothing is known of GPUs; empty where `gpus` is all there is."""
    queue: tuple[Waiting, ...] = ()
    """In the order in which they would start; the first of them, at most 200."""
    packs: tuple[str, ...] = ()
    """Policy packs in force, as reports name them: `eu-art50@1`."""
    packs_problem: str = ""
    """Why they cannot be told: then no job is accepted either."""
    ledger_entries: int = 0
    ledger_digest: str = ""
    """Of its newest entry."""
    follows: str = ""
    """The connection file of the studio authority that this daemon follows; empty = none."""
    uptime_seconds: float = 0.0
