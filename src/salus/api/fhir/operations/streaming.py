"""`$stream` of a Subscription of our channel `sse`: its notifications as server-sent events, resumed by their numbers.

https://html.spec.whatwg.org/multipage/server-sent-events.html

Nothing is queued in memory: a listener reads what is numbered at its own pace. One that takes too long for a message is
told so (`event: end`) and let go; it comes back with `Last-Event-ID` and misses nothing.
"""

import asyncio
import time
from contextlib import suppress

import orjson
from starlette.types import Receive, Send

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import given
from salus.api.fhir.operations.subscriptions import check_kept, number, seen
from salus.base.errors import Busy, Forbidden, Missing, SalusError, Unauthorized, Unsupported
from salus.records import Records, Store
from salus.records.notices import Notices
from salus.subscriptions.asking import SSE
from salus.subscriptions.cases import Case, case
from salus.subscriptions.steward import owns, steward_of
from salus.subscriptions.telling import Message, Teller

MOST_LISTENERS = 200  # of a server
MOST_OF_ONE = 5  # of a Subscription
LOOK = 0.03  # seconds between two looks for news
BREATH = 15.0  # seconds of silence after which a line keeps the connection open
SLOW = 5.0  # seconds for taking one message, after which a listener is asked to come back
CUT = 30.0  # and after which it is cut off without a word
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class Hub:
    """Wakes listeners when their Subscription has news. One look for all, and only while somebody listens."""

    def __init__(self, store: Store) -> None:
        self.notices = Notices(store)
        self.bells: dict[str, list[asyncio.Event]] = {}
        self.task: asyncio.Task[None] | None = None

    def check(self, id: str) -> None:
        """Raises Busy when too many listen."""
        if sum(map(len, self.bells.values())) >= MOST_LISTENERS or len(self.bells.get(id, ())) >= MOST_OF_ONE:
            raise Busy(
                f"{MOST_OF_ONE} listen to this Subscription already, or {MOST_LISTENERS} in all: try again later"
            )

    def join(self, id: str) -> asyncio.Event:
        bell = asyncio.Event()
        self.bells.setdefault(id, []).append(bell)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self.look())
        return bell

    def leave(self, id: str, bell: asyncio.Event) -> None:
        self.bells[id].remove(bell)
        if not self.bells[id]:
            del self.bells[id]
        if not self.bells:
            hubs.pop(self.notices.store, None)

    async def look(self) -> None:
        known: dict[str, tuple[int, int]] = {}
        while self.bells:
            with suppress(SalusError):  # the store is busy, or closing
                now = await asyncio.to_thread(self.notices.marks)
                for id, bells in self.bells.items():
                    if now.get(id) != known.get(id):
                        for bell in bells:
                            bell.set()
                known = now
            await asyncio.sleep(LOOK)


hubs: dict[Store, Hub] = {}  # of those that somebody listens to


async def stream(records: Records, ask: Ask) -> Answer:
    """`GET /Subscription/id/$stream`, for its owner. `Last-Event-ID` says after which event to go on; without it, after
    the last that was told."""
    given.given(ask)
    one = await asyncio.to_thread(seen, records, ask.parts[1])
    if not owns(records.actor, records.store.led(one.who.actor)):
        raise Forbidden("A stream is for the account that made the Subscription: read $events")
    if one.asked.channel != SSE:
        raise Unsupported("This Subscription is told to its endpoint: make one of the channel sse to listen here")
    if one.asked.status != "active":
        raise Busy(f"The Subscription is {one.asked.status}: come back when it is active")
    last = ask.header("last-event-id")
    after = number([("Last-Event-ID", last)], "Last-Event-ID", 0) if last and last != "0" else 0
    after = one.who.sent if last is None else after
    check_kept(records, one.who, after + 1)
    if hub := hubs.get(records.store):
        hub.check(one.who.id)
    return Answer(200, headers=HEADERS, live=Listener(records, ask, one, after).serve)


class Ended(Exception):
    """The stream ends, and why, in a word."""


class Listener:
    """One open stream."""

    def __init__(self, records: Records, ask: Ask, one: Case, after: int) -> None:
        self.records, self.ask, self.one, self.after = records, ask, one, after
        self.teller = Teller(records.store, ask.base)
        self.spoke = time.monotonic()

    async def serve(self, receive: Receive, send: Send) -> None:
        """Until the client goes, or there is a reason to end."""
        self.send = send
        self.hub = hubs.setdefault(self.records.store, Hub(self.records.store))
        self.bell = self.hub.join(self.one.who.id)
        talk = asyncio.create_task(self.talk())
        gone = asyncio.create_task(left(receive))
        try:
            await asyncio.wait({talk, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            talk.cancel()
            gone.cancel()
            await asyncio.gather(talk, gone, return_exceptions=True)
            self.hub.leave(self.one.who.id, self.bell)

    async def talk(self) -> None:
        await self.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        with suppress(TimeoutError):  # cut off
            try:
                await self.put(b"retry: 3000\n\n" + event("handshake", self.plain("handshake")))
                while True:
                    await self.turn()
            except (Ended, SalusError) as end:
                reason = str(end) if isinstance(end, Ended) else "unavailable"
                told = orjson.dumps({"reason": reason, "last": self.after})
                await self.put(event("end", told))
            await self.put(b"", more=False)

    async def turn(self) -> None:
        """Tell what there is, else wait for news, or for the time to show that we are there. Raises Ended."""
        self.bell.clear()
        message = await asyncio.to_thread(self.next)
        if message is not None:
            slow = await self.put(event("notification", message.body, message.upto))
            self.after = message.upto
            await asyncio.to_thread(self.hub.notices.tell, self.one.who, message.upto, message.what)
            if slow:
                raise Ended("slow")
            return
        try:
            await asyncio.wait_for(self.bell.wait(), min(BREATH, self.one.asked.heartbeat or BREATH))
        except TimeoutError:
            beat = self.one.asked.heartbeat
            due = beat and time.monotonic() - self.spoke >= beat
            await self.put(event("heartbeat", self.plain("heartbeat")) if due else b": still here\n\n")

    def next(self) -> Message | None:
        """The next message. Raises Ended when the token, the Subscription or the right to it is gone."""
        try:
            self.ask.still()
            self.one = case(self.records.store, steward_of(self.records.store), self.one.who.id)
        except Unauthorized:
            raise Ended("token") from None
        except Missing:
            raise Ended("deleted") from None
        except SalusError:
            raise Ended("unavailable") from None
        if self.one.asked.status == "off":
            raise Ended("off")
        asked = self.one.asked
        kind = "event-notification"
        return self.teller.between(
            self.one.who, self.records, asked, self.after, 2**62, asked.most, asked.content, kind
        )

    def plain(self, kind: str) -> bytes:
        self.spoke = time.monotonic()
        return self.teller.plain(self.one.who, self.one.asked, kind)

    async def put(self, piece: bytes, more: bool = True) -> bool:
        """Whether it took too long. Raises TimeoutError when it was not taken at all."""
        began = time.monotonic()
        await asyncio.wait_for(self.send({"type": "http.response.body", "body": piece, "more_body": more}), CUT)
        if piece[:1] != b":":
            self.spoke = time.monotonic()
        return time.monotonic() - began > SLOW


async def left(receive: Receive) -> None:
    """Returns when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def event(name: str, data: bytes, id: int | None = None) -> bytes:
    r"""
    >>> event("end", b"{}", 7)
    b'id: 7\nevent: end\ndata: {}\n\n'
    """
    head = f"id: {id}\n" if id is not None else ""
    return f"{head}event: {name}\ndata: ".encode() + data + b"\n\n"
