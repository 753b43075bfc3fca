"""The daemon as a process: everything is made, wired, run until it is drained or told to stop, and put away."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import Future

import zmq

from understudy.bridge.errors import JobParked
from understudy.bridge.gpu_settings import parse_gpus
from understudy.bridge.keys import LocalKeys, announce, ensure_local_keys, write_challenge
from understudy.bridge.settings import UserSettings
from understudy.inference.authority.followed import open_registry
from understudy.inference.authority.ledger import Ledger
from understudy.inference.daemon.audience import Audience
from understudy.inference.daemon.bulk import BulkServer
from understudy.inference.daemon.changes import Changes
from understudy.inference.daemon.dispatch import Dispatch
from understudy.inference.daemon.executor import Executor
from understudy.inference.daemon.following import Following
from understudy.inference.daemon.house import House
from understudy.inference.daemon.inputs import Inputs
from understudy.inference.daemon.local_executor import LocalExecutor
from understudy.inference.daemon.outputs import Shelf
from understudy.inference.daemon.papers import check_against_store
from understudy.inference.daemon.pictures import Pictures
from understudy.inference.daemon.retention import Retention
from understudy.inference.daemon.server import ControlServer
from understudy.inference.daemon.service import Service
from understudy.inference.daemon.store import Store
from understudy.inference.daemon.submission import Gate, Reception, judge_admission, output_root
from understudy.inference.daemon.surroundings import OnlyDaemon, log_to, raise_open_files_limit
from understudy.inference.vault import Vault

SWITCH_SECONDS = 0.001
"""How long a thread may hold Python from the event loop; the default of 5 ms adds up with several threads."""
_log = logging.getLogger(__name__)


def serve(
    settings: UserSettings,
    *,
    executor: Executor | None = None,
    gate: Gate = judge_admission,
    ready: Callable[[int], None] = lambda port: None,
) -> None:
    """Run the daemon of `settings.home` until it is drained, or stopped by SIGTERM or SIGINT (a drain at once).

    `ready` is called with the control port when requests are answered. Only from a process's main thread.
    Raises DaemonError when another daemon serves this HOME, the address is taken, or the store cannot be used.
    """
    users_mask = os.umask(0o077)
    keys = ensure_local_keys(settings.home)
    only = OnlyDaemon(settings.home)
    try:
        output_root(settings)
        log_to(settings.home)
        raise_open_files_limit()
        sys.setswitchinterval(SWITCH_SECONDS)
        asyncio.run(_run(settings, keys, executor or _executor(settings, users_mask), gate, ready))
    finally:
        only.release()


def _executor(settings: UserSettings, users_mask: int) -> LocalExecutor:
    """Return the slots that the settings ask for. Workers read settings anew: what was said here goes with them."""
    return LocalExecutor(
        settings.slots,
        umask=users_mask,
        gpus=parse_gpus(settings.gpus, settings.gpus_per_slot),
        environment={"UNDERSTUDY_GPU_MEMORY": settings.gpu_memory},
    )


async def _run(
    settings: UserSettings, keys: LocalKeys, executor: Executor, gate: Gate, ready: Callable[[int], None]
) -> None:
    (settings.home / "jobs").mkdir(exist_ok=True)
    store = Store(settings.home / "store.sqlite")
    ledger = Ledger(settings.home)
    check_against_store(ledger, store)
    vault = Vault(settings.home / "vault", settings.vault_quota_bytes)
    house = House(settings, store, vault, keys.users, ledger, open_registry(settings, ledger))
    with contextlib.ExitStack() as after:
        after.callback(house.close)
        context = zmq.Context[zmq.Socket[bytes]]()
        after.callback(context.term)
        control = ControlServer(context, keys.server, keys.users, settings.host, settings.port)
        after.callback(control.close)
        loop = asyncio.get_running_loop()
        audience = Audience(house, control.push)
        after.callback(audience.close)
        inputs, shelf = Inputs(house), Shelf(house)
        changes = Changes(house, audience, inputs)
        dispatch = Dispatch(house, changes, inputs, executor)
        bulk = await house.on_disk(_open_bulk, loop, context, keys, house, inputs, shelf, changes)
        after.callback(bulk.close)
        pictures = Pictures(house, shelf)
        after.callback(pictures.close)
        challenge, nonce = write_challenge(settings.home)
        service = Service(
            house, audience, changes, dispatch, executor, inputs, Reception(house, audience, gate), shelf,
            challenge=challenge, nonce=nonce, bulk_port=bulk.port, user_now=control.caller_user,
            pictures=pictures,
        )  # fmt: skip
        if settings.authority:
            following = Following(settings)
            after.callback(following.close)
            following.start()
        _stop_by_signal(dispatch)
        await dispatch.recover()
        control.serve(service.answer)
        announce(settings.home, settings.host, control.port)
        _log.info("serving %s on %s:%d as process %d", settings.home, settings.host, control.port, os.getpid())
        gc.collect()
        gc.freeze()  # what stands now stays: later collections need not walk it
        ready(control.port)
        await _until_drained(audience, dispatch, Retention(house, changes))
        await executor.close()
    _log.info("drained")


async def _until_drained(audience: Audience, dispatch: Dispatch, retention: Retention) -> None:
    """Run until the last job has ended after a drain. A part of the daemon that fails ends the daemon, loudly."""
    endless = (audience.beat(), dispatch.run(), retention.run(), dispatch.drained.wait())
    parts = [asyncio.ensure_future(part) for part in endless]
    try:
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            part.result()
    finally:
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)


def _stop_by_signal(dispatch: Dispatch) -> None:
    """Let SIGTERM and SIGINT drain at once."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, dispatch.drain, True)


def _open_bulk(
    loop: asyncio.AbstractEventLoop,
    context: zmq.Context[zmq.Socket[bytes]],
    keys: LocalKeys,
    house: House,
    inputs: Inputs,
    shelf: Shelf,
    changes: Changes,
) -> BulkServer:
    """Open the bulk socket; its threads ask the store themselves and leave changes of jobs to the event loop.

    Called on one of the house's file threads: what it starts inherits their priority.
    """

    def later(work: Coroutine[object, object, object]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).add_done_callback(_log_failure)

    def stored(job_id: str, file: str) -> None:
        if inputs.note_stored(job_id, file):
            later(changes.look_whether_complete(job_id))

    def size_of(job_id: str, file: str) -> int | None:
        try:
            return inputs.announced_size(job_id, file)
        except JobParked as problem:
            parked(job_id, problem)
            raise

    def parked(job_id: str, problem: JobParked) -> None:
        later(changes.park_locked(job_id, problem))

    def may_send(key: str, job_id: str, file: str) -> bool:
        return inputs.may_send(house.users.user_for(key), job_id, file)

    return BulkServer(
        context, keys.server, house.vault, may_send, shelf.resolve, stored, host=house.settings.host,
        size_of=size_of, on_parked=parked,
    )  # fmt: skip


def _log_failure(done: Future[object]) -> None:
    if not done.cancelled() and (problem := done.exception()) is not None:
        _log.error("a change that the bulk socket asked for failed", exc_info=problem)
