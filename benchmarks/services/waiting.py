"""Whether eight of ten waits lie in the interval that people are told, in clinics that SimPy plays.

Run: `python benchmarks/services/waiting.py [--days 40]`. Each setting is a clinic with its own doctors, loads, habits
of coming, and times that no estimate is told; it is told what a hospital has: who waits, who was called when, the
tickets of the last ten days. An estimate is made when somebody comes, as the desk would. Who is called at once is not
counted: there nothing is to be foretold.
"""

import argparse
import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import numpy as np
import simpy

from salus.services.reception.foretelling import PUNCTUAL, Coming, Estimate, Pace, Room, foretell
from salus.services.reception.order import due
from salus.services.reception.tickets import Ticket

OPENS = datetime(2026, 3, 2, 0, tzinfo=UTC)
BEFORE = 10  # days of tickets that are known
PLAYS = 200


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
)


class Clinic:
    """One day of a setting."""

    def __init__(self, setting: Setting, number: int, pace: Pace, rng: Random, told: bool) -> None:
        self.setting, self.number, self.pace, self.rng, self.told = setting, number, pace, rng, told
        self.world = simpy.Environment()
        self.waiting: list[Ticket] = []
        self.coming: dict[str, Coming] = {}
        self.rooms: dict[str, Room] = {}
        self.bells: list[simpy.Event] = []
        self.asked: dict[str, tuple[float, Estimate]] = {}
        self.checked: list[tuple[Estimate, float]] = []
        self.at_once = 0
        self.visits: dict[str, list[float]] = {}
        self.came: dict[int, int] = {}
        self.late: list[float] = []
        self.next = 0
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
        visits = {name: [*self.pace.visits.get(name, ()), *self.visits.get(name, ())] for name in self.rooms}
        pace = replace(self.pace, visits=visits)
        found = foretell(self.waiting, list(self.rooms.values()), coming, pace, now, self.draws, PLAYS)
        self.asked[ticket.id] = self.world.now, found[ticket.id]

    def doctor(self, name: str):
        own = random_of(self.setting, name)
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
                at, estimate = self.asked.pop(ticket.id)
                self.checked.append((estimate, self.world.now - at))
            self.rooms[name] = Room(name, self.now())
            length = self.rng.lognormvariate(own, self.setting.spread)
            yield self.world.timeout(length)
            self.visits.setdefault(name, []).append(length)
            self.rooms[name] = Room(name)


def random_of(setting: Setting, doctor: str) -> float:
    """The doctor's own pace: the mean of the logarithm of a visit's length."""
    habit = Random(f"{setting.name}:{doctor}").gauss(0, setting.habit)
    return math.log(setting.minutes) - setting.spread**2 / 2 + habit


def played(setting: Setting, days: int, seed: int) -> tuple[list[tuple[Estimate, float]], int]:
    """(estimate, minutes it took) of each who waited, and how many were called at once."""
    rng = Random(f"{setting.name}:{seed}")
    visits: dict[str, list[float]] = {}
    came: dict[int, int] = {}
    late: list[float] = []
    for number in range(BEFORE if setting.known else 0):
        clinic = Clinic(setting, number, Pace(), rng, told=False)
        clinic.day()
        late += clinic.late
        for level, count in clinic.came.items():
            came[level] = came.get(level, 0) + count
        for doctor, lengths in clinic.visits.items():
            visits.setdefault(doctor, []).extend(lengths)
    hourly = {level: count / (BEFORE * setting.hours) for level, count in came.items()}
    usual = setting.minutes if setting.known else 15.0  # the service's length is only what is usually said
    pace = Pace(visits, usual, hourly, late or PUNCTUAL)
    checked, at_once = [], 0
    for number in range(days):
        clinic = Clinic(setting, BEFORE + number, pace, rng, told=True)
        clinic.day()
        checked += clinic.checked
        at_once += clinic.at_once
    return checked, at_once


def row(setting: Setting, checked: list[tuple[Estimate, float]], at_once: int) -> str:
    inside = sum(one.low <= wait <= one.high for one, wait in checked)
    shown = sum(round(one.low) <= wait <= round(one.high) for one, wait in checked)
    below = sum(wait < one.low for one, wait in checked)
    width = sum(one.high - one.low for one, _ in checked) / max(1, len(checked))
    error = sum(abs(one.middle - wait) for one, wait in checked) / max(1, len(checked))
    mean = sum(wait for _, wait in checked) / max(1, len(checked))
    n = max(1, len(checked))
    return (
        f"| {setting.name} | {len(checked)} ({at_once} at once) | {mean:.1f} | {inside / n:.3f} | {shown / n:.3f} "
        f"| {below / n:.3f} | {width:.1f} | {error:.1f} |"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print("| clinic | waits | mean, min | covered | as shown (whole minutes) | shorter | width, min | error, min |")
    print("|---|---|---|---|---|---|---|---|")
    for one in SETTINGS:
        print(row(one, *played(one, given.days, given.seed)), flush=True)
