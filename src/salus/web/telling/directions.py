"""How much of a medicine, how it is taken, in either language: on a pharmacist's page and on a label."""

from collections.abc import Mapping
from typing import Any

from salus.assistants.treatment.screen.orders import COUNTED, DAYS, dose_of, medicine_of, route_of
from salus.base.words import words_of
from salus.codes import unit_words
from salus.ui.formats import number
from salus.web.telling import terms

Resource = Mapping[str, Any]
PACKAGE = "salus.web.pharmacy"


def amount(quantity: Resource, language: str) -> str:
    """
    >>> quantity = {"value": 28, "unit": "{tbl}", "code": "{tbl}"}
    >>> amount(quantity, "en"), amount(quantity, "zh"), amount({"value": 500, "code": "mg"}, "en")
    ('28 tablets', '28片（粒）', '500 mg')
    """
    unit = str(quantity.get("code") or quantity.get("unit") or "")
    value = number(quantity["value"])
    if unit in COUNTED:
        return words_of(PACKAGE)("direction.piece" if value == "1" else "direction.pieces", language, value=value)
    return f"{value} {unit_words(unit, language)}".strip()


def called(order: Resource, language: str) -> str:
    """The medicine with all that the order says of it: its name in the language, its strength as it was written.

    >>> order = {"medicationCodeableConcept": {"text": "Metformin 500 mg", "coding": [
    ...     {"system": "http://www.whocc.no/atc", "code": "A10BA02"}]}}
    >>> called(order, "zh"), called(order, "en")
    ('二甲双胍（Metformin 500 mg）', 'Metformin 500 mg')
    """
    concept = medicine_of(order)
    name, text = terms.concept(concept, language), str(concept.get("text", ""))
    if not text or name.casefold() in text.casefold():
        return text or name
    if not any(letter.isdigit() for letter in text):
        return name
    return f"{name}（{text}）" if language == "zh" else f"{name} ({text})"


def directions(order: Resource, language: str) -> list[str]:
    """A line for each dosage: from its numbers, and where it has none in its own words.

    >>> dosage = {"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}, "text": "as told"}
    >>> dosage["doseAndRate"] = [{"doseQuantity": {"value": 500, "code": "mg"}}]
    >>> directions({"dosageInstruction": [dosage]}, "en"), directions({"dosageInstruction": [dosage]}, "zh")
    (['500 mg each time, 2 times a day'], ['每次500 mg，每天2次'])
    """
    return [line for one in order.get("dosageInstruction", []) if (line := direction(one, language))]


def direction(dosage: Resource, language: str) -> str:
    say, quantity = words_of(PACKAGE), dose_of(dosage)
    repeat = dosage.get("timing", {}).get("repeat", {})
    if quantity is None or not repeat.get("period"):
        return str(dosage.get("text", ""))
    parts = [say("direction.dose", language, amount=amount(quantity, language)), timing(repeat, language)]
    if route := route_of(dosage.get("route", {})):
        parts.append(words_of("salus.assistants.treatment")(f"route.{route}", language))
    if (bound := repeat.get("boundsDuration")) and bound.get("code", "d") in DAYS:
        days = number(float(bound["value"]) * DAYS[bound.get("code", "d")])
        parts.append(say("direction.days", language, days=days))
    if dosage.get("asNeededBoolean"):
        parts.append(say("direction.needed", language))
    return ("，" if language == "zh" else ", ").join(filter(None, parts))


def timing(repeat: Resource, language: str) -> str:
    """How often."""
    say, unit = words_of(PACKAGE), str(repeat.get("periodUnit", "d"))
    times, period = int(repeat.get("frequency", 1)), number(repeat["period"])
    often = "every" if period != "1" else "once" if times == 1 else "times"
    key = f"direction.{often}.{unit}"
    return say(key, language, times=times, period=period) if key in say else ""
