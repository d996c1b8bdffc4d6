"""What the assistants say of a city they have never seen, held against the truth that no record shows.

    python benchmarks/assistants/truth.py [REGISTRY] [PEOPLE] [SEED]

REGISTRY holds the models that were learned from another seed's city. Makes a new city, asks the differential at every
emergency visit two hours after arrival and the risk of everybody on the last day, and writes `TRUTH.md` beside this
file. No store: events straight from the files, by the same `events_of`.
"""

import json
import sys
import tempfile
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from salus.analytics.events import Event, events_of, in_order, table_of
from salus.demo.city import make
from salus.learning.step7_deploy import Deployed, Registry

END = date(2026, 3, 1)


def events_by_person(folder: Path) -> dict[str, pa.Table]:
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for file in folder.glob("*.ndjson"):
        for line in file.read_bytes().splitlines():
            for event in events_of(orjson.loads(line)):
                found[event.subject_id].append(event)
    return {person: table_of(in_order(events)) for person, events in found.items()}


def visits(model: Deployed, events: dict[str, pa.Table], truth: dict[str, Any]) -> list[str]:
    """Rows of the table: how often the true illness of an emergency visit stands first, or among the first three."""
    code_of = {name: codes[0].split("//")[1] for name, codes in model.task.label.classes.items()}
    first, three, said, asked = 0, 0, 0, 0
    for person, known in truth.items():
        for episode in known["episodes"]:
            at = datetime.fromisoformat(episode["arrived"]).astimezone(UTC) + timedelta(hours=2)
            if episode["code"] not in code_of.values():
                continue
            asked += 1
            given = model.predict_events(events[person], at).probabilities
            ranked = [code_of[name] for name in sorted(given, key=lambda name: -given[name])]
            said, first, three = (
                said + bool(ranked),
                first + (ranked[:1] == [episode["code"]]),
                three + (episode["code"] in ranked[:3]),
            )
    return [
        f"| {model.name}: emergency visits | {asked} |",
        f'| told (not "I cannot tell") | {said / asked:.3f} |',
        f"| the true illness first | {first / asked:.3f} |",
        f"| the true illness among the first three | {three / asked:.3f} |",
    ]


def risks(model: Deployed, events: dict[str, pa.Table], truth: dict[str, Any]) -> list[str]:
    """Rows of the table: how what is said agrees with the true risk of everybody who can be asked."""
    at, pairs = datetime(END.year, END.month, END.day, tzinfo=UTC), []
    for person, known in truth.items():
        if known["died"] is None and "diabetes" not in known["illness"]:
            said = model.predict_events(events[person], at).probabilities.get("yes")
            if said is not None:
                pairs.append((said, known["risk"]["diabetes"]["probability_12m"]))
    said, true = np.array(pairs).T
    high = true >= np.quantile(true, 0.9)
    return [
        f"| {model.name}: people without diabetes, alive, told a risk | {len(pairs)} |",
        f"| rank correlation (Spearman) of said and true risk | {spearmanr(said, true).statistic:.3f} |",
        f"| AUROC of finding the tenth of highest true risk | {roc_auc_score(high, said):.3f} |",
        f"| mean said, mean true | {said.mean():.4f}, {true.mean():.4f} |",
    ]


def main(registry: Path, people: int = 1500, seed: int = 8) -> None:
    folder = make(Path(tempfile.mkdtemp()), people=people, years=5, seed=seed, end=END)
    truth = {
        k: v
        for k, v in json.loads((folder / "truth.json").read_text())["patients"].items()
        if not k.startswith("showcase")
    }
    events, models = events_by_person(folder), Registry(registry)
    rows: list[str] = []
    for name, ask in (("acute-differential", visits), ("diabetes-12m", risks)):
        if model := models.promoted(name):
            rows += ask(model, events, truth)
    table = "\n".join(rows)
    Path(__file__).with_name("TRUTH.md").write_text(PAGE.format(people=people, seed=seed, table=table), "utf-8")


PAGE = """# What is said, held against the truth

Models learned from the city of seed 7 (2,000 people), asked about another city (seed {seed}, {people} people, 5 years)
that they have never seen. The truth is what the city's maker wrote beside the records: which illness an emergency visit
really was (also where the recorded diagnosis is wrong), and the yearly risk that a person has by nature. Said is
the chance that diabetes is *found* within a year, the truth that it *begins*: some of what is found had begun before.
Script: `truth.py`.

| | |
|---|--:|
{table}
"""

if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "var/demo/models"), *map(int, sys.argv[2:4]))
