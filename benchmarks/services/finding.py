"""How long it takes to find the next free times of a large clinic.

Run: `python benchmarks/services/finding.py`. 200 doctors, 90 days of quarters of an hour with holidays, nine tenths of
them held (and, worse, all of the first thirty days), one room of 40 and one device of 10 needed with each: searches
that begin on random days, of all doctors and of one; and from today on, in turn with one that looks at each full day.
Processor time stands beside: on a busy machine it tells more.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import quantiles
from zoneinfo import ZoneInfo

from salus.base import clock
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, holds
from salus.records.desk import Desk
from salus.records.diaries import Diaries
from salus.records.holds import Wanted
from salus.records.writer import Request
from salus.services.appointments.finding import Bookable, Offer, Service, find, seen, whose
from salus.services.appointments.fullness import DAY, spans
from salus.services.appointments.hours import hours_of

ZONE = ZoneInfo("Asia/Shanghai")
WEEK = ["mon", "tue", "wed", "thu", "fri"]
HOURS = {
    "availableTime": [
        {"daysOfWeek": WEEK, "availableStartTime": "08:00:00", "availableEndTime": "12:00:00"},
        {"daysOfWeek": WEEK, "availableStartTime": "13:30:00", "availableEndTime": "17:30:00"},
    ]
}
DOCTORS, DAYS, SEARCHES, TURNS, FULL, MOST = 200, 90, 300, 60, 30, 20
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def service() -> Service:
    hours = hours_of(HOURS, ZONE, "CN")
    doctors = tuple(Bookable(f"PractitionerRole/{n}", f"Practitioner/{n}", hours) for n in range(DOCTORS))
    pools = tuple(f"Location/{n}" for n in range(40)), tuple(f"Device/{n}" for n in range(10))
    return Service(15, 15, doctors, pools)


def filled(store: Store, offered: Service, draw: Random) -> int:
    """Hold nine tenths of all quarters, and all of the first days."""
    count = 0
    for one in offered.doctors:
        rows = []
        for low, high in one.hours.windows(TODAY, TODAY + timedelta(days=DAYS)):
            for start in range(low, high, 900):
                if start < TODAY.timestamp() + FULL * 86400 or draw.random() < 0.9:
                    rows.append((start, start + 900))

        def work(desk: Desk, person: str = one.person, rows: list[tuple[int, int]] = rows) -> None:
            actor = holds.row_of(desk, Wanted(person).actor)
            desk.connection.executemany(holds.PUT, [(actor, 0, *row, f"{person}-{row[0]}", None) for row in rows])

        store.writer.submit(Request(work, SYSTEM, Purpose.OPERATIONS, "", "")).result()
        count += len(rows)
    return count


@dataclass
class Timed:
    """Searches of one kind: milliseconds on the wall's clock and of the processor, and how much was found."""

    name: str
    wall: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    found: int = 0

    def add(self, search: Callable[[], list[Offer]]) -> list[Offer]:
        began, worked = time.perf_counter(), time.process_time()
        offers = search()
        self.wall.append(1000 * (time.perf_counter() - began))
        self.worked.append(1000 * (time.process_time() - worked))
        self.found += len(offers)
        return offers

    def told(self) -> str:
        cuts, work = quantiles(self.wall, n=100), quantiles(self.worked, n=100)
        return (
            f"{self.name}: p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms; processor p50 {work[49]:.1f} ms, "
            f"p95 {work[94]:.1f} ms; {self.found / len(self.wall):.1f} offers"
        )


def each_day(store: Store, offered: Service, begin: datetime, end: datetime) -> list[Offer]:
    """The search that passes nothing by."""
    found: list[Offer] = []
    with store.readers.one() as reader:
        diaries = Diaries(reader, whose(offered), begin)
        for low, high in spans(begin, end, DAY):
            found += seen(diaries, offered, low, high, MOST - len(found))
            if len(found) >= MOST:
                break
    return found


def main() -> None:
    draw, offered = Random(3), service()
    alone = [Service(15, 15, (one,), offered.pools) for one in offered.doctors]
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "records.db") as store:
        print(f"{filled(store, offered, draw):,} holds")
        end = TODAY + timedelta(days=DAYS)
        for name, of in (("any doctor", [offered]), ("one doctor", alone)):
            timed = Timed(name)
            for _ in range(SEARCHES):
                begin, chosen = TODAY + timedelta(days=draw.randrange(FULL, DAYS - 20)), draw.choice(of)
                timed.add(lambda chosen=chosen, begin=begin: find(store, chosen, begin, end, MOST))
            print(timed.told())
        now, fast, slow = clock.now(), Timed("first 30 days full"), Timed("the same, each day looked at")
        with clock.stopped_at(now):
            for _ in range(TURNS):
                assert fast.add(lambda: find(store, offered, now, end, MOST)) == slow.add(
                    lambda: each_day(store, offered, now, end)
                )
        print(fast.told(), slow.told(), sep="\n")
        print(f"{sum(slow.worked) / sum(fast.worked):.1f} times the processor's work")


if __name__ == "__main__":
    main()
