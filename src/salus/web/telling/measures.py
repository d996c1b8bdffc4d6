"""Measurements: Observations as values with a unit, a reference range and a flag.

https://hl7.org/fhir/R4/observation.html
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from salus import codes
from salus.ui import formats
from salus.ui.charts import Band, Point
from salus.web.telling import terms

Resource = Mapping[str, Any]

# what does not count as measured: https://hl7.org/fhir/R4/valueset-observation-status.html
NOT_MEASURED = frozenset({"entered-in-error", "cancelled", "registered"})
# interpretation codes shown as they are: https://terminology.hl7.org/CodeSystem-v3-ObservationInterpretation.html
FLAGS = frozenset({"HH", "LL", "AA", "H", "L", "A"})
RESULTS = frozenset({"laboratory", "exam", ""})
VITALS = (  # LOINC codes of the six signs a nurse reads, in the order that they are read
    ("8867-4",),
    ("8480-6",),
    ("8462-4",),
    ("2708-6", "59408-5"),
    ("8310-5", "8331-1"),
    ("9279-1",),
    ("29463-7", "3141-9"),
    ("39156-5",),
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One value: `value` as a number in `unit`, or `text`. `flag` is one of `FLAGS` or empty; `source` the resource."""

    key: str
    name: str
    at: str
    value: float | None
    text: str
    unit: str
    band: Band
    flag: str
    kind: str
    source: str

    @property
    def shown(self) -> float | str:
        return self.text if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class Trend:
    """All measures of one thing in one unit, the oldest first."""

    measures: tuple[Measure, ...]

    @property
    def latest(self) -> Measure:
        return self.measures[-1]

    @property
    def points(self) -> list[Point]:
        return [Point(moment(one.at), one.value) for one in self.measures if one.value is not None]


def moment(text: str) -> datetime:
    """A FHIR dateTime as a moment, its first one when only the day, month or year is known."""
    return datetime.fromisoformat((text + "-01-01")[:10] if len(text) < 10 else formats.without_leap(text))


def measures(observations: Iterable[Resource], sex: str, language: str) -> list[Measure]:
    """Every value measured, components one by one, in the order of time."""
    told = (
        found
        for one in observations
        if one.get("status") not in NOT_MEASURED
        for part in parts(one)
        if (found := measure(one, part, sex, language))
    )
    return sorted(told, key=lambda one: moment_key(one.at))


def moment_key(text: str) -> float:
    """Seconds since 1970, so that moments with and without a zone can be put in order."""
    when = moment(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def parts(observation: Resource) -> Iterator[Resource]:
    """The observation itself when it has a value, and each of its components."""
    if any(name.startswith("value") for name in observation):
        yield observation
    yield from observation.get("component", [])


def measure(observation: Resource, part: Resource, sex: str, language: str) -> Measure | None:
    """One part's value; None when it has no value or no time."""
    at = observation.get("effectiveDateTime") or observation.get("effectivePeriod", {}).get("start")
    quantity = part.get("valueQuantity", {})
    value = quantity.get("value", part.get("valueInteger"))
    text = "" if value is not None else spoken(part, language)
    if not at or (value is None and not text):
        return None
    unit = quantity.get("code") or quantity.get("unit") or ""
    band = reference(part, sex, unit)
    return Measure(
        key=terms.code(part.get("code")),
        name=terms.concept(part.get("code"), language),
        at=at,
        value=value,
        text=text,
        unit=codes.unit_words(unit, language),
        band=band,
        flag=flag(part, value, band),
        kind=kind(observation),
        source=terms.reference(observation),
    )


def spoken(part: Resource, language: str) -> str:
    """A value that is no number, in words."""
    if "valueCodeableConcept" in part:
        return terms.concept(part["valueCodeableConcept"], language)
    if "valueBoolean" in part:
        return terms.status("boolean", str(part["valueBoolean"]).lower(), language)
    return str(part.get("valueString") or part.get("valueDateTime") or "")


def reference(part: Resource, sex: str, unit: str) -> Band:
    """The laboratory's own range if the record has one, else our tables' range if it is in the same unit."""
    for given in part.get("referenceRange", []):
        low, high = given.get("low", {}).get("value"), given.get("high", {}).get("value")
        if low is not None or high is not None:
            return Band(low, high)
    known = codes.lab(terms.code(part.get("code")))
    return Band(*known.reference(sex)) if known and same_unit(known.unit, unit) else Band()


def same_unit(one: str | None, other: str) -> bool:
    """Whether both are written alike on paper, so that mm[Hg] and mmHg are one."""
    return codes.unit_words(one, "en") == codes.unit_words(other, "en")


def flag(part: Resource, value: float | None, band: Band) -> str:
    """What the laboratory said, else above (H) or below (L) the range."""
    for said in part.get("interpretation", []):
        if terms.code(said) in FLAGS:
            return terms.code(said)
    if value is None or band.holds(value):
        return ""
    return "H" if band.high is not None and value > band.high else "L"


def kind(observation: Resource) -> str:
    """vital-signs, laboratory, survey ...: https://hl7.org/fhir/R4/valueset-observation-category.html"""
    said = next((terms.code(one) for one in observation.get("category", [])), "")
    return said or {"vital": "vital-signs", "lab": "laboratory"}.get(known_kind(observation), "")


def known_kind(observation: Resource) -> str:
    known = codes.lab(terms.code(observation.get("code")))
    return known.kind if known else ""


def trends(told: Iterable[Measure]) -> dict[str, Trend]:
    """By code, in the order met; of several units the one measured last."""
    grouped: dict[str, list[Measure]] = defaultdict(list)
    for one in told:
        grouped[one.key].append(one)
    return {key: Trend(tuple(one for one in found if one.unit == found[-1].unit)) for key, found in grouped.items()}


def vital_signs(found: Mapping[str, Trend]) -> list[Trend]:
    """The signs of `VITALS` that were ever measured, in that order."""
    told = (next((found[code] for code in alike if code in found), None) for alike in VITALS)
    return [trend for trend in told if trend and trend.points]


def results(found: Mapping[str, Trend]) -> list[Trend]:
    """What is not a vital sign: what is far off first, then what is off, then the latest."""
    vital = {code for alike in VITALS for code in alike}
    rows = [trend for key, trend in found.items() if key not in vital and trend.latest.kind in RESULTS]
    return sorted(rows, key=urgency)


def urgency(trend: Trend) -> tuple[bool, bool, float]:
    latest = trend.latest
    return len(latest.flag) < 2, not latest.flag, -moment_key(latest.at)
