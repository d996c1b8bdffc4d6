"""Numbers the events: follows the outbox, asks the topics about each change, and each Subscription whether it is meant.

What is numbered and how far the outbox was followed is written in one transaction, so a change is numbered once and in
order whatever is killed when. Which version of a Subscription is in force is decided by its own place in the outbox.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from salus.base.errors import Busy, SalusError
from salus.records import Change, Store
from salus.records.notices import CURSOR, Notices, Order, Subscriber
from salus.records.reading import Reader
from salus.subscriptions.asking import Wish
from salus.subscriptions.conditions import Seen
from salus.subscriptions.steward import TYPE, Steward
from salus.subscriptions.telling import sees
from salus.subscriptions.topics import Happening, Topic

PAUSE = 1.0  # seconds before a store that was busy is asked again
LIMIT = 500  # changes looked at before their events are written
LOOK = 0.03  # seconds between two looks at what other processes have written; one costs some 20 us
PATIENCE = 0.2  # seconds between two looks at whether to stop
log = logging.getLogger(__name__)


class Stop(Protocol):
    def is_set(self) -> bool: ...

    def wait(self, timeout: float) -> object: ...


@dataclass(frozen=True, slots=True)
class Live:
    """A Subscription, by the version of it that is in force."""

    version: int
    who: Subscriber
    asked: Wish


class Follower:
    """`on_news(id, changed)` is called after the commit for each Subscription that has events or was itself
    changed; `changed`: by others than who tells."""

    def __init__(self, store: Store, steward: Steward, on_news: Callable[[str, bool], None]) -> None:
        self.store, self.steward, self.on_news = store, steward, on_news
        self.notices = Notices(store)
        self.live: dict[str, Live] = {}
        self.orders: dict[str, Order] = {}
        self.changed: dict[str, bool] = {}  # Subscriptions, and whether by others than who tells
        self.at = 0

    def run(self, stop: Stop) -> None:
        """Follow until told to stop."""
        known = False
        while not stop.is_set():
            try:
                if not known:
                    self.load()
                known = True
                if not self.step():
                    self.store.wait(self.at, PATIENCE, LOOK)
            except (Busy, OSError) as fault:
                log.warning("Notices are behind (%s): trying again", type(fault).__name__)
                known = False
                stop.wait(PAUSE)

    def load(self) -> None:
        """Where the last follower stopped, with the Subscriptions that were in force there."""
        last = self.store.last_transaction()
        found = self.notices.subscribers()
        self.at = self.store.cursor(CURSOR)
        self.live.clear()
        if not found and self.notices.number(self.at, last, []):  # what is older concerns nobody
            self.at = last
        for who in found:
            if who.version:
                self._enforce(who, who.version)

    def step(self) -> int:
        """Number the events of the next changes; how many changes were looked at."""
        changes = self.store.outbox(self.at, LIMIT)
        if not changes:
            return 0
        self.orders, self.changed = {}, {}
        for change in changes:
            self._look(change)
        if not self.notices.number(self.at, changes[-1].t, self.orders.values()):
            self.load()
            return 1
        self.at = changes[-1].t
        for id in {*self.orders, *self.changed}:
            self.on_news(id, self.changed.get(id, False))
        return len(changes)

    def _look(self, change: Change) -> None:
        try:
            if change.type == TYPE:
                self._subscription(change)
            self._event(change)
        except (Busy, OSError):
            raise
        except Exception as fault:  # a damaged body, a strange topic: it must not hold up all that comes after it
            log.error("%s/%s could not be looked at for notices: %s", change.type, change.id, type(fault).__name__)

    # --- Subscriptions ---

    def _subscription(self, change: Change) -> None:
        """It is in force from here on, or no longer."""
        self.changed[change.id] = True
        if change.act == "delete":
            self.live.pop(change.id, None)
            self.orders.pop(change.id, None)
            return
        who, before = self.notices.subscriber(change.id), self.live.pop(change.id, None)
        if who is None:
            return
        order = self._order(who.id, before.version if before else who.version)
        order.version = change.version
        status = self._enforce(who, change.version)
        order.anew |= status == "requested"
        self.changed[change.id] = status not in ("active", "error")

    def _enforce(self, who: Subscriber, version: int) -> str:
        """Take a version of a Subscription for the one that counts; its status."""
        with self.store.readers.one() as reader:
            found = reader.at(TYPE, who.id, version, None)
        if found is None or found.deleted:
            return "off"
        try:
            asked = self.steward.wish(found.json())
        except SalusError:  # a topic or an address that is not served any more: the courier says so
            return "error"
        if asked.status != "off":
            self.live[who.id] = Live(version, who, asked)
        return asked.status

    def _order(self, id: str, version: int) -> Order:
        return self.orders.setdefault(id, Order(id, version, version))

    # --- events ---

    def _event(self, change: Change) -> None:
        by_topic: dict[str, list[Live]] = defaultdict(list)
        topics: dict[str, Topic] = {}
        for live in self.live.values():
            if change.type in live.asked.topic.types:
                by_topic[live.asked.topic.url].append(live)
                topics[live.asked.topic.url] = live.asked.topic
        if not by_topic:
            return
        with self.store.readers.one() as reader:
            what = happening(reader, change)
            if what is None:
                return
            for url, topic in topics.items():
                if topic.fires(what):
                    self._number(reader, change, what, by_topic[url])

    def _number(self, reader: Reader, change: Change, what: Happening, lives: list[Live]) -> None:
        for live in lives:
            if live.asked.takes(what) and sees(reader, live.who, what.focus.version):
                self._order(live.who.id, live.version).changes.append(change)


def happening(reader: Reader, change: Change) -> Happening | None:
    """What a change was, from the versions before and after it; None where they are gone."""
    before = reader.at(change.type, change.id, change.version - 1, None) if change.act != "create" else None
    after = reader.at(change.type, change.id, change.version, None) if change.act != "delete" else None
    previous = Seen(before) if before and not before.deleted else None
    current = Seen(after) if after and not after.deleted else None
    return Happening(change.act, previous, current) if previous or current else None
