"""Reconciliation (对账) at the desk: day and side are chosen, their statement is looked at, and one press repairs
every difference."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import StringIO
from urllib.parse import urlencode

from babel.numbers import get_currency_precision
from starlette.responses import Response

from salus.base.errors import Conflict, Invalid, Issue, Malformed
from salus.services.billing.payments import provider_of, providers_of
from salus.services.billing.reconciling import reading, reconcile, reconciliations
from salus.services.billing.reconciling.bank import write
from salus.services.billing.reconciling.foreseeing import Foreseen, foresee
from salus.services.billing.reconciling.keeping import Reconciled, id_of
from salus.services.billing.reconciling.parties import INSURER, parties, side_of
from salus.web.billing import statements
from salus.web.billing.asked import day_of, who
from salus.web.billing.record import called, colour, names_of, row_of
from salus.web.visit import Visit

PAGE, LOOK = "/books/reconcile", "/books/reconcile/look"
DAYS = 31  # of a history
SHOWN = 200  # differences of a dry look
NO = (Conflict, Invalid, Malformed)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be reconciled: a side (a provider, or `Organization/<id>`), its currency, a day."""

    side: str
    currency: str
    day: date

    @property
    def party(self) -> str:
        return f"{self.side} {self.currency}"

    @property
    def id(self) -> str:
        """Of the record, if there is one."""
        return id_of(self.side, self.currency, self.day)

    def address(self, page: str, **more: str) -> str:
        return f"{page}?{urlencode({'party': self.party, 'day': self.day.isoformat(), **more})}"


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the history; `made` is None where it was not reconciled, `colour` "good" or "warn"."""

    day: date
    made: Reconciled | None = None
    colour: str = ""


def choose(visit: Visit) -> Response:
    """The day, the side and the file; how earlier days stand."""
    return page(visit)


def page(visit: Visit, fault: str = "", status: int = 200) -> Response:
    there = parties_of(visit)
    asked = asked_of(visit) if there else None
    days = history(visit, asked) if asked else []
    return visit.page(
        "billing/reconcile.html",
        status,
        fault=fault,
        asked=asked,
        parties=[(f"{name} {currency}", called(visit, name), currency, is_insurer(name)) for name, currency in there],
        files=statements.names(visit.desk.settings.folder),
        fetches=bool(asked and fetches(visit, asked.side)),
        latest=yesterday(visit),
        days=days,
        before=next((one.made for one in days if asked and one.day == asked.day), None),
    )


def is_insurer(name: str) -> bool:
    return name.startswith(INSURER)


# --- looking first ---


def look(visit: Visit) -> Response:
    """Lay the file ready that was sent, picked or is fetched, and look what would be found in it."""
    try:
        asked = asked_of(visit)
        name = laid_ready(visit, asked)
    except NO as no:
        return page(visit, visit.told(no.issues[0].text), no.status)
    return visit.go(asked.address(LOOK, file=name))


def laid_ready(visit: Visit, asked: Asked) -> str:
    """The name of the statement. Raises Invalid where none is given, Missing, Full, Busy (the provider)."""
    house, sent = visit.desk.settings.folder, visit.files.get("sent")
    if visit.form.get("from") == "fetch" and fetches(visit, asked.side):
        return statements.keep(house, asked.day.isoformat(), asked.side, fetched(visit, asked))
    if sent is not None and sent.data:
        return statements.keep(house, asked.day.isoformat(), asked.side, sent.data)
    if visit.form.get("file"):
        return statements.path_of(house, visit.form["file"]).name
    raise Invalid(visit.say("reconcile.no.file"), path="file")


def fetches(visit: Visit, side: str) -> bool:
    """Whether a provider in use gives its statement itself."""
    return side in providers_of(visit.desk.settings)


def fetched(visit: Visit, asked: Asked) -> bytes:
    """The statement as CSV, from the provider itself."""
    begin = datetime.combine(asked.day, time(), visit.zone)
    rows = provider_of(visit.desk.settings, asked.side).statement(begin, begin + timedelta(days=1))
    out = StringIO()
    write((row for row in rows if row.currency == asked.currency), out, get_currency_precision(asked.currency))
    return out.getvalue().encode()


def preview(visit: Visit) -> Response:
    """What would be found, and what would be posted: nothing is."""
    asked = asked_of(visit)
    path = statements.path_of(visit.desk.settings.folder, visit.query.get("file", ""))
    side, sure = side_of(asked.side), "sure" in visit.query
    try:
        seen = foresee(*who(visit), path, side, asked.day, visit.zone, asked.currency, sure)
    except NO as no:
        return foreseen(visit, asked, path.name, None, no.issues[0], no.status)
    return foreseen(visit, asked, path.name, seen, None, 200)


def foreseen(
    visit: Visit, asked: Asked, file: str, seen: Foreseen | None, wrong: Issue | None, status: int
) -> Response:
    """`wrong`: why nothing can be foreseen; a file that mostly differs may be the right one all the same."""
    made = seen.made if seen else None
    pairs = list(zip(made.differences, seen.postings, strict=True)) if made and seen else []
    rows = [row_of(visit, made, n, *pair) for n, pair in enumerate(pairs[:SHOWN]) if made]
    return visit.page(
        "billing/foreseen.html",
        status,
        asked=asked,
        name=called(visit, asked.side),
        made=made,
        rows=rows,
        names=names_of(visit, rows),
        beyond=(seen.beyond if seen else 0) + max(0, len(pairs) - SHOWN),
        file=file,
        sure="sure" in visit.query,
        fault=visit.told(wrong.text) if wrong else "",
        may_be_sure=bool(wrong and wrong.path == "file" and "sure" not in visit.query),
    )


def repair(visit: Visit) -> Response:
    """Repair every difference and write the day down; the same again is the same record."""
    asked = asked_of(visit)
    path = statements.path_of(visit.desk.settings.folder, visit.form.get("file", ""))
    side, sure = side_of(asked.side), "sure" in visit.form
    try:
        if reading.digest(path) != visit.form.get("digest"):
            raise Conflict(visit.say("reconcile.changed"), path="file")
        made = reconcile(*who(visit), path, side, asked.day, visit.zone, asked.currency, sure)
    except NO as no:
        return page(visit, visit.told(no.issues[0].text), no.status)
    return visit.go(f"/books/reconciled/{made.id}?done=repaired")


# --- what is asked ---


def asked_of(visit: Visit) -> Asked:
    """Yesterday where no day is asked for. Raises Invalid for what is no day, or no side here."""
    return Asked(*party_of(visit), day_of(visit, yesterday(visit)))


def party_of(visit: Visit) -> tuple[str, str]:
    """Side and currency, as `simulated CNY`; the first there is where none is asked for."""
    said, there = visit.form.get("party") or visit.query.get("party"), parties_of(visit)
    if not said and there:
        return there[0]
    name, _, currency = (said or "").rpartition(" ")
    if (name, currency) not in there:
        raise Invalid(f"{(said or '')[:60]!r} is nobody to reconcile with here", path="party")
    return name, currency


def yesterday(visit: Visit) -> date:
    return visit.today - timedelta(days=1)


def parties_of(visit: Visit) -> list[tuple[str, str]]:
    """Side and currency of each that there is."""
    return parties(visit.desk.store, providers_of(visit.desk.settings))


def history(visit: Visit, asked: Asked) -> list[Day]:
    """The days up to yesterday since the first that was reconciled, at most a month, the latest first."""
    found = {one.day: one for one in reconciliations(visit.records, asked.side, asked.currency)}
    last = yesterday(visit)
    days = [last - timedelta(days=n) for n in range(DAYS)]
    return [
        Day(day, found.get(day), colour(visit, found[day]) if day in found else "")
        for day in days
        if found and day >= min(found)
    ]
