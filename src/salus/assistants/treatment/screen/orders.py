"""An order as the screen sees it: which ingredients, how much a day, by which route, for how long.

https://hl7.org/fhir/R4/medicationrequest.html. An amount that is not written as a mass, and whose strength the name of
the medicine does not say, is unknown: never guessed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from salus.base.errors import Invalid
from salus.codes import units
from salus.codes.drugs import Ingredient, ingredients_in
from salus.codes.drugs.reading import Named

Resource = Mapping[str, Any]
TAKEN = {  # type -> statuses of an order that is, or may be, taken now
    "MedicationRequest": {"active", "draft", "on-hold", "unknown"},
    "MedicationStatement": {"active", "intended", "on-hold", "unknown"},
}
MASS = re.compile(r"(\d+(?:[.,]\d+)?)\s*(mg|mcg|ug|µg|g|毫克|微克|克)(?![a-z/])", re.IGNORECASE)
GRAMS = {"mg": "mg", "mcg": "ug", "ug": "ug", "µg": "ug", "g": "g", "毫克": "mg", "微克": "ug", "克": "g"}
COUNTED = {"1", "{tbl}", "{tablet}", "{capsule}", "tablet", "tablets", "capsule", "capsules", "片", "粒", "TAB", "CAP"}
LARGEST = 1000.0  # grams that anybody is given at once
PERIODS = {
    "s": 86400.0,
    "min": 1440.0,
    "h": 24.0,
    "d": 1.0,
    "wk": 1 / 7,
    "mo": 1 / 30.4375,
    "a": 1 / 365.25,
}  # in a day
DAYS = {unit: 1 / times for unit, times in PERIODS.items()}
ROUTES = {
    "26643006": "oral",
    "47625008": "intravenous",
    "78421000": "intramuscular",
    "34206005": "subcutaneous",
    "72607000": "intrathecal",
    "404820008": "epidural",
    "6064005": "topical",
}
ROUTE_WORDS = {
    "oral": ("oral", "by mouth", "口服", "po"),
    "intravenous": ("intravenous", "静脉", "iv"),
    "intramuscular": ("intramuscular", "肌内", "肌注", "im"),
    "subcutaneous": ("subcutaneous", "皮下", "sc"),
    "intrathecal": ("intrathecal", "鞘内"),
    "epidural": ("epidural", "硬膜外"),
    "topical": ("topical", "外用"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """`daily`: mg a day of each ingredient, by name, as far as it is known. `days`: from first to last day. `amounts`:
    each dose as it is written, and how many of it the order says (one where it does not)."""

    reference: str
    named: Named
    proposed: bool
    daily: Mapping[str, float]
    route: str | None = None
    days: float | None = None
    every: float | None = None  # days between two doses
    amounts: tuple[tuple[Resource, float], ...] = ()
    bounded: bool = False  # whether the order says when it ends
    odd: tuple[tuple[str, str], ...] = ()  # doses that cannot be meant: (what is wrong, the dose as it is written)

    @property
    def ingredients(self) -> tuple[Ingredient, ...]:
        return self.named.ingredients

    @property
    def names(self) -> frozenset[str]:
        return frozenset(one.name for one in self.ingredients)


def is_taken(resource: Resource) -> bool:
    """Whether an order or statement stands now: a finished or stopped one has no say."""
    return resource.get("status", "unknown") in TAKEN.get(resource.get("resourceType", ""), set())


def order_of(resource: Resource, proposed: bool, at: datetime) -> Order:
    """The order that a MedicationRequest or MedicationStatement is; `at`: the day up to which a course is counted."""
    reference = f"{resource['resourceType']}/{resource.get('id', '')}"
    named = ingredients_in(medicine_of(resource))
    dosages = resource.get("dosageInstruction") or resource.get("dosage") or []
    every = next(filter(None, map(interval, dosages)), None)
    amounts = [daily_of(named, dosage) for dosage in dosages]
    daily = {name: sum(one.get(name, 0.0) for one in amounts) for one in amounts for name in one}
    if any(not one for one in amounts):
        daily = {}  # one dosage of several that is not understood makes the sum untrue
    route = next(filter(None, (route_of(dosage.get("route", {})) for dosage in dosages)), None)
    days, bound = course(resource, dosages, at), planned(resource, dosages)
    doses = [(rated, times(dosage, bound)) for dosage in dosages if (rated := dose_of(dosage))]
    whole = tuple(doses) if len(doses) == len(dosages) else ()
    odd = tuple(fault for dosage in dosages if (fault := oddity(dosage)))
    return Order(reference, named, proposed, daily, route, days, every, whole, bound is not None, odd)


def medicine_of(resource: Resource) -> Resource:
    """The CodeableConcept of the medicine; of a contained Medication its code; of a reference what it displays."""
    if "medicationCodeableConcept" in resource:
        return dict(resource["medicationCodeableConcept"])
    pointed = resource.get("medicationReference", {})
    for one in resource.get("contained", []):
        if pointed.get("reference") == f"#{one.get('id')}":
            return dict(one.get("code", {}))
    return {"text": pointed.get("display", "")}


def interval(dosage: Resource) -> float | None:
    """Days between two doses; None where the timing does not say."""
    repeat = dosage.get("timing", {}).get("repeat", {})
    period, unit = repeat.get("period"), repeat.get("periodUnit")
    if not period or unit not in DAYS:
        return None
    return float(period) * DAYS[unit] / float(repeat.get("frequencyMax") or repeat.get("frequency") or 1)


def daily_of(named: Named, dosage: Resource) -> dict[str, float]:
    """mg a day of each ingredient from one dosage; empty where amount, unit or timing leave it open."""
    every, quantity = interval(dosage), dose_of(dosage)
    if not quantity or not every or not named.ingredients:
        return {}
    single = single_of(named, float(quantity["value"]), quantity.get("code") or quantity.get("unit") or "1")
    return {name: amount / every for name, amount in single.items()}


def dose_of(dosage: Resource) -> Resource | None:
    """One dose as it is written, of a range the high end; None where it has no value."""
    rated: Resource = next(iter(dosage.get("doseAndRate", [])), {})
    quantity: Resource = rated.get("doseQuantity") or rated.get("doseRange", {}).get("high") or {}
    return quantity if float(quantity.get("value", 0)) > 0 else None


def oddity(dosage: Resource) -> tuple[str, str] | None:
    """What of a dose cannot be meant: `impossible` where it is not above zero, `unit` where nobody knows its unit."""
    rated: Resource = next(iter(dosage.get("doseAndRate", [])), {})
    quantity: Resource = rated.get("doseQuantity") or rated.get("doseRange", {}).get("high") or {}
    if "value" not in quantity:
        return None
    unit = str(quantity.get("code") or quantity.get("unit") or "")
    shown = f"{quantity['value']:g} {unit}".strip()
    if float(quantity["value"]) <= 0 or is_mass_above(float(quantity["value"]), unit, LARGEST):
        return "impossible", shown
    return None if unit in COUNTED or is_unit(unit) else ("unit", shown)


def is_mass_above(value: float, unit: str, grams: float) -> bool:
    try:
        return bool(units.convert(value, unit, "g") > grams)
    except Invalid:
        return False


def is_unit(text: str) -> bool:
    try:
        return bool(units.parse(text))
    except Invalid:
        return False


def times(dosage: Resource, days: float | None) -> float:
    """How many doses the order says: by its count, or by its length; one where it says neither."""
    repeat, every = dosage.get("timing", {}).get("repeat", {}), interval(dosage)
    counted = repeat.get("countMax") or repeat.get("count")
    return float(counted or max(round(days / every) if days and every else 1, 1))


def single_of(named: Named, value: float, unit: str) -> dict[str, float]:
    """mg in one dose: a mass of the only ingredient, or so many pieces of the strengths in the medicine's name."""
    if unit in COUNTED:
        return {name: value * strength for name, strength in strengths(named).items()}
    try:
        mass = units.convert(value, unit, "mg")
    except Invalid:
        return {}
    return {named.ingredients[0].name: mass} if len(named.ingredients) == 1 else {}


def strengths(named: Named) -> dict[str, float]:
    """mg of each ingredient in one piece, where the name says one strength for each, in their order.

    >>> strengths(ingredients_in({"text": "Acetaminophen 325 MG / Oxycodone 5 MG Oral Tablet"}))
    {'paracetamol': 325.0, 'oxycodone': 5.0}
    """
    found = MASS.findall(named.text)
    if len(found) != len(named.ingredients):
        return {}
    masses = (units.convert(float(value.replace(",", ".")), GRAMS[unit.lower()], "mg") for value, unit in found)
    return {one.name: mass for one, mass in zip(named.ingredients, masses, strict=True)}


def route_of(concept: Resource) -> str | None:
    """The route by SNOMED CT code, else by words; None where neither says."""
    codings = concept.get("coding", [])
    coded = next((ROUTES[one["code"]] for one in codings if one.get("code") in ROUTES), None)
    said = {word.lower() for word in filter(None, [concept.get("text"), *(one.get("display") for one in codings)])}
    return coded or next((route for route, words in ROUTE_WORDS.items() if any(map(said_in(said), words))), None)


def said_in(said: set[str]) -> Any:
    """Whether a word stands in what was said; short ones only alone."""
    return lambda word: any(word == one or ((len(word) > 2 or not word.isascii()) and word in one) for one in said)


def course(resource: Resource, dosages: list[Resource], at: datetime) -> float | None:
    """Days from the first to the last day of the course; of one without an end, until `at`; None where nothing says."""
    if (length := planned(resource, dosages)) is not None:
        return length
    begun = resource.get("authoredOn") or resource.get("effectivePeriod", {}).get("start")
    return max((at - _day(begun, at)) / timedelta(days=1), 0.0) if begun else None


def planned(resource: Resource, dosages: list[Resource]) -> float | None:
    """Days that the order is meant to last; None where it does not say."""
    length = resource.get("dispenseRequest", {}).get("expectedSupplyDuration") or next(
        (one["timing"]["repeat"]["boundsDuration"] for one in dosages if _bounded(one)), None
    )
    if length and length.get("value") is not None and length.get("code", "d") in DAYS:
        return float(length["value"]) * DAYS[length.get("code", "d")]
    return None


def _bounded(dosage: Resource) -> bool:
    return "boundsDuration" in dosage.get("timing", {}).get("repeat", {})


def _day(text: str, at: datetime) -> datetime:
    """A FHIR dateTime as a moment; of a year or month the first day."""
    full = text if len(text) > 10 else (text + "-01-01"[len(text) - 4 :])[:10]
    moment = datetime.fromisoformat(full)
    return moment if moment.tzinfo else moment.replace(tzinfo=at.tzinfo)
