"""What the pages of billing and of the books are asked, and at whose hand."""

from datetime import date

from salus.privacy import Actor, Purpose
from salus.records import Store
from salus.web import days
from salus.web.visit import Visit


def who(visit: Visit) -> tuple[Store, Actor, Purpose]:
    """At whose hand it is done."""
    return visit.desk.store, visit.who.actor, visit.who.purpose


def day_of(visit: Visit, usual: date) -> date:
    """The day that is asked for, else the usual one. Raises Invalid."""
    return days.day_of(visit.form.get("day") or visit.query.get("day") or "", "day") or usual
