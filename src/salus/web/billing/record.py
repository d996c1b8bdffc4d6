"""A day that was reconciled: every difference by name, what was done about it and by which postings, what still needs a
person; to print, to keep as CSV, and to take back by a reversal."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

from starlette.responses import Response

from salus.base.errors import Conflict, Invalid
from salus.base.money import plain
from salus.records.books import Posting
from salus.services.billing import tasks
from salus.services.billing.payments.shapes import TYPE
from salus.services.billing.reconciling import Difference, Fault, clearing, keeping, traces
from salus.services.billing.reconciling.keeping import Reconciled
from salus.services.billing.reconciling.parties import side_of
from salus.services.billing.reconciling.traces import State
from salus.web.billing.asked import who
from salus.web.telling import ledger
from salus.web.visit import Visit

COUNT = 100  # differences on a page
OPEN = frozenset({State.PERSON, State.UNDONE, State.WAITING})
PASSING = frozenset({Fault.NOT_THERE_YET, Fault.WRONG_DAY, Fault.STATUS})  # what may be on its way
COLUMNS = (
    *("day", "side", "currency", "difference", "id", "reference", "line"),
    *("ours", "theirs", "state", "age_days", "postings", "taken_by", "notes"),
)
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class Row:
    """A difference with where it has come to. `age`: days since its day as long as it is open; `undo`: whether its
    repair can be reversed."""

    n: int
    one: Difference
    posted: tuple[Posting, ...]
    state: State
    age: int | None
    undo: bool
    taken: clearing.Taken

    @property
    def asks(self) -> bool:
        return self.state in (State.PERSON, State.UNDONE)


def called(visit: Visit, side: str) -> str:
    """As its account of the books is called."""
    account = side_of(side).account
    return ledger.called(visit, [account])[account]


def names_of(visit: Visit, rows: Iterable[Row]) -> dict[str, str]:
    """What the accounts of their postings are called."""
    entries = [entry for row in rows for posting in row.posted for entry in posting.entries]
    return ledger.called(visit, {account for one in entries for account in (one.debit, one.credit)})


def row_of(visit: Visit, made: Reconciled, n: int, one: Difference, posted: Sequence[Posting]) -> Row:
    """A difference by its postings, those that stand or those that would."""
    taken = clearing.taken(visit.records, made.id, n)
    state = traces.state_of(posted, taken.explained)
    age = (visit.today - made.day).days if state in OPEN else None
    undo = traces.reversible(side_of(made.side), one, posted) is not None
    return Row(n, one, tuple(posted), state, age, undo, taken)


def rows_of(visit: Visit, made: Reconciled, begin: int = 0, end: int | None = None) -> list[Row]:
    """The differences from one number until before another, each as it stands in the books now."""
    side, numbered = side_of(made.side), list(enumerate(made.differences))[begin:end]
    with visit.desk.store.readers.one() as reader:
        found = [(n, one, traces.postings(reader, side, one)) for n, one in numbered]
    return [row_of(visit, made, *each) for each in found]


def colour(visit: Visit, made: Reconciled) -> str:
    """Green, or amber as long as something of a day is open: a person is asked, money is on its way, a line could not
    be read."""
    if made.unread or tasks.is_open(visit.records, traces.ASKED, f"{TYPE}/{made.id}"):
        return "warn"
    side, whole = side_of(made.side), keeping.by_id(visit.records, made.id)
    with visit.desk.store.readers.one() as reader:
        passing = (traces.postings(reader, side, one) for one in whole.differences if one.fault in PASSING)
        return "warn" if any(traces.state_of(each) is State.WAITING for each in passing) else "good"


# --- the page ---


def one(visit: Visit) -> Response:
    """Raises Missing, Forbidden."""
    return page(visit, keeping.by_id(visit.records, visit.path["id"]))


def page(visit: Visit, made: Reconciled, fault: str = "", status: int = 200) -> Response:
    said = visit.query.get("after", "")
    begin = int(said) if said.isdecimal() and len(said) < 9 else 0
    count, rows = len(made.differences), rows_of(visit, made, begin, begin + COUNT)
    return visit.page(
        "billing/reconciled.html",
        status,
        made=made,
        name=called(visit, made.side),
        rows=rows,
        names=names_of(visit, rows),
        faults=[(one, len(made.of(one))) for one in Fault if made.of(one)],
        previous=max(0, begin - COUNT) if begin else None,
        next=begin + COUNT if begin + COUNT < count else None,
        colour=colour(visit, made),
        longest=clearing.LONGEST,
        fault=fault,
        done=visit.query.get("done", ""),
    )


Verb = Callable[[Visit, Reconciled, int, str], None]


def take(visit: Visit, made: Reconciled, n: int, text: str) -> None:
    clearing.take(*who(visit), made.id, n, visit.form.get("had", ""))


def note(visit: Visit, made: Reconciled, n: int, text: str) -> None:
    clearing.note(*who(visit), made.id, n, text)


def explain(visit: Visit, made: Reconciled, n: int, text: str) -> None:
    clearing.explain(*who(visit), made.id, n, text)


def undo(visit: Visit, made: Reconciled, n: int, text: str) -> None:
    clearing.undo(*who(visit), side_of(made.side), made.id, n, text)


VERBS: dict[str, Verb] = {"take": take, "note": note, "explain": explain, "undo": undo}


def act(visit: Visit) -> Response:
    """Do something about a difference. Raises Missing."""
    made = keeping.by_id(visit.records, visit.path["id"])
    verb, n = visit.form.get("do", ""), visit.form.get("n", "")
    try:
        if verb not in VERBS or not (n.isdecimal() and len(n) < 9):
            raise Invalid(f"{verb[:20]!r} cannot be done here: choose a button of the page", path="do")
        VERBS[verb](visit, made, int(n), visit.form.get("text", ""))
    except (Conflict, Invalid) as no:
        return page(visit, made, visit.told(no.issues[0].text), no.status)
    begin = int(n) // COUNT * COUNT
    return visit.go(f"/books/reconciled/{made.id}?done={verb}&after={begin}#d-{n}")


# --- to keep ---


def table(visit: Visit) -> Response:
    """All differences of a day as CSV. https://www.rfc-editor.org/rfc/rfc4180"""
    made = keeping.by_id(visit.records, visit.path["id"])
    out = StringIO()
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    lines.writerows([safe(cell) for cell in cells(made, row)] for row in rows_of(visit, made))
    named = {"Content-Disposition": f'attachment; filename="reconciled-{made.day}.csv"'}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=named)


def cells(made: Reconciled, row: Row) -> list[str]:
    one = row.one
    ours, theirs = ("" if amount is None else plain(amount, made.currency) for amount in (one.ours, one.theirs))
    notes = "; ".join(f"{note.who}: {note.text}" for note in row.taken.notes)
    numbers = " ".join(str(posting.number) for posting in row.posted)
    line, age = str(one.line or ""), "" if row.age is None else str(row.age)
    told = [made.day.isoformat(), made.side, made.currency, one.fault.value, one.id, one.reference, line]
    return [*told, ours, theirs, row.state.value, age, numbers, row.taken.who, notes]


def safe(cell: str) -> str:
    """What a spreadsheet would take for a formula is text; an amount is not one.

    >>> safe("=1+1"), safe("-12.50"), safe("-cmd")
    ("'=1+1", '-12.50', "'-cmd")
    """
    number = cell.removeprefix("-").replace(".", "", 1).isdecimal()
    return f"'{cell}" if cell[:1] in FORMULAS and not number else cell
