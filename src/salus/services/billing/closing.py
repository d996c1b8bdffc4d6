"""The day close (日结): what came in and went out by a provider since the last close, desk by desk, what was counted
against what should be there, and every difference by name.

A close takes in all postings since the one before it up to the end of its day, in the zone of the place, or up to now.
What is posted afterwards belongs to the next: each posting is in exactly one close. A day is closed once; what was
counted and is not what the books expect is posted to `difference/<provider>` in the same transaction.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from salus.assistants.answers import every
from salus.base import clock, money
from salus.base.errors import Conflict, Invalid
from salus.privacy import SYSTEM, Actor, Purpose, check_may
from salus.privacy.policy import Act
from salus.records import Records, Store, books
from salus.records.books import Books, Entry, Line
from salus.records.desk import Desk
from salus.services.acting import BASE, coded, put, same_id, standing
from salus.services.billing.completeness import missing
from salus.services.billing.desks import submit
from salus.services.billing.names import billed, is_billed
from salus.services.billing.payments.shapes import CODES, TYPE, Kind

Resource = dict[str, Any]
CLOSINGS = "https://salus.example/closing"
POSTINGS = f"{BASE}/StructureDefinition/closing-postings"
NUMBERS = "XXX"  # ISO 4217: no currency. The books keep how far was closed, so that two closes cannot take in the same
RECEIVED = frozenset({Kind.PAYMENT, Kind.DEPOSIT})
GIVEN = frozenset({Kind.REFUND, Kind.RETURN})
STAFF = "Practitioner/"
NAMED = 500  # of what was not charged


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


# --- looking ---


def preview(
    store: Store, actor: Actor, purpose: Purpose, provider: str, currency: str, day: date, zone: ZoneInfo
) -> Closing:
    """What a close would take in now. Raises Forbidden, Invalid (a day to come), Conflict (a later day is closed)."""
    check_may(actor, purpose, Act.READ, TYPE)
    before = closed_upto(store, provider, currency)
    check_day(day, zone, before)
    upto = max(Books(store).last(end_of(day, zone)), before.posting)
    drawers = drawers_of(Books(store).lines(f"money/{provider}", currency, before.posting, upto))
    return Closing(provider, currency, day, before.posting, upto, drawers)


def closings(records: Records, provider: str, currency: str) -> list[Closing]:
    """The closes of a provider, latest first."""
    wanted = [("identifier", f"{CLOSINGS}|{provider}/{currency}"), ("_count", "200")]
    found = (closing_of(told) for told in every(records, TYPE, wanted) if is_billed(told))
    return sorted(found, key=lambda one: one.day, reverse=True)


def closing(records: Records, id: str) -> Closing:
    """One close, by its id. Raises Missing, Forbidden."""
    return closing_of(records.read(TYPE, id).json())


def drawers_of(lines: Iterator[Line]) -> tuple[Drawer, ...]:
    """Sums by desk, in the order of their names."""
    made: dict[str, Drawer] = {}
    for line in lines:
        kind = line.key.partition("/")[0]
        if kind == "close":  # what was counted: it stands in the close that counted it
            continue
        desk = line.who if line.who.startswith(STAFF) else ""
        made[desk] = with_line(made.get(desk) or Drawer(desk), kind, line.amount)
    return tuple(made[desk] for desk in sorted(made))


def with_line(drawer: Drawer, kind: str, amount: int) -> Drawer:
    if kind in RECEIVED and amount > 0:
        return replace(drawer, received=drawer.received + amount, payments=drawer.payments + 1)
    if kind in GIVEN and amount < 0:
        return replace(drawer, given=drawer.given - amount, refunds=drawer.refunds + 1)
    return replace(drawer, corrected=drawer.corrected + amount)


@dataclass(frozen=True, slots=True)
class Upto:
    """How far was closed: the last posting, and the last day."""

    posting: int
    day: int


def closed_upto(store: Store, provider: str, currency: str) -> Upto:
    with store.readers.one() as reader, reader.snapshot():
        return upto_of(reader, provider, currency)


def upto_of(at: Any, provider: str, currency: str) -> Upto:
    names = (f"closed/{provider}/{currency}", f"closed-day/{provider}/{currency}")
    return Upto(*(books.balance(at, name, NUMBERS).net for name in names))


def check_day(day: date, zone: ZoneInfo, before: Upto) -> None:
    if day > clock.now().astimezone(zone).date():
        raise Invalid(f"{day} is to come: close it when it is over", path="day")
    if day.toordinal() < before.day:
        raise Conflict(f"{date.fromordinal(before.day)} is closed already: what came later is in it", path="day")


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which the next day begins there."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


# --- closing ---


def close(
    store: Store,
    actor: Actor,
    purpose: Purpose,
    provider: str,
    currency: str,
    day: date,
    zone: ZoneInfo,
    counted: Mapping[str, int] | None = None,
) -> Closing:
    """Close a day of a provider. `counted`: minor units by desk, for all desks of the day, where there is a drawer.

    The same again is the same close. Raises Forbidden, Invalid (a day to come, a desk that was not counted), Conflict
    (closed with another count, a later day is closed, somebody else closes it now).
    """
    check_may(actor, purpose, Act.WRITE, TYPE)
    id = same_id("closing", provider, currency, day.isoformat())
    if (found := closed(store, id)) is not None:
        return same(found, counted)
    open = preview(store, actor, purpose, provider, currency, day, zone)
    drawers = tuple(with_count(open.drawers, counted))
    wanted = replace(open, drawers=drawers, id=id, who=actor.reference, uncharged=uncharged(store, day, zone))

    def work(desk: Desk) -> Closing:
        found = standing(desk, f"{TYPE}/{id}")
        if found is not None and is_billed(found):
            return same(closing_of(found), counted)
        before = upto_of(desk, provider, currency)
        if before.posting != wanted.after:
            raise Conflict(f"{provider} was closed by somebody else just now: look again", path="day")
        keep_upto(desk, wanted, before)
        post_differences(desk, wanted)
        made = replace(wanted, at=desk.at)
        put(desk, resource(made, zone))
        return made

    return submit(store, actor, purpose, "close", f"{TYPE}/{id}", work)


def uncharged(store: Store, day: date, zone: ZoneInfo) -> tuple[str, ...]:
    """What the house has done and not charged: whatever it is of, nobody is named."""
    found = missing(store.open(SYSTEM, Purpose.OPERATIONS), day, zone.key)
    return tuple(sorted({one.reference for one in found})[:NAMED])


def closed(store: Store, id: str) -> Closing | None:
    with store.readers.one() as reader:
        found = reader.current(TYPE, id, None)
    told = found.json() if found and not found.deleted else {}
    return closing_of(told) if is_billed(told) else None


def same(found: Closing, counted: Mapping[str, int] | None) -> Closing:
    stands = {one.desk: one.counted for one in found.drawers if one.counted is not None}
    if counted is not None and dict(counted) != stands:
        raise Conflict(f"{found.day} of {found.provider} was closed with another count", path="counted")
    return found


def with_count(drawers: tuple[Drawer, ...], counted: Mapping[str, int] | None) -> Iterator[Drawer]:
    """Raises Invalid for a desk that has no count, and a count that is no amount."""
    if counted is None:
        yield from drawers
        return
    known = {one.desk: one for one in drawers}
    for desk in sorted({*known, *counted}):
        amount = counted.get(desk)
        if type(amount) is not int or amount < 0:
            raise Invalid(
                f"{desk or 'The counter'} has {amount!r} counted: count every desk of the day", path="counted"
            )
        yield replace(known.get(desk) or Drawer(desk), counted=amount)


def keep_upto(desk: Desk, made: Closing, before: Upto) -> None:
    """Let the books know how far was closed."""
    tail = f"{made.provider}/{made.currency}"
    steps = {"closed": made.upto - before.posting, "closed-day": made.day.toordinal() - before.day}
    entries = [Entry(f"{name}/{tail}", f"memo/{name}", step) for name, step in steps.items() if step > 0]
    books.post(desk, f"close/{tail}/{made.day}", NUMBERS, entries, f"{TYPE}/{made.id}")


def post_differences(desk: Desk, made: Closing) -> None:
    for drawer in made.drawers:
        amount, sides = abs(drawer.difference), (f"money/{made.provider}", f"difference/{made.provider}")
        if amount:
            entry = Entry(*(sides if drawer.difference > 0 else sides[::-1]), amount)
            key = f"close/{made.provider}/{made.currency}/{made.day}/{drawer.desk}"
            books.post(desk, key, made.currency, [entry], f"{TYPE}/{made.id}")


# --- as FHIR: https://hl7.org/fhir/R4/paymentreconciliation.html ---


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
