"""Whether eight of ten waits lie in the interval that people are told, in clinics that SimPy plays.

Run: `python benchmarks/services/waiting.py [--days 200] [--seed 1] [--children 2]`. Each setting is a clinic with its
own doctors (others every 20 days), loads, habits of coming, and times that no estimate is told; it is told what a
hospital has: who waits, who was called when, the tickets of the last ten days and of today. An estimate is made when
somebody comes, as the desk would. Who is called at once is not counted: there nothing is to be foretold. Where a share
lies is told by drawing days anew.
"""

import argparse
import math
import os
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import repeat
from random import Random
from time import process_time

import numpy as np
import simpy

from salus.services.reception.foretelling import Coming, Estimate, Room, foretell
from salus.services.reception.habits import habits_of
from salus.services.reception.lengths import PUNCTUAL, Pace
from salus.services.reception.order import due
from salus.services.reception.tickets import Ticket

OPENS = datetime(2026, 3, 2, 0, tzinfo=UTC)
BEFORE = 10  # days of tickets that are known
STAY = 20  # days in one house, then another with other doctors


@dataclass(frozen=True)
class Setting:
    """`walk_ins` an hour, of them shares of levels; `booked` every so many minutes for each doctor (0: nobody)."""

    name: str
    doctors: int
    hours: float
    minutes: float  # a visit on average
    spread: float  # of the logarithm of a visit's length
    walk_ins: float
    booked: float = 0.0
    missed: float = 0.1
    levels: tuple[float, ...] = (0.0, 0.0, 0.05, 0.75, 0.2)
    habit: float = 0.15  # by how much doctors differ from each other
    known: bool = True  # whether there were days before
    moods: float = 0.0  # by how much a doctor's days differ from each other


SETTINGS = (
    Setting("idle, one doctor", 1, 4, 8, 0.5, 3.0),
    Setting("busy, one doctor", 1, 4, 8, 0.5, 7.5),
    Setting("overrun, one doctor", 1, 4, 8, 0.5, 11.0),
    Setting("busy, four doctors", 4, 4, 10, 0.6, 24.0),
    Setting("booked only, two doctors", 2, 4, 11, 0.5, 0.0, booked=12, missed=0.15),
    Setting("booked and walk-in, three doctors", 3, 4, 9, 0.5, 8.0, booked=15, missed=0.1),
    Setting("half do not come, three doctors", 3, 4, 9, 0.5, 6.0, booked=9, missed=0.5),
    Setting("many urgent, two doctors", 2, 4, 9, 0.6, 12.0, levels=(0.03, 0.07, 0.2, 0.5, 0.2)),
    Setting("very uneven visits, two doctors", 2, 4, 10, 1.0, 11.0),
    Setting("first day, nothing known, two doctors", 2, 4, 10, 0.5, 12.0, known=False),
    Setting("slow and quick days, two doctors", 2, 4, 10, 0.5, 11.0, moods=0.3),
)


@dataclass(frozen=True)
class Told:
    """What somebody was told on a day at a minute of it, in how many seconds of processor, and how long they waited."""

    day: int
    at: float
    estimate: Estimate
    seconds: float
    wait: float = 0.0

    @property
    def inside(self) -> bool:
        return self.estimate.low <= self.wait <= self.estimate.high


class Clinic:
    """One day of a setting."""

    def __init__(self, setting: Setting, number: int, pace: Pace, rng: Random, house: str, told: bool) -> None:
        """`house`: whose doctors these are."""
        self.setting, self.number, self.pace, self.rng, self.told = setting, number, pace, rng, told
        self.house = house
        self.world = simpy.Environment()
        self.waiting: list[Ticket] = []
        self.coming: dict[str, Coming] = {}
        self.rooms: dict[str, Room] = {}
        self.bells: list[simpy.Event] = []
        self.asked: dict[str, Told] = {}
        self.checked: list[Told] = []
        self.at_once = 0
        self.visits: dict[str, list[float]] = {}
        self.came: dict[int, int] = {}
        self.late: list[float] = []
        self.next, self.first = 0, math.inf
        self.draws = np.random.default_rng(rng.randrange(2**32))

    def now(self) -> datetime:
        return OPENS + timedelta(days=self.number, minutes=self.world.now)

    def day(self) -> None:
        length = self.setting.hours * 60
        for n in range(self.setting.doctors):
            self.rooms[f"Practitioner/{n}"] = Room(f"Practitioner/{n}")
            self.world.process(self.doctor(f"Practitioner/{n}"))
        if self.setting.walk_ins:
            self.world.process(self.walk_ins(length))
        if self.setting.booked:
            for n in range(self.setting.doctors):
                self.book(f"Practitioner/{n}", length)
        self.world.run(length + 240)

    def book(self, doctor: str, length: float) -> None:
        for n in range(int(length / self.setting.booked)):
            start, comes = n * self.setting.booked, self.rng.random() >= self.setting.missed
            key = f"{doctor}:{n}"
            booked = OPENS + timedelta(days=self.number, minutes=start)
            self.coming[key] = Coming(booked, doctor, 1 - self.setting.missed)
            if comes:
                self.world.process(self.booked(key, max(0.0, start + self.rng.gauss(-6, 7)), booked, doctor))

    def booked(self, key: str, at: float, booked: datetime, doctor: str):
        yield self.world.timeout(at)
        self.coming.pop(key, None)
        self.late.append((self.now() - booked).total_seconds() / 60)
        self.come(4, booked, doctor)

    def walk_ins(self, length: float):
        while True:
            yield self.world.timeout(self.rng.expovariate(self.setting.walk_ins / 60))
            if self.world.now > length:
                return
            level = self.rng.choices((1, 2, 3, 4, 5), self.setting.levels)[0]
            self.came[level] = self.came.get(level, 0) + 1
            self.come(level, None, "")

    def come(self, level: int, booked: datetime | None, wished: str) -> None:
        self.next += 1
        now = self.now()
        self.first = min(self.first, self.world.now)
        ticket = Ticket(
            "c", date(2026, 3, 2), self.next, "", "", now, due(level, now, booked), level, booked, wished=wished
        )
        free = any(room.since is None and wished in ("", room.doctor) for room in self.rooms.values())
        self.waiting.append(ticket)
        if self.told and not free:
            self.ask(ticket)
        self.at_once += self.told and free
        bells, self.bells = self.bells, []
        for bell in bells:
            bell.succeed()

    def ask(self, ticket: Ticket) -> None:
        now = self.now()
        last = max(one.due for one in self.waiting)
        coming = [one for one in self.coming.values() if one.booked <= last]
        came = Counter(self.pace.came) + Counter(self.came)
        hours = self.pace.hours + (self.world.now - self.first) / 60
        pace = replace(self.pace, today=self.visits, came=came, hours=hours)
        began = process_time()
        found = foretell(self.waiting, list(self.rooms.values()), coming, pace, now, self.draws)
        self.asked[ticket.id] = Told(self.number, self.world.now, found[ticket.id], process_time() - began)

    def doctor(self, name: str):
        own = own_pace(self.setting, f"{self.house}:{name}") + self.rng.gauss(0, self.setting.moods)
        while True:
            line = [one for one in self.waiting if one.wished in ("", name)]
            if not line:
                bell = self.world.event()
                self.bells.append(bell)
                yield bell
                continue
            ticket = min(line, key=lambda one: one.place)
            self.waiting.remove(ticket)
            if ticket.id in self.asked:
                told = self.asked.pop(ticket.id)
                self.checked.append(replace(told, wait=self.world.now - told.at))
            self.rooms[name] = Room(name, self.now())
            length = self.rng.lognormvariate(own, self.setting.spread)
            yield self.world.timeout(length)
            self.visits.setdefault(name, []).append(length)
            self.rooms[name] = Room(name)


def own_pace(setting: Setting, doctor: str) -> float:
    """The mean of the logarithm of the length of a doctor's visits."""
    return math.log(setting.minutes) - setting.spread**2 / 2 + Random(doctor).gauss(0, setting.habit)


def played(setting: Setting, days: int, seed: int) -> tuple[list[Told], int]:
    """What each who waited was told, and how many were called at once, in as many houses as the days need."""
    rng = Random(f"{setting.name}:{seed}")
    checked: list[Told] = []
    at_once = 0
    for first in range(0, days, STAY if setting.known else 1):
        past: deque[Clinic] = deque(maxlen=BEFORE)
        for day in range(first - (BEFORE if setting.known else 0), min(days, first + (STAY if setting.known else 1))):
            pace = pace_of(setting, past) if setting.known else Pace()
            past.append(Clinic(setting, day, pace, rng, f"{setting.name}:{seed}:{first}", told=day >= first))
            past[-1].day()
            checked += past[-1].checked
            at_once += past[-1].at_once
    return checked, at_once


def pace_of(setting: Setting, past: Iterable[Clinic]) -> Pace:
    """What the tickets of the days before say."""
    visits: dict[str, list[list[float]]] = {}
    came: Counter[int] = Counter()
    late: list[float] = []
    for clinic in past:
        late += clinic.late
        came.update(clinic.came)
        for doctor, lengths in clinic.visits.items():
            visits.setdefault(doctor, []).append(lengths)
    return Pace(habits_of(visits, setting.minutes), came, BEFORE * setting.hours, late or PUNCTUAL)


def by_day(checked: Sequence[Told], days: int) -> tuple[float, float]:
    """Between what the covered share lies (95 %), days drawn anew: who waits on one day waits together."""
    inside, all = np.zeros(days), np.zeros(days)
    for one in checked:
        inside[one.day] += one.inside
        all[one.day] += 1
    drawn = np.random.default_rng(0).integers(days, size=(2000, days))
    low, high = np.quantile(inside[drawn].sum(axis=1) / all[drawn].sum(axis=1), (0.025, 0.975))
    return float(low), float(high)


def row(setting: Setting, checked: Sequence[Told], at_once: int, days: int) -> str:
    n = len(checked)
    said = [(one.estimate, one.wait) for one in checked]
    inside = sum(one.inside for one in checked) / n
    shown = sum(round(one.low) <= wait <= round(one.high) for one, wait in said) / n
    below = sum(wait < one.low for one, wait in said) / n
    width = sum(one.high - one.low for one, _ in said) / n
    error = sum(abs(one.middle - wait) for one, wait in said) / n
    mean = sum(wait for _, wait in said) / n
    low, high = by_day(checked, days)
    half, most = np.quantile([1000 * one.seconds for one in checked], (0.5, 0.95))
    return (
        f"| {setting.name} | {n} ({at_once}) | {mean:.1f} | {inside:.3f} ({low:.3f} to {high:.3f}) | {below:.3f} "
        f"| {shown:.3f} | {width:.1f} | {error:.1f} | {half:.1f}, {most:.1f} |"
    )


def told_of(setting: Setting, days: int, seed: int) -> str:
    return row(setting, *played(setting, days, seed), days)


HEAD = (
    "| clinic | waits (at once) | mean, min | covered (95 %) | shorter | as shown "
    "| width, min | error, min | ms: p50, p95 |"
)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--children", type=int, default=2)
    given = parser.parse_args()
    print(HEAD + "\n|---|---|---|---|---|---|---|---|---|")
    with ProcessPoolExecutor(given.children, initializer=os.nice, initargs=(10,)) as pool:
        rows = pool.map(told_of, SETTINGS, repeat(given.days), repeat(given.seed))
        for one in rows:
            print(one, flush=True)
