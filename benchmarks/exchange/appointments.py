"""How many Appointments a second an import takes in, each with the time of its doctor, on an engine of your choice.

    python benchmarks/exchange/appointments.py [PLACE] [COUNT]     run it on two commits beside each other

`COUNT` bookings (20,000) to come, of 50 doctors and their rooms, a half-hour each, in the order of a diary; one in a
thousand is over another. Wall clock and processor time of this process; the file is read and checked too.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson

from salus.base import clock
from salus.exchange.taking import take_in
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

DOCTORS, LENGTH = 50, timedelta(minutes=30)


def diary(count: int) -> Iterator[bytes]:
    begin = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    for n in range(count):
        start = begin + (n // DOCTORS) * LENGTH - (LENGTH / 2 if n % 1000 == 999 else timedelta(0))
        named = (f"Patient/p{n % 997}", f"Practitioner/d{n % DOCTORS}", f"Location/r{n % DOCTORS}")
        body = {
            "resourceType": "Appointment",
            "id": f"a{n}",
            "status": "booked",
            "start": clock.instant(start),
            "end": clock.instant(start + LENGTH),
            "participant": [{"actor": {"reference": one}, "status": "accepted"} for one in named],
        }
        yield orjson.dumps(body) + b"\n"


def main(place: str, count: int, folder: Path) -> None:
    file = folder / "Appointment.ndjson"
    file.write_bytes(b"".join(diary(count)))
    with Store(place) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for turn in ("first", "again"):
            began, worked = time.perf_counter(), time.process_time()
            row = take_in(records, file, helpers=0).rows["Appointment"]
            wall, cpu = time.perf_counter() - began, time.process_time() - worked
            told = f"{row.stored} stored, {row.unchanged} unchanged, {row.refused} refused"
            print(f"{turn}: {count / wall:8,.0f} rows/s ({count / cpu:8,.0f} a CPU second): {told}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        given = sys.argv[1:]
        main(given[0] if given else f"{made}/records.db", int(given[1]) if given[1:] else 20_000, Path(made))
