"""The queue of proxies and its process: newest first, stale ones dropped, killed and hanging ones replaced."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from studio_rig import wait_for
from viewer_rig import write_layer

from understudy.bridge.errors import DaemonError, PlateError
from understudy.inference.daemon.proxy_maker import WAITING_LIMIT, ProxyMaker
from understudy.inference.proxy_order import ProxyOrder


@pytest.fixture
def maker() -> Iterator[ProxyMaker]:
    maker = ProxyMaker(answer_seconds=20.0)
    yield maker
    maker.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_layer(tmp_path / "comp.1.exr", np.full((18, 32, 3), 0.5, np.float16))


def _order(path: Path, tag: str = "") -> ProxyOrder:
    return ProxyOrder(tag=tag or str(path), frame=1, path=str(path), width=16)


def test_of_a_scrub_only_the_wish_under_way_and_the_newest_are_made(maker: ProxyMaker, path: Path) -> None:
    wishes = [maker.ask(_order(path, str(step)), "key", "front", ahead=False) for step in range(10)]
    answers = [wish.result(20) for wish in wishes]
    assert answers[-1] is not None
    assert sum(answer is not None for answer in answers) <= 2


def test_a_place_of_another_key_is_another_place(maker: ProxyMaker, path: Path) -> None:
    wishes = [maker.ask(_order(path, key), key, "front", ahead=False) for key in ("ada", "ben", "eve")]
    assert all(wish.result(20) is not None for wish in wishes)


def test_what_is_looked_at_comes_before_what_may_be_looked_at_next(maker: ProxyMaker, path: Path) -> None:
    done: list[str] = []
    first = maker.ask(_order(path, "first"), "key", "", ahead=False)
    for name in ("a", "b"):
        maker.ask(_order(path, name), "key", "", ahead=True).add_done_callback(lambda _, name=name: done.append(name))  # type: ignore[misc]
    maker.ask(_order(path, "front"), "key", "front", ahead=False).add_done_callback(lambda _: done.append("front"))
    first.result(20)
    wait_for(lambda: len(done) == 3)
    assert done == ["front", "a", "b"]


def test_when_too_many_wait_the_oldest_are_dropped(maker: ProxyMaker, path: Path) -> None:
    maker.ask(_order(path, "x"), "key", "", ahead=False).result(20)
    assert maker.process_id is not None
    os.kill(maker.process_id, signal.SIGSTOP)
    wishes = [maker.ask(_order(path, str(step)), "key", "", ahead=False) for step in range(WAITING_LIMIT + 5)]
    wait_for(lambda: sum(wish.done() for wish in wishes) >= 4)
    os.kill(maker.process_id, signal.SIGCONT)
    answers = [wish.result(20) for wish in wishes]
    assert answers[-1] is not None
    assert 4 <= sum(answer is None for answer in answers) <= 5


def test_a_process_that_hangs_is_ended_and_the_next_wish_has_a_new_one(path: Path) -> None:
    maker = ProxyMaker(answer_seconds=20.0)
    try:
        maker.ask(_order(path), "key", "", ahead=False).result(20)
        hung, maker._patience = maker.process_id, 1.0
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(PlateError, match="too long"):
            maker.ask(_order(path, "other"), "key", "", ahead=False).result(20)
        maker._patience = 20.0  # a fresh interpreter on a busy machine may take more than a second
        assert maker.ask(_order(path, "third"), "key", "", ahead=False).result(20) is not None
        assert maker.process_id != hung
    finally:
        maker.close()


@contextmanager
def files_left(count: int) -> Iterator[None]:
    """Let this process open so many files more, and no others."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [os.dup(0) for _ in range(count + 1)]
    for number in free:
        os.close(number)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("count", [0, 2], ids=["not even the pair of sockets", "the pair alone"])
def test_when_no_process_can_be_started_then_the_wish_is_told_so_and_the_next_is_answered(
    maker: ProxyMaker, path: Path, count: int
) -> None:
    with files_left(count):
        refused = maker.ask(_order(path), "key", "", ahead=False)
        with pytest.raises(DaemonError, match="Too many open files"):
            refused.result(20)
    assert maker.ask(_order(path), "key", "", ahead=False).result(20) is not None


def test_a_process_that_nobody_asks_ends_and_nothing_it_made_is_left(maker: ProxyMaker, path: Path) -> None:
    maker.ask(_order(path), "key", "", ahead=False).result(20)
    assert maker.process_id is not None
    maker._idle = 0.5
    maker.ask(_order(path, "again"), "key", "", ahead=False).result(20)
    wait_for(lambda: maker.process_id is None)
    assert sorted(path.parent.iterdir()) == [path]


def test_a_file_that_is_gone_is_named(maker: ProxyMaker, tmp_path: Path) -> None:
    with pytest.raises(PlateError, match=r"gone\.1\.exr"):
        maker.ask(_order(tmp_path / "gone.1.exr"), "key", "", ahead=False).result(20)
