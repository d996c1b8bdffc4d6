"""`$status`, `$events`, `$get-ws-binding-token` of Subscriptions.

http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-status
http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-events
"""

import asyncio
from contextlib import suppress

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import given, guard
from salus.base.errors import Gone, Malformed, Missing, SalusError, Unsupported
from salus.base.ids import uuid7
from salus.records import Records
from salus.records.notices import Notices, Subscriber
from salus.subscriptions.asking import CONTENTS
from salus.subscriptions.cases import Case, case
from salus.subscriptions.steward import OVERSEERS, TYPE, missing, owns, steward_of
from salus.subscriptions.telling import Teller

MOST = 500  # events in an answer
STATES = ("requested", "active", "error", "off")


def may_see(records: Records, who: Subscriber) -> bool:
    """Its owner, and who oversees the installation, may see how it stands with a Subscription."""
    return owns(records.actor, records.store.led(who.actor)) or records.actor.role in OVERSEERS


def seen(records: Records, id: str) -> Case:
    """Raises Missing, for a Subscription of another account too."""
    with suppress(Missing):
        found = case(records.store, steward_of(records.store), id)
        if may_see(records, found.who):
            return found
    guard.note(records, "refused", f"{TYPE}/{id[:64]}")
    raise missing(id)


async def status(records: Records, ask: Ask) -> Answer:
    """`GET /Subscription/id/$status`; at the type, of all that the asker may see, by `id` and `status`."""
    return await asyncio.to_thread(stated, records, ask)


def stated(records: Records, ask: Ask) -> Answer:
    pairs = given.given(ask, "id", "status")
    teller = Teller(records.store, ask.base)
    found = [seen(records, ask.parts[1])] if len(ask.parts) == 3 else list(cases(records, pairs))
    guard.note(records, "status", TYPE + (f"/{ask.parts[1]}" if len(ask.parts) == 3 else ""))
    entries = [
        {
            "fullUrl": f"urn:uuid:{uuid7()}",
            "resource": teller.status(one.who, one.asked, "query-status"),
            "search": {"mode": "match"},
        }
        for one in found
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    return Answer(200, orjson.dumps(bundle | ({"entry": entries} if entries else {})))


def cases(records: Records, pairs: given.Pairs) -> list[Case]:
    """Those the asker may see, of these ids and states. What is not served any more is left out."""
    ids, states = given.listed(pairs, "id"), given.listed(pairs, "status")
    if wrong := set(states) - set(STATES):
        raise Malformed(f"status={min(wrong)[:40]}: use {', '.join(STATES)}", path="status")
    steward, found = steward_of(records.store), []
    for who in Notices(records.store).subscribers():
        if may_see(records, who) and (not ids or who.id in ids):
            try:
                one = case(records.store, steward, who.id)
            except SalusError:
                continue
            if not states or one.asked.status in states:
                found.append(one)
    return found


async def events(records: Records, ask: Ask) -> Answer:
    """`GET /Subscription/id/$events`, from `eventsSinceNumber` up to `eventsUntilNumber`, both counted in.

    The asker sees what the asker may read. At most `MOST` in an answer: ask on from the last number.
    """
    return await asyncio.to_thread(listed, records, ask)


def listed(records: Records, ask: Ask) -> Answer:
    pairs = given.given(ask, "eventsSinceNumber", "eventsUntilNumber", "content")
    one = seen(records, ask.parts[1])
    since, until = number(pairs, "eventsSinceNumber", 1), number(pairs, "eventsUntilNumber", 2**62)
    content = given.only(pairs, "content") or one.asked.content
    if content not in CONTENTS:
        raise Malformed(f"content={content[:40]}: use {', '.join(CONTENTS)}", path="content")
    check_kept(records, one.who, since)
    teller = Teller(records.store, ask.base)
    found = teller.between(one.who, records, one.asked, since - 1, until, MOST, content, "query-event")
    if found is None:
        return Answer(200, teller.bundle(one.who, one.asked, "query-event", [], content))
    guard.note(records, "notify", found.what)
    return Answer(200, found.body)


def check_kept(records: Records, who: Subscriber, since: int) -> None:
    """Raises Gone for events that were told long ago and are forgotten."""
    first = Notices(records.store).first(who.id)
    if since < first and who.numbered:
        raise Gone(f"Events before {first} are no longer kept: ask from {first} on", path="eventsSinceNumber")


def number(pairs: given.Pairs, name: str, usual: int) -> int:
    """Raises Malformed."""
    text = given.only(pairs, name)
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 16):
        raise Malformed(f"{name}={text[:40]}: give the number of an event", path=name)
    return max(1, int(text))


async def no_websocket(records: Records, ask: Ask) -> Answer:
    """Raises Unsupported."""
    raise Unsupported("WebSockets are not served: subscribe by rest-hook, or by our channel sse and listen at $stream")
