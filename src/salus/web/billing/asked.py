"""What the pages of billing and of the books are asked, and at whose hand."""

from datetime import date

from salus.base import clock
from salus.base.errors import Invalid
from salus.privacy import Actor, Purpose
from salus.records import Store
from salus.web.visit import Visit


def who(visit: Visit) -> tuple[Store, Actor, Purpose]:
    """At whose hand it is done."""
    return visit.desk.store, visit.who.actor, visit.who.purpose


def day_of(visit: Visit, usual: date) -> date:
    """The day that is asked for, else the usual one. Raises Invalid."""
    text = visit.form.get("day") or visit.query.get("day") or ""
    try:
        day = date.fromisoformat(text) if text else usual
    except ValueError:
        raise Invalid(f"{text[:20]!r} is no day: 2026-11-22 is one", path="day") from None
    if not clock.is_near(day):
        raise Invalid(f"{day} is too far away: choose a day near today", path="day")
    return day
