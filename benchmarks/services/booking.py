"""Booking under attack: many processes want the same few times, some are killed in the middle. Nothing may overlap.

Run: `python benchmarks/services/booking.py [--processes 32] [--attempts 100000] [--postgres URL]`. Each process opens
the store by itself and tries random creates, moves, confirms and cancels, with a doctor, a room and sometimes a series
of four weeks. Every second one process is killed (SIGKILL) and another takes its place. Afterwards the Appointments are
counted by plain Python. Beside it the usual way, look and then insert, on the same plan of attempts in its own SQLite
file: it must sell times twice, or the attack proves nothing.
"""

import argparse
import multiprocessing
import os
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from salus.api.fhir.door import stay_awake
from salus.base.errors import SalusError
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.records.checking import check
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.finding import Offer

DOCTORS, ROOMS, QUARTERS = 20, 10, 400
START = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7)
QUARTER = timedelta(minutes=15)
GO = "go"  # the file that lets all begin


def offer(draw: Random) -> Offer:
    begin = START + QUARTER * draw.randrange(QUARTERS)
    actors = (f"Practitioner/d{draw.randrange(DOCTORS)}", f"Location/r{draw.randrange(ROOMS)}")
    return Offer(begin, begin + QUARTER * draw.choice((1, 1, 2, 4)), actors)


def attack(place: str, seed: int, attempts: int, told: str) -> None:
    """One process: `attempts` tries one after the other, each told in a line of its own file, once all have started."""
    draw, mine = Random(seed), []
    with Store(place) as store, Path(told, f"{seed}.txt").open("w", buffering=1) as lines:
        desk = Booking(store, SYSTEM, Purpose.OPERATIONS)
        stay_awake()  # as a server does
        while not Path(told, GO).exists():
            time.sleep(0.01)
        for n in range(attempts):
            began = time.perf_counter()
            done = once(desk, draw, mine, f"{seed}-{n}")
            lines.write(f"{done} {began} {time.perf_counter()}\n")


def once(desk: Booking, draw: Random, mine: list[str], key: str) -> str:
    verb = draw.choices(("book", "hold", "move", "cancel", "series"), (60, 15, 15, 6, 4))[0]
    try:
        if verb in ("move", "cancel") and mine:
            id = draw.choice(mine)
            _ = desk.move(id, offer(draw)) if verb == "move" else desk.cancel(id)
        elif verb == "series":
            first = offer(draw)
            for week in range(4):
                at = Offer(first.start + timedelta(weeks=week), first.end + timedelta(weeks=week), first.actors)
                mine.append(desk.book(Wish(f"{key}-{week}", "Patient/p", at))["id"])
        else:
            made = (
                desk.book(Wish(key, "Patient/p", offer(draw)))
                if verb == "book"
                else desk.hold(Wish(key, "Patient/p", offer(draw)))
            )
            if verb == "hold":
                desk.confirm(made["id"])
            mine.append(made["id"])
    except SalusError as refused:
        return type(refused).__name__
    return "done"


def naive(path: str, seed: int, attempts: int) -> None:
    """The usual way: ask whether the time is free, then insert."""
    draw = Random(seed)
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        for _ in range(attempts):
            chosen = offer(draw)
            low, high = chosen.start.timestamp(), chosen.end.timestamp()
            sql = "SELECT 1 FROM booked WHERE actor=? AND low<? AND high>?"
            if all(connection.execute(sql, (one, high, low)).fetchone() is None for one in chosen.actors):
                connection.executemany(
                    "INSERT INTO booked VALUES(?, ?, ?)", [(one, low, high) for one in chosen.actors]
                )


def overlaps(rows: list[tuple[str, float, float]]) -> int:
    """Pairs of neighbours of one actor that overlap, counted in plain Python."""
    by_actor: dict[str, list[tuple[float, float]]] = {}
    for actor, low, high in rows:
        by_actor.setdefault(actor, []).append((low, high))
    count = 0
    for spans in by_actor.values():
        spans.sort()
        until = -1.0
        for low, high in spans:
            count += low < until
            until = max(until, high)
    return count


def standing(place: str) -> list[tuple[str, float, float]]:
    """The time of every actor of every Appointment that stands, from the Appointments themselves."""
    rows = []
    with Store(place) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        page = records.search("Appointment", "status=booked,pending&_count=1000")
        while True:
            for body in (version.json() for version in page.versions):
                low, high = (datetime.fromisoformat(body[name]).timestamp() for name in ("start", "end"))
                names = [one["actor"]["reference"] for one in body["participant"]]
                rows += [(name, low, high) for name in names if not name.startswith("Patient/")]
            if not page.next:
                return rows
            page = records.search("Appointment", page.next)


def run(place: str, processes: int, attempts: int, kills: bool) -> dict[str, Any]:
    """The attack; figures of what was told before the end."""
    with Store(place) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        records.update("Patient", "p", {"resourceType": "Patient"})
    share, seeds, killed = attempts // processes, iter(range(1, 10_000)), 0
    with tempfile.TemporaryDirectory() as told:
        alive = [started(place, next(seeds), share, told) for _ in range(processes)]
        while len(os.listdir(told)) < processes:
            time.sleep(0.01)
        Path(told, GO).touch()
        while any(one.is_alive() for one in alive):
            time.sleep(1)
            victim = alive[killed % processes]
            if kills and killed < processes and victim.is_alive():
                os.kill(victim.pid or 0, signal.SIGKILL)
                alive[killed % processes], killed = started(place, next(seeds), share, told), killed + 1
        lines = [line.split() for file in Path(told).iterdir() for line in file.read_text().splitlines()]
    whole = [(done, float(began), float(ended)) for done, began, ended in (line for line in lines if len(line) == 3)]
    times = sorted(ended - began for _, began, ended in whole)
    seconds = max(ended for *_, ended in whole) - min(began for _, began, _ in whole)
    return {
        "attempts": len(whole),
        "per second": round(len(whole) / seconds),
        "p50 ms": round(1000 * times[len(times) // 2], 1),
        "p99 ms": round(1000 * times[int(len(times) * 0.99)], 1),
        "killed": killed,
        **Counter(done for done, *_ in whole),
        "overlaps": overlaps(standing(place)),
        "faults": len(check(place).faults),
    }


def started(place: str, seed: int, share: int, told: str) -> Any:
    process = multiprocessing.get_context("spawn").Process(target=attack, args=(place, seed, share, told), daemon=True)
    process.start()
    return process


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--processes", type=int, default=32)
    asked.add_argument("--attempts", type=int, default=100_000)
    asked.add_argument("--postgres", default=os.environ.get("SALUS_TEST_POSTGRES", ""))
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print("SQLite  ", run(str(Path(folder) / "a.db"), given.processes, given.attempts, kills=False))
        print("killed  ", run(str(Path(folder) / "b.db"), given.processes, given.attempts // 4, kills=True))
        file = str(Path(folder) / "naive.db")
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("CREATE TABLE booked(actor, low, high)")
        workers = [multiprocessing.Process(target=naive, args=(file, n, 500)) for n in range(given.processes)]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        with closing(sqlite3.connect(file)) as connection:
            sold = overlaps(connection.execute("SELECT actor, low, high FROM booked").fetchall())
        print("look, then insert: sold twice", sold)
        assert sold, "the attack finds nothing even where nothing guards: it proves nothing"
    if given.postgres:
        place = f"{given.postgres}{'&' if '?' in given.postgres else '?'}schema=bench{os.getpid()}"
        print("PostgreSQL", run(place, min(8, given.processes), given.attempts // 10, kills=False))


if __name__ == "__main__":
    main()
