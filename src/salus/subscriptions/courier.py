"""Tells each subscriber, one at a time and in order, until it was taken; those that do not answer hold up nobody else.

A task for each Subscription: handshake, events, heartbeats. What was taken is written down after it was taken, so after
a crash something may be told twice, never not at all.
"""

import asyncio
import logging
import random
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Thread

from salus.base import clock
from salus.base.errors import Forbidden, Gone, Invalid, Missing, SalusError, Unsupported
from salus.base.posting import Resolve, Undelivered, post, resolved
from salus.privacy import Purpose
from salus.records import Store, Version
from salus.records.notices import Notices
from salus.subscriptions.asking import REST_HOOK
from salus.subscriptions.cases import Case, case, standing
from salus.subscriptions.following import Follower, Stop
from salus.subscriptions.steward import TELLER, TYPE, Steward
from salus.subscriptions.telling import Message, Teller

log = logging.getLogger(__name__)
CONTENT = ("Content-Type", "application/fhir+json; charset=utf-8")
BUSY = 1.0  # seconds after which a store that was busy is asked again
TICK = 0.1  # seconds between two looks at whether to stop
KEPT = 10_000  # events of a Subscription that are kept after they were told
MOST_WAITING = 100_000  # events that may wait for a subscriber who does not answer
AT_ONCE = 200  # messages under way


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds before a second try, the longest between two, and after how many failures the status says so."""

    first: float = 1.0
    longest: float = 300.0
    patience: int = 8

    def pause(self, failures: int) -> float:
        """Twice as long each time, and a little by chance, so that not all come back together."""
        longest = min(self.longest, self.first * 2.0 ** min(failures - 1, 20))
        return longest * random.uniform(0.5, 1.0)


class Courier:
    """`resolve` and `tls` are the machine's own unless others are given."""

    def __init__(
        self,
        store: Store,
        steward: Steward,
        pace: Pace | None = None,
        resolve: Resolve = resolved,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.store, self.steward, self.pace = store, steward, pace or Pace()
        self.notices, self.teller = Notices(store), Teller(store, steward.address)
        self.resolve, self.tls = resolve, tls
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.bells: dict[str, asyncio.Event] = {}  # something is to be told
        self.shocks: dict[str, asyncio.Event] = {}  # the Subscription itself was changed
        self.room = asyncio.Semaphore(AT_ONCE)

    async def run(self, stop: Stop) -> None:
        """Number and tell until told to stop."""
        loop = asyncio.get_running_loop()

        def on_news(id: str, changed: bool) -> None:
            loop.call_soon_threadsafe(self.ring, id, changed)

        follower = Follower(self.store, self.steward, on_news)
        thread = Thread(target=follower.run, args=(stop,), name="salus-notices")
        thread.start()
        for who in await asyncio.to_thread(self.notices.subscribers):
            self.ring(who.id, True)
        while thread.is_alive():
            await asyncio.sleep(TICK)
        tasks = list(self.tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not stop.is_set():
            raise RuntimeError("the follower of the outbox ended by itself")

    def ring(self, id: str, changed: bool) -> None:
        """There is news of a Subscription; `changed`: of itself."""
        self.bells.setdefault(id, asyncio.Event()).set()
        if changed:
            self.shocks.setdefault(id, asyncio.Event()).set()
        if id not in self.tasks:
            self.tasks[id] = asyncio.create_task(self.attend(id))

    async def attend(self, id: str) -> None:
        """Serve one Subscription while it is on."""
        bell, shock = self.bells[id], self.shocks.setdefault(id, asyncio.Event())
        while True:
            bell.clear()
            shock.clear()
            try:
                pause, patient = await self.serve(id)
            except Exception as fault:  # one Subscription's trouble is no other's
                log.error("Subscription/%s is not served (%s): trying again", id, type(fault).__name__)
                pause, patient = BUSY, True
            if pause is None and not bell.is_set():
                break
            await heard(shock if patient else bell, pause or 0.0)
        del self.tasks[id], self.bells[id], self.shocks[id]

    async def serve(self, id: str) -> tuple[float | None, bool]:
        """Do what is to be done now. How long to rest then (None: for good), and whether in spite of news."""
        case = await asyncio.to_thread(self.case, id)
        if case is None:
            return None, False
        try:
            return await self.step(case), False
        except Undelivered as fault:
            return await asyncio.to_thread(self.failed, case, str(fault)), True
        except (Missing, Gone):
            return None, False
        except SalusError as fault:
            if isinstance(fault, Forbidden):
                await asyncio.to_thread(self.turn, case, "off", str(fault))
                return None, False
            return BUSY, True

    def case(self, id: str) -> Case | None:
        """None for one that is off or gone. One that is not served any more is turned off, saying why."""
        try:
            _, version = standing(self.store, id)
            if version.json()["status"] == "off":
                return None
            return case(self.store, self.steward, id)
        except Missing:
            return None
        except (Invalid, Unsupported) as fault:
            self.write(version, "off", str(fault))
            return None

    async def step(self, case: Case) -> float | None:
        """Raises Undelivered, SalusError. How long to rest."""
        who, asked = case.who, case.asked
        if asked.end and asked.end <= clock.now():
            await asyncio.to_thread(self.turn, case, "off", None)
            return None
        if who.numbered - who.sent > MOST_WAITING:
            text = f"{who.numbered - who.sent} events wait and are not taken: request it again when they can be"
            await asyncio.to_thread(self.turn, case, "off", text)
            return None
        if asked.channel != REST_HOOK:
            if asked.status != "active":
                await asyncio.to_thread(self.turn, case, "active", None)
            return self.rest(case, None)
        return await self.tell(case)

    async def tell(self, case: Case) -> float:
        """What is due to an endpoint: the handshake first, then events, or a heartbeat after a silence."""
        who, asked = case.who, case.asked
        if asked.status == "requested" or who.told is None:
            await self.send(case, self.teller.plain(who, asked, "handshake"))
            await asyncio.to_thread(self.done, case, None, "handshake")
            return 0.0
        message = await asyncio.to_thread(self.teller.events, who, asked, who.sent, asked.most)
        if message is not None:
            await self.send(case, message.body)
            await asyncio.to_thread(self.done, case, message, "")
            return 0.0
        if due := self.heartbeat(case):
            if due > clock.now():
                return self.rest(case, due)
            await self.send(case, self.teller.plain(who, asked, "heartbeat"))
            await asyncio.to_thread(self.done, case, None, "heartbeat")
            return 0.0
        return self.rest(case, None)

    def heartbeat(self, case: Case) -> datetime | None:
        beat, told = case.asked.heartbeat, case.who.told
        return told + timedelta(seconds=beat) if beat and told else None

    def rest(self, case: Case, due: datetime | None) -> float:
        """Seconds until something is due without any news."""
        moments = [one for one in (due, case.asked.end) if one]
        return max(0.01, (min(moments) - clock.now()).total_seconds()) if moments else 3600.0

    async def send(self, case: Case, body: bytes) -> None:
        """Raises Undelivered."""
        asked = case.asked
        assert asked.endpoint
        headers = [CONTENT, *((name, case.who.secrets[name]) for name, _ in asked.headers if name in case.who.secrets)]
        async with self.room:
            await post(asked.endpoint, headers, body, self.steward.rules, asked.timeout, self.resolve, self.tls)

    def done(self, case: Case, message: Message | None, kind: str) -> None:
        """It was taken: write it down."""
        who = case.who
        what = message.what if message else f"{TYPE}/{who.id} {kind}" if kind != "heartbeat" else ""
        self.notices.tell(who, message.upto if message else who.sent, what)
        if message and message.upto // 1000 > (message.upto - message.count) // 1000:
            self.notices.prune(who.id, KEPT)
        if case.asked.status != "active":
            self.turn(case, "active", None)

    def failed(self, case: Case, text: str) -> float:
        """It was not taken: write it down. How long to rest."""
        failures = case.who.failures + 1
        self.notices.fail(case.who.id, text)
        log.info("Subscription/%s: %s (%d times)", case.who.id, text, failures)
        if failures >= self.pace.patience and case.asked.status != "error":
            self.turn(case, "error", text)
        return self.pace.pause(failures)

    def turn(self, case: Case, status: str, text: str | None) -> None:
        self.write(case.version, status, text)

    def write(self, version: Version, status: str, text: str | None) -> None:
        """Set the status, unless the Subscription was changed meanwhile: then all is looked at again."""
        body = version.json() | {"status": status}
        body.pop("error", None)
        if text:
            body["error"] = text
        try:
            self.store.open(TELLER, Purpose.OPERATIONS).update(TYPE, version.id, body, version.version)
        except SalusError as fault:
            log.info("Subscription/%s was changed meanwhile (%s)", version.id, type(fault).__name__)


async def heard(bell: asyncio.Event, pause: float) -> None:
    """Wait for the bell, up to so many seconds."""
    try:
        async with asyncio.timeout(pause):
            await bell.wait()
    except TimeoutError:
        pass
