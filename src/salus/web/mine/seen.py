"""Who looked at the own record, or changed it, and what for: the audit as the person it is about may read it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial

from starlette.responses import Response

from salus.base.errors import SalusError
from salus.privacy import SYSTEM, Purpose
from salus.services.appointments.brochure import USUAL
from salus.web.accounts import ACCOUNTS
from salus.web.telling import terms
from salus.web.telling.person import person
from salus.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Look:
    """How often somebody did something for a purpose on a day; `by_us`: a program of the house did."""

    who: str
    by_us: bool
    purpose: str
    act: str
    times: int


def listing(visit: Visit) -> Response:
    """Day by day, the latest first; what the patient did themselves is left out."""
    lines = [one for one in visit.records.looks() if one.who != visit.who.actor.reference]
    counted = Counter((one.at.astimezone(USUAL).date(), one.who, one.purpose, one.act) for one in lines)
    named, said = names(visit), partial(status, visit)
    days: dict[date, list[Look]] = {}
    for (day, who, purpose, act), times in counted.items():
        look = Look(named(who), who == SYSTEM.reference, said("purpose", purpose), said("act", act), times)
        days.setdefault(day, []).append(look)
    return visit.page("mine/seen.html", days=days)


def status(visit: Visit, kind: str, value: str) -> str:
    return terms.status(kind, value, visit.language)


def names(visit: Visit) -> Callable[[str], str]:
    """What somebody is called: by their account, else as the house knows them, else as the audit names them."""
    house = visit.desk.store.open(SYSTEM, Purpose.OPERATIONS)
    accounts = {one.actor.reference: one.name(visit.language) for one in ACCOUNTS.values()}
    known: dict[str, str] = {SYSTEM.reference: visit.say("mine.seen.house"), **accounts}

    def named(who: str) -> str:
        if who not in known:
            kind, _, id = who.partition("/")
            try:
                known[who] = person(house.read(kind, id).json(), visit.language, date.max).name
            except SalusError:
                known[who] = who
        return known[who]

    return named
