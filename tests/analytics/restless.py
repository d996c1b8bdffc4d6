"""Run as a program: a follower of a store whose patients all get a new value in each transaction, until it is told to
stop. restless.py STORE EVENTS STOP, where STOP is a file that comes to be."""

import sys
from pathlib import Path
from typing import Any

from salus.analytics.events import Follower
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

PEOPLE = 24


def result(person: int, value: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o{person}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
        "subject": {"reference": f"Patient/p{person}"},
        "effectiveDateTime": "2026-03-01T08:00:00Z",
        "valueQuantity": {"value": value},
    }


def all_get(records: Records, value: int) -> None:
    """In one transaction."""
    there = [{"resourceType": "Patient", "id": f"p{person}"} for person in range(PEOPLE)]
    put = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in [*there, *(result(person, value) for person in range(PEOPLE))]
    ]
    records.bundle({"resourceType": "Bundle", "type": "transaction", "entry": put})


if __name__ == "__main__":
    place, events, stop = map(Path, sys.argv[1:])
    with Store(place) as store:
        records, follower, value = store.open(SYSTEM, Purpose.OPERATIONS), Follower(store, events), 0
        while not stop.exists():
            all_get(records, value := value + 1)
            follower.catch_up()
