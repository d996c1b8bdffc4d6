"""What the store's writer promised, awaited on the event loop.

The writer keeps many promises at once, after a commit: the loop is woken once for all of them, not once for each.
"""

import asyncio
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
SMALL = 16 << 10  # bytes of a body that is looked at on the loop itself; a thread would cost more


class Mail:
    """Brings what other threads settled to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._arrived: deque[tuple[asyncio.Future[Any], Future[Any]]] = deque()
        self._called = False

    def put(self, awaited: "asyncio.Future[Any]", settled: "Future[Any]") -> None:
        """From any thread."""
        self._arrived.append((awaited, settled))
        if not self._called:
            self._called = True
            with suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._called = False
        while self._arrived:
            awaited, settled = self._arrived.popleft()
            if awaited.done():
                continue
            if settled.cancelled():
                awaited.cancel()
            elif fault := settled.exception():
                awaited.set_exception(fault)
            else:
                awaited.set_result(settled.result())


_mail: "WeakKeyDictionary[asyncio.AbstractEventLoop, Mail]" = WeakKeyDictionary()


async def settled(promise: "Future[T]") -> T:
    """As `asyncio.wrap_future`, for many at once. Raises what the promise was broken with."""
    loop = asyncio.get_running_loop()
    mail = _mail.get(loop) or _mail.setdefault(loop, Mail(loop))
    awaited: asyncio.Future[T] = loop.create_future()
    promise.add_done_callback(partial(mail.put, awaited))
    try:
        return await awaited
    except asyncio.CancelledError:
        promise.cancel()
        raise
