"""A day, or a moment, as a form says it."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

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


def moment_of(text: str, zone: ZoneInfo, path: str) -> datetime | None:
    """What an `<input type="datetime-local">` says by the clocks of a zone; None for nothing. Raises Invalid for what
    is no moment, or none that those clocks show.

    >>> moment_of("2026-11-23T09:30", ZoneInfo("Asia/Shanghai"), "planned").isoformat()
    '2026-11-23T09:30:00+08:00'
    """
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        raise Invalid(f"'{text[:20]}' is no moment: 2026-11-23T09:30 is one", path=path) from None
    if not clock.is_near(at.date()):
        raise Invalid(f"{at.date()} is too far away: choose a nearer day", path=path)
    if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at.replace(tzinfo=None):
        raise Invalid(f"The clocks do not show {text[:20]}: they are put forward then", path=path)
    return at


def local(at: datetime, zone: ZoneInfo) -> str:
    """As an `<input type="datetime-local">` has it, to the minute that was."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"
