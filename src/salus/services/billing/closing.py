"""The day close (日结): what came in and went out by a provider since the last close, desk by desk, what was counted
against what should be there, and every difference by name.

A close takes in all postings since the one before it up to the end of its day, in the zone of the place, or up to now.
What is posted afterwards belongs to the next: each posting is in exactly one close. A day is closed once; what was
counted and is not what the books expect is posted to `difference/<provider>` in the same transaction.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.privacy import SYSTEM, Actor, Purpose, check_may
from salus.privacy.policy import Act
from salus.records import Records, Store, books
from salus.records.books import Books, Entry, Line
from salus.records.desk import Desk
from salus.services.acting import put, same_id, standing
from salus.services.billing.closes import CLOSINGS, STAFF, Closing, Drawer, closing_of, end_of, resource
from salus.services.billing.completeness import missing
from salus.services.billing.desks import submit
from salus.services.billing.names import is_billed
from salus.services.billing.payments.shapes import TYPE, Kind

Resource = dict[str, Any]
NUMBERS = "XXX"  # ISO 4217: no currency. The books keep how far was closed, so that two closes cannot take in the same
RECEIVED = frozenset({Kind.PAYMENT, Kind.DEPOSIT})
GIVEN = frozenset({Kind.REFUND, Kind.RETURN})
NAMED = 500  # of what was not charged


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
    """One close, by its id. Raises Missing (a payment is none), Forbidden."""
    told = records.read(TYPE, id).json()
    if not is_closing(told):
        raise Missing(f"{TYPE}/{id[:64]} is no close of a day", path="closing")
    return closing_of(told)


def is_closing(told: Resource) -> bool:
    """Whether a PaymentReconciliation is a close of ours, written by nobody's hand."""
    return is_billed(told) and any(one.get("system") == CLOSINGS for one in told["identifier"])


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
    if day > clock.today(zone):
        raise Invalid(f"{day} is to come: close it when it is over", path="day")
    if day.toordinal() < before.day:
        raise Conflict(f"{date.fromordinal(before.day)} is closed already: what came later is in it", path="day")


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
