"""The only wiring: which door leads where, and who listens to what.

`/fhir` and `/cds-services` are doors for machines: raw ASGI, chosen ahead of the pages' router, because they are the
hot routes. Everything else is a page for people. The event files follow the store's outbox on a thread of their own.
"""

import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from salus.analytics.events import Follower
from salus.api import fhir, hooks
from salus.api.access import identify_by
from salus.assistants.bedside import Bedside
from salus.base.errors import SalusError
from salus.base.settings import Settings
from salus.records import Store
from salus.web import pages

log = logging.getLogger("salus")
PAUSE = 5.0  # seconds before a listener that failed listens again


def app(settings: Settings) -> ASGIApp:
    """The whole installation as one ASGI application; the store closes when the server stops."""
    store = Store(settings.store)
    bedside = Bedside(store, settings.registry)
    identify = identify_by(settings.secret)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        warming(bedside).start()
        with store, listening(Follower(store, settings.events)):
            yield

    doors = {"fhir": fhir.door(store, identify), "cds-services": hooks.door(store, bedside, identify)}
    return entrance(doors, Starlette(routes=pages(store, bedside, settings), lifespan=lifespan))


def entrance(doors: dict[str, ASGIApp], otherwise: ASGIApp) -> ASGIApp:
    """Chooses the door by the first piece of the path; where that names none, `otherwise`."""

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        first = scope.get("path", "").split("/", 2)[1:2]
        await doors.get(first[0] if first else "", otherwise)(scope, receive, send)

    return enter


def warming(bedside: Bedside) -> threading.Thread:
    """Loads the promoted models before the first patient is asked about; records are served even where that fails."""

    def warm() -> None:
        try:
            bedside.deployed()
        except SalusError as fault:
            log.error("no model speaks: %s", fault)

    return threading.Thread(target=warm, name="models", daemon=True)


@contextmanager
def listening(follower: Follower) -> Iterator[None]:
    """Events follow the records while this is open. A failure is logged by its kind alone."""
    stop = threading.Event()

    def listen() -> None:
        while not stop.is_set():
            try:
                follower.run(stop)
            except Exception as fault:
                log.error("events fell behind (%s); trying again in %s s", type(fault).__name__, PAUSE)
                stop.wait(PAUSE)

    thread = threading.Thread(target=listen, name="events")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
