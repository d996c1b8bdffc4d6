"""How a value of each datatype becomes search rows. https://hl7.org/fhir/R4/search.html#table

`lines` gives Python lines in which `{v}` stands for the value; types that a kind of parameter cannot use give none.
"""

from collections.abc import Callable
from typing import Any

from salus.fhir.dates import EARLIEST, LATEST
from salus.fhir.definitions import RESOURCE_TYPES
from salus.fhir.text import normalize

TEXTS = ("string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid")
MOMENTS = ("date", "dateTime", "instant")
AMOUNTS = ("Quantity", "Age", "Count", "Distance", "Duration")
NAME_PARTS = (("family", False), ("given", True), ("prefix", True), ("suffix", True), ("text", False))
ADDRESS_PARTS = (
    ("line", True),
    ("city", False),
    ("district", False),
    ("state", False),
    ("postalCode", False),
    ("country", False),
    ("text", False),
)
CODING = ["if {v}.code is not None:", "    tokens.append(({p}, {v}.system, {v}.code))"]
CONCEPT = [
    "if {v}.coding is not None:",
    "    for k in {v}.coding:",
    "        if k.code is not None:",
    "            tokens.append(({p}, k.system, k.code))",
]
IDENTIFIER = ["if {v}.value is not None:", "    tokens.append(({p}, {v}.system, {v}.value))"]
POINT = ["if {v}.value is not None:", "    tokens.append(({p}, None, {v}.value))"]
TEXT = ["strings.append(({p}, normalize({v}), {v}))"]
LINK = [
    "k = {v}.reference",
    "if k is not None and k.id:",
    "    references.append(({p}, k.type, k.id))",
]
AMOUNT = [
    "if {v}.value is not None:",
    "    k = {v}.code",
    "    quantities.append(({p}, {v}.value, {v}.system if k else None, k or {v}.unit))",
]
MONEY = ["if {v}.value is not None:", "    quantities.append(({p}, {v}.value, 'urn:iso:std:iso:4217', {v}.currency))"]

Rows = dict[str, list[str]]


def call(function: str, *lists: str) -> list[str]:
    return [f"{function}({', '.join(lists)}, {{p}}, {{v}})"]


TOKENS: Rows = {
    "Coding": CODING,
    "CodeableConcept": CONCEPT,
    "Identifier": IDENTIFIER,
    "ContactPoint": POINT,
    "boolean": ["tokens.append(({p}, None, 'true' if {v} else 'false'))"],
    **{key: ["tokens.append(({p}, {s}, {v}))"] for key in TEXTS},
}
STRINGS: Rows = {
    **dict.fromkeys(TEXTS, TEXT),
    "HumanName": call("name_strings", "strings"),
    "Address": call("address_strings", "strings"),
    "CodeableConcept": ["if {v}.text is not None:", *("    " + TEXT[0].replace("{v}", "{v}.text"),)],
}
DATES: Rows = {
    **{key: ["dates.append(({p}, {v}.low, {v}.high))"] for key in MOMENTS},
    "Period": call("period_dates", "dates"),
    "Timing": call("timing_dates", "dates"),
}
REFERENCES: Rows = {
    "Reference": LINK,
    **{key: call("canonical_references", "references") for key in ("uri", "canonical", "url")},
    "Resource": call("resource_references", "references"),
}
QUANTITIES: Rows = {
    **dict.fromkeys(AMOUNTS, AMOUNT),
    "Money": MONEY,
    "Range": call("range_quantities", "quantities"),
    "SampledData": call("sampled_quantities", "quantities"),
}
NUMBERS: Rows = {
    **{key: ["numbers.append(({p}, {v}))"] for key in ("integer", "positiveInt", "unsignedInt", "decimal")},
    "Range": call("range_numbers", "numbers"),
}
KINDS: dict[str, Rows] = {
    "token": TOKENS,
    "string": STRINGS,
    "date": DATES,
    "reference": REFERENCES,
    "quantity": QUANTITIES,
    "number": NUMBERS,
    "uri": {key: ["uris.append(({p}, {v}))"] for key in TEXTS},
}


def lines(kind: str, type_name: str, path: int, system: str | None) -> list[str]:
    """The lines for a value of this type; `system` is the implied system of a bound code."""
    found = KINDS.get(kind, {}).get(type_name, [])
    return [line.replace("{p}", str(path)).replace("{s}", repr(system)) for line in found]


def deceased(path: int) -> list[str]:
    """`Patient.deceased.exists() and Patient.deceased != false`, of the resource `r`."""
    return [
        f"tokens.append(({path}, None, 'true' if r.deceasedBoolean or r.deceasedDateTime is not None else 'false'))"
    ]


def texts(value: Any, parts: tuple[tuple[str, bool], ...]) -> list[str]:
    found: list[str] = []
    for name, repeats in parts:
        if (part := getattr(value, name)) is not None:
            found += (text for text in part if text is not None) if repeats else (part,)
    return found


def name_strings(strings: list[Any], path: int, name: Any) -> None:
    strings.extend((path, normalize(text), text) for text in texts(name, NAME_PARTS))


def address_strings(strings: list[Any], path: int, address: Any) -> None:
    strings.extend((path, normalize(text), text) for text in texts(address, ADDRESS_PARTS))


def period_dates(dates: list[Any], path: int, period: Any) -> None:
    start, end = period.start, period.end
    if start is not None or end is not None:
        dates.append((path, EARLIEST if start is None else start.low, LATEST if end is None else end.high))


def timing_dates(dates: list[Any], path: int, timing: Any) -> None:
    """From the first to the last event; else the bounds of the repetition where they are a Period."""
    events = [event for event in timing.event or () if event is not None]
    if events:
        dates.append((path, min(event.low for event in events), max(event.high for event in events)))
    elif timing.repeat is not None and timing.repeat.boundsPeriod is not None:
        period_dates(dates, path, timing.repeat.boundsPeriod)


def amount(quantities: list[Any], path: int, value: Any) -> None:
    if value is not None and value.value is not None:
        code = value.code
        quantities.append((path, value.value, value.system if code else None, code or value.unit))


def range_quantities(quantities: list[Any], path: int, value: Any) -> None:
    amount(quantities, path, value.low)
    amount(quantities, path, value.high)


def sampled_quantities(quantities: list[Any], path: int, value: Any) -> None:
    amount(quantities, path, value.origin)


def range_numbers(numbers: list[Any], path: int, value: Any) -> None:
    ends = (end for end in (value.low, value.high) if end is not None and end.value is not None)
    numbers.extend((path, end.value) for end in ends)


def resource_references(references: list[Any], path: int, raw: Any) -> None:
    """A resource that stands in this one, by its own type and id."""
    from salus.fhir.reading import decode  # a resource inside a resource

    inner = decode(bytes(raw))
    if inner.id:
        references.append((path, inner.type, inner.id))


def canonical_references(references: list[Any], path: int, url: str) -> None:
    """A canonical url, also without its version; `Type/id` as a reference is; `#contained` not at all."""
    bare = url.partition("|")[0]
    kind, _, name = bare.partition("/")
    if kind in RESOURCE_TYPES and "/" not in name:
        references.append((path, kind, name))
    elif bare and bare[0] != "#":
        references.extend((path, None, text) for text in dict.fromkeys((url, bare)))


_USED: tuple[Callable[..., Any], ...] = (
    normalize,
    name_strings,
    address_strings,
    period_dates,
    timing_dates,
    range_quantities,
    sampled_quantities,
    range_numbers,
    resource_references,
    canonical_references,
)
HELPERS: dict[str, Any] = {function.__name__: function for function in _USED}
