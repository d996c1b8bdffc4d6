"""The assistant is asked about a city it has never seen, and held against what no record shows."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from salus.analytics.events import Event, events_of, in_order, table_of
from salus.base.settings import Settings
from salus.demo.city import make
from salus.learning.step7_deploy import Registry


def test_the_true_illness_of_an_emergency_visit_is_nearly_always_among_the_first_three(
    hospital: Settings, tmp_path: Path, morning: datetime
):
    model = Registry(hospital.registry).promoted("acute-differential")
    make(tmp_path, people=60, years=4, seed=8, end=morning.date())
    truth = json.loads((tmp_path / "truth.json").read_text())["patients"]
    events = events_by_person(tmp_path)
    code_of = {name: model.task.label.classes[name][0].split("//")[1] for name in model.classes}  # those it has met

    ranks = []
    for person, known in truth.items():
        for episode in known["episodes"]:
            at = datetime.fromisoformat(episode["arrived"]).astimezone(UTC) + timedelta(hours=2)
            given = model.predict_events(table_of(in_order(events[person])), at).probabilities
            ranked = [code_of[name] for name in sorted(given, key=lambda name: -given[name])]
            if episode["code"] in code_of.values():
                ranks.append(ranked.index(episode["code"]) if ranked else len(code_of))

    assert len(ranks) > 40
    assert sum(rank == 0 for rank in ranks) / len(ranks) > 0.6
    assert sum(rank < 3 for rank in ranks) / len(ranks) > 0.85


def events_by_person(city: Path) -> dict[str, list[Event]]:
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for file in city.glob("*.ndjson"):
        for line in file.read_text("utf-8").splitlines():
            for event in events_of(json.loads(line)):
                found[event.subject_id].append(event)
    return found
