"""What every part of the daemon shares, and the threads that keep blocking work out of its event loop."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

from understudy.bridge.keys import AllowList
from understudy.bridge.settings import UserSettings
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.registry import Registry
from understudy.inference.daemon.store import Store
from understudy.inference.vault import Vault

STORE_THREADS = 2
"""One may wait for an fsync while the other reads."""
FILE_THREADS = 3
"""Copying and hashing: more would only take the disk and the processor from each other."""
LOOK_THREADS = 2
"""Looking at files takes milliseconds; it must not wait behind a movie that is copied."""

SCRATCH = ".scratch"
CARRIED = ".carried"
"""Folders of every job under HOME, whatever a show's template says: no pixel without papers lies in a show."""

FILE_NICENESS = 3
"""Threads that move files give way to the event loop; what they start inherits it. Workers give way to both."""

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")


def _step_back() -> None:
    """Lower this thread's priority. Linux keeps one a thread; elsewhere it would be the whole process's."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), FILE_NICENESS)


@dataclass(frozen=True)
class House:
    """One daemon's belongings."""

    settings: UserSettings
    store: Store
    vault: Vault
    users: AllowList
    ledger: Ledger
    registry: Registry
    store_threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(STORE_THREADS, "store"))
    file_threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(FILE_THREADS, "files", _step_back)
    )
    look_threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(LOOK_THREADS, "look"))

    ledger_thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "ledger"))
    """One: entries wait for each other anyway."""

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def jobs_folder(self) -> Path:
        return self.home / "jobs"

    def scratch_of(self, job_id: str) -> Path:
        """Return where a job keeps what it needs after a crash; gone when the job has ended."""
        return self.jobs_folder / job_id / SCRATCH

    def carried_of(self, job_id: str) -> Path:
        """Return where a job keeps what a redo of its version goes on from; gone when the job's files go."""
        return self.jobs_folder / job_id / CARRIED

    async def stored(self, call: Callable[_Given, _Made], *given: _Given.args, **named: _Given.kwargs) -> _Made:
        """Run a call of the store on its threads."""
        return await asyncio.get_running_loop().run_in_executor(self.store_threads, lambda: call(*given, **named))

    async def recorded(self, call: Callable[_Given, _Made], *given: _Given.args, **named: _Given.kwargs) -> _Made:
        """Run a call that writes to the ledger; what it says is durable when this returns."""
        return await asyncio.get_running_loop().run_in_executor(self.ledger_thread, lambda: call(*given, **named))

    async def on_disk(self, call: Callable[_Given, _Made], *given: _Given.args, **named: _Given.kwargs) -> _Made:
        """Run a call that moves or hashes files: it may take minutes."""
        return await asyncio.get_running_loop().run_in_executor(self.file_threads, lambda: call(*given, **named))

    async def looked(self, call: Callable[_Given, _Made], *given: _Given.args, **named: _Given.kwargs) -> _Made:
        """Run a call that only looks at files, or reckons for some milliseconds."""
        return await asyncio.get_running_loop().run_in_executor(self.look_threads, lambda: call(*given, **named))

    def close(self) -> None:
        """Wait for what the threads do, then close store and registry."""
        for threads in (self.file_threads, self.look_threads, self.ledger_thread, self.store_threads):
            threads.shutdown(cancel_futures=True)
        self.store.close()
        self.registry.close()
