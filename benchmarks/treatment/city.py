"""Treatments whose effect is known: does the way from events to an effect model find them in the synthetic city?

    python benchmarks/treatment/city.py [PEOPLE [FIRST_SEED [SEEDS [FOLDER]]]]

Of each seed a city is told (those from 45 years on, the others are in no question), its records become events by the
same `events_of`, and the four effect tasks of the demonstration are answered as `salus effects` answers them. What was
found is held against the truth of the very people it was found among. FOLDER keeps the events between runs.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from salus.analytics.events import events_of, in_order, table_of
from salus.demo.city import charts
from salus.demo.truth import truth_of
from salus.learning.effects.answering import Answered, answer_task
from salus.learning.effects.declared import read_effect_task

LAST = date(2026, 3, 1).toordinal()
FIRST = LAST - 1826
QUESTIONS = ("rosuvastatin", "vitamin-e", "empagliflozin", "diuretic")
KINDS = {"Encounter", "MedicationRequest", "Condition", "Observation"}
RECORDED = {"22748-8", "98979-8", "33762-6", "85354-9", "72166-2"}  # LOINC codes that the questions read


def needed(kind: str, body: dict[str, Any]) -> bool:
    return kind in KINDS and (kind != "Observation" or body["code"]["coding"][0]["code"] in RECORDED)


def told(people: int, seed: int, folder: Path) -> Path:
    """events.parquet and truth.json of a city, made once."""
    place = folder / f"city-{people}-{seed}"
    if not (place / "truth.json").exists():
        (place / "events").mkdir(parents=True, exist_ok=True)
        events, truth = [], {}
        for chart, patient in charts(people, FIRST, LAST, seed, lambda someone: someone.age(LAST) >= 45):
            resources = [patient, *(body for kind, body in chart.resources if needed(kind, body))]
            events += in_order([event for one in resources for event in events_of(one)])
            truth[chart.person.id] = truth_of(chart, LAST).get("review", {"questions": {}})["questions"]
        pq.write_table(table_of(events), place / "events" / "all.parquet")
        (place / "truth.json").write_text(json.dumps(truth))
    return place


@dataclass(frozen=True)
class Found:
    """One question of one city against its truth."""

    question: str
    people: int
    failed: tuple[str, ...]
    naive: float
    truth: float
    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    by: str = ""
    personal: float = float("nan")  # correlation of personal effects with their truth
    inside: float = float("nan")  # share of people whose own interval holds their truth
    earned: bool = False
    right: float = float("nan")  # share of people for whom the advised option is the better one

    @property
    def passed(self) -> bool:
        return not self.failed


def held(made: Answered, truth: dict[str, Any], question: str) -> Found:
    """What was found, against the risks of the same people."""
    rows = pq.read_table(made.run / "step2_prepare" / "rows.parquet").to_pydict()
    first, other = (option.codes[0].split("//")[1] if option.codes else "" for option in made.bundle.task.options)
    unknown = {"risk": {first: np.nan, other: np.nan}}  # two people to look at have had an open review
    asked = [truth[one].get(question, unknown)["risk"] for one in rows["subject_id"]]
    risk = np.array([[one[code] for code in (first, other)] for one in asked])
    gain, known = risk[:, 1] - risk[:, 0], ~np.isnan(risk[:, 0])
    study = made.findings.study
    naive = study.outcome[study.option == 1].mean() - study.outcome[study.option == 0].mean()
    failed = tuple(one.key.removeprefix("gate.") for one in made.bundle.checks if not one.holds)
    if failed:
        return Found(question, len(gain), failed, float(naive), float(np.nanmean(gain)))
    (contrast,), kept, verdict = made.findings.contrasts, made.findings.overlap.kept & known, made.findings.verdict
    own, wide = contrast.effects.value[kept], 1.96 * contrast.effects.error[kept]
    differ = gain[kept].std() > 0 and own.std() > 0
    average = contrast.average
    return Found(
        question,
        len(gain),
        failed,
        float(naive),
        float(gain[kept].mean()),
        average.value,
        average.low,
        average.high,
        contrast.effects.by,
        float(np.corrcoef(own, gain[kept])[0, 1]) if differ else float("nan"),
        float(np.mean(np.abs(own - gain[kept]) <= wide)),
        verdict.earned,
        float(np.mean((verdict.choice == risk.argmin(1))[known])),
    )


def measure(people: int, seed: int, folder: Path) -> Iterator[Found]:
    place = told(people, seed, folder)
    truth = json.loads((place / "truth.json").read_text())
    for question in QUESTIONS:
        task = read_effect_task(Path(str(files("salus.demo") / "effects" / f"{question}.toml")))
        with tempfile.TemporaryDirectory() as room:
            began = time.process_time()
            one = held(answer_task(task, place / "events", Path(room) / "models"), truth, question)
            print(f"  seed {seed} {one} {time.process_time() - began:.1f} CPU-s", file=sys.stderr, flush=True)
        yield one


def line(question: str, found: list[Found]) -> str:
    """A row of the table: what was refused, and of the rest how often the truth was found."""
    told_ = [one for one in found if one.passed]
    why: dict[str, int] = {}
    for one in found:
        for key in one.failed:
            why[key] = why.get(key, 0) + 1
    if not told_:
        return f"| {question} | {len(found)} refused: {why} |"
    value, truth = np.array([one.value for one in told_]), np.array([one.truth for one in told_])
    personal = [one.personal for one in told_ if np.isfinite(one.personal)]
    cells = [
        f"`{question}`",
        f"{np.mean([one.people for one in found]):.0f}",
        f"{len(found) - len(told_)} {why or ''}",
        f"{truth.mean():+.4f}",
        f"{value.mean():+.4f} ({value.std():.4f})",
        f"{sum(one.low <= one.truth <= one.high for one in told_)} of {len(told_)}",
        f"{sum(one.high < 0 for one in told_)}; {sum(one.low > 0 for one in told_)}",
        f"{sum(one.naive > 0 for one in told_)}; {sum(one.value > 0 for one in told_)}",
        f"{sum(one.by == 'model' for one in told_)}; {sum(one.earned for one in told_)}",
        f"{np.mean([one.inside for one in told_]):.2f}; {np.mean(personal) if personal else np.nan:.2f}; "
        f"{np.mean([one.right for one in told_]):.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def main(people: int = 6000, first: int = 100, seeds: int = 20, folder: str = "") -> None:
    with tempfile.TemporaryDirectory() as room:
        place = Path(folder or room)
        found = [one for seed in range(first, first + seeds) for one in measure(people, seed, place)]
    print(
        f"{people} people, seeds {first} to {first + seeds - 1}\n\n"
        "| question | people asked | refused | true | found (SD) | truth inside the 95 % interval | helps; harms |"
        " wrong way: counted; found | by own model; tree earned | own truth inside; correlation; advised rightly |\n"
        "|---|--:|---|--:|--:|---|---|---|---|---|"
    )
    for question in QUESTIONS:
        print(line(question, [one for one in found if one.question == question]))


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:4]]
    main(*numbers, **({"folder": sys.argv[4]} if len(sys.argv) > 4 else {}))
