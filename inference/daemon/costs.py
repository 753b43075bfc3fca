"""What jobs have cost here: kept in the store as the workers measured it, told as medians of those that are alike.

Blocks for the length of a reading or an fsync: for the house's store threads.
"""

from __future__ import annotations

from statistics import median

import msgspec

from understudy.bridge.cost_messages import Cost, Costs
from understudy.bridge.costs import costly_choices, size_class
from understudy.bridge.words import Mode
from understudy.inference.daemon.store import Store, utc_now
from understudy.inference.engines.roster import describe_engine
from understudy.inference.work_order import RunCost

RUNS_KEPT = 20
"""Of jobs that are alike: enough for a steady median, and one that follows a new driver or a busier disk in a week."""


class KeptRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run in the store."""

    engine: str
    engine_version: str
    mode: Mode
    choices: dict[str, str]
    ended_at: str
    cost: RunCost


_RUN = msgspec.json.Decoder(KeptRun)


def note_run(store: Store, job_id: str, cost: RunCost) -> None:
    """Keep what a job cost. Nothing of its shot, its user or its project goes with it."""
    settings = store.settings(job_id)
    engine = describe_engine(settings.engine)
    choices = costly_choices(engine, settings.engine_options)
    run = KeptRun(
        engine=engine.name, engine_version=engine.version, mode=settings.mode, choices=choices, ended_at=utc_now(),
        cost=cost,
    )  # fmt: skip
    store.keep_run(alike_of(run), engine.name, msgspec.json.encode(run), RUNS_KEPT)


def alike_of(run: KeptRun) -> str:
    """Return what is the same for every run that a median is taken of."""
    cost = run.cost
    parts = (run.engine, run.engine_version, run.mode, run.choices, size_class(cost.height, cost.width), cost.device)
    return msgspec.json.encode(parts).decode()


def costs_of(store: Store, engine: str = "") -> Costs:
    """Return the medians of what is kept, those of the newest job first."""
    alike: dict[str, list[KeptRun]] = {}
    for key, run in store.runs(engine):
        alike.setdefault(key, []).append(_RUN.decode(run))
    return Costs(measured=tuple(_medians(runs) for runs in alike.values()))


def _medians(runs: list[KeptRun]) -> Cost:
    """Return the medians of runs that are alike. Memory is the median of those that could measure it."""
    newest, costs = runs[0], [run.cost for run in runs]
    return Cost(
        engine=newest.engine,
        engine_version=newest.engine_version,
        mode=newest.mode,
        choices=newest.choices,
        height=newest.cost.height,
        width=newest.cost.width,
        device=newest.cost.device,
        jobs=len(runs),
        newest_at=newest.ended_at,
        start_seconds=median(one.start_seconds for one in costs),
        frame_seconds=median(one.frame_seconds for one in costs),
        finish_seconds=median(one.finish_seconds for one in costs),
        gpu_bytes=_median_bytes([one.gpu_bytes for one in costs]),
        host_bytes=_median_bytes([one.host_bytes for one in costs]),
    )


def _median_bytes(measured: list[int]) -> int:
    told = [count for count in measured if count > 0]
    return round(median(told)) if told else 0
