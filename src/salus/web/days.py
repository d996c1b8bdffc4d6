"""A day as a form says it."""

from datetime import date

from salus.base import clock
from salus.base.errors import Invalid


def day_of(text: str, path: str = "from") -> date | None:
    """None for nothing. Raises Invalid for what is no day, or none that a calendar can reckon with.

    >>> day_of("2026-11-23"), day_of("")
    (datetime.date(2026, 11, 23), None)
    """
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"'{text[:20]}' is no day: 2026-11-23 is one", path=path) from None
    if not clock.is_near(day):
        raise Invalid(f"{day} is too far away: choose a nearer day", path=path)
    return day
