"""Who looked at the own record, or changed it, and what for: the audit as the person it is about may read it."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import partial

from starlette.responses import Response

from salus.privacy import SYSTEM
from salus.web.mine.house import called
from salus.web.telling import terms
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
    zone = visit.zone
    lines = [one for one in visit.records.looks() if one.who != visit.who.actor.reference]
    counted = Counter((one.at.astimezone(zone).date(), one.who, one.purpose, one.act) for one in lines)
    named, said = called(visit), partial(status, visit)
    days: dict[date, list[Look]] = {}
    for (day, who, purpose, act), times in counted.items():
        look = Look(named(who), who == SYSTEM.reference, said("purpose", purpose), said("act", act), times)
        days.setdefault(day, []).append(look)
    return visit.page("mine/seen.html", days=days)


def status(visit: Visit, kind: str, value: str) -> str:
    return terms.status(kind, value, visit.language)
