"""Make the city: FHIR R4 as one NDJSON file a type, and `truth.json` with what no record shows."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from itertools import chain
from pathlib import Path
from random import Random
from typing import IO, Any

import orjson

from salus.base import clock
from salus.base.errors import Invalid
from salus.demo.bookings import book
from salus.demo.chart import Chart
from salus.demo.illness import live, respond
from salus.demo.parameters import table
from salus.demo.people import YEAR, Person, person
from salus.demo.resources import META, Resource, reference
from salus.demo.reviews import review
from salus.demo.services import services
from salus.demo.showcase import showcases
from salus.demo.story import demographics, tell
from salus.demo.truth import known_effects, truth_of

OnProgress = Callable[[int, int], None]


def make(
    folder: Path,
    people: int = 2000,
    years: int = 5,
    seed: int = 7,
    end: date | None = None,
    on_progress: OnProgress | None = None,
) -> Path:
    """Write a city of so many people over so many years, ending before the day `end` (or today).

    Gives the folder. The same arguments give the same bytes. `on_progress(done, people)` is called after each person.
    Raises Invalid for numbers out of range.
    """
    if not (0 <= people <= 1_000_000 and 1 <= years <= 20):
        raise Invalid(f"{people} people over {years} years: ask for 0 to 1000000 people and 1 to 20 years")
    last = (end or clock.now().date()).toordinal()
    first = last - round(years * YEAR)
    folder.mkdir(parents=True, exist_ok=True)
    truths: dict[str, Any] = {}
    with ExitStack() as stack:
        write = writer(folder, stack)
        for kind, resource in chain(institution(), services(last)):
            write(kind, resource)
        for done, (chart, patient) in enumerate(charts(people, first, last, seed), 1):
            book(chart, patient, first, last, Random(f"{seed}:{chart.person.id}:services"))
            write("Patient", patient)
            for kind, resource in chart.lines():
                write(kind, resource)
            truths[chart.person.id] = truth_of(chart, last)
            if on_progress:
                on_progress(done, people)
    head = {"seed": seed, "people": people, "years": years, "end": date.fromordinal(last).isoformat()}
    head |= {"treatments": known_effects(truths.values())}
    (folder / "truth.json").write_bytes(orjson.dumps({**head, "patients": truths}, option=orjson.OPT_INDENT_2))
    return folder


def charts(
    people: int, first: int, last: int, seed: int, wanted: Callable[[Person], bool] = lambda someone: True
) -> Iterator[tuple[Chart, Resource]]:
    """Every chart with its Patient: the showcase first, then the city. Each person has a chance of their own, so that
    one more resource for one changes nothing for another; who is not `wanted` is not told."""
    yield from showcases(first, last, seed)
    for number in range(1, people + 1):
        rng = Random(f"{seed}:{number}")
        someone = person(number, first, last, rng)
        if not wanted(someone):
            continue
        live(someone, first, last, rng)
        respond(someone, first, rng)
        body = {"resourceType": "Patient", "id": someone.id, "meta": META, **demographics(someone, rng)}
        chart = tell(someone, first, last, rng)
        review(chart, first, last, seed)
        yield chart, body


def writer(folder: Path, stack: ExitStack) -> Callable[[str, Resource], None]:
    """One open file a type; files of an earlier city in the same folder are removed."""
    for old in folder.glob("*.ndjson"):
        old.unlink()
    files: dict[str, IO[bytes]] = {}

    def write(kind: str, resource: Resource) -> None:
        if kind not in files:
            files[kind] = stack.enter_context((folder / f"{kind}.ndjson").open("wb"))
        files[kind].write(orjson.dumps(resource, option=orjson.OPT_APPEND_NEWLINE))

    return write


def institution() -> Iterator[tuple[str, Resource]]:
    """The hospital, its places and its doctors."""
    names = table("names")
    for id, chinese, english in names["organizations"]:
        yield "Organization", head("Organization", id) | {"active": True, "name": english, "alias": [chinese]}
    for id, organization, chinese, english in names["locations"]:
        place = {"status": "active", "name": english, "alias": [chinese]}
        owner = {"managingOrganization": reference("Organization", organization)}
        yield "Location", head("Location", id) | place | owner
    for number in range(1, names["practitioners"] + 1):
        rng = Random(f"practitioner:{number}")
        sex = rng.choice(("female", "male"))
        (family, latin), (given, letters) = rng.choice(names["surnames"]), rng.choice(names[sex])
        both = [
            {"text": family + given, "family": family, "given": [given]},
            {"text": f"{latin} {letters}", "family": latin, "given": [letters]},
        ]
        doctor = {"active": True, "name": both, "gender": sex}
        yield "Practitioner", head("Practitioner", f"practitioner-{number:02d}") | doctor


def head(kind: str, id: str) -> Resource:
    return {"resourceType": kind, "id": id, "meta": META}
