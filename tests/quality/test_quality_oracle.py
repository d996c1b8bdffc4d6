"""The fused SQL counts what a plain look at every event counts, on events with all kinds of faults in them."""

import importlib.util
import random
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from salus.analytics.events import Event
from salus.analytics.quality import check_quality
from salus.analytics.quality.knowledge import known
from salus.base import clock

spec = importlib.util.spec_from_file_location("quality_ward", Path(__file__).parent / "ward.py")
assert spec and spec.loader
ward = sys.modules.get("quality_ward") or importlib.util.module_from_spec(spec)
if "quality_ward" not in sys.modules:
    sys.modules["quality_ward"] = ward
    spec.loader.exec_module(ward)

Row = tuple[Event, "Facts"]
Rule = tuple[Callable[[Event, "Facts"], object], Callable[[Event, "Facts"], object]]
FIXED = ("MEDS_BIRTH", "MEDS_DEATH")


class Facts:
    """What is known of a person from all their events."""

    def __init__(self, events: list[Event]) -> None:
        self.births = {e.time for e in events if e.code == "MEDS_BIRTH" and e.time}
        self.deaths = {e.time for e in events if e.code == "MEDS_DEATH" and e.time}
        self.sexes = {e.code for e in events if e.code.startswith("SEX//")}
        self.birth, self.death = min(self.births, default=None), min(self.deaths, default=None)
        told = [sex for sex in ("female", "male") if f"SEX//{sex}" in self.sexes]
        self.sex = max(told, default=None)
        times = [e.time for e in events if e.time and e.code != "MEDS_BIRTH"]
        self.last = max(times, default=None)


def fact(e: Event):  # type: ignore[no-untyped-def]
    return known(e.code, e.unit, {})


# check -> (which events it is about, which of them are at fault)
ROWS: dict[str, Rule] = {
    "code-form": (lambda e, f: fact(e).code_ok is not None, lambda e, f: not fact(e).code_ok),
    "code-local": (lambda e, f: fact(e).local is not None, lambda e, f: fact(e).local),
    "unit-unknown": (lambda e, f: e.unit is not None, lambda e, f: not fact(e).unit_ok),
    "source-missing": (lambda e, f: True, lambda e, f: e.source_id.endswith(("/", "/?"))),
    "unit-missing": (
        lambda e, f: e.numeric_value is not None and (e.unit or fact(e).low is None) and e.text_value != "true",
        lambda e, f: e.unit is None,
    ),
    "value-bounds": (
        lambda e, f: e.numeric_value is not None and fact(e).low is not None,
        lambda e, f: not fact(e).low <= e.numeric_value <= fact(e).high,
    ),
    "sex-diagnosis": (lambda e, f: fact(e).only_sex and f.sex, lambda e, f: fact(e).only_sex != f.sex),
    "before-birth": (lambda e, f: f.birth and e.time, lambda e, f: e.time < f.birth),
    "after-death": (lambda e, f: f.death and e.time, lambda e, f: e.time - f.death > timedelta(days=2)),
    "in-future": (lambda e, f: e.time, lambda e, f: e.time > ward.NOW),
    "recorded-missing": (lambda e, f: e.time and e.code not in FIXED, lambda e, f: e.recorded_time is None),
    "recorded-before": (lambda e, f: e.time and e.recorded_time, lambda e, f: e.recorded_time < e.time),
}
PEOPLE = {
    "birth-missing": (lambda f: True, lambda f: not f.births),
    "sex-missing": (lambda f: True, lambda f: f.sex is None),
    "birth-twice": (lambda f: f.births, lambda f: len(f.births) > 1),
    "sex-twice": (lambda f: f.sexes, lambda f: len(f.sexes) > 1),
    "death-twice": (lambda f: f.deaths, lambda f: len(f.deaths) > 1),
    "age": (
        lambda f: f.birth and f.last,
        lambda f: f.last - f.birth > timedelta(days=120 * 365.25),
    ),
}


def visits(events: list[Event]) -> dict[str, tuple[int, int]]:
    """Of the checks on visits: how many, and how many at fault."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.encounter_id is not None:
            found[event.encounter_id].append(event)
    begun = {
        id: min((e.time for e in own if e.code.startswith("ENCOUNTER//") and e.time), default=None)
        for id, own in found.items()
    }
    ended = {
        id: max((e.time for e in own if e.code.startswith("ENCOUNTER_END//") and e.time), default=None)
        for id, own in found.items()
    }
    told = {id for id, own in found.items() if any(e.code.startswith("ENCOUNTER//") for e in own)}
    both = [id for id in found if begun[id] and ended[id]]
    return {
        "visit-unknown": (len(found), len(found) - len(told)),
        "visit-of-two": (len(found), sum(len({e.subject_id for e in own}) > 1 for own in found.values())),
        "visit-empty": (len(told), sum(len({e.source_id for e in found[id]}) == 1 for id in told)),
        "visit-ends-first": (len(both), sum(ended[id] < begun[id] for id in both)),
    }  # fmt: skip


def naive(events: list[Event]) -> dict[str, tuple[int, int]]:
    """check -> (how many it is about, how many at fault), by plain loops."""
    of: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        of[event.subject_id].append(event)
    facts = {who: Facts(own) for who, own in of.items()}
    counts = visits(events)
    for id, (among, fails) in ROWS.items():
        about = [e for e in events if among(e, facts[e.subject_id])]
        counts[id] = (len(about), sum(bool(fails(e, facts[e.subject_id])) for e in about))
    for id, (among_people, fails_people) in PEOPLE.items():
        about_people = [f for f in facts.values() if among_people(f)]
        counts[id] = (len(about_people), sum(bool(fails_people(f)) for f in about_people))
    keys = Counter((e.subject_id, e.time, e.code, e.numeric_value, e.text_value, e.unit) for e in events)
    counts["duplicate"] = (len(events), sum(count for count in keys.values() if count > 1))
    return counts


WORDS = """LOINC//8867-4 LOINC//8867-5 LOINC//2823-3 ICD10//O80 ICD10//N40.1 ICD10//xx LOCAL//x TEXT//y WARD//1
    SEX//female SEX//male SEX//unknown MEDS_BIRTH MEDS_DEATH ENCOUNTER//IMP ENCOUNTER_END//IMP"""
CODES = WORDS.split()


def random_events(seed: int) -> Iterator[Event]:
    """Few people, few moments, few values: everything meets everything."""
    dice = random.Random(seed)
    for n in range(400):
        code = dice.choice(CODES)
        moment = datetime(
            dice.choice([1850, 1969, 1970, 2020, 2025, 2027]), dice.randint(1, 12), dice.choice([1, 2, 28]), tzinfo=UTC
        )
        time = None if dice.random() < 0.1 or code.startswith("SEX") else moment
        recorded = dice.choice([None, moment, moment + timedelta(days=1), moment - timedelta(days=1)])
        yield Event(
            f"p{dice.randint(0, 12)}",
            time,
            code,
            dice.choice([None, -1.0, 4.0, 70.0, 5000.0]),
            dice.choice([None, "high", "true"]),
            dice.choice([None, "/min", "mmol/L", "meq/L", "furlong", "Cel"]),
            dice.choice([None, None, *(f"v{i}" for i in range(30))]),
            dice.choice([f"Observation/{n}", f"Encounter/{n % 30}", "lab/", "lab/?"]),
            recorded,
        )


@pytest.mark.parametrize("seed", range(6))
def test_every_count_is_that_of_a_plain_look_at_every_event(seed: int, tmp_path: Path) -> None:
    events = list(random_events(seed))
    with clock.stopped_at(ward.NOW):
        outcome = check_quality(ward.written(events, tmp_path))

    found = {result.id: (result.among, result.failing) for result in outcome.results}
    expected = naive(events)
    assert expected == {id: found[id] for id in expected}
    for result in outcome.results:
        if result.failing:
            assert result.among == sum(one.among for one in result.months)


def months_of(seed: int) -> list[Event]:
    """Thirty people over fourteen months, two codes whose rates and levels jump now and then."""
    dice, events = random.Random(seed), []
    for month in range(14):
        often, level = dice.choice([1, 1, 2, 9]), dice.choice([70.0, 72.0, 150.0])
        for who in range(dice.choice([18, 25, 30])):
            for n in range(often):
                time = datetime(2024 + month // 12, month % 12 + 1, 3 + n, tzinfo=UTC)
                value = level + dice.gauss(0, 5) if dice.random() < 0.95 else None
                code = dice.choice(["LOINC//8867-4", "WARD//x"])
                source = f"Observation/{month}-{who}-{n}"
                events.append(Event(f"p{who}", time, code, value, None, "/min", None, source, time))
    return events


def naive_drift(events: list[Event]) -> dict[str, tuple[int, int]]:
    """The two checks of drift by loops: each month of a code beside the six whole months before it."""
    active: dict[tuple[int, int], set[str]] = defaultdict(set)
    cells: dict[tuple[str, tuple[int, int]], list[Event]] = defaultdict(list)
    for e in events:
        assert e.time
        month = (e.time.year, e.time.month)
        active[month].add(e.subject_id)
        cells[e.code, month].append(e)
    inner = sorted(active)[1:-1]
    counts = {"drift-rate": [0, 0], "drift-level": [0, 0]}
    for code in sorted({e.code for e in events}):
        if sum(len(own) >= 20 for (one, _), own in cells.items() if one == code) < 4:
            continue
        begun = min(month for one, month in cells if one == code)
        rows = [(len(active[m]), cells.get((code, m), [])) for m in inner if m >= begun and len(active[m]) >= 20]
        for at, (people, own) in enumerate(rows):
            earlier = rows[max(0, at - 6) : at]
            if len(earlier) < 3:
                continue
            expected = people * statistics.median(len(some) / there for there, some in earlier)
            if expected >= 20:
                counts["drift-rate"][0] += 1
                counts["drift-rate"][1] += len(own) < expected / 3 or len(own) > 3 * expected
            values = numbers(own)
            spreads = [statistics.stdev(numbers(some)) for _, some in earlier if len(numbers(some)) > 1]
            if len(values) >= 20 and spreads and statistics.median(spreads) > 0:
                usual = statistics.median(statistics.mean(numbers(some)) for _, some in earlier if numbers(some))
                counts["drift-level"][0] += 1
                counts["drift-level"][1] += abs(statistics.mean(values) - usual) > 2 * statistics.median(spreads)
    return {id: (among, failing) for id, (among, failing) in counts.items()}


def numbers(events: list[Event]) -> list[float]:
    return [e.numeric_value for e in events if e.numeric_value is not None]


@pytest.mark.parametrize("seed", range(6))
def test_drift_is_counted_like_a_plain_look_at_every_month(seed: int, tmp_path: Path) -> None:
    events = months_of(seed)
    with clock.stopped_at(ward.NOW):
        outcome = check_quality(ward.written(events, tmp_path))

    found = {result.id: (result.among, result.failing) for result in outcome.results}
    expected = naive_drift(events)
    assert expected == {id: found[id] for id in expected}
