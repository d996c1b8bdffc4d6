"""What an operation is told: a query, or a `Parameters` in the body. https://hl7.org/fhir/R4/operations.html#executing"""

from typing import Any
from urllib.parse import parse_qsl

import orjson

from salus import fhir
from salus.api.fhir.asking import Ask
from salus.base.errors import Malformed, Unsupported

Pairs = list[tuple[str, str]]
WRITTEN = ("_format", "_pretty")  # how the answer is written: the door's matter


def given(ask: Ask, *names: str) -> Pairs:
    """Names and values, of the query first. Raises Unsupported for a name that is none of `names`, as `parts` does."""
    found = [pair for pair in parse_qsl(ask.query, keep_blank_values=True) if pair[0] not in WRITTEN]
    found += [(part["name"], text_of(part)) for part in parts(ask.body)]
    for name, _ in found:
        if name not in names:
            raise Unsupported(f"'{name[:80]}' is not a parameter of this operation: leave it out", path=name[:80])
    return found


def parts(body: bytes) -> list[dict[str, Any]]:
    """The parameters of a `Parameters`; none of an empty body. Raises Malformed, Invalid."""
    if not body:
        return []
    fhir.decode(body, "Parameters")
    found: list[dict[str, Any]] = orjson.loads(body).get("parameter", [])
    return found


def value_of(part: dict[str, Any]) -> Any:
    """The `value[x]` of a parameter, None where it has none."""
    return next((value for name, value in part.items() if name.startswith("value")), None)


def text_of(part: dict[str, Any]) -> str:
    """A simple value as it would stand in a query. Raises Malformed for a resource, a datatype or nothing."""
    value = value_of(part)
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise Malformed(f"The parameter '{part['name'][:80]}' has no simple value: give one", path=part["name"][:80])
    return str(value)


def only(pairs: Pairs, name: str) -> str | None:
    """The one value of a parameter, None where it is not given. Raises Malformed for several."""
    found = [value for key, value in pairs if key == name]
    if len(found) > 1:
        raise Malformed(f"'{name}' is given {len(found)} times: give it once", path=name)
    return found[0] if found else None


def listed(pairs: Pairs, name: str) -> list[str]:
    """All values of a parameter, between commas or given several times.

    >>> listed([("_type", "Patient,Observation"), ("_type", "Condition")], "_type")
    ['Patient', 'Observation', 'Condition']
    """
    return [part.strip() for key, value in pairs if key == name for part in value.split(",") if part.strip()]


def types(pairs: Pairs) -> list[str]:
    """The resource types of `_type`. Raises Unsupported for what is none."""
    found = listed(pairs, "_type")
    for name in found:
        if name not in fhir.RESOURCE_TYPES:
            raise Unsupported(f"_type={name[:80]} is not a resource type of FHIR R4", path="_type")
    return found


def count(pairs: Pairs, usual: int, most: int, name: str = "_count") -> int:
    """A number of things from 1, cut down to `most`. Raises Malformed.

    >>> count([("_count", "5000")], 50, 1000)
    1000
    """
    text = only(pairs, name)
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise Malformed(f"{name}={text[:40]}: give a whole number from 1 to {most}", path=name)
    return min(int(text), most)
