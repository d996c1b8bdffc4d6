"""Places on top by each person's own chance of missing a visit, against flat overbooking, over simulated sessions.

    python benchmarks/services/overbooking.py [people] [sessions]

A synthetic city is made and the task `no-show` learned from it, split by time. Sessions of sixteen visits are put
together from bookings of the later quarter that the model never saw: what it said of each when it was booked, and
whether the person came. The policies see the chances alone. Visits take a lognormal time, people come early and late.
"""

import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from random import Random
from statistics import fmean, stdev

from salus.analytics.events import Follower
from salus.assistants.answers import every
from salus.base import clock
from salus.demo.city import make
from salus.exchange import take_in
from salus.learning.learn import learn_task
from salus.learning.task import read_task
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.appointments.noshow import Forecast
from salus.services.appointments.overbooking import Weights, on_top

PLACES, SPREAD, LATE = 16, 0.4, 0.25  # of a session; of how long a visit takes; of when people come, in places
WEIGHTS = Weights()
Result = tuple[float, float, float]
Policy = Callable[[list[float]], list[int]]


@dataclass(frozen=True, slots=True)
class Booked:
    """What the model said when it was booked, whether the person came, and in which half of the day it was."""

    missed: float
    came: bool
    late: bool
    created: datetime


def bookings(folder: Path, people: int) -> list[Booked]:
    """The bookings of the later quarter."""
    make(folder / "city", people=people, years=5, end=clock.now().date())
    with Store(folder / "db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        take_in(records, folder / "city", lambda *_: None)
        Follower(store, folder / "events").catch_up()
        task = Path(str(files("salus.demo"))) / "tasks" / "no-show.toml"
        learn_task(read_task(task), folder / "events", folder / "models")
        over = [
            one
            for one in every(records, "Appointment", [("_count", "500")])
            if one["status"] in ("fulfilled", "noshow")
        ]
        over.sort(key=lambda one: one["created"])
        later = over[len(over) * 3 // 4 :]
        chances = Forecast(store, folder / "models").of(later)
    return [
        Booked(chance.missed, one["status"] == "fulfilled", hour(one) >= 13, datetime.fromisoformat(one["created"]))
        for one, chance in zip(later, chances, strict=True)
    ]


def hour(booking: dict[str, str]) -> int:
    return datetime.fromisoformat(booking["start"]).hour


def simulated(regular: Sequence[Booked], extra: Sequence[tuple[int, Booked]], rng: Random) -> Result:
    """One session: (people seen, waiting of all, work after the end), in places of time."""
    due = [(at, one) for at, one in enumerate(regular)] + list(extra)
    came = sorted(at + rng.gauss(-0.1, LATE) for at, one in due if one.came)
    free, waited = 0.0, 0.0
    for at in came:
        begins = max(at, free, 0.0)
        waited += begins - max(at, 0.0)
        free = begins + rng.lognormvariate(-math.log(1 + SPREAD**2) / 2, math.sqrt(math.log(1 + SPREAD**2)))
    return float(len(came)), waited, max(0.0, free - PLACES)


def worth(result: Result) -> float:
    seen, waited, over = result
    return WEIGHTS.seen * seen - WEIGHTS.waiting * waited - WEIGHTS.overtime * over


def flat(count: int) -> Policy:
    """So many on top, evenly over the session, whoever is booked."""
    return lambda _: [round((number + 0.5) * PLACES / count - 0.5) for number in range(count)]


def by_place(usual: float) -> Policy:
    """Where it is best if all are alike: what is left to the chances of each."""
    return lambda missed: by_risk(usual)([usual] * len(missed))


def by_risk(usual: float) -> Policy:
    def choose(missed: list[float]) -> list[int]:
        return [one.place for one in on_top([[1 - chance] for chance in missed], 1 - usual, WEIGHTS)]

    return choose


def compared(
    policies: dict[str, Policy], pool: list[Booked], sessions: int
) -> dict[str, list[tuple[float, float, float]]]:
    """Each policy over the same sessions, with the same people on top and the same luck."""
    results: dict[str, list[Result]] = {name: [] for name in policies}
    halves = [[one for one in pool if one.late is late] for late in (False, True)]
    for number in range(sessions):
        rng = Random(number)
        own = rng.sample(halves[number % 2], PLACES + 8)
        regular, more = own[:PLACES], own[PLACES:]
        for name, policy in policies.items():
            chosen = policy([one.missed for one in regular])
            results[name].append(simulated(regular, list(zip(chosen, more, strict=False)), Random(number)))
    return results


def report(pool: list[Booked], sessions: int) -> None:
    """One weighing: what each policy is worth, and what places by risk are worth over the best of the others."""
    usual = fmean(one.missed for one in pool)
    flats = {f"flat, {count} on top": flat(count) for count in range(1, 5)}
    policies = {"nobody on top": lambda _: [], **flats, "all alike": by_place(usual), "by risk": by_risk(usual)}
    results = compared(policies, pool, sessions)
    told = {name: [worth(one) for one in rows] for name, rows in results.items()}
    print(f"\nseen {WEIGHTS.seen}, waiting {WEIGHTS.waiting}, overtime {WEIGHTS.overtime}")
    for name, rows in results.items():
        seen, waited, over = (fmean(one[at] for one in rows) for at in range(3))
        print(
            f"{name:16} worth {fmean(told[name]):7.3f}  seen {seen:6.3f}  waiting {waited:6.3f}  overtime {over:6.3f}"
        )
    best = max((name for name in told if name not in ("all alike", "by risk")), key=lambda name: fmean(told[name]))
    for other in (best, "all alike"):
        gain = [a - b for a, b in zip(told["by risk"], told[other], strict=True)]
        half = 1.96 * stdev(gain) / math.sqrt(len(gain))
        print(f"by risk over {other}: {fmean(gain):+.4f} ({fmean(gain) - half:+.4f} to {fmean(gain) + half:+.4f})")


def main(people: int = 2000, sessions: int = 4000) -> None:
    global WEIGHTS
    with tempfile.TemporaryDirectory() as folder:
        pool = bookings(Path(folder), people)
    missed, foretold = 1 - fmean(one.came for one in pool), fmean(one.missed for one in pool)
    print(f"{len(pool)} later bookings, {missed:.3f} missed, {foretold:.3f} foretold")
    for waiting, overtime in ((0.05, 1.0), (0.1, 1.0), (0.1, 1.5), (0.2, 1.5)):
        WEIGHTS = Weights(waiting=waiting, overtime=overtime)
        report(pool, sessions)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
