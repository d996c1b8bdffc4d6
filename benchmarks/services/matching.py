"""How well people are known again at the desk, and how long it takes.

Run: `python benchmarks/services/matching.py [--people 20000]`: a store of made-up people, then 3,000 who are here and
come again with slips, 1,500 who are like somebody here and 1,500 like nobody. `--learn` instead counts the shares m and
u of `weights.toml` on other people (another seed) and prints them.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import quantiles

import orjson

sys.path.insert(0, str(Path(__file__).parent))
from strangers import City, Patient

from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.reception.matching.comparing import LEVELS, compared
from salus.services.reception.matching.matching import Match, matches
from salus.services.reception.matching.people import person_of
from salus.services.reception.matching.weighing import weights

DOOR = SYSTEM, Purpose.OPERATIONS
RARE = {"identifier": {"same": 1e-8, "near": 1e-7}}  # too rare to count: another's card, and a number like another's


def crowd(city: City, people: int) -> list[Patient]:
    """Of five people one is a relative of somebody."""
    made: list[Patient] = []
    while len(made) < people:
        made.append(city.relative(city.rng.choice(made))[0] if made and city.rng.random() < 0.2 else city.person())
    return made


def learn() -> None:
    """Print shares for `weights.toml`."""
    city = City(Random(1))
    people = crowd(city, 20_000)
    others = [person_of(one) for one in people]
    told = [person_of(city.again(one)[0]) for one in people]
    pairs = {"m": [compared(*both) for both in zip(told, others, strict=True)], "u": []}
    for turn in city.rng.sample(range(1, len(others)), 25):
        pairs["u"] += [compared(*both) for both in zip(told, others[turn:] + others[:turn], strict=True)]
    counts = {kind: Counter(row for found in told for row in found.items()) for kind, told in pairs.items()}
    for field, levels in LEVELS.items():
        rows = []
        for level in levels:
            m, u = (share(counts[kind], field, level) for kind in ("m", "u"))
            rows.append(f'["{level}", {m:.4g}, {RARE.get(field, {}).get(level, u):.3g}]')
        print(f"{field} = [{', '.join(rows)}]")


def share(counts: Counter[tuple[str, str]], field: str, level: str) -> float:
    """With half a pair added to each level."""
    total = sum(counts[field, one] + 0.5 for one in LEVELS[field])
    return (counts[field, level] + 0.5) / total


def filled(folder: Path, people: list[Patient]) -> Store:
    store = Store(folder / "salus.db")
    items = [("Patient", one["id"], orjson.dumps({k: v for k, v in one.items() if v})) for one in people]
    assert not [one for one in store.open(*DOOR).put_many(items).result() if one.act == "refused"]
    return store


def measure(people: int, times: int, seed: int) -> None:
    city = City(Random(seed))
    here = crowd(city, people)
    asked: list[tuple[Patient, str | None, list[str]]] = []
    for one in city.rng.sample(here, times):
        told, slips = city.again(one)
        asked.append((told, one["id"], slips))
    for one in city.rng.sample(here, times // 2):
        other, way = city.relative(one)
        asked.append((without_id(other), None, [way]))
    asked += [(without_id(city.person()), None, ["nobody like them"]) for _ in range(times // 2)]
    with tempfile.TemporaryDirectory() as folder, filled(Path(folder), here) as store:
        found, lasted = [], []
        for told, _, _ in asked:
            began = time.perf_counter()
            found.append(matches(store, *DOOR, told))
            lasted.append((time.perf_counter() - began) * 1000)
    report(asked, found, lasted)


def without_id(patient: Patient) -> Patient:
    """As they come: with the card, but without a number of ours."""
    held = [one for one in patient["identifier"] if "mrn" not in one["system"]]
    return {key: value for key, value in {**patient, "identifier": held, "id": None}.items() if value}


def report(asked: list[tuple[Patient, str | None, list[str]]], found: list[list[Match]], lasted: list[float]) -> None:
    rows = list(zip(asked, found, strict=True))
    known = [(id, one, slips) for (_, id, slips), one in rows if id]
    unknown = [(one, slips[0]) for (_, id, slips), one in rows if not id]
    same = [(match.id, id) for (_, id, _), one in rows for match in one if match.grade == "same"]
    right = sum(a == b for a, b in same)
    listed = sum(any(match.id == id for match in one) for id, one, _ in known)
    first = sum(bool(one) and one[0].id == id for id, one, _ in known)
    print(f"asked {len(rows)}: known {len(known)}, not known {len(unknown)}")
    print(
        f"same: precision {right / max(1, len(same)):.4f} ({len(same) - right} wrong), recall {right / len(known):.4f}"
    )
    print(f"listed (same or perhaps): recall {listed / len(known):.4f}, first in the list {first / len(known):.4f}")
    perhaps = [sum(match.grade == "perhaps" for match in one) for one, _ in unknown]
    print(f"not known: {sum(n > 0 for n in perhaps) / len(perhaps):.3f} are shown somebody as perhaps")
    for way in sorted({way for _, way in unknown}):
        own = [one for one, kind in unknown if kind == way]
        taken = sum(any(match.grade == "same" for match in one) for one in own)
        print(f"    {way}: {len(own)}, taken for somebody {taken}, shown somebody {sum(map(bool, own)) / len(own):.3f}")
    for slip in sorted({slip for _, _, slips in known for slip in slips}):
        own = [(id, one) for id, one, slips in known if slip in slips]
        got = sum(any(match.id == id for match in one) for id, one in own)
        sure = sum(any(match.id == id and match.grade == "same" for match in one) for id, one in own)
        print(f"    {slip}: {len(own)}, listed {got / len(own):.3f}, same {sure / len(own):.3f}")
    cuts = quantiles(lasted, n=100)
    print(f"ms: p50 {cuts[49]:.1f}, p95 {cuts[94]:.1f}, p99 {cuts[98]:.1f}")
    sweep(rows, len(known))


def sweep(rows: list[tuple[tuple[Patient, str | None, list[str]], list[Match]]], known: int) -> None:
    """Precision and recall of 'same' by where it begins."""
    every = [(match, match.id == id) for (_, id, _), one in rows for match in one]
    for least in (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999):
        scale = replace(weights(), certain=least)
        kept = [right for match, right in every if scale.grade(match.probability, match.levels) == "same"]
        print(f"    same from {least}: precision {sum(kept) / max(1, len(kept)):.4f}, recall {sum(kept) / known:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--learn", action="store_true")
    given = parser.parse_args()
    learn() if given.learn else measure(given.people, given.times, given.seed)
