"""Working ahead: what is made next is made on other threads while what was made is written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


class _End:
    """Nothing more comes."""


def work_ahead(items: Iterator[_Item], limit: int) -> Generator[_Item]:
    """Yield `items`, which are made on one other thread, at most `limit` before they are asked for.

    What making them raises is raised here, after the items before it. Closed early, it waits for the item that is being
    made: have that end soon.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    waiting: deque[Future[_Item | type[_End]]] = deque()
    try:
        while True:
            while len(waiting) <= limit:  # the one that is asked for, and `limit` more
                waiting.append(pool.submit(next, items, _End))
            item = waiting.popleft().result()
            if item is _End:
                return
            yield item  # type: ignore[misc]  # whatever is not the end is an item
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def map_ahead(pool: Executor, make: Callable[[_Item], _Made], items: Iterable[_Item], limit: int) -> Generator[_Made]:
    """Yield what `make` makes of each of the items, in order; in `pool`, at most `limit` before they are asked for.

    `items` are taken on the caller's thread. What making one raises is raised in its turn. Where it is left early, what
    was put into the pool stays there: shut that down with `cancel_futures`.
    """
    source = iter(items)
    waiting: deque[Future[_Made]] = deque()
    while True:
        waiting.extend(pool.submit(make, item) for item in islice(source, limit + 1 - len(waiting)))
        if not waiting:
            return
        yield waiting.popleft().result()
