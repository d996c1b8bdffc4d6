"""What an Observation says, as number, words and unit.

https://hl7.org/fhir/R4/observation-definitions.html#Observation.value_x_
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from salus.analytics.events.concepts import first_code


class Value(NamedTuple):
    number: float | None = None
    text: str | None = None
    unit: str | None = None


NOTHING = Value()


def quantity(value: dict[str, Any]) -> Value:
    """The number in its UCUM code, or its unit in words; a comparator such as "<" goes into the text."""
    number = value.get("value")
    unit = value.get("code") or value.get("unit")
    return Value(None if number is None else float(number), value.get("comparator"), unit)


def concept(value: dict[str, Any]) -> Value:
    return Value(text=first_code(value))


def boolean(value: bool) -> Value:
    return Value(float(value), str(value).lower())


def integer(value: int) -> Value:
    return Value(float(value))


def words(value: str) -> Value:
    return Value(text=value)


def between(value: dict[str, Any]) -> Value:
    """A Range has no one number: "3..5" in words."""
    low, high = value.get("low", {}), value.get("high", {})
    unit = low.get("code") or low.get("unit") or high.get("code") or high.get("unit")
    return Value(text=f"{low.get('value', '')}..{high.get('value', '')}", unit=unit)


def ratio(value: dict[str, Any]) -> Value:
    """A number when there is something to divide by; a titre (1:128) also in words."""
    above, below = quantity(value.get("numerator", {})), quantity(value.get("denominator", {}))
    if above.number is None or not below.number:
        return NOTHING
    unit = f"{above.unit or '1'}/{below.unit}" if below.unit else above.unit
    return Value(above.number / below.number, f"{above.number:g}:{below.number:g}", unit)


def period(value: dict[str, Any]) -> Value:
    return Value(text=f"{value.get('start', '')}..{value.get('end', '')}")


READERS: dict[str, Callable[[Any], Value]] = {
    "valueQuantity": quantity,
    "valueCodeableConcept": concept,
    "valueString": words,
    "valueBoolean": boolean,
    "valueInteger": integer,
    "valueRange": between,
    "valueRatio": ratio,
    "valueDateTime": words,
    "valueTime": words,
    "valuePeriod": period,
}


def value_of(element: dict[str, Any]) -> Value | None:
    """The value of an Observation or of one of its components; None when it has none."""
    for key, read in READERS.items():
        if key in element:
            return read(element[key])
    return None
