"""A model in use, week by week, as counts: each stored suggestion is read once, and then only the counts are.

The counts of a model lie beside its versions, `<name>/watch-<version>.json`. They hold no person: how many rows fell in
which bin of which feature, and how often which probability was said.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from salus.analytics.events import patient_events
from salus.assistants.resources import MODELS, suggestion_of
from salus.assistants.suggestion import Suggestion
from salus.base import clock
from salus.base.errors import Gone, Missing
from salus.learning.dictionary import write_json
from salus.learning.step7_deploy import Deployed
from salus.learning.step7_deploy.drift import Drift
from salus.learning.step7_deploy.watching import Counts, Watch
from salus.records import Records, Version

PAGE, SECONDS = 500, 2.0  # suggestions a search; how long one call counts before it leaves the rest to the next
SHOWN, WEEKS = 12, 26
EPOCH = "2000-01-01T00:00:00Z"
LOCK = Lock()


class Seen(msgspec.Struct):
    """How far the counting has come: `last` instant of storing, `there` what was counted of that instant."""

    last: str = EPOCH
    there: list[str] = msgspec.field(default_factory=list)
    weeks: dict[str, Counts] = msgspec.field(default_factory=dict)
    behind: bool = False


def week_of(suggestion: Suggestion) -> str:
    return f"{suggestion.at:%G-W%V}"


def watched(records: Records, deployed: Deployed, seconds: float = SECONDS) -> dict[str, Any] | None:
    """Drift week by week of one version, counted up to now; None for a bundle that keeps nothing to watch by.

    Counts for so many seconds at most; `behind` says that the rest waits for the next call.
    """
    watch = deployed.watch
    if watch is None:
        return None
    file = deployed.folder.parent / f"watch-{deployed.version}.json"
    with LOCK:
        seen = msgspec.json.decode(file.read_bytes(), type=Seen) if file.is_file() else Seen()
        catch_up(records, deployed, watch, seen, seconds)
        keep(file, seen)
    weeks = sorted(seen.weeks)[-WEEKS:]
    return {
        "version": deployed.version,
        "behind": seen.behind,
        "weeks": [told(week, watch, seen.weeks[week]) for week in weeks],
        "features": [named(one, deployed) for one in (watch.drifts(recent(seen, weeks[-4:])) if weeks else [])[:SHOWN]],
    }


def keep(file: Path, seen: object) -> None:
    """Written whole or not at all."""
    draft = file.with_suffix(".draft")
    write_json(draft, seen)
    os.replace(draft, file)


def catch_up(records: Records, deployed: Deployed, watch: Watch, seen: Seen, seconds: float) -> None:
    """Count the suggestions of this version that were stored since."""
    until, seen.behind = time.monotonic() + seconds, False
    for version in since(records, deployed.name, seen.last):
        if time.monotonic() > until:
            seen.behind = True
            return
        stored = clock.instant(version.updated)
        if stored == seen.last and version.id in seen.there:
            continue
        seen.there = [*seen.there, version.id] if stored == seen.last else [version.id]
        seen.last, suggestion = stored, suggestion_of(version.json())
        if suggestion.model.version == deployed.version:
            count(records, deployed, watch, suggestion, seen.weeks.setdefault(week_of(suggestion), Counts()))


def since(records: Records, model: str, last: str) -> Iterator[Version]:
    """Stored suggestions of a model from an instant on, in the order of storing."""
    wanted = [("method", f"{MODELS}|{model}"), ("_lastUpdated", f"ge{last}")]
    page = records.search("RiskAssessment", [*wanted, ("_sort", "_lastUpdated"), ("_count", str(PAGE))])
    yield from page.versions
    while page.next:
        page = records.search("RiskAssessment", page.next)
        yield from page.versions


def count(records: Records, deployed: Deployed, watch: Watch, suggestion: Suggestion, counts: Counts) -> None:
    """Count what was said, and what was known of the patient then; of a foreign patient nothing is known here."""
    if suggestion.leading:
        counts.tell(suggestion.leading.probability)
    else:
        counts.abstained += 1
    if ":" in suggestion.patient:
        return
    try:
        events = patient_events(records, suggestion.patient)
    except (Missing, Gone):  # erased since
        return
    watch.count(counts, [feature.name for feature in deployed.features], deployed.vector(events, suggestion.at))


def recent(seen: Seen, weeks: list[str]) -> Counts:
    """Several weeks as one."""
    made = Counts()
    for week in weeks:
        one = seen.weeks[week]
        made.rows, made.abstained = made.rows + one.rows, made.abstained + one.abstained
        for name, own in one.features.items():
            before = made.features.get(name, [0] * len(own))
            made.features[name] = [a + b for a, b in zip(before, own, strict=True)]
    return made


def told(week: str, watch: Watch, counts: Counts) -> dict[str, Any]:
    """One week: how many, the features that moved, and the quality that the probabilities promise."""
    drifts, expected = watch.drifts(counts), watch.expected(counts)
    return {
        "week": week,
        "suggestions": expected.count + counts.abstained,
        "abstained": counts.abstained,
        "moved": sum(one.alarm for one in drifts),
        "psi": max((one.psi for one in drifts), default=None),
        "expected": msgspec.to_builtins(expected),
        "alarm": expected.alarm or any(one.alarm for one in drifts),
    }


def named(one: Drift, deployed: Deployed) -> dict[str, Any]:
    """A feature's drift with what people call it."""
    labels = {feature.name: feature.label for feature in deployed.features}
    plain: dict[str, Any] = msgspec.to_builtins(one)
    return plain | {"label": labels[one.feature]}
