"""A person's chart as it is written: what the hospital knows, which is less than the truth and later."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

from salus.demo.people import Person
from salus.demo.resources import META, Resource, reference

ZONE = timezone(timedelta(hours=8))  # China has one
LETTERS = {"Encounter": "e", "Observation": "o", "Condition": "c", "MedicationRequest": "m", "DiagnosticReport": "r"}


def moment(day: int, minutes: float) -> datetime:
    """The time so many minutes after midnight of a day, in the city's zone."""
    whole = datetime.fromordinal(day).replace(tzinfo=ZONE)
    return whole + timedelta(minutes=round(minutes))


@dataclass(frozen=True, slots=True)
class Review:
    """A medication review: the day, the values it recorded, the option of each question it put (None: left open)."""

    day: int
    values: Mapping[str, float]
    given: Mapping[str, str | None]


@dataclass(slots=True)
class Chart:
    """The chart of one person. Nothing is written that would be known only at `closes` or later."""

    person: Person
    rng: Random
    closes: datetime
    known: dict[str, int] = field(default_factory=dict)  # illness -> the day it was diagnosed
    treated: dict[str, int] = field(default_factory=dict)  # ATC -> the day it was begun
    resources: list[tuple[str, Resource]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    episodes: list[dict[str, Any]] = field(default_factory=list)  # acute illness: the truth, for truth.json
    smoker_asked: int = 0
    review: Review | None = None
    notes: dict[str, Any] = field(default_factory=dict)  # for truth.json only

    def add(self, kind: str, body: Resource) -> str:
        """Write a resource about this person; gives its id."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        id = f"{self.person.id}-{LETTERS.get(kind, kind[0].lower() + 'x')}{self.counts[kind]}"
        self.resources.append((kind, {"resourceType": kind, "id": id, "meta": META, **body}))
        return id

    def observe(
        self, encounter: str, at: datetime, issued: datetime, body: Resource, status: str = "final"
    ) -> str | None:
        """Write an observation made at one time and known (issued) at another; None if it is not known yet."""
        if issued >= self.closes:
            return None
        return self.add(
            "Observation",
            {
                "status": status,
                **body,
                "subject": self.subject,
                "encounter": reference("Encounter", encounter),
                "effectiveDateTime": at.isoformat(),
                "issued": issued.isoformat(),
            },
        )

    @property
    def subject(self) -> dict[str, str]:
        return reference("Patient", self.person.id)

    def lines(self) -> Iterator[tuple[str, Resource]]:
        yield from self.resources
