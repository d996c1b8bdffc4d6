"""What other hospitals counted of an insured's year: entered from the insurer's statement, and taken back."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from salus.assistants.answers import every
from salus.base.errors import Conflict, Invalid, Missing
from salus.base.ids import uuid7
from salus.base.money import typed
from salus.places.settlement import Year
from salus.services.appointments.brochure import alias
from salus.services.billing import elsewhere
from salus.services.billing.coverages import insurer_of
from salus.services.billing.elsewhere import Entered, Statement
from salus.services.billing.local import USUAL, Local
from salus.services.billing.names import bare
from salus.services.billing.years import WHAT
from salus.web import days
from salus.web.billing import desk
from salus.web.billing.asked import who
from salus.web.telling.people import read, staff
from salus.web.visit import Visit

AMOUNTS = tuple(one for one in WHAT if one != elsewhere.STAYS)
NONE = "0"


@dataclass(frozen=True, slots=True)
class Card:
    """An insurance of the patient, with what was entered for it."""

    id: str
    insurer: str
    statements: tuple[Statement, ...]


def shown(visit: Visit, patient: str) -> dict[str, Any]:
    """What the page of a patient shows of it."""
    found = elsewhere.statements(visit.records, patient)
    return {
        "cards": cards(visit, patient, found),
        "entered_by": staff(visit.records, [one.who for one in found], visit.language),
        "counts": AMOUNTS,
        "counted_in": currency(visit),
        "elsewhere_key": str(uuid7()),
        "said": visit.form,
        "longest": elsewhere.LONGEST,
    }


def cards(visit: Visit, patient: str, found: list[Statement]) -> list[Card]:
    """The cards by which somebody else pays."""
    asked = every(visit.records, "Coverage", [("beneficiary", patient), ("_count", "100")])
    known = sorted((one for one in asked if insurer_of(one)), key=lambda one: str(one["id"]))
    houses = read(visit.records, "Organization", [bare(insurer_of(one)) for one in known])
    return [
        Card(
            one["id"],
            alias(houses.get(bare(insurer_of(one)), {})).in_(visit.language),
            tuple(told for told in found if told.coverage == f"Coverage/{one['id']}"),
        )
        for one in known
    ]


def currency(visit: Visit) -> str:
    """The one that the house's own tariff, and so its rules, count in; empty where the site's file cannot be read, and
    nothing can be entered until it is mended."""
    local = Local(visit.desk.store.folder)
    with suppress(Invalid):
        tariff = local.tariff(visit.desk.settings.country.lower()) or local.tariff(USUAL)
        return tariff.currency if tariff else ""
    return ""


def count(visit: Visit) -> Response:
    """Enter a statement. Raises Missing for the card of somebody else."""
    form, patient = visit.form, visit.path["id"]
    check_theirs(patient, form.get("coverage", ""), [one.id for one in cards(visit, patient, [])])

    def work() -> None:
        until = days.day_of(form.get("until", ""), "until")
        if until is None:
            raise Invalid("Say up to which day the statement counts", path="until")
        told = Entered(
            form["coverage"], until, amounts(visit), currency(visit), form.get("reason", ""), form.get("key", "")
        )
        elsewhere.count(*who(visit), told, visit.zone)

    return acted(visit, work, "counted")


def amounts(visit: Visit) -> Year:
    """What was typed of each count; an empty field is nothing. Raises Invalid."""
    form, unit = visit.form, currency(visit)
    money = {what: typed(form.get(what) or NONE, unit) for what in AMOUNTS}
    stays = form.get(elsewhere.STAYS) or NONE
    if not (stays.isascii() and stays.isdecimal() and len(stays) < 5):
        raise Invalid(f"{stays[:20]!r} is no number of stays: write it as 1", path=elsewhere.STAYS)
    return Year(**money, stays=int(stays))


def take_back(visit: Visit) -> Response:
    """Take one back, with the reason. Raises Missing for one of somebody else."""
    id, patient = visit.form.get("statement", ""), visit.path["id"]
    check_theirs(patient, id, [one.id for one in elsewhere.statements(visit.records, patient)])

    def work() -> None:
        elsewhere.take_back(*who(visit), id, visit.form.get("reason", ""))

    return acted(visit, work, "uncounted")


def check_theirs(patient: str, id: str, theirs: list[str]) -> None:
    if id not in theirs:
        raise Missing(f"'{id[:64]}' does not belong to Patient/{patient[:64]}: load the page again", path="id")


def acted(visit: Visit, work: Callable[[], None], done: str) -> Response:
    """Do it, and look at the patient's page again, which says what was wrong."""
    try:
        work()
    except (Conflict, Invalid) as fault:
        return desk.patient_page(visit, visit.told(fault.issues[0].text), fault.status)
    return visit.go(f"/billing/patients/{visit.path['id']}?done={done}#elsewhere")
