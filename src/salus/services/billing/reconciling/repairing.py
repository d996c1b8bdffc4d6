"""What is wrong with an id that does not agree, and its repair: one posting or reversal under a key of its own, in the
transaction that looked. Done again it finds its key, and posts nothing.

    missing-here    posted against `difference/<side>`: we know nothing of it
    not-there-yet   put on its way (`transit/<side>`), taken off it when it arrives
    missing-there   did not arrive on the next day either: the payment is reversed
    amount-differs  what they have more is held for the patient, what they have less is owed again
    twice           the second time, on this day or a later one, is held for the patient
    wrong-day       they had it before us: on its way until our day comes; after us: off its way
    status-differs  settled, or reversed
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from salus.records import books
from salus.records.books import Act
from salus.records.desk import Desk
from salus.services.acting import standing
from salus.services.billing.payments.port import State
from salus.services.billing.payments.shapes import TYPE
from salus.services.billing.reconciling.comparing import Case
from salus.services.billing.reconciling.faults import Difference, Fault
from salus.services.billing.reconciling.keeping import id_of, is_record
from salus.services.billing.reconciling.reading import Item
from salus.services.billing.reconciling.sides import Side, Standing, entry

EARLY = (Fault.WRONG_DAY, Fault.STATUS)  # what they may have had before us
REFUSED = frozenset({State.REFUSED, State.CLOSED})


@dataclass(frozen=True, slots=True)
class Round:
    """The reconciliation of a day with a side; the day is half-open, in UTC."""

    side: Side
    currency: str
    begin: datetime
    end: datetime
    zone: ZoneInfo

    def key(self, fault: Fault | str, id: str) -> str:
        return f"reconcile/{self.side.name}/{fault}/{id}"

    @property
    def transit(self) -> str:
        return f"transit/{self.side.name}"

    def had(self, at: datetime) -> bool:
        return self.begin <= at < self.end


def mend(desk: Desk, round: Round, case: Case) -> list[Difference]:
    """Find what is wrong with a case, and repair it. Raises Conflict where an account has not so much: then `park`."""
    if case.paid:
        return [*settled_there(desk, round, case, case.paid[0]), *more_than_once(desk, round, case)]
    if any(one.state in REFUSED for one in case.theirs):
        return list(refused_there(desk, round, case))
    return list(nothing_there(desk, round, case))


def park(desk: Desk, round: Round, case: Case) -> list[Difference]:
    """What cannot be repaired as it should be, since the money has gone elsewhere: it stands on `difference/<side>`
    until a clerk has found out where."""
    theirs = sum(one.amount for one in case.paid)
    amount = theirs - (case.ours or 0)
    if amount:
        entries = [entry(round.side.account, f"difference/{round.side.name}", amount)]
        books.post(desk, round.key("parked", case.id), round.currency, entries, case.id)
    return [difference(Fault.STATUS, case, case.ours, theirs or None)]


def difference(fault: Fault, case: Case, ours: int | None, theirs: int | None, item: Item | None = None) -> Difference:
    one = item or next(iter(case.theirs), None)
    return Difference(fault, case.id, ours, theirs, one.reference if one else "", one.line if one else 0)


# --- money has moved there ---


def settled_there(desk: Desk, round: Round, case: Case, item: Item) -> Iterator[Difference]:
    ours = case.ours
    if ours is None:
        found = round.side.standing(desk, case.id)
        if found is None or is_done(desk, round, Fault.STATUS, case.id):
            yield unheard_of(desk, round, case, item)
            return
        if agreed_before(desk, round, case.id, found):
            yield once_more(desk, round, case, item, {found.reference})
            return
        ours = found.amount
        set_day(desk, round, case.id, ours)
        yield difference(Fault.WRONG_DAY, case, ours, item.amount, item)
    else:
        arrived(desk, round, case.id)
    if item.amount != ours:
        correct(desk, round, Fault.AMOUNT, case.id, item.amount - ours)
        yield difference(Fault.AMOUNT, case, ours, item.amount, item)


def unheard_of(desk: Desk, round: Round, case: Case, item: Item) -> Difference:
    """We have not posted it: it waits, was let go, or we know nothing of it."""
    if is_done(desk, round, Fault.STATUS, case.id):
        return difference(Fault.STATUS, case, None, item.amount, item)
    if is_done(desk, round, Fault.MISSING_HERE, case.id) or not round.side.settle(
        desk, item, round.key(Fault.STATUS, case.id), round.currency
    ):
        correct(desk, round, Fault.MISSING_HERE, case.id, item.amount)
        return difference(Fault.MISSING_HERE, case, None, item.amount, item)
    found = round.side.standing(desk, case.id)
    if found and not round.had(found.at):
        mark(desk, round, Fault.STATUS, case.id, found.amount)
    return difference(Fault.STATUS, case, None, item.amount, item)


def agreed_before(desk: Desk, round: Round, id: str, found: Standing) -> bool:
    """Whether it stood on the statement of its own day already: that day was reconciled, and did not wait for it."""
    if found.at >= round.begin or books.posting_of(desk, round.key(Fault.NOT_THERE_YET, id)):
        return False
    record = id_of(round.side.name, round.currency, found.at.astimezone(round.zone).date())
    return is_record(standing(desk, f"{TYPE}/{record}") or {})


def more_than_once(desk: Desk, round: Round, case: Case) -> Iterator[Difference]:
    seen = {case.paid[0].reference}
    for item in case.paid[1:]:
        yield once_more(desk, round, case, item, seen)


def once_more(desk: Desk, round: Round, case: Case, item: Item, seen: set[str]) -> Difference:
    """Another line of what was paid already: under another reference it moved again."""
    fault = Fault.REPEATED if item.reference in seen else Fault.TWICE
    if fault is Fault.TWICE:
        seen.add(item.reference)
        correct(desk, round, fault, f"{case.id}/{item.reference}", item.amount, case.id)
    return difference(fault, case, case.ours, item.amount, item)


# --- no money has moved there ---


def refused_there(desk: Desk, round: Round, case: Case) -> Iterator[Difference]:
    done = is_done(desk, round, Fault.STATUS, case.id)
    found = round.side.standing(desk, case.id)
    ours = case.ours if case.ours is not None else found.amount if found else None
    if ours is None and not done:
        return
    if not done:
        arrived(desk, round, case.id)
        round.side.undo(desk, round.key(Fault.STATUS, case.id), case.id, round.currency)
    yield difference(Fault.STATUS, case, ours, None)


def nothing_there(desk: Desk, round: Round, case: Case) -> Iterator[Difference]:
    if case.ours is not None:
        if not met(desk, round, case.id) and not is_done(desk, round, Fault.STATUS, case.id):
            await_it(desk, round, case.id, case.ours)
            yield difference(Fault.NOT_THERE_YET, case, case.ours, None)
    elif case.theirs and case.awaited:  # they know of it: it may come still
        yield difference(Fault.NOT_THERE_YET, case, None, None)
    elif case.awaited:
        yield never_came(desk, round, case)


def never_came(desk: Desk, round: Round, case: Case) -> Difference:
    waited = books.posting_of(desk, round.key(Fault.NOT_THERE_YET, case.id))
    ours = (
        sum(one.amount if one.credit == round.side.account else -one.amount for one in waited.entries) if waited else 0
    )
    if not is_done(desk, round, Fault.MISSING_THERE, case.id):
        arrived(desk, round, case.id)
        round.side.undo(desk, round.key(Fault.MISSING_THERE, case.id), case.id, round.currency)
    return difference(Fault.MISSING_THERE, case, ours, None)


# --- postings ---


def is_done(desk: Desk, round: Round, fault: Fault, id: str) -> bool:
    """Whether it was repaired before: by its own posting, or because it is marked as early."""
    key = round.key(fault, id)
    return any(books.posting_of(desk, one) is not None for one in (key, f"{key}/early"))


def correct(desk: Desk, round: Round, fault: Fault, name: str, amount: int, id: str = "") -> None:
    """They have more by so much; `name` is the last part of the key, where it is not the id."""
    key = round.key(fault, name)
    if books.posting_of(desk, key) is None:
        round.side.correct(desk, key, id or name, amount, round.currency)


def await_it(desk: Desk, round: Round, id: str, amount: int) -> None:
    """They have not got it yet: on its way."""
    key = round.key(Fault.NOT_THERE_YET, id)
    books.post(desk, key, round.currency, [entry(round.transit, round.side.account, amount)], id)


def arrived(desk: Desk, round: Round, id: str) -> bool:
    """What was awaited is on its way no longer; False where it was not awaited."""
    return undone(desk, round.key(Fault.NOT_THERE_YET, id), id)


def mark(desk: Desk, round: Round, fault: Fault, id: str, amount: int) -> None:
    """They had it before us: on its way until our day comes."""
    key = f"{round.key(fault, id)}/early"
    books.post(desk, key, round.currency, [entry(round.side.account, round.transit, amount)], id)


def met(desk: Desk, round: Round, id: str) -> bool:
    """The day has come of what they had before us; False where they had not."""
    return any(undone(desk, f"{round.key(fault, id)}/early", id) for fault in EARLY)


def set_day(desk: Desk, round: Round, id: str, amount: int) -> None:
    if not arrived(desk, round, id) and not is_done(desk, round, Fault.WRONG_DAY, id):
        mark(desk, round, Fault.WRONG_DAY, id, amount)


def undone(desk: Desk, key: str, id: str) -> bool:
    """Reverse what stands under a key, once; False where nothing does."""
    found = books.posting_of(desk, key)
    if found is None or found.act is not Act.POST:
        return False
    books.reverse(desk, f"{key}/met", key, id)
    return True
