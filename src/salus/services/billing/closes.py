"""A close of a day, desk by desk, and the resource that it is kept as.

https://hl7.org/fhir/R4/paymentreconciliation.html
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from salus.base import clock, money
from salus.services.acting import BASE, coded
from salus.services.billing.names import billed
from salus.services.billing.payments.shapes import CODES, TYPE

Resource = dict[str, Any]
CLOSINGS = "https://salus.example/closing"
POSTINGS = f"{BASE}/StructureDefinition/closing-postings"
STAFF = "Practitioner/"


@dataclass(frozen=True, slots=True)
class Drawer:
    """What went through one desk, in minor units; `desk` is who took it, or "" for what was paid from afar.

    `corrected` is what reconciliation posted. `counted` is None where nothing is to be counted.
    """

    desk: str
    received: int = 0
    given: int = 0
    corrected: int = 0
    payments: int = 0
    refunds: int = 0
    counted: int | None = None

    @property
    def expected(self) -> int:
        return self.received - self.given + self.corrected

    @property
    def difference(self) -> int:
        """What was counted above what is expected; negative where some of it is not there."""
        return 0 if self.counted is None else self.counted - self.expected


@dataclass(frozen=True, slots=True)
class Closing:
    """One provider's day. It took in the postings after `after`, to `upto`; `id` is "" before it is closed.

    `uncharged`: what was done on that day and has no charge yet, looked up when it was closed.
    """

    provider: str
    currency: str
    day: date
    after: int
    upto: int
    drawers: tuple[Drawer, ...]
    id: str = ""
    who: str = ""
    at: datetime | None = None
    uncharged: tuple[str, ...] = ()

    @property
    def total(self) -> Drawer:
        """All desks together."""
        sums = {name: sum(getattr(one, name) for one in self.drawers) for name in SUMS}
        counted = [one.counted for one in self.drawers if one.counted is not None]
        return Drawer("", **sums, counted=sum(counted) if len(counted) == len(self.drawers) > 0 else None)


SUMS = ("received", "given", "corrected", "payments", "refunds")


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which the next day begins there."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def resource(made: Closing, zone: ZoneInfo) -> Resource:
    start = datetime.combine(made.day, time(), zone)
    at = made.at or clock.now()
    return {
        "resourceType": TYPE,
        "id": made.id,
        "extension": [{"url": POSTINGS, "valueString": f"{made.after}-{made.upto}"}],
        "identifier": [{"system": CLOSINGS, "value": f"{made.provider}/{made.currency}"}, billed(made.id)],
        "status": "active",
        "period": {"start": start.isoformat(), "end": end_of(made.day, zone).astimezone(zone).isoformat()},
        "created": clock.instant(at),
        "requestor": {"reference": made.who} if made.who.startswith(STAFF) else {"display": made.who},
        "outcome": "partial" if any(one.difference for one in made.drawers) else "complete",
        "paymentDate": made.day.isoformat(),
        "paymentAmount": money.amount(made.total.expected, made.currency),
        "formCode": coded(CODES, "closing"),
        "processNote": [{"type": "display", "text": one} for one in made.uncharged],
        "detail": [detail(made, drawer, name) for drawer in made.drawers for name in FIGURES if told(drawer, name)],
    }


FIGURES = ("received", "given", "corrected", "counted")


def told(drawer: Drawer, name: str) -> bool:
    return getattr(drawer, name) is not None


def detail(made: Closing, drawer: Drawer, name: str) -> Resource:
    counts = {"received": drawer.payments, "given": drawer.refunds}
    return {
        "identifier": {"value": str(counts.get(name, 0))},
        "type": coded(CODES, name),
        "submitter": {"reference": drawer.desk} if drawer.desk else {"display": made.provider},
        "amount": money.amount(getattr(drawer, name), made.currency),
    }


def closing_of(told: Resource) -> Closing:
    """The way back."""
    provider, _, currency = told["identifier"][0]["value"].rpartition("/")
    after, _, upto = told["extension"][0]["valueString"].partition("-")
    drawers: dict[str, Drawer] = {}
    for one in told.get("detail", []):
        desk, name = one["submitter"].get("reference", ""), one["type"]["coding"][0]["code"]
        more: dict[str, Any] = {name: money.minor(one["amount"])}
        if name in COUNTS:
            more[COUNTS[name]] = int(one["identifier"]["value"])
        drawers[desk] = replace(drawers.get(desk) or Drawer(desk), **more)
    who, at = told["requestor"], datetime.fromisoformat(told["created"])
    named = who.get("reference") or who["display"]
    day = date.fromisoformat(told["paymentDate"])
    notes = tuple(one["text"] for one in told.get("processNote", []))
    drawn = tuple(drawers.values())
    return Closing(provider, currency, day, int(after), int(upto), drawn, told["id"], named, at, notes)


COUNTS = {"received": "payments", "given": "refunds"}
