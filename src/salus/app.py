"""The only wiring: which door leads where, and who listens to what.

`/fhir`, `/cds-services` and `/payments` are doors for machines, chosen ahead of the pages' router. Everything else is a
page for people. The event files follow the store's outbox in a process of their own.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from multiprocessing import get_context
from pathlib import Path

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from salus.analytics.events import Follower
from salus.analytics.views import tables
from salus.analytics.views.catalogue import library_of
from salus.api import fhir, hooks, payments
from salus.api.access import identify_by
from salus.api.hooks.diagnosis import Diagnosis
from salus.api.hooks.ordering import Ordering
from salus.assistants.bedside import Bedside
from salus.assistants.cases.gate import swept_by
from salus.assistants.treatment.options import Treatment
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import shelf_of
from salus.base.errors import SalusError
from salus.base.settings import Settings
from salus.base.until import Until
from salus.exchange.erasures import sweeps
from salus.records import Store, erasing
from salus.records.demands import demanded
from salus.services.billing.payments import providers_of
from salus.services.rota import CHORES, LISTENERS
from salus.services.rounds import House, Rounds
from salus.subscriptions import process
from salus.subscriptions.steward import TYPE
from salus.web import pages

log = logging.getLogger("salus")
PAUSE = 5.0  # seconds before a listener that failed listens again
PATIENCE = 10.0  # seconds for all listeners together to finish what they are writing
LATER = 60.0  # seconds after one that could not be finished
AGAIN = 2.0  # seconds between two looks for erasures that are not finished
NICE = 5  # who stands at the bedside goes first


def app(settings: Settings) -> ASGIApp:
    """The whole installation as one ASGI application; the store closes when the server stops."""
    stewards = {**demanded(settings.store, settings.profiles), TYPE: process.steward(settings)}
    store = Store(settings.store, stewards)
    bedside = Bedside(store, settings.registry, settings.secret)
    identify = identify_by(settings.secret)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        warming(bedside, treatment).start()
        with store, listening(settings), finishing(store, settings):
            yield

    treatment = Treatment(Prescribing(store, shelf_of(settings.store)), settings.registry, settings.secret)
    ordering = (Ordering(hook, treatment) for hook in ("order-select", "order-sign"))
    services: list[hooks.Service] = [Diagnosis(bedside), *ordering]
    doors = {
        "fhir": fhir.door(store, identify),
        "cds-services": hooks.door(store, services, identify),
        "payments": payments.door(store, providers_of(settings)),
    }
    return entrance(doors, Starlette(routes=pages(store, bedside, settings), lifespan=lifespan))


def entrance(doors: dict[str, ASGIApp], otherwise: ASGIApp) -> ASGIApp:
    """Chooses the door by the first piece of the path; where that names none, `otherwise`."""

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        first = scope.get("path", "").split("/", 2)[1:2]
        await doors.get(first[0] if first else "", otherwise)(scope, receive, send)

    return enter


@contextmanager
def finishing(store: Store, settings: Settings) -> Iterator[None]:
    """While this is open, erasures are finished: copies are cleaned, names and pages overwritten."""
    stop, clean = threading.Event(), [*sweeps(settings.registry.parent / "runs"), swept_by(settings)]

    def work() -> None:
        while not stop.wait(AGAIN):
            try:
                if erasing.pending(store):
                    erasing.finish(store, clean)
            except (SalusError, OSError) as fault:
                log.warning("an erasure is not finished (%s): trying again in %s s", type(fault).__name__, LATER)
                stop.wait(LATER)

    thread = threading.Thread(target=work, name="erasures", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)


def warming(bedside: Bedside, treatment: Treatment) -> threading.Thread:
    """Loads the promoted models before the first patient is asked about; records are served even where that fails."""

    def warm() -> None:
        try:
            bedside.deployed()
            treatment.warm()
        except SalusError as fault:
            log.error("no model speaks: %s", fault)

    return threading.Thread(target=warm, name="models", daemon=True)


@contextmanager
def listening(settings: Settings) -> Iterator[None]:
    """Events, notices and services follow the records while this is open, each in a process of their own.

    Turning records into events is work for the interpreter; in a thread beside the doors it would hold up every reader
    while a large import is followed.
    """
    spawn = get_context("spawn")
    stop = spawn.Event()
    until = Until(stop, os.getpid())
    children = [
        spawn.Process(target=follow, args=(settings.store, settings.events, until), name="events", daemon=True),
        spawn.Process(target=process.follow, args=(settings, until), name="notices", daemon=True),
        spawn.Process(target=serve, args=(settings, until), name="services", daemon=True),
    ]
    for child in children:
        child.start()
    try:
        yield
    finally:
        stop.set()
        end = time.monotonic() + PATIENCE
        for child in children:
            child.join(max(0.0, end - time.monotonic()))
            child.terminate()


def follow(store: Path | str, events: Path, until: Until) -> None:
    """What that process does until it is told to stop, or until the server that began it is gone: the events, and the
    tables of the views that are kept."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too, but the server says when
    os.nice(NICE)
    with Store(store) as opened:
        threading.Thread(
            target=tables.follow, args=(opened, library_of(opened), until), name="views", daemon=True
        ).start()
        follower = Follower(opened, events)
        while not until.is_set():
            try:
                follower.run(until)
            except Exception as fault:
                log.error("events fell behind (%s); trying again in %s s", type(fault).__name__, PAUSE)
                until.wait(PAUSE)


def serve(settings: Settings, until: Until) -> None:
    """What the process of the services does: charges, the waiting list, reminders."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICE)
    with Store(settings.store, demanded(settings.store, settings.profiles)) as opened:
        Rounds(House(opened, settings), LISTENERS, CHORES).run(until)
