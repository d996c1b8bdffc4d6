"""What a reconciliation would find and post, before it does: each repair is made in a transaction that is given up."""

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from salus.base.errors import Conflict
from salus.privacy import Actor, Purpose, check_may
from salus.privacy.policy import Act
from salus.records import Store
from salus.records.books import Posting
from salus.records.desk import Desk
from salus.records.writer import Request
from salus.services.billing.payments.shapes import TYPE
from salus.services.billing.reconciling import reading, traces
from salus.services.billing.reconciling.comparing import Case
from salus.services.billing.reconciling.faults import Difference
from salus.services.billing.reconciling.keeping import Reconciled
from salus.services.billing.reconciling.running import Repair, before_now, check_over, compared, one_by_one, record
from salus.services.billing.reconciling.sides import Side

MOST = 1000  # cases that are tried; what is beyond is counted
Told = tuple[Difference, tuple[Posting, ...]]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A day as it would be written down, with what would be posted for each difference; `beyond`: ids that do not agree
    and were not tried."""

    made: Reconciled
    postings: tuple[tuple[Posting, ...], ...]
    beyond: int = 0


class GivenUp(Exception):
    """Carries out of a transaction what would have been done in it; nothing of it stays."""

    def __init__(self, found: list[Told]) -> None:
        super().__init__("looked at, and given up")
        self.found = found


def foresee(
    store: Store,
    actor: Actor,
    purpose: Purpose,
    file: Path,
    side: Side,
    day: date,
    zone: ZoneInfo,
    currency: str = "CNY",
    sure: bool = False,
) -> Foreseen:
    """Raises as `reconcile`, and Conflict for a day that was reconciled already."""
    check_may(actor, purpose, Act.WRITE, TYPE)
    check_over(day, zone)
    digest = reading.digest(file)
    if before_now(store, side, currency, day) is not None:
        raise Conflict(f"{day} was reconciled with {side.name} already: look at its record", path="day")
    round, count, suspects = compared(store, file, side, day, zone, currency, sure, lambda rows: None)
    store.writer.note(actor, purpose, "read", f"books/reconcile/{side.name}/{day}")

    def ask(case: Case, repair: Repair) -> Request[list[Told]]:
        def work(desk: Desk) -> list[Told]:
            desk.bills = True
            found = repair(desk, round, case)
            raise GivenUp([(one, traces.postings(desk, side, one)) for one in found])

        return Request(work, actor, purpose, "", "")

    tried = list(one_by_one(store, suspects[:MOST], ask, given_up))
    made = record(side, currency, day, count, digest, actor, tuple(one for one, _ in tried))
    return Foreseen(made, tuple(posted for _, posted in tried), max(0, len(suspects) - MOST))


def given_up(future: "Future[list[Told]]") -> list[Told]:
    try:
        return future.result()
    except GivenUp as told:
        return told.found
