"""Free times for everybody, as SMART Scheduling Links: https://github.com/smart-on-fhir/smart-scheduling-links

A manifest names three files of NDJSON: Locations, Schedules (one for each service) and free Slots, each with a link
that begins its booking here. What is free is found as for `$find`, so nobody's booking stands in it, nor any name. It
is made at most once a minute, whoever asks how often: who comes meanwhile gets what was made before.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import orjson

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.appointments.catalogue import service_of
from salus.services.appointments.finding import find

Resource = dict[str, Any]
FRESH = 60.0  # seconds for which it is not made again
AHEAD = timedelta(days=14)
MOST = 5000  # times of a service
MANIFEST, FILES = "$bulk-publish", {"Location": "locations", "Schedule": "schedules", "Slot": "slots"}
IG = "http://fhir-registry.smarthealthit.org/StructureDefinition"
LINK, CAPACITY = f"{IG}/booking-deep-link", f"{IG}/slot-capacity"
LOCATION = ("id", "name", "alias", "description", "telecom", "address", "position")
TYPED = {"system": "http://terminology.hl7.org/CodeSystem/service-type", "code": "124", "display": "General Practice"}


@dataclass(frozen=True, slots=True)
class File:
    """What is published under a name; `tag` changes with what is in it."""

    body: bytes
    tag: str
    made: datetime

    @property
    def media(self) -> str:
        return "application/json" if self.body.startswith(b'{"transactionTime"') else "application/fhir+ndjson"


class Links:
    """The published files of a house at an address (`https://hospital.example`)."""

    def __init__(self, store: Store, address: str) -> None:
        self.store, self.address = store, address.rstrip("/")
        self._lock = threading.Lock()
        self._kept: tuple[float, dict[str, File]] | None = None

    def file(self, name: str) -> File:
        """`$bulk-publish`, `locations.ndjson`, `schedules.ndjson` or `slots.ndjson`. Raises Missing."""
        found = self._files().get(name)
        if found is None:
            raise Missing(f"{name[:60]} is not published: begin with {MANIFEST}")
        return found

    def _files(self) -> dict[str, File]:
        kept = self._kept
        if kept and time.monotonic() - kept[0] < FRESH:
            return kept[1]
        if not self._lock.acquire(blocking=kept is None):
            return kept[1] if kept else {}
        try:
            if self._kept is not None and self._kept is not kept:  # somebody made them while we waited
                return self._kept[1]
            made = self._made(kept[1] if kept else {})
            self._kept = (time.monotonic(), made)
            return made
        finally:
            self._lock.release()

    def _made(self, before: Mapping[str, File]) -> dict[str, File]:
        """The files; one whose content is what it was stays as it was."""
        resources: dict[str, list[Resource]] = {kind: [] for kind in FILES}
        for one in published(self.store, self.address):
            resources[one["resourceType"]].append(one)
        texts = {f"{FILES[kind]}.ndjson": lines(found) for kind, found in resources.items()}
        files = {name: kept(before.get(name), text) for name, text in texts.items()}
        latest = max(one.made for one in files.values())
        return files | {MANIFEST: kept(before.get(MANIFEST), self._manifest(latest))}

    def _manifest(self, made: datetime) -> bytes:
        folder = f"{self.address}/scheduling"
        output = [{"type": kind, "url": f"{folder}/{name}.ndjson"} for kind, name in FILES.items()]
        told = {"transactionTime": clock.instant(made), "request": f"{folder}/{MANIFEST}"}
        return orjson.dumps({**told, "output": output, "error": []})


def kept(before: File | None, text: bytes) -> File:
    tag = sha256(text).hexdigest()[:32]
    return before if before and before.tag == tag else File(text, tag, clock.now())


def lines(found: list[Resource]) -> bytes:
    return b"".join(orjson.dumps(one) + b"\n" for one in found)


def published(store: Store, address: str) -> Iterator[Resource]:
    """The Locations, Schedules and free Slots of the services that have a place and somebody who gives them."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    places = {f"Location/{one['id']}": one for one in every(records, "Location", [("_count", "500")])}
    shown: set[str] = set()
    for service in every(records, "HealthcareService", [("_count", "500")]):
        place = next((one["reference"] for one in service.get("location", []) if one["reference"] in places), None)
        if place is None or not service.get("active", True):
            continue
        try:
            slots = list(free(store, service, address))
        except Missing:  # nobody gives it
            continue
        if place not in shown:
            shown.add(place)
            yield {"resourceType": "Location"} | {key: value for key, value in places[place].items() if key in LOCATION}
        yield schedule(service, place)
        yield from slots


def schedule(service: Resource, place: str) -> Resource:
    """The codes of a service as the hospital has them."""
    typed = service.get("type") or service.get("specialty") or [{"coding": [TYPED]}]
    return {"resourceType": "Schedule", "id": service["id"], "serviceType": typed, "actor": [{"reference": place}]}


def free(store: Store, service: Resource, address: str) -> Iterator[Resource]:
    """The free times of a service, each once, with how many can be booked at it."""
    begin = clock.now()
    given = service_of(store, service["id"], begin, begin + AHEAD)
    zone = given.doctors[0].hours.zone
    counted = Counter((one.start, one.end) for one in find(store, given, begin, begin + AHEAD, MOST))
    for (start, end), capacity in sorted(counted.items()):
        link = (
            f"{address}/mine/find?{urlencode({'service': service['id'], 'from': f'{start.astimezone(zone):%Y-%m-%d}'})}"
        )
        extension: list[Resource] = [{"url": LINK, "valueUrl": link}]
        if capacity > 1:
            extension.append({"url": CAPACITY, "valueInteger": capacity})
        yield {
            "resourceType": "Slot",
            "id": sha256(f"{service['id']} {clock.instant(start)}".encode()).hexdigest()[:32],
            "schedule": {"reference": f"Schedule/{service['id']}"},
            "status": "free",
            "start": clock.instant(start),
            "end": clock.instant(end),
            "extension": extension,
        }
