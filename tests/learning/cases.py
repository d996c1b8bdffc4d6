"""Small lives that are hard on features: ties in time, late records, other units, values that are none or too great.

A batch is one recipe and many subjects, so that an engine that is slow to start is asked once.
"""

import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from salus.analytics.events import EVENT_SCHEMA
from salus.learning.dictionary import Concept, EventRecipe, Feature, Rolled
from salus.learning.task import VALUES

sys.path.insert(0, str(Path(__file__).parent))
from oracle import row_of

DAY_US = 86_400_000_000
NAME = {"en": "n", "zh": "n"}
WINDOWS = (0, 0.25, 1 / 24, 1, 1.5, 7, 30, 365, 3650.5)
NUMBERS = (0.0, -0.0, 7.25, 1e9, -1e9, 1e9 + 1, 1e12, 1e300, float("inf"), float("-inf"), float("nan"), 5e-7, 1.5e-6)
SEXES = ("SEX//female", "SEX//male", "SEX//other")


@dataclass(frozen=True)
class Batch:
    """One recipe; the events of all subjects, out of order; rows as (subject_id, at_us)."""

    recipe: EventRecipe
    events: list[dict]
    rows: list[tuple[str, int]]

    def table(self) -> pa.Table:
        return pa.Table.from_pylist(self.events, schema=EVENT_SCHEMA)

    def asked(self) -> pa.Table:
        return rows_of(self.rows)

    def of(self, subject: str) -> list[dict]:
        return [event for event in self.events if event["subject_id"] == subject]


def expected_of(one: Batch) -> np.ndarray:
    """What plain Python says, shape (rows, features)."""
    return np.array([row_of(one.recipe, one.of(subject), at) for subject, at in one.rows])


def rows_of(pairs: list[tuple[str, int]]) -> pa.Table:
    """row, subject_id, at_us."""
    return pa.table(
        {
            "row": pa.array(range(len(pairs)), pa.int64()),
            "subject_id": pa.array([subject for subject, _ in pairs], pa.string()),
            "at_us": pa.array([at for _, at in pairs], pa.int64()),
        }
    )


def recipe_of(concepts: list[Concept], windows: list[float], blind_hours: float, left_out: float = 0.0) -> EventRecipe:
    """Every value of every concept in every window, but for a share of them; age and sex."""
    chance = random.Random(str((len(concepts), windows, left_out)))
    made = [Feature(name=name, source=name, value=name, label=NAME) for name in ("age", "sex")]
    for concept in concepts:
        for value in VALUES:
            for days in [0] if value == "since" else windows:
                if chance.random() >= left_out:
                    name = f"{concept.key}.{value}.{days}"
                    made.append(Feature(name=name, source=concept.key, value=value, window_days=days, label=NAME))
    return EventRecipe(concepts=concepts, features=made, blind_hours=blind_hours)


def batch(seed: int, subjects: int, greatest: int = 14, windows_wanted: int = 4) -> Batch:
    """Random lives of up to `greatest` events each, some subjects with several rows, some with no event."""
    chance = random.Random(seed)
    concepts = [
        Concept(code="A", unit=chance.choice(["mg", None])),
        Concept(code="B", blind=chance.random() < 0.5),
        Concept(code="S", text="present"),
        Concept(code="S", text="absent", unit="g"),
        Concept(code="é//" + "x" * 40, unit="mg"),
    ]
    if chance.random() < 0.5:
        concepts.append(Concept(code="S"))  # beside those with a text
    concepts.append(Concept(code="UNDER//all", unit="mg", members=["A", "B", "é//*", "Z"]))
    windows = sorted(chance.sample(WINDOWS, windows_wanted))
    recipe = recipe_of(concepts, windows, chance.choice([0, 0.5, 24]), chance.choice([0, 0.3]))
    recipe.rolled = Rolled(codes=["*"], exclude=["B"], blind=["Z", "é//x*"])
    events, rows = [], []
    for number in range(subjects):
        subject, at = f"{number:x}-{chance.choice('pé漢')}", chance.randrange(-5000, 20_000) * DAY_US // 7
        rows += [(subject, at + chance.choice([0, 1, DAY_US])) for _ in range(chance.choice([1, 1, 1, 2, 3]))]
        moments = [at - offset for offset in offsets(chance, windows, recipe.blind_hours)]
        events += [event(chance, subject, moments) for _ in range(chance.randrange(greatest + 1))]
    chance.shuffle(events)
    chance.shuffle(rows)
    return Batch(recipe, events, rows)


def offsets(chance: random.Random, windows: list[float], blind_hours: float) -> list[int]:
    """Microseconds before the moment: at the bounds of windows, just beside them, and anywhere."""
    bounds = [round(days * DAY_US) for days in windows] + [round(blind_hours * 3_600_000_000), 0]
    near = [bound + chance.choice([-1, 0, 0, 1]) for bound in chance.sample(bounds, 2)]
    return near + [chance.randrange(-DAY_US, 400 * DAY_US) for _ in range(3)]


def event(chance: random.Random, subject: str, moments: list[int]) -> dict:
    time = chance.choice(moments)
    later = [None, time, time - 1, time + 1, time + chance.randrange(3 * DAY_US), chance.choice(moments)]
    value = chance.choice([None, chance.choice(NUMBERS), chance.gauss(100, 30), chance.uniform(-1e9, 1e9)])
    return {
        "subject_id": subject,
        "time": chance.choice([*[time] * 9, None]),
        "code": chance.choice(["A", "A", "A", "B", "S", "é//" + "x" * 40, "Z", "MEDS_BIRTH", chance.choice(SEXES)]),
        "numeric_value": value,
        "text_value": chance.choice([None, "present", "absent", "?"]),
        "unit": chance.choice([None, "mg", "mg", "g", "?"]),
        "encounter_id": None,
        "source_id": chance.choice(["Observation/1", "Observation/2", "Observation/10", "é", "漢", ""]),
        "recorded_time": chance.choice(later),
    }


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    return not differing(left, right).any()


def differing(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Where two matrices do not hold the same bits; all NaN are the same, 0.0 and -0.0 are not."""
    left, right = np.ascontiguousarray(left), np.ascontiguousarray(right)
    return (left.view(np.int64) != right.view(np.int64)) & ~(np.isnan(left) & np.isnan(right))
