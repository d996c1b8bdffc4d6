"""A small ward whose data are fit for use, and what can go wrong in it: one fault for each check."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from salus.analytics.events import Event, table_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PEOPLE, MONTHS, PULSE = 24, 9, "LOINC//8867-4"
DAY = timedelta(days=1)
Events = list[Event]


def at(month: int, day: int = 10, hour: int = 9) -> datetime:
    """In the year 2025."""
    return datetime(2025, month, day, hour, tzinfo=UTC)


def measured(who: str, time: datetime, code: str, value: float, unit: str, id: str, visit: str | None = None) -> Event:
    return Event(who, time, code, value, None, unit, visit, f"Observation/{id}", time + timedelta(hours=1))


def person(n: int) -> Events:
    """Birth and sex, a visit a month with pulse and body mass, a diagnosis that fits, a stay in hospital."""
    who, sex = f"p{n:02}", "female" if n % 2 else "male"
    source, born = f"Patient/p{n:02}", datetime(1950 + n, 3, 1, tzinfo=UTC)
    events = [
        Event(who, None, f"SEX//{sex}", None, None, None, None, source, None),
        Event(who, born, "MEDS_BIRTH", None, None, None, None, source, born),
    ]
    for month in range(1, MONTHS + 1):
        time, visit = at(month), f"v{n}-{month}"
        kind = "IMP" if month == 5 and n < 2 else "AMB"
        begin, end = time - timedelta(hours=1), time + timedelta(hours=3)
        events += [
            Event(who, begin, f"ENCOUNTER//{kind}", None, None, None, visit, f"Encounter/{visit}", begin),
            Event(who, end, f"ENCOUNTER_END//{kind}", None, None, None, visit, f"Encounter/{visit}", end),
            measured(who, time, "LOINC//8867-4", 60.0 + n + month, "/min", f"{visit}-hr", visit),
            measured(who, time, "LOINC//8867-4", 62.0 + n + month, "/min", f"{visit}-hr2", visit),
            measured(who, time, "LOINC//29463-7", 70.0 + n, "kg", f"{visit}-w", visit),
            measured(who, time, "LOINC//8302-2", 170.0, "cm", f"{visit}-h", visit),
            measured(who, time, "LOINC//39156-5", (70.0 + n) / 1.7**2, "kg/m2", f"{visit}-bmi", visit),
        ]
    code = "ICD10//O80" if sex == "female" else "ICD10//N40"
    return [*events, Event(who, at(3), code, None, None, None, f"v{n}-3", f"Condition/c{n}", at(3))]


def fit() -> Events:
    """The whole ward; one of them died."""
    events = [event for n in range(PEOPLE) for event in person(n)]
    heights = [e for e in events if e.code == "LOINC//8302-2"]
    events = [e for e in events if e.code != "LOINC//8302-2"]
    events += [e._replace(numeric_value=e.numeric_value + i % 2 * 0.1) for i, e in enumerate(heights)]
    died = at(11)
    return [*events, Event("p00", died, "MEDS_DEATH", None, None, None, None, "Patient/p00", died)]


def first(events: Events, code: str) -> Event:
    return next(event for event in events if event.code.startswith(code))


def changed(code: str, /, **parts: object) -> Callable[[Events], Events]:
    """The first event of that code is otherwise."""

    def change(events: Events) -> Events:
        one = first(events, code)
        return [event._replace(**parts) if event is one else event for event in events]

    return change


def where(wanted: Callable[[Event], bool], **parts: object) -> Callable[[Events], Events]:
    """All such events are otherwise."""
    return lambda events: [event._replace(**parts) if wanted(event) else event for event in events]


def scaled(code: str, factor: float, start: datetime = datetime(2025, 1, 1, tzinfo=UTC)) -> Callable[[Events], Events]:
    """The values of that code are so many times what they were, from that moment on."""

    def scale(event: Event) -> Event:
        is_meant = event.code == code and event.time is not None and event.time >= start
        return event._replace(numeric_value=event.numeric_value * factor) if is_meant else event

    return lambda events: [scale(event) for event in events]


def is_pulse(event: Event) -> bool:
    return event.code == PULSE


def in_months(event: Event, *months: int) -> bool:
    return event.time is not None and event.time.year == 2025 and event.time.month in months


def in_two_beds(events: Events) -> Events:
    """A second stay of the same person that begins with the first."""
    stay = next(e for e in events if e.code == "ENCOUNTER//IMP")
    return [*events, stay._replace(encounter_id="other", source_id="Encounter/other")]


def added(code: str, /, **parts: object) -> Callable[[Events], Events]:
    """One event more, like the first of that code but for these parts."""
    return lambda events: [*events, first(events, code)._replace(**parts)]


def without(wanted: Callable[[Event], bool]) -> Callable[[Events], Events]:
    return lambda events: [event for event in events if not wanted(event)]


def one_person_much(events: Events) -> Events:
    own = [event for event in events if event.subject_id == "p01"]
    one = first(own, PULSE)._replace(subject_id="test")
    many = range(1001 * len(own))
    return [*events, *(one._replace(source_id=f"Observation/t{n}", numeric_value=40.0 + n % 200) for n in many)]


# check -> (what makes it fail, how many rows are at fault then)
FAULTS: dict[str, tuple[Callable[[Events], Events], int]] = {
    "code-form": (changed(PULSE, code="LOINC//8867-5"), 1),
    "code-local": (where(is_pulse, code="TEXT//pulse"), 432),
    "unit-unknown": (changed(PULSE, unit="beats"), 1),
    "unit-of-another-kind": (changed(PULSE, unit="kg"), 1),
    "source-missing": (changed(PULSE, source_id="lab/?"), 1),
    "visit-unknown": (changed(PULSE, encounter_id="nowhere"), 1),
    "visit-of-two": (added(PULSE, subject_id="p07"), 1),
    "body-mass-index": (scaled("LOINC//39156-5", 1.2), 216),
    "birth-missing": (without(lambda e: e.code == "MEDS_BIRTH" and e.subject_id == "p03"), 1),
    "sex-missing": (without(lambda e: e.code.startswith("SEX") and e.subject_id == "p03"), 1),
    "time-missing": (where(lambda e: e.source_id.endswith("-w"), time=None), 216),
    "unit-missing": (where(is_pulse, unit=None, code="LOINC//99999-9"), 432),
    "value-missing": (where(is_pulse, numeric_value=None), 432),
    "visit-empty": (without(lambda e: e.source_id.startswith("Obs") and in_months(e, 1, 2)), 48),
    "month-empty": (without(lambda e: in_months(e, 4)), 2),
    "duplicate": (lambda events: [*events, *(e._replace(source_id="x/1") for e in events if is_pulse(e))], 864),
    "birth-twice": (added("MEDS_BIRTH", time=datetime(1950, 4, 1, tzinfo=UTC)), 1),
    "sex-twice": (added("SEX//male", code="SEX//female"), 1),
    "death-twice": (added("MEDS_DEATH", time=at(12)), 1),
    "value-bounds": (where(lambda e: is_pulse(e) and e.subject_id == "p02", numeric_value=900.0), 18),
    "value-constant": (where(is_pulse, numeric_value=77.0), 1),
    "sex-diagnosis": (changed("ICD10//N40", code="ICD10//O80"), 1),
    "age": (changed("MEDS_BIRTH", time=datetime(1725, 1, 1, tzinfo=UTC)), 1),
    "events-too-many": (one_person_much, 1),
    "before-birth": (changed(PULSE, time=datetime(1900, 1, 1, tzinfo=UTC)), 1),
    "after-death": (where(lambda e: is_pulse(e) and e.subject_id == "p00", time=at(11) + 3 * DAY), 18),
    "in-future": (changed(PULSE, time=NOW + DAY), 1),
    "recorded-before": (changed(PULSE, recorded_time=at(1, 1)), 1),
    "visit-ends-first": (changed("ENCOUNTER_END//AMB", time=at(1, 9)), 1),
    "visit-overlap": (in_two_beds, 1),
    "drift-rate": (without(lambda e: is_pulse(e) and in_months(e, 8)), 1),
    "drift-level": (scaled(PULSE, 1 / 6, at(7, 1)), 2),
}


def written(events: Events, folder: Path) -> Path:
    """As a folder of events in two shards."""
    for shard in range(2):
        place = folder / f"shard={shard:03}"
        place.mkdir(parents=True, exist_ok=True)
        own = [event for event in events if (sum(event.subject_id.encode()) + shard) % 2]
        pq.write_table(table_of(own), place / "part-000.parquet")
    return folder
