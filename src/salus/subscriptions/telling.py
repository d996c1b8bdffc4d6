"""What is told: notification Bundles, with no more in them than the subscriber's account may read now.

http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-notification-r4
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from salus.base import clock
from salus.base.errors import Forbidden, Gone, Missing, SalusError
from salus.base.ids import uuid7
from salus.privacy import may
from salus.privacy.policy import Act
from salus.records import Records, Store, Version
from salus.records.notices import Notice, Notices, Subscriber
from salus.records.reading import Reader
from salus.subscriptions.asking import PROFILE, Wish

STATUS = PROFILE + "backport-subscription-status-r4"
BUNDLE = PROFILE + "backport-subscription-notification-r4"
ERRORS = "http://terminology.hl7.org/CodeSystem/subscription-error"
MOST_BYTES = 4 << 20  # of resources in a Bundle; the first event always fits
METHODS = {"create": ("POST", "201"), "update": ("PUT", "200"), "delete": ("DELETE", "204")}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it is told. `reference` is None where it may not be named; `also` comes along with it."""

    notice: Notice
    reference: str | None = None
    body: bytes = b""
    also: list[Version] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Message:
    """A Bundle of events up to number `upto`, and what the audit says of it."""

    body: bytes
    upto: int
    count: int
    what: str


def sees(reader: Reader, who: Subscriber, version: Version) -> bool:
    """Whether the account may read this version: as it was, and where the resource stands now."""
    if not may(who.actor, who.purpose, Act.READ, version.type):
        return False
    if who.actor.patient is None:
        return True
    found = reader.person(who.actor.patient)
    if found is None or reader.current(version.type, version.id, found[0]) is None:
        return False
    return reader.at(version.type, version.id, version.version, found[0]) is not None


class Teller:
    """Makes what is told. `base` is the address of /fhir as the reader of it knows it."""

    def __init__(self, store: Store, base: str) -> None:
        self.store, self.base = store, base
        self.notices = Notices(store)

    def events(
        self, who: Subscriber, asked: Wish, after: int, most: int, kind: str = "event-notification"
    ) -> Message | None:
        """The events after number `after`, as many as fit; None where there are none. Raises Forbidden."""
        return self.between(
            who, self.store.open(who.actor, who.purpose), asked, after, 2**62, most, asked.content, kind
        )

    def between(
        self,
        who: Subscriber,
        records: Records,
        asked: Wish,
        after: int,
        until: int,
        most: int,
        content: str,
        kind: str,
    ) -> Message | None:
        """As `events`, up to number `until`, with what `records` may read."""
        found = self.notices.events(who.id, after, most, until)
        told: list[Told] = []
        room = MOST_BYTES
        for notice in found:
            if room <= 0:
                break
            told.append(event(records, asked, notice, content))
            room -= len(told[-1].body) + sum(len(one.body) for one in told[-1].also)
        if not told:
            return None
        first, last = told[0].notice.n, told[-1].notice.n
        named = ", ".join(one.reference or "withheld" for one in told) if content != "empty" else "empty"
        body = self.bundle(who, asked, kind, told, content)
        return Message(body, last, len(told), f"Subscription/{who.id} events {first} to {last}: {named}")

    def plain(self, who: Subscriber, asked: Wish, kind: str) -> bytes:
        """A handshake or heartbeat, without events."""
        return self.bundle(who, asked, kind, [], asked.content)

    def bundle(self, who: Subscriber, asked: Wish, kind: str, told: list[Told], content: str) -> bytes:
        entry = self.status_entry(who, asked, kind, told, content)
        entries = [entry, *(one for event in told if content == "full-resource" for one in self.entries(event))]
        return orjson.dumps(
            {
                "resourceType": "Bundle",
                "id": uuid7(),
                "meta": {"profile": [BUNDLE]},
                "type": "history",
                "timestamp": clock.instant(clock.now()),
                "entry": entries,
            }
        )

    def status_entry(self, who: Subscriber, asked: Wish, kind: str, told: list[Told], content: str) -> Json:
        id = uuid7()
        return {
            "fullUrl": f"urn:uuid:{id}",
            "resource": self.status(who, asked, kind, told, content, id),
            "request": {"method": "GET", "url": f"{self.base}/Subscription/{who.id}/$status"},
            "response": {"status": "200"},
        }

    def status(
        self, who: Subscriber, asked: Wish, kind: str, told: Iterable[Told] = (), content: str = "", id: str = ""
    ) -> Json:
        """A SubscriptionStatus as R4 has it, a Parameters. An `empty` notification does not say its topic."""
        told = list(told)
        total = max([who.numbered, *(one.notice.n for one in told)])
        made: list[Json] = [
            {"name": "subscription", "valueReference": {"reference": f"{self.base}/Subscription/{who.id}"}},
            *([] if content == "empty" else [{"name": "topic", "valueCanonical": asked.topic.url}]),
            {"name": "status", "valueCode": asked.status},
            {"name": "type", "valueCode": kind},
            {"name": "events-since-subscription-start", "valueString": str(total)},
            *(self.part(one, content) for one in told),
        ]
        if who.fault and kind == "query-status":
            made.append({"name": "error", "valueCodeableConcept": fault(who.fault)})
        return {"resourceType": "Parameters", "id": id or uuid7(), "meta": {"profile": [STATUS]}, "parameter": made}

    def part(self, told: Told, content: str) -> Json:
        parts: list[Json] = [
            {"name": "event-number", "valueString": str(told.notice.n)},
            {"name": "timestamp", "valueInstant": clock.instant(told.notice.at)},
        ]
        if content != "empty" and told.reference:
            named = [("focus", told.reference), *(("additional-context", one.reference) for one in told.also)]
            parts += [{"name": name, "valueReference": {"reference": f"{self.base}/{ref}"}} for name, ref in named]
        return {"name": "notification-event", "part": parts}

    def entries(self, told: Told) -> list[Json]:
        """The resource of an event, and what comes along with it."""
        if told.reference is None:
            return []
        method, status = METHODS[told.notice.change.act]
        type = told.notice.change.type
        url = type if method == "POST" else told.reference
        made = [self.entry(told.reference, told.body, method, url, status)]
        return made + [self.entry(one.reference, one.body, "GET", one.reference, "200") for one in told.also]

    def entry(self, reference: str, body: bytes, method: str, url: str, status: str) -> Json:
        return {
            "fullUrl": f"{self.base}/{reference}",
            **({"resource": orjson.Fragment(body)} if body else {}),
            "request": {"method": method, "url": url},
            "response": {"status": status},
        }


def fault(text: str) -> Json:
    return {"coding": [{"system": ERRORS, "code": "no-response"}], "text": text}


def event(records: Records, asked: Wish, notice: Notice, content: str) -> Told:
    """An event with what the account may read of it at this moment; without a focus where that is nothing."""
    if content == "empty":
        return Told(notice)
    change = notice.change
    reference = f"{change.type}/{change.id}"
    try:
        now = records.read(change.type, change.id)
        then = now if now.version == change.version else records.vread(change.type, change.id, change.version)
    except Gone:  # deleted by now: that it was there is known, what stood there is not told any more
        return Told(notice, reference)
    except (Missing, Forbidden):
        return Told(notice)
    also = beside(records, asked, change.type, change.id)
    return Told(notice, reference, then.body if content == "full-resource" else b"", also)


def beside(records: Records, asked: Wish, type: str, id: str) -> list[Version]:
    """What the topic says comes along, as far as the account may read it."""
    shape = asked.topic.shape(type)
    if not shape:
        return []
    try:
        return records.search(type, [("_id", id), *shape]).included
    except SalusError:  # it is not promised
        return []
