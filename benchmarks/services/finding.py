"""How long it takes to find the next free times of a large clinic.

Run: `python benchmarks/services/finding.py`. 200 doctors, 90 days of quarters of an hour with holidays, nine tenths of
them held (and, worse, all of the first thirty days), one room of 40 and one device of 10 needed with each: 300 searches
that begin on random days, of all doctors and of one.
"""

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import quantiles
from zoneinfo import ZoneInfo

from salus.privacy import SYSTEM, Purpose
from salus.records import Store, holds
from salus.records.desk import Desk
from salus.records.holds import Wanted
from salus.records.writer import Request
from salus.services.appointments.finding import Bookable, Service, find
from salus.services.appointments.hours import hours_of

ZONE = ZoneInfo("Asia/Shanghai")
WEEK = ["mon", "tue", "wed", "thu", "fri"]
HOURS = {
    "availableTime": [
        {"daysOfWeek": WEEK, "availableStartTime": "08:00:00", "availableEndTime": "12:00:00"},
        {"daysOfWeek": WEEK, "availableStartTime": "13:30:00", "availableEndTime": "17:30:00"},
    ]
}
DOCTORS, DAYS, SEARCHES, FULL = 200, 90, 300, 30
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


def main() -> None:
    draw, offered = Random(3), service()
    alone = [Service(15, 15, (one,), offered.pools) for one in offered.doctors]
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "records.db") as store:
        print(f"{filled(store, offered, draw):,} holds")
        for name, of, first in (
            ("any doctor", [offered], FULL),
            ("one doctor", alone, FULL),
            ("first 30 days full", [offered], 0),
        ):
            times, found = [], 0
            for _ in range(SEARCHES):
                begin = TODAY + timedelta(days=draw.randrange(first, DAYS - 20) if first else 0)
                chosen, began = draw.choice(of), time.perf_counter()
                found += len(find(store, chosen, begin, TODAY + timedelta(days=DAYS)))
                times.append(1000 * (time.perf_counter() - began))
            cuts = quantiles(times, n=100)
            print(f"{name}: p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, {found / SEARCHES:.1f} offers")


if __name__ == "__main__":
    main()
