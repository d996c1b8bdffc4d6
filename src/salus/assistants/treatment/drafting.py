"""An order as a clinician writes it in a form, as a MedicationRequest. https://hl7.org/fhir/R4/medicationrequest.html"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from salus.assistants.treatment.screen.orders import ROUTES, dose_of, route_of
from salus.base import clock
from salus.base.errors import Invalid, Issue
from salus.base.ids import uuid7
from salus.codes.drugs import HERBS, INGREDIENTS, ingredients_in
from salus.codes.tables import ATC, SNOMED, UCUM

UNITS = ("mg", "g", "ug", "mL", "[IU]", "{tbl}")  # UCUM, what a form offers
PERIODS = ("d", "wk")
LONGEST = 200  # characters of a medicine's name
CODES = {route: code for code, route in ROUTES.items()}


@dataclass(frozen=True, slots=True)
class Written:
    """What the form says. Amounts are texts as typed; `times` is how often a period (`d` or `wk`)."""

    medicine: str
    amount: str = ""
    unit: str = "mg"
    times: str = "1"
    period: str = "d"
    route: str = ""
    days: str = ""
    note: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "Written":
        return cls(
            **{name: form[name] for name in cls.__dataclass_fields__ if form.get(name)}
            | {"medicine": form.get("medicine", "")}
        )


def draft(written: Written, patient: str, requester: str, id: str = "") -> dict[str, Any]:
    """The MedicationRequest, active from now. Raises Invalid with one issue for each field that does not fit."""
    faults = list(filter(None, (fault(name, ok, text) for name, ok, text in checks(written))))
    if faults:
        raise Invalid(faults[0].text, path=faults[0].path, issues=faults)
    author = {"requester": {"reference": requester}} if requester.startswith("Practitioner") else {}
    note = {"note": [{"text": written.note}]} if written.note else {}
    return {
        "resourceType": "MedicationRequest",
        "id": id or uuid7(),
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept(written.medicine),
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": clock.instant(clock.now()),
        **author,
        "dosageInstruction": [dosage(written)],
        **note,
    }


def fault(name: str, fits: bool, text: str) -> Issue | None:
    return None if fits else Issue("invalid", name, text)


def checks(written: Written) -> list[tuple[str, bool, str]]:
    """(field, does it fit, what to say)."""
    return [
        ("medicine", 0 < len(written.medicine) <= LONGEST, f"Name the medicine, in at most {LONGEST} characters"),
        ("amount", not written.amount or positive(written.amount), f"'{written.amount}' is no amount above 0"),
        ("unit", written.unit in UNITS, f"'{written.unit}' is none of {', '.join(UNITS)}"),
        ("times", positive(written.times), f"'{written.times}' times is not above 0"),
        ("period", written.period in PERIODS, f"'{written.period}' is none of {', '.join(PERIODS)}"),
        ("route", not written.route or written.route in CODES, f"'{written.route}' is none of {', '.join(CODES)}"),
        ("days", not written.days or positive(written.days), f"'{written.days}' days is not above 0"),
        ("note", len(written.note) <= 1000, "The note has more than 1000 characters: shorten it"),
    ]


def positive(text: str) -> bool:
    """
    >>> positive("2.5"), positive("0"), positive("nan"), positive("two"), positive("1e400")
    (True, False, False, False, False)
    """
    try:
        return 0 < float(text) < 1e9
    except ValueError:
        return False


def number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


def concept(medicine: str) -> dict[str, Any]:
    """The name as written, with the ATC code of the ingredient where it is the only one and has one code."""
    named = ingredients_in({"text": medicine})
    only = named.ingredients[0] if named.known and len(named.ingredients) == 1 else None
    coding = [{"system": ATC, "code": only.atc[0], "display": only.name}] if only and len(only.atc) == 1 else []
    return {"text": medicine} | ({"coding": coding} if coding else {})


def dosage(written: Written) -> dict[str, Any]:
    repeat: dict[str, Any] = {"period": 1, "periodUnit": written.period}
    times = number(written.times)
    if isinstance(times, int):
        repeat["frequency"] = times
    else:  # every so many days: R4 has whole frequencies only
        repeat |= {"frequency": 1, "period": round(1 / times, 4)}
    if written.days:
        repeat["boundsDuration"] = {"value": number(written.days), "unit": "d", "system": UCUM, "code": "d"}
    told = f"{written.amount} {written.unit.strip('{}[]')} × {written.times}/{written.period}".strip()
    made: dict[str, Any] = {"text": told, "timing": {"repeat": repeat}}
    if written.amount:
        quantity = {"value": number(written.amount), "unit": written.unit, "system": UCUM, "code": written.unit}
        made["doseAndRate"] = [{"doseQuantity": quantity}]
    if written.route:
        made["route"] = {"coding": [{"system": SNOMED, "code": CODES[written.route]}], "text": written.route}
    return made


def typed(dosage: Mapping[str, Any]) -> dict[str, str]:
    """The form of a dosage, as far as it has fields for it: the way back from `dosage`.

    >>> typed(dosage(Written("metformin", amount="500", times="2", route="oral", days="7")))
    {'amount': '500', 'unit': 'mg', 'times': '2', 'period': 'd', 'days': '7', 'route': 'oral'}
    """
    made: dict[str, str] = {}
    repeat = dosage.get("timing", {}).get("repeat", {})
    quantity, bound = dose_of(dosage), repeat.get("boundsDuration", {})
    if quantity and quantity.get("code") in UNITS:
        made |= {"amount": f"{quantity['value']:g}", "unit": quantity["code"]}
    if repeat.get("period") == 1 and repeat.get("periodUnit") in PERIODS:
        made |= {"times": str(repeat.get("frequency", 1)), "period": repeat["periodUnit"]}
    if bound.get("code") == "d":
        made["days"] = f"{bound['value']:g}"
    if route := route_of(dosage.get("route", {})):
        made["route"] = route
    return made


def names(language: str) -> list[str]:
    """Every medicine and herb that the screen knows, for the form to offer."""
    every = (*INGREDIENTS.values(), *HERBS.values())
    return sorted({one.in_(language) for one in every})
