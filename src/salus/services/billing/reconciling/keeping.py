"""The record of a reconciliation: PaymentReconciliations, each with so many differences that it can be read at once.

While a day is being repaired its record is a draft, which names the file: of two at once, only one file is the day's.

https://hl7.org/fhir/R4/paymentreconciliation.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from salus.assistants.answers import every
from salus.base import clock, money
from salus.base.errors import Missing
from salus.records import Records
from salus.services.acting import BASE, coded, same_id
from salus.services.billing.names import billed, is_billed
from salus.services.billing.payments.shapes import CODES, TYPE
from salus.services.billing.reconciling.faults import Difference, Fault
from salus.services.billing.reconciling.reading import Bad

Resource = dict[str, Any]
RECONCILED = "https://salus.example/reconciled"
FILE = f"{RECONCILED}-file"
COUNTS = f"{BASE}/StructureDefinition/reconciled"
OURS = f"{BASE}/StructureDefinition/reconciled-ours"
LINE = f"{BASE}/StructureDefinition/reconciled-line"
PART = 500  # differences in one resource
MONTH = 31  # days that may lie between two that are reconciled
NAMED = 200  # bad lines that are named; the others are counted


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A day reconciled with a side. `rows` were read, `agreed` of the ids agree, `unread` lines could not be read (the
    first of them are `bad`); `ours` and `theirs` are the sums of the day before any repair."""

    side: str
    currency: str
    day: date
    rows: int
    agreed: int
    unread: int
    ours: int
    theirs: int
    file: str
    who: str
    at: datetime
    bad: tuple[Bad, ...] = ()
    differences: tuple[Difference, ...] = ()

    @property
    def id(self) -> str:
        return id_of(self.side, self.currency, self.day)

    def of(self, fault: Fault) -> tuple[Difference, ...]:
        return tuple(one for one in self.differences if one.fault is fault)


FIGURES = ("rows", "agreed", "unread", "ours", "theirs")


def id_of(side: str, currency: str, day: date, part: int = 0) -> str:
    return same_id("reconciled", side, currency, day.isoformat(), *([str(part)] if part else []))


# --- looking ---


def reconciliations(records: Records, side: str, currency: str) -> list[Reconciled]:
    """The days reconciled with a side, latest first, without their differences."""
    wanted = [("identifier", f"{RECONCILED}|{side}/{currency}"), ("_count", "50")]
    found = (head_of(told) for told in every(records, TYPE, wanted) if is_record(told))
    return sorted(found, key=lambda one: one.day, reverse=True)


def reconciled(records: Records, side: str, currency: str, day: date) -> Reconciled:
    """A day with all its differences. Raises Missing when it was not reconciled, Forbidden."""
    return whole(records, records.read(TYPE, id_of(side, currency, day)).json())


def by_id(records: Records, id: str) -> Reconciled:
    """As `reconciled`, by the id of its record."""
    return whole(records, records.read(TYPE, id).json())


def whole(records: Records, told: Resource) -> Reconciled:
    """Raises Missing for what is no record of a day."""
    if not is_record(told) or told["identifier"][0]["system"] != RECONCILED:
        raise Missing(f"{TYPE}/{told['id']} is no record of a reconciliation", path="id")
    head = head_of(told)
    parts = range(1, -(-figures_of(told)["differences"] // PART) + 1)
    read = (records.read(TYPE, id_of(head.side, head.currency, head.day, part)).json() for part in parts)
    return replace(head, differences=tuple(one for part in read for one in differences_of(part)))


def before(records: Records, side: str, currency: str, day: date) -> Reconciled | None:
    """The latest day before this one, of the month before it, with what it left open."""
    for back in range(1, MONTH + 1):
        try:
            return reconciled(records, side, currency, day - timedelta(days=back))
        except Missing:
            continue
    return None


def is_record(told: Resource) -> bool:
    """Whether a day is written down there, and not only begun."""
    return is_billed(told) and told["status"] == "active"


def file_of(told: Resource) -> str:
    """The digest of the file by which a day is reconciled."""
    found: str = next(one["value"] for one in told["identifier"] if one["system"] == FILE)
    return found


# --- as FHIR ---


def begun(side: str, currency: str, day: date, file: str, who: str) -> Resource:
    """What stands in the place of the record until it is written."""
    made = Reconciled(side, currency, day, 0, 0, 0, 0, 0, file, who, clock.now())
    return head(made) | {"status": "draft"}


def resources(made: Reconciled) -> list[Resource]:
    """The record: its figures, then its differences in as many resources as it takes."""
    pieces = (made.differences[n : n + PART] for n in range(0, len(made.differences), PART))
    return [head(made), *(tail(made, piece, n) for n, piece in enumerate(pieces, 1))]


def head(made: Reconciled) -> Resource:
    counted = {name: getattr(made, name) for name in FIGURES} | {"differences": len(made.differences)}
    figures = [{"url": name, "valueString": str(number)} for name, number in counted.items()]
    notes = [{"type": "display", "text": f"{one.line}: {one.text}"} for one in made.bad]
    return tail(made, (), 0) | {
        "extension": [{"url": COUNTS, "extension": figures}],
        "identifier": [
            {"system": RECONCILED, "value": f"{made.side}/{made.currency}"},
            {"system": FILE, "value": made.file},
            billed(made.id),
        ],
        "processNote": notes,
    }


def tail(made: Reconciled, piece: Sequence[Difference], part: int) -> Resource:
    return {
        "resourceType": TYPE,
        "id": id_of(made.side, made.currency, made.day, part),
        "identifier": [billed(made.id)],
        "status": "active",
        "period": {"start": made.day.isoformat(), "end": made.day.isoformat()},
        "created": clock.instant(made.at),
        "requestor": {"reference": made.who} if made.who.startswith("Practitioner/") else {"display": made.who},
        "outcome": "partial" if made.differences or made.unread else "complete",
        "paymentDate": made.day.isoformat(),
        "paymentAmount": money.amount(made.theirs, made.currency),
        "formCode": coded(CODES, "reconciliation"),
        "detail": [detail(one, made) for one in piece],
    }


def detail(one: Difference, made: Reconciled) -> Resource:
    shown = [(OURS, one.ours), (LINE, one.line or None)]
    told: Resource = {
        "extension": [{"url": url, "valueString": str(value)} for url, value in shown if value is not None],
        "identifier": {"value": one.id},
        "predecessor": {"value": one.reference} if one.reference else None,
        "type": coded(CODES, one.fault.value),
        "amount": None if one.theirs is None else money.amount(one.theirs, made.currency),
    }
    return {name: value for name, value in told.items() if value}


def head_of(told: Resource) -> Reconciled:
    """The way back, without the differences."""
    side, _, currency = told["identifier"][0]["value"].rpartition("/")
    figures = figures_of(told)
    rows, agreed, unread, ours, theirs = (figures[name] for name in FIGURES)
    notes = (one["text"].partition(": ") for one in told.get("processNote", []))
    who = told["requestor"]
    return Reconciled(
        side,
        currency,
        date.fromisoformat(told["paymentDate"]),
        rows,
        agreed,
        unread,
        ours,
        theirs,
        told["identifier"][1]["value"],
        who.get("reference") or who["display"],
        datetime.fromisoformat(told["created"]),
        tuple(Bad(int(line), text) for line, _, text in notes),
    )


def figures_of(told: Resource) -> dict[str, int]:
    return {one["url"]: int(one["valueString"]) for one in told["extension"][0]["extension"]}


def differences_of(told: Resource) -> Iterator[Difference]:
    for one in told.get("detail", []):
        kept = {held["url"]: int(held["valueString"]) for held in one.get("extension", [])}
        theirs = money.minor(one["amount"]) if "amount" in one else None
        fault = Fault(one["type"]["coding"][0]["code"])
        reference = one.get("predecessor", {}).get("value", "")
        yield Difference(fault, one["identifier"]["value"], kept.get(OURS), theirs, reference, kept.get(LINE, 0))
