"""Preparing, handing over, putting back, taking back; and the label."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from starlette.responses import Response

from salus.base.errors import Invalid
from salus.base.words import words_of
from salus.services.acting import Acting
from salus.services.pharmacy import dispensing
from salus.services.pharmacy.amounts import Amount
from salus.services.pharmacy.checking import Wish
from salus.services.pharmacy.reviews import Review, review
from salus.ui import formats
from salus.web.acting import acting
from salus.web.pharmacy.prescription import UNITS, done
from salus.web.pharmacy.telling import out
from salus.web.telling.directions import directions
from salus.web.telling.people import patients, staff
from salus.web.visit import Visit

Form = Mapping[str, str]


def found_of(visit: Visit) -> Review:
    return review(visit.records, visit.path["id"])


def orders(found: Review) -> set[str]:
    return {str(one["id"]) for one in (*found.pending, *found.settled)}


def prepare(visit: Visit) -> Response:
    """Make ready what was let through."""
    form, found = visit.form, found_of(visit)

    def act() -> None:
        if form.get("order") not in orders(found):
            raise Invalid(f"'{form.get('order', '')[:64]}' is no order of this prescription", path="order")
        dispensing.prepare(acting(visit), wish_of(form))

    return done(visit, act, f"/pharmacy/{found.id}#dispense")


def wish_of(form: Form) -> Wish:
    """Raises Invalid for what is no number, unit or date."""
    if form.get("unit") not in UNITS:
        raise Invalid(f"'{form.get('unit', '')[:40]}' is none of {', '.join(UNITS)}", path="quantity")
    return Wish(
        key=form.get("key", ""),
        order=form["order"],
        amount=Amount(number(form.get("amount", "")), form["unit"]),
        product=form.get("product", ""),
        why=form.get("why", ""),
        lot=form.get("lot", ""),
        expires=day(form.get("expires", "")),
    )


def number(text: str) -> float:
    """Raises Invalid.

    >>> number("2.5")
    2.5
    """
    try:
        return float(text)
    except ValueError:
        raise Invalid(f"'{text[:40]}' is no number", path="quantity") from None


def day(text: str) -> date | None:
    """Raises Invalid.

    >>> day("2027-12-31").year, day("")
    (2027, None)
    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid(f"'{text[:40]}' is no date: write it as 2027-12-31", path="expires") from None


def goes_on(verb: str) -> Callable[[Visit], Response]:
    """The page of a verb that is done to a dispensing."""

    def handler(visit: Visit) -> Response:
        found = found_of(visit)

        def act() -> None:
            body = one_of(visit, found)
            VERBS[verb](acting(visit), body["id"], visit.form)

        return done(visit, act, f"/pharmacy/{found.id}#dispense")

    return handler


def one_of(visit: Visit, found: Review) -> dict[str, Any]:
    """A dispensing of this prescription. Raises Missing, Invalid for another's."""
    body: dict[str, Any] = visit.records.read("MedicationDispense", visit.path["dispensing"]).json()
    named = {one.get("reference", "").partition("/")[2] for one in body.get("authorizingPrescription", [])}
    if not named & orders(found):
        raise Invalid(f"MedicationDispense/{body['id']} is of another prescription", path="dispensing")
    return body


def take_back(who: Acting, id: str, form: Form) -> object:
    value = number(form.get("amount", ""))
    return dispensing.take_back(who, id, form.get("key", ""), value, form.get("reason", ""), form.get("words", ""))


VERBS: dict[str, Callable[[Acting, str, Form], object]] = {
    "hand-over": lambda who, id, form: dispensing.hand_over(who, id),
    "put-back": lambda who, id, form: dispensing.put_back(who, id, form.get("words", "")),
    "mistake": lambda who, id, form: dispensing.mistake(who, id, form.get("words", "")),
    "take-back": take_back,
}


def label(visit: Visit) -> Response:
    """What is stuck on the box: in both languages, whatever the reader's."""
    found = found_of(visit)
    body = one_of(visit, found)
    by = next((one["actor"]["reference"] for one in reversed(body.get("performer", []))), "")
    told = out(body, visit.language)
    sides = [
        {
            "language": language,
            "one": out(body, language),
            "at": formats.day(told.at, language, visit.zone),
            "expires": formats.day(told.expires, language),
            "directions": directions(body, language),
            "person": patients(visit.records, [found.patient], language, visit.today)[found.patient],
            "by": staff(visit.records, [by], language).get(by, ""),
        }
        for language in ("zh", "en")
    ]
    return visit.page("pharmacy/label.html", sides=sides, task=found.id, say=words_of("salus.web.pharmacy"))
