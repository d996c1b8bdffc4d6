"""One resource as it stands in the records: told line by line, and as its exact JSON."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from starlette.responses import Response

from salus import codes
from salus.base.errors import Missing
from salus.base.words import words_of
from salus.fhir import RESOURCE_TYPES
from salus.records import joined
from salus.ui import formats
from salus.web.chart import shared
from salus.web.telling import terms
from salus.web.telling.dossier import Dossier
from salus.web.visit import Visit

HIDDEN = frozenset({"resourceType", "id", "meta", "text", "extension", "contained"})
DEEPEST = 6
DATE = re.compile(r"\d{4}-\d\d(-\d\d(T\d\d:\d\d.*)?)?$")


@dataclass(frozen=True, slots=True)
class Line:
    """A label with a text, a link or lines of its own."""

    label: str
    text: str = ""
    href: str = ""
    lines: tuple["Line", ...] = ()


Tell = Callable[[str, Mapping[str, Any], str], Line]


def view(visit: Visit) -> Response:
    """Raises Missing, Gone, or Forbidden for who may not read it."""
    kind, id = visit.path["type"], visit.path["id"]
    if kind not in RESOURCE_TYPES:
        raise Missing(f"There is no type of resource called {kind}")
    version = visit.records.read(kind, id)
    body = version.json()
    return visit.page(
        "resource.html",
        version=version,
        kind=kind_name(kind, visit.language),
        headline=headline(body, visit.language),
        lines=list(lines(by_clocks_of(visit.zone, body), visit.language)),
        json=orjson.dumps(body, option=orjson.OPT_INDENT_2).decode(),
        **banner(visit, body),
    )


def banner(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    """Whose resource it is, when it is one patient's and that patient is here."""
    named = (body.get("subject") or body.get("patient") or {}).get("reference", "")
    id = body["id"] if body["resourceType"] == "Patient" else named.removeprefix("Patient/")
    id = next(iter(joined.marked_in(body.get("meta", {}))), id)
    found = [one.json() for one in visit.records.compartment(id, ("Patient", "AllergyIntolerance"))] if id else []
    patient = next((one for one in found if one["resourceType"] == "Patient" and one["id"] == id), None)
    if patient is None:
        return {"record": None, "person": None}
    return shared(Dossier(patient, found, visit.language, visit.today))


def kind_name(kind: str, language: str) -> str:
    return terms.status("type", kind, language)


def headline(body: Mapping[str, Any], language: str) -> str:
    """What it is about: its code, its medicine, its type."""
    for name in ("code", "medicationCodeableConcept", "vaccineCode"):
        if found := terms.concept(body.get(name), language):
            return found
    return next((terms.concept(one, language) for one in listed(body.get("type")) if isinstance(one, dict)), "")


def by_clocks_of(zone: ZoneInfo, value: Any) -> Any:
    """The same with every instant in it as the clocks of `zone` show it."""
    if isinstance(value, dict):
        return {name: by_clocks_of(zone, one) for name, one in value.items()}
    if isinstance(value, list):
        return [by_clocks_of(zone, one) for one in value]
    return formats.by_clocks_of(zone, value) if isinstance(value, str) and DATE.match(value) else value


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def lines(body: Mapping[str, Any], language: str, depth: int = 0) -> Iterator[Line]:
    """Each element as a line, in the record's own order; what a reader cannot use is left to the JSON below."""
    for name, value in body.items():
        if name in HIDDEN or name.startswith("_"):
            continue
        for one in listed(value) or ([value] if value is False or value == 0 else []):
            yield line(label(name, language), one, language, depth)


def line(name: str, value: Any, language: str, depth: int) -> Line:
    """One element told as what it is: a coded thing, a quantity, a reference, a period, or lines of its own."""
    if not isinstance(value, dict):
        return Line(name, plain(value, language))
    for known, tell in SHAPES:
        if known(value):
            return tell(name, value, language)
    return Line(name, lines=tuple(lines(value, language, depth + 1)) if depth < DEEPEST else ())


def plain(value: Any, language: str) -> str:
    """A bare value: yes or no, a number, a date, a code that we have words for, or the text itself."""
    if isinstance(value, bool):
        return terms.status("boolean", str(value).lower(), language)
    if isinstance(value, int | float):
        return formats.number(value)
    return formats.time(value, language) if DATE.match(value) else terms.status("said", value, language)


def label(name: str, language: str) -> str:
    """An element's name in words; where we have none, the name itself with its words apart.

    >>> label("status", "zh"), label("bodySite", "en")
    ('状态', 'Body site')
    """
    words, key = words_of("salus.web"), f"element.{name}"
    if key in words:
        return words(key, language)
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced[:1].upper() + spaced[1:]


def as_concept(name: str, value: Mapping[str, Any], language: str) -> Line:
    said = terms.status("said", terms.concept(value, language), language)
    code = "" if said != terms.concept(value, language) else terms.code(value)
    return Line(name, f"{said} ({code})" if code and code != said else said)


def as_coding(name: str, value: Mapping[str, Any], language: str) -> Line:
    return as_concept(name, {"coding": [value]}, language)


def as_quantity(name: str, value: Mapping[str, Any], language: str) -> Line:
    unit = codes.unit_words(value.get("code") or value.get("unit"), language)
    return Line(name, f"{value.get('comparator', '')}{formats.number(value['value'])} {unit}".strip())


def as_reference(name: str, value: Mapping[str, Any], language: str) -> Line:
    target = value["reference"]
    kind, _, id = target.partition("/")
    inside = kind in RESOURCE_TYPES and id and "/" not in id
    return Line(
        name,
        value.get("display") or (f"{kind_name(kind, language)} {id}" if inside else target),
        f"/resources/{target}" if inside else "",
    )


def as_period(name: str, value: Mapping[str, Any], language: str) -> Line:
    return Line(name, " – ".join(formats.time(value.get(end), language) for end in ("start", "end")).strip(" –"))


# how to recognise what a JSON object is, the most telling first
SHAPES: tuple[tuple[Callable[[Mapping[str, Any]], bool], Tell], ...] = (
    (lambda value: "coding" in value or set(value) == {"text"}, as_concept),
    (lambda value: "reference" in value and isinstance(value["reference"], str), as_reference),
    (lambda value: "value" in value and not isinstance(value["value"], str), as_quantity),
    (lambda value: "code" in value and "system" in value and "value" not in value, as_coding),
    (lambda value: bool(value) and set(value) <= {"start", "end"}, as_period),
)
