"""Who books whom, in the demonstration city (synthetic): learned on the earlier bookings, judged on the latest.

Run: SALUS_PEER_RECOMMEND=/path/to/python python benchmarks/recommend/bookings.py [PEOPLE]. That python has `implicit`
and `bm25s`; without it their rows are left out. Every way answers the same requests, with the same history before each.

The words of need are drawn from the routing table's own phrases: what is measured here is the order among doctors, not
the reading of words (benchmarks/recommend/departments.py).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import orjson

from salus.assistants.recommend import learning, route
from salus.assistants.recommend.learning import People, Request, Suited
from salus.assistants.recommend.offers import Offer
from salus.assistants.recommend.ranking import ranked
from salus.assistants.recommend.routing import shipped
from salus.assistants.recommend.seeker import Seeker
from salus.assistants.recommend.voices import Frame
from salus.base import clock
from salus.demo import city
from salus.learning.models.recommend import history_of, temporal_parts
from salus.learning.models.recommend.hybrid import level
from salus.learning.models.recommend.measures import gini, ndcg, ranks, recall
from salus.learning.models.recommend.terms import PIECE, stem
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

PEER = "SALUS_PEER_RECOMMEND"
TYPES = ("Organization", "Location", "Practitioner", "HealthcareService", "PractitionerRole", "Schedule", "Slot")
TYPES += ("Patient", "Coverage", "Appointment")
LEARN, WEEKS = 0.85, 4  # share of the bookings, by time; weeks in which a doctor has so much room
SEED = 11
Dense = np.ndarray
HEAD = (
    "| way | NDCG@10, all | recall@10, all | NDCG@10 in the department | the first is right | NDCG@10, nobody known | "
    "sent where full | the same, room heeded | NDCG@10 then | Gini of attention |\n|" + "---|" * 10
)


def house(folder: Path, people: int) -> People:
    """The bookings of a city of so many people over five years."""
    city.make(folder / "city", people=people, years=5, end=clock.now().date())
    with Store(folder / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for kind in TYPES:
            lines = (folder / "city" / f"{kind}.ndjson").read_bytes().splitlines()
            for begin in range(0, len(lines), 2000):
                some = lines[begin : begin + 2000]
                records.put_many([(kind, orjson.loads(line)["id"], line) for line in some]).result()
        found = learning.people(records)
    return replace(found, offers=tuple(one for one in found.offers if not one.department.sensitive))


def tokens(text: str) -> list[str]:
    """For the peer that reads words: English words, Chinese characters by twos."""
    made: list[str] = []
    for piece in (match[0] for match in PIECE.finditer(text.casefold())):
        zh = piece[0] >= "\u3400"
        made += [piece[i : i + 2] for i in range(max(1, len(piece) - 1))] if zh else [stem(piece)]
    return made


class Case:
    """What all ways are given: bookings to learn from, and requests to answer, among `offers`."""

    def __init__(self, found: People, early: Sequence[int], late: Sequence[int], gone: frozenset[str]) -> None:
        learn = tuple(found.bookings[n] for n in early if found.bookings[n].role not in gone)
        self.known = replace(found, bookings=learn)
        self.offers, self.place = found.offers, {one.id: n for n, one in enumerate(found.offers)}
        self.requests = list(learning.asked(found, [n for n in early if found.bookings[n].role not in gone], late))
        self.at = [found.bookings[n].at for n in late]
        self.taken = np.array([self.place[one.role] for one in self.requests])
        codes = np.array([one.department.code for one in self.offers])
        self.among = np.array([codes == one.department for one in self.requests])
        row: dict[str, int] = {}
        pairs = [(row.setdefault(one.patient, len(row)), self.place[one.role]) for one in learn]
        names = [one.id for one in self.offers]
        self.learn = history_of([a for a, _ in pairs], [b for _, b in pairs], names, len(row)).cells
        own = [(n, self.place[id]) for n, one in enumerate(self.requests) for id in one.who.booked]
        self.judge = history_of([a for a, _ in own], [b for _, b in own], names, len(self.requests)).cells

    def words(self) -> dict[str, list[list[str]]]:
        said: dict[int, list[str]] = defaultdict(list)
        for one in self.known.bookings:
            said[self.place[one.role]] += tokens(one.words)
        items = [tokens(one.words) + said[n] for n, one in enumerate(self.offers)]
        return {"items": items, "needs": [tokens(one.need) for one in self.requests]}


def popularity(case: Case) -> Dense:
    return np.tile(np.asarray(case.learn.sum(axis=0)).ravel(), (len(case.requests), 1))


def neighbours(case: Case) -> Dense:
    """User-based collaborative filtering, cosine, the 100 most alike."""

    def unit(cells):  # rows of length 1
        size = np.sqrt(np.asarray(cells.multiply(cells).sum(axis=1)).ravel())
        return cells.multiply(1 / np.where(size > 0, size, 1)[:, None]).tocsr()

    alike = np.asarray((unit(case.judge) @ unit(case.learn).T).todense())
    far = np.argsort(-alike, axis=1, kind="stable")[:, 100:]
    np.put_along_axis(alike, far, 0.0, axis=1)
    return np.asarray(alike @ case.learn.toarray())


def peers(case: Case) -> dict[str, Dense]:
    """ALS and BM25 as published, where their environment is at hand."""
    if not os.environ.get(PEER):
        print(f"{PEER} is not set: implicit and bm25s are left out")
        return {}
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder) / "asked.npz", Path(folder) / "answer.npz"
        parts = {"words": np.array(json.dumps(case.words()))}
        for name, cells in (("learn", case.learn), ("judge", case.judge)):
            parts |= {f"{name}_data": cells.data, f"{name}_indices": cells.indices, f"{name}_indptr": cells.indptr}
            parts[f"{name}_shape"] = np.array(cells.shape)
        np.savez(asked, **parts)
        script = Path(__file__).with_name("peers") / "als.py"
        subprocess.run([os.environ[PEER], str(script), str(asked), str(answer)], check=True, capture_output=True)
        with np.load(answer) as found:
            for name in ("als", "bm25"):
                print(f"  one answer of {name}: {spread(found[f'{name}_took'])}")
            return {"implicit ALS": found["als"], "BM25 over words": found["bm25"]}


def fused(ways: Sequence[Dense]) -> Dense:
    """Reciprocal ranks added up: what one would do with the peers together."""
    place = [np.argsort(np.argsort(-one, axis=1, kind="stable"), axis=1) for one in ways]
    return sum(1 / (60 + one) for one in place)


def spread(seconds: Sequence[float]) -> str:
    return ", ".join(f"p{q} {np.percentile(seconds, q) * 1e3:.2f} ms" for q in (50, 95, 99))


def salus(case: Case, suited: Suited) -> dict[str, Dense]:
    """Ours: behaviour alone, words alone, the mixture, and that with even attention. Over all offers."""
    frame = Frame(suited.learned, case.offers)
    rows = [frame.voices(one.who, one.need) for one in case.requests]
    said = {name: np.vstack([row[name] for row in rows]) for name in rows[0]}
    has = [bool(one.who.booked) for one in case.requests]
    loud = suited.hybrid.of(known=True)
    returns = sum(loud[name] * level(said[name]) for name in ("own", "others"))
    plain = {"Salus, EASE alone": said["others"], "Salus, EASE and seen before": returns, "Salus, words": said["words"]}
    mixture = learning.mixed(suited.hybrid, said, has, case.among)
    return plain | {"Salus": mixture, "Salus, even attention": mixture - suited.prices[frame.places]}


def routed(case: Case, scores: Dense) -> Dense:
    """As the product answers: the departments that the words lead to, the likeliest first."""
    made = np.full(scores.shape, -np.inf)
    codes = np.array([one.department.code for one in case.offers])
    for n, one in enumerate(case.requests):
        for step, chance in enumerate(route(one.need, despite=True).departments):
            own = codes == chance.department.code
            made[n, own] = scores[n, own] - 1e3 * step
    return made


def room(case: Case) -> dict[str, int]:
    """Bookings that each doctor has room for in `WEEKS` weeks: as many as usual, at least one."""
    span = days(case.known.bookings[-1].at) - days(case.known.bookings[0].at)
    many = Counter(one.role for one in case.known.bookings)
    return {one.id: max(1, round(many[one.id] * 7 * WEEKS / span)) for one in case.offers}


def days(at: str) -> int:
    return datetime.fromisoformat(at).toordinal()


def simulated(case: Case, scores: Dense, heed: bool) -> tuple[float, float]:
    """Everybody takes the first offer, in the order of time: the share of them who are sent where there is no room, and
    NDCG@10 of the lists as they were shown. `heed`: offers without room are left out first."""
    left, period = room(case), None
    full, shown = 0, scores.copy()
    for n, at in enumerate(case.at):
        if (now := days(at) // (7 * WEEKS)) != period:
            left, period = room(case), now
        if heed:
            shown[n] = [
                one if left[offer.id] > 0 else -np.inf for one, offer in zip(shown[n], case.offers, strict=True)
            ]
        first = case.offers[int(shown[n].argmax())].id
        if heed and not np.isfinite(shown[n]).any():
            continue  # nobody has room: that is said, and nobody is sent
        full += left[first] <= 0
        left[first] -= 1
    return full / len(case.at), ndcg(place_of(shown, case.taken))


def place_of(scores: Dense, taken: Dense) -> Dense:
    """Ranks; what was left out comes last."""
    found = ranks(np.where(np.isfinite(scores), scores, -1e9), taken)
    return np.where(np.isfinite(scores[np.arange(len(taken)), taken]), found, scores.shape[1])


def told(name: str, case: Case, scores: Dense) -> None:
    """One row of the table: all offers, the department alone, and what happens where room is short."""
    inside = np.where(case.among, scores, -np.inf)
    every, within = place_of(scores, case.taken), place_of(inside, case.taken)
    new = np.array([not one.who.booked for one in case.requests])
    uneven = gini(learning.seen(inside, learning.due(case.known, case.requests)))
    full, (none, after) = simulated(case, inside, heed=False)[0], simulated(case, inside, heed=True)
    print(
        f"| {name} | {ndcg(every):.3f} | {recall(every):.3f} | {ndcg(within):.3f} | {recall(within, 1):.3f} | "
        f"{ndcg(within[new]) if new.any() else 0:.3f} | {full:.1%} | {none:.1%} | {after:.3f} | {uneven:.3f} |",
        flush=True,
    )


def table(found: People, gone: frozenset[str] = frozenset()) -> tuple[Case, Suited]:
    early, late = temporal_parts([one.at for one in found.bookings], (LEARN,))
    wanted = [n for n in late.tolist() if not gone or found.bookings[n].role in gone]
    case = Case(found, early.tolist(), wanted, gone)
    started = time.process_time()
    suited = learning.learn(case.known)
    print(f"{len(case.known.bookings)} bookings learned from in {time.process_time() - started:.1f} CPU-s, "
          f"{len(case.requests)} requests judged, {len(case.offers)} doctors; "
          f"{sum(not one.who.booked for one in case.requests)} without a history")  # fmt: skip
    print(HEAD)
    ways = {"popularity": popularity(case), "user-CF, cosine": neighbours(case), **peers(case)}
    mine = salus(case, suited)
    for name, scores in ways.items():
        told(name, case, scores)
    if len(ways) > 2:
        told("all four together (rank fusion)", case, fused(list(ways.values())))
    for name in list(mine)[:3]:
        told(name, case, mine[name])
    for name in ("Salus", "Salus, even attention"):
        told(name, case, routed(case, mine[name]))
    return case, suited


def latency(case: Case, suited: Suited) -> None:
    """Somebody unseen, one at a time, words to order."""
    rng, took, read, walls = np.random.default_rng(SEED), [], [], []
    now = clock.now()
    shipped()
    for _ in range(1000):
        one: Request = case.requests[rng.integers(len(case.requests))]
        who = Seeker(one.who.home, "CN", one.who.insurance, one.who.languages, booked=some(case.offers, rng))
        started = time.thread_time()
        where = route(one.need, despite=True)
        read.append(time.thread_time() - started)
        codes = {chance.department.code for chance in where.departments}
        offers = [offer for offer in case.offers if offer.department.code in codes and offer.next(now)]
        started, clocked = time.thread_time(), time.perf_counter()
        ranked(suited, offers, who, one.need, now)
        took.append(time.thread_time() - started)
        walls.append(time.perf_counter() - clocked)
    print(f"somebody unseen, CPU: order with why {spread(took)}; red flags and department {spread(read)}")
    print(f"    by the clock, beside other programs: order with why {spread(walls)}")


def some(offers: Sequence[Offer], rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(offers[n].id for n in rng.integers(len(offers), size=4))


def main(people: int = 2000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = house(Path(folder), people)
    print(f"{people} people, {len(found.bookings)} bookings that are not sensitive; load {os.getloadavg()[0]:.1f}")
    case, suited = table(found)
    latency(case, suited)
    rng = np.random.default_rng(SEED)
    gone = frozenset(found.offers[n].id for n in rng.choice(len(found.offers), 20, replace=False).tolist())
    print("\nDoctors who are new: 20 of whom no booking was learned from")
    table(found, gone)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
