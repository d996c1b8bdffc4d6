"""Tells an open chart that its patient's record has changed. Server-sent events:
https://html.spec.whatwg.org/multipage/server-sent-events.html

One thread follows the store's outbox for all open charts, and only while one is open. A page says which transaction
it was made after, and a browser that comes back which event it had last: what happened meanwhile is told at once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from threading import Lock, Thread
from time import sleep

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from salus.base import clock
from salus.base.errors import SalusError
from salus.privacy import SYSTEM, Purpose
from salus.records import Change, Store, joined
from salus.ui import formats
from salus.web.resource import kind_name
from salus.web.visit import TEMPLATES, Desk, Visit

BREATH = 20.0  # seconds of silence after which a line is sent to keep the connection open
PATIENCE = 1.0  # seconds that the follower waits for news before it looks whether anyone still listens
MOST = 500  # changes looked at one by one; of a flood (an import) only the last ones are
# what the assistants write when a chart is opened is no news about the patient
OWN = frozenset({"RiskAssessment", "Provenance", "ClinicalImpression"})
Enter = Callable[[Request], Visit | None]


@dataclass(eq=False, slots=True)
class Listener:
    """One open chart; `news` holds the types of what changed, `told` is the latest transaction of them."""

    patient: str
    loop: asyncio.AbstractEventLoop
    news: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    told: int = 0

    def hear(self, change: Change) -> None:
        self.told = max(self.told, change.t)
        self.news.put_nowait(change.type)


class Follower:
    """Follows the outbox while anyone listens, and tells those whose patient a change concerns."""

    def __init__(self, store: Store) -> None:
        self.store, self.lock = store, Lock()
        self.listeners: set[Listener] = set()
        self.running = False

    def join(self, listener: Listener, since: int | None = None) -> None:
        """From now on the listener hears of changes, and at once of those after transaction `since`."""
        latest = self.store.last_transaction()
        with self.lock:
            self.listeners.add(listener)
            if not self.running:
                self.running = True
                Thread(target=self.follow, args=(latest,), name="salus-live", daemon=True).start()
        if since is not None:
            self.tell(self.store.outbox(max(since, latest - MOST), MOST), [listener])

    def leave(self, listener: Listener) -> None:
        with self.lock:
            self.listeners.discard(listener)

    def follow(self, seen: int) -> None:
        while self.someone_listens():
            try:
                seen = self.step(seen)
            except SalusError:  # the store is busy, or closing: look again while someone still listens
                sleep(PATIENCE)

    def step(self, seen: int) -> int:
        """Wait a while for news after transaction `seen` and tell it; the latest number."""
        latest = self.store.wait(seen, PATIENCE)
        if latest > seen:
            with self.lock:
                listening = list(self.listeners)
            self.tell(self.store.outbox(max(seen, latest - MOST), MOST), listening)
        return latest

    def someone_listens(self) -> bool:
        with self.lock:
            self.running = bool(self.listeners)
            return self.running

    def tell(self, changes: list[Change], listening: list[Listener]) -> None:
        for change in changes:
            patient = None if change.type in OWN else self.concerned(change)
            for listener in listening:
                if listener.patient == patient:
                    listener.loop.call_soon_threadsafe(listener.hear, change)

    def concerned(self, change: Change) -> str | None:
        """The id of the patient whose record a change is in; None for no one's, and for what is deleted."""
        if change.type == "Patient":
            return change.id
        try:
            body = self.store.open(SYSTEM, Purpose.OPERATIONS).read(change.type, change.id).json()
        except SalusError:
            return None
        if also := joined.marked_in(body.get("meta", {})):
            return also[0]
        subject = body.get("subject") or body.get("patient") or body.get("beneficiary") or {}
        kind, _, id = subject.get("reference", "").partition("/")
        return id if kind == "Patient" else None


def stream(desk: Desk, enter: Enter) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint: an event `changed` with words in the reader's language each time the patient's record changes."""
    follower = Follower(desk.store)

    async def open_stream(request: Request) -> Response:
        visit = enter(request)
        if visit is None:
            return Response(status_code=403)
        return StreamingResponse(events(follower, visit), media_type="text/event-stream")

    return open_stream


async def events(follower: Follower, visit: Visit) -> AsyncIterator[str]:
    listener = Listener(visit.path["id"], asyncio.get_running_loop())
    try:
        await asyncio.to_thread(follower.join, listener, known(visit.request))
        yield "retry: 3000\n\n"
        while not await visit.request.is_disconnected():
            kinds = await heard(listener)
            news = f"id: {listener.told}\nevent: changed\ndata: {said(visit, kinds)}\n\n"
            yield news if kinds else ": still here\n\n"
    finally:
        follower.leave(listener)


def known(request: Request) -> int | None:
    """The transaction of which the browser knows: of its last event, else of its page; None where neither is told."""
    told = request.headers.get("last-event-id") or request.query_params.get("since", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) <= 18 else None


async def heard(listener: Listener) -> list[str]:
    """The types of what changed, those that come together taken together; empty after a silence."""
    try:
        kinds = [await asyncio.wait_for(listener.news.get(), BREATH)]
    except TimeoutError:
        return []
    await asyncio.sleep(0.3)  # let a transaction's other changes arrive
    while not listener.news.empty():
        kinds.append(listener.news.get_nowait())
    return list(dict.fromkeys(kinds))


def said(visit: Visit, kinds: list[str]) -> str:
    """One line of text, safe in a page."""
    named = ", ".join(kind_name(kind, visit.language) for kind in kinds)
    words = visit.say("live.changed", what=named, time=formats.minute(clock.now().astimezone(visit.zone)))
    return str(TEMPLATES.environment.filters["e"](words)).replace("\n", " ")
