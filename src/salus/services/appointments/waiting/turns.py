"""Whose turn it is, whom a time suits, and how long they may think about it.

In order of who has waited longest, an urgent place counting as one that was taken some weeks before. So urgency goes
first, and nobody is passed over for ever: whoever comes a head start later stands behind, however urgent.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from salus.services.appointments.finding import Offer
from salus.services.appointments.hours import DAYS
from salus.services.appointments.recurring import utc
from salus.services.appointments.waiting.terms import Place, Terms

HEAD_START = {"urgent": timedelta(days=60), "soon": timedelta(days=21), "routine": timedelta(0)}
SETBACK = timedelta(days=7)  # for each offer that was not answered: who does not look goes behind who does
MOST_LAPSED = 3  # offers not answered, after which a place is given up
LEAD = timedelta(minutes=45)  # nobody can come to a visit that begins sooner

# a visit that begins within -> is offered for so long
LASTS = (
    (timedelta(hours=2), timedelta(minutes=10)),
    (timedelta(hours=24), timedelta(minutes=30)),
    (timedelta(days=3), timedelta(hours=2)),
    (timedelta(days=14), timedelta(hours=12)),
)
LONGEST = timedelta(hours=24)
EVENING, MORNING = time(22), time(8)
AWAKE = timedelta(hours=1)  # to answer after the night
GRACE = timedelta(minutes=2)  # a time is held for longer than it is offered


def in_turn(places: Iterable[Place]) -> list[Place]:
    """Places in the order in which a time is offered to them."""
    return sorted(places, key=lambda one: (turn(one), one.id))


def turn(place: Place) -> datetime:
    """Since when a place counts as taken."""
    return place.since - HEAD_START[place.urgency] + SETBACK * place.lapsed


def keeps(terms: Terms, offer: Offer, zone: ZoneInfo) -> bool:
    """Whether a time is one that is waited for."""
    start = offer.start.astimezone(zone)
    return (
        (not terms.doctors or offer.actors[0] in terms.doctors)
        and (not terms.days or DAYS[start.weekday()] in terms.days)
        and terms.opens <= start.time()
        and offer.end.astimezone(zone).time() <= terms.closes
        and (terms.first is None or terms.first <= start.date())
        and (terms.last is None or start.date() <= terms.last)
    )


def clear(offer: Offer, engaged: Collection[tuple[datetime, datetime]]) -> bool:
    """Whether somebody has no other booking at that time."""
    return all(offer.end <= start or end <= offer.start for start, end in engaged)


def answer_by(now: datetime, start: datetime, zone: ZoneInfo) -> datetime:
    """Until when an offer of a visit that begins at `start` may be answered: the sooner the visit, the shorter; for one
    that is not before the next morning's end not in the night.

    >>> from datetime import UTC
    >>> shanghai, noon = ZoneInfo("Asia/Shanghai"), datetime(2026, 11, 23, 4, tzinfo=UTC)
    >>> [str(answer_by(noon, noon + timedelta(hours=hours), shanghai) - noon) for hours in (1, 20, 70, 300, 400)]
    ['0:10:00', '0:30:00', '2:00:00', '21:00:00', '1 day, 0:00:00']
    """
    lasts = next((time for within, time in LASTS if start - now <= within), LONGEST)
    until = now + lasts
    local = until.astimezone(zone)
    if MORNING <= local.time() < EVENING:
        return until
    morning = local.date() + timedelta(days=local.time() >= EVENING)
    awake = utc(datetime.combine(morning, MORNING), zone) + AWAKE
    return awake if start - awake >= LASTS[0][0] else until
