"""Who has booked the time of a clinic. Appointments name their service as what they were made with, or among those who
take part."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.records import Records
from salus.services.reception.clinics import Clinic

Resource = dict[str, Any]
NAMED_BY = ("supporting-info", "actor")


def booked(records: Records, clinic: Clinic, begin: datetime, end: datetime, statuses: Iterable[str]) -> list[Resource]:
    """Appointments of a clinic that begin between two moments (the second not among them), in order."""
    span = [("date", f"ge{clock.instant(begin)}"), ("date", f"lt{clock.instant(end)}")]
    found: dict[str, Resource] = {}
    for name in NAMED_BY:
        asked = [(name, clinic.reference), ("status", ",".join(statuses)), *span, ("_count", "500")]
        found |= {one["id"]: one for one in every(records, "Appointment", asked)}
    return sorted(found.values(), key=lambda one: (one["start"], one["id"]))


def of_day(records: Records, clinic: Clinic, day: date, statuses: Iterable[str]) -> list[Resource]:
    """Those of a local day."""
    begin, end = (midnight(clinic, one) for one in (day, day + timedelta(days=1)))
    return booked(records, clinic, begin, end, statuses)


def midnight(clinic: Clinic, day: date) -> datetime:
    """The first moment of a local day."""
    return datetime.combine(day, time(), clinic.zone).astimezone(UTC)
