"""What is to be drawn, to be received, to be measured, to be verified; and the way to a specimen by its number."""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.responses import Response

from salus.base.errors import SalusError
from salus.services.acting import code_in
from salus.services.laboratory.orders import Ordered, worklist
from salus.services.laboratory.specimens import CONDITIONS, find, normal
from salus.web.telling.people import patients
from salus.web.telling.person import Person
from salus.web.visit import Visit
from salus.web.wrong import wrong

TABS = {"draw": ("ordered", "rejected"), "receive": ("collected",), "measure": ("received",), "verify": ("entered",)}


@dataclass(frozen=True, slots=True)
class Row:
    """An order of a list; `again`: why its specimen was rejected, as a code."""

    id: str
    name: str
    tube: str
    tube_code: str
    step: str
    priority: str
    accession: str
    at: str
    again: str


def row(found: Ordered, language: str) -> Row:
    asked = found.asked
    why = (found.specimen or {}).get("condition", [{}])[0] if found.step == "rejected" else {}
    return Row(
        id=found.id,
        name=asked.name.in_(language),
        tube=asked.tube.name.in_(language),
        tube_code=asked.tube.code,
        step=found.step,
        priority=found.priority,
        accession=found.accession,
        at=str(found.order.get("authoredOn", "")),
        again=code_in(why, CONDITIONS),
    )


def listing(visit: Visit, faults: tuple[tuple[str, str], ...] = (), status: int = 200) -> Response:
    """One of the lists, patient by patient; the counts of all."""
    asked = visit.query.get("show", "")
    shown = asked if asked in TABS else next(iter(TABS))
    found = worklist(visit.records)
    counts = {tab: len([one for one in found if one.step in steps]) for tab, steps in TABS.items()}
    mine = [one for one in found if one.step in TABS[shown]]
    people = patients(visit.records, {one.patient for one in mine}, visit.language, visit.today)
    return visit.page(
        "laboratory/worklist.html",
        status,
        shown=shown,
        counts=counts,
        groups=grouped(mine, people, visit.language),
        faults=faults,
        form=visit.form,
        asked=visit.query.get("accession", ""),
    )


def grouped(found: Iterable[Ordered], people: dict[str, Person], language: str) -> list[tuple[Person, list[Row]]]:
    """Patient by patient, in the order of the list; of one who is not here nothing is drawn."""
    made: dict[str, list[Row]] = {}
    for one in found:
        made.setdefault(one.patient, []).append(row(one, language))
    return [(people[id], rows) for id, rows in made.items() if id in people]


def seek(visit: Visit) -> Response:
    """The specimen under a number that was typed or scanned."""
    try:
        find(visit.records, visit.query.get("accession", ""))
    except SalusError as error:
        return listing(visit, tuple(wrong(visit, "laboratory", error)), error.status)
    return visit.go(f"/laboratory/specimens/{normal(visit.query['accession'])}")
