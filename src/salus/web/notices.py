"""The administrator's Subscriptions: who is told of what, how far they were told, what stands in the way."""

from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from salus.base.errors import SalusError
from salus.records.notices import Notices, Subscriber
from salus.subscriptions.steward import TYPE, steward_of
from salus.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Row:
    """A Subscription as the page shows it. `told` may be None: nothing was taken yet."""

    id: str
    owner: str
    topic: str
    where: str
    status: str
    waiting: int
    sent: int
    failures: int
    told: datetime | None
    fault: str


def listing(visit: Visit) -> Response:
    """Those that fail first, then by who they belong to."""
    found = [row(visit, who) for who in Notices(visit.desk.store).subscribers()]
    rows = sorted((one for one in found if one), key=lambda one: (one.status != "error", one.owner, one.id))
    return visit.page("notices.html", rows=rows)


def row(visit: Visit, who: Subscriber) -> Row | None:
    """None for one that was deleted just now."""
    try:
        body = visit.records.read(TYPE, who.id).json()
    except SalusError:
        return None
    return Row(
        id=who.id,
        owner=who.actor.reference,
        topic=topic(visit, body["criteria"]),
        where=body["channel"].get("endpoint") or visit.say("notices.stream"),
        status=body["status"],
        waiting=who.numbered - who.sent,
        sent=who.sent,
        failures=who.failures,
        told=who.told,
        fault=body.get("error") or who.fault or "",
    )


def topic(visit: Visit, criteria: str) -> str:
    """Its title in the reader's language, or its address where it is not served."""
    try:
        found = steward_of(visit.desk.store).topics.get(criteria.partition("|")[0])
    except SalusError:
        found = None
    return found.table.title[visit.language] if found else criteria


def again(visit: Visit) -> Response:
    """Request it anew: a handshake at once, then all that waits."""
    version = visit.records.read(TYPE, visit.path["id"])
    body = version.json() | {"status": "requested"}
    body.pop("error", None)
    visit.records.update(TYPE, version.id, body, version.version)
    return visit.go("/notices")
