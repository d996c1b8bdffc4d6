"""All that one patient's chart shows, put together from the resources of their compartment."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from salus.ui import formats
from salus.ui.charts import Lane, Mark
from salus.web.telling import courses, measures, terms
from salus.web.telling import person as people
from salus.web.telling.courses import Course
from salus.web.telling.measures import Trend

Resource = Mapping[str, Any]
TYPES = (
    "AllergyIntolerance",
    "Condition",
    "Encounter",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Procedure",
)
CRITICAL_FOR = timedelta(days=7)  # how long a critical result is called out above everything else
SPAN = timedelta(days=6 * 365)  # the most that the timeline shows
MARGIN = timedelta(days=10)  # on either side of it
LATEST = 12  # happenings told in words below it


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline in words: when, what kind (`happened.<kind>`), what, from which resource."""

    at: str
    kind: str
    what: str
    source: str


class Dossier:
    """A patient's resources, each section told when it is asked for."""

    def __init__(self, patient: Resource, resources: Iterable[Resource], language: str, today: date) -> None:
        self.patient, self.language, self.today = patient, language, today
        self.by_type: dict[str, list[Resource]] = defaultdict(list)
        for one in resources:
            self.by_type[one["resourceType"]].append(one)

    @cached_property
    def person(self) -> people.Person:
        return people.person(self.patient, self.language, self.today)

    @cached_property
    def allergies(self) -> list[people.Allergy]:
        return people.allergies(self.by_type["AllergyIntolerance"], self.language)

    @cached_property
    def trends(self) -> dict[str, Trend]:
        found = measures.measures(self.by_type["Observation"], self.person.gender, self.language)
        return measures.trends(found)

    @cached_property
    def vitals(self) -> list[Trend]:
        return measures.vital_signs(self.trends)

    @cached_property
    def results(self) -> list[Trend]:
        return measures.results(self.trends)

    @cached_property
    def problems(self) -> list[Course]:
        return courses.problems(self.by_type["Condition"], self.language)

    @cached_property
    def medicines(self) -> list[Course]:
        given = self.by_type["MedicationRequest"] + self.by_type["MedicationStatement"]
        return courses.medicines(given, self.language)

    @cached_property
    def encounters(self) -> list[Course]:
        return courses.encounters(told_once(self.by_type["Encounter"]), self.language)

    @property
    def critical(self) -> measures.Measure | None:
        """The latest result that is critical and recent: one alarm, not many."""
        since = (self.today - CRITICAL_FOR).isoformat()
        found = [one.latest for one in self.trends.values() if one.latest.flag in ("HH", "LL", "AA")]
        return max((one for one in found if one.at >= since), key=lambda one: one.at, default=None)

    @cached_property
    def happenings(self) -> list[Happening]:
        """Everything with a day, the latest first."""
        told = [Happening(one.start, "encounter", named(one), one.source) for one in self.encounters]
        told += [Happening(one.start, "problem", one.name, one.source) for one in self.problems]
        told += [Happening(one.start, "medicine", one.name, one.source) for one in self.medicines]
        told += [self.procedure(one) for one in self.by_type["Procedure"]]
        return sorted((one for one in told if one.at), key=lambda one: one.at, reverse=True)

    def procedure(self, resource: Resource) -> Happening:
        """https://hl7.org/fhir/R4/procedure.html"""
        at = resource.get("performedDateTime") or resource.get("performedPeriod", {}).get("start", "")
        return Happening(at, "procedure", terms.concept(resource.get("code"), self.language), terms.reference(resource))

    @cached_property
    def span(self) -> tuple[date, date] | None:
        """From the first to the last day that the timeline shows; None when nothing ever happened."""
        days = [day for one in self.happenings if (day := formats.first_day(one.at)) and day <= self.today]
        days += [day for one in self.trends.values() if (day := formats.first_day(one.latest.at))]
        if not days:
            return None
        last = max(days)
        return shifted(max(min(days), shifted(last, -SPAN)), -MARGIN), shifted(last, MARGIN)

    def lanes(self, names: Mapping[str, str]) -> list[Lane]:
        """The rows of the timeline; `names` says what each is called."""
        rows: Sequence[tuple[str, str, list[Mark]]] = (
            ("encounters", "", [mark for one in self.encounters if (mark := spot(one.start))]),
            ("ongoing", "warm", [mark for one in self.problems if one.now and (mark := self.stretch(one))]),
            ("past", "faint", [mark for one in self.problems if not one.now and (mark := self.stretch(one))]),
            ("medicines", "green", [mark for one in self.medicines if (mark := spot(one.start))]),
            ("results", "grey", self.measured()),
        )
        return [Lane(names[kind], tone, marks) for kind, tone, marks in rows]

    def measured(self) -> list[Mark]:
        days = {one.at[:10] for trend in self.trends.values() for one in trend.measures}
        return [mark for day in sorted(days) if (mark := spot(day))]

    def stretch(self, course: Course) -> Mark | None:
        """From its start to its end, or on and on while it lasts; without an end, a moment."""
        start = formats.first_day(course.start)
        end = self.today + SPAN if course.now else formats.first_day(course.end)
        return Mark(start, end) if start else None


def spot(text: str) -> Mark | None:
    day = formats.first_day(text)
    return Mark(day) if day else None


def named(course: Course) -> str:
    """What it was, and why."""
    return f"{course.name}: {course.detail}" if course.detail else course.name


def told_once(encounters: list[Resource]) -> list[Resource]:
    """Without the parts of a visit that last exactly as long as the visit itself.

    >>> visit = {"id": "1", "period": {"start": "2026-03-01"}}
    >>> len(told_once([visit, visit | {"id": "2", "partOf": {"reference": "Encounter/1"}}]))
    1
    """
    periods = {f"Encounter/{one.get('id')}": one.get("period") for one in encounters}

    def is_new(one: Resource) -> bool:
        whole = one.get("partOf", {}).get("reference")
        return whole not in periods or periods[whole] != one.get("period")

    return [one for one in encounters if is_new(one)]


def shifted(day: date, by: timedelta) -> date:
    """So many days on, as far as the calendar goes.

    >>> shifted(date.max, timedelta(days=10)), shifted(date.min, timedelta(days=-1))
    (datetime.date(9999, 12, 31), datetime.date(1, 1, 1))
    """
    try:
        return day + by
    except OverflowError:
        return date.max if by > timedelta(0) else date.min
