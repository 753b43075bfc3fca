"""Working ahead: what is made next is made on a thread of its own while what was made is written."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")


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
            while len(waiting) < limit:
                waiting.append(pool.submit(next, items, _End))
            item = waiting.popleft().result()
            if item is _End:
                return
            yield item  # type: ignore[misc]  # whatever is not the end is an item
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
