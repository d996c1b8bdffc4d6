"""One specimen: drawn, its label, received or rejected."""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from salus.base.errors import Conflict, Invalid
from salus.privacy import Role
from salus.services.acting import referred
from salus.services.laboratory.orders import accession_of, of_specimen
from salus.services.laboratory.rules import LONGEST, REJECTIONS
from salus.services.laboratory.specimens import collect, find, receive, reject
from salus.services.laboratory.states import STEPS
from salus.ui import formats
from salus.ui.barcode import barcode
from salus.web.acting import acting
from salus.web.laboratory.worklist import listing, row
from salus.web.telling.people import patients, staff
from salus.web.visit import Visit
from salus.web.wrong import wrong

CHOSEN = "order-"  # how the boxes of a form begin
EXPECTED = (Invalid, Conflict)  # what a form can be told; all else is a page of its own


def draw(visit: Visit) -> Response:
    """One specimen for the orders that were chosen; then its label."""
    orders = [name.removeprefix(CHOSEN) for name in visit.form if name.startswith(CHOSEN)]
    try:
        made = collect(acting(visit), orders, visit.form.get("accession", ""))
    except EXPECTED as error:
        return listing(visit, tuple(wrong(visit, "laboratory", error)), error.status)
    return visit.go(address(accession_of(made)))


def address(accession: str) -> str:
    return f"/laboratory/specimens/{accession}"


def one(visit: Visit, faults: tuple[tuple[str, str], ...] = (), status: int = 200) -> Response:
    """A specimen with its label and its orders. Raises Missing, Invalid."""
    body = find(visit.records, visit.path["accession"])
    found, accession = of_specimen(visit.records, body), accession_of(body)
    patient, by = referred(body, "subject").partition("/")[2], referred(body["collection"], "collector")
    verbs = {verb for told in found if told.accession == accession for verb in STEPS.verbs(told.step)}
    sides = {side: patients(visit.records, [patient], side, visit.today).get(patient) for side in ("zh", "en")}
    return visit.page(
        "laboratory/specimen.html",
        status,
        body=body,
        accession=accession,
        bars=barcode(accession),
        sides=sides,
        born={side: formats.day(person.born, side) if person else "" for side, person in sides.items()},
        rows=[row(told, visit.language) for told in found],
        tubes={side: found[0].asked.tube.name.in_(side) if found else "" for side in ("zh", "en")},
        by=staff(visit.records, [by], visit.language).get(by, ""),
        verbs=verbs if visit.who.actor.role is Role.TECHNICIAN else set(),
        reasons=REJECTIONS,
        longest=LONGEST,
        form=visit.form,
        faults=faults,
    )


def done(visit: Visit, act: Callable[[], Any]) -> Response:
    try:
        act()
    except EXPECTED as error:
        return one(visit, tuple(wrong(visit, "laboratory", error)), error.status)
    return visit.go(address(visit.path["accession"]))


def come(visit: Visit) -> Response:
    """It is in the laboratory."""
    return done(visit, lambda: receive(acting(visit), visit.path["accession"]))


def turn_down(visit: Visit) -> Response:
    """It cannot be used: its orders are drawn again."""
    reason, words = visit.form.get("reason", ""), visit.form.get("words", "")
    return done(visit, lambda: reject(acting(visit), visit.path["accession"], reason, words))
