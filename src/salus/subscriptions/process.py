"""The process that numbers and tells, beside the server. One for a store: others wait until it ends."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from salus.base.outbound import Rules
from salus.base.settings import Settings
from salus.base.until import Until
from salus.records import Store
from salus.subscriptions.courier import Courier
from salus.subscriptions.steward import TYPE, Steward
from salus.subscriptions.topics import topics

try:
    import fcntl
except ImportError:  # Windows: one server a store
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger("salus")
PAUSE = 5.0  # seconds before it begins again after a failure
TURN = 1.0  # seconds between two looks at whether it is our turn


def steward(settings: Settings) -> Steward:
    """Of this installation. Raises Invalid for a topic of the site that cannot be served."""
    address = settings.address or f"http://{settings.host}:{settings.port}"
    rules = Rules(settings.notify_allow, settings.notify_plain)
    return Steward(topics(settings.topics), rules, address.rstrip("/") + "/fhir")


def follow(settings: Settings, until: Until) -> None:
    """What the process does until it is told to stop, or until the server that began it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too, but the server says when
    asked = steward(settings)
    with Store(settings.store, {TYPE: asked}) as store, alone(store, until):
        while not until.is_set():
            try:
                asyncio.run(Courier(store, asked).run(until))
            except Exception as fault:
                log.error("notices fell behind (%s); trying again in %s s", type(fault).__name__, PAUSE)
                until.wait(PAUSE)


@contextmanager
def alone(store: Store, until: Until) -> Iterator[None]:
    """While no other process of this store numbers and tells; or when it is time to stop."""
    with store.beside("-notices").open("w") as lock:
        while fcntl and not until.is_set():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                until.wait(TURN)
        yield
