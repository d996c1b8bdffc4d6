"""Texts of a patient's resources that tell of the illness, each with the place where it stands and its date."""

import base64
import html
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from salus.assistants.cases.gate.consents import is_hidden
from salus.assistants.cases.gate.shapes import Source
from salus.records import Version

Resource = Mapping[str, Any]
CASES = "https://salus.example/fhir/CodeSystem/case"  # how we know our own DocumentReferences

# type -> elements that hold text; `*` goes through a list, a word after a dot goes down
PLACES: dict[str, tuple[str, ...]] = {
    "Encounter": ("reasonCode.*.text",),
    "Condition": ("note.*.text",),
    "Observation": ("valueString", "note.*.text"),
    "DiagnosticReport": ("conclusion", "presentedForm.*"),
    "ClinicalImpression": ("description", "summary", "note.*.text"),
    "Composition": ("section.*.text.div", "section.*.section.*.text.div"),
    "DocumentReference": ("content.*.attachment",),
    "Procedure": ("note.*.text", "outcome.text"),
    "MedicationRequest": ("note.*.text",),
    "AllergyIntolerance": ("note.*.text",),
    "FamilyMemberHistory": ("note.*.text",),
    "CarePlan": ("description", "note.*.text"),
}
# where a resource says when it was true; a list's first part is gone into
DATES = (
    "effectiveDateTime", "effectivePeriod.start", "effectiveInstant", "onsetDateTime", "onsetPeriod.start",
    "performedDateTime", "performedPeriod.start", "period.start", "date", "authoredOn", "recordedDate", "issued",
    "context.period.start", "occurrenceDateTime", "created",
)  # fmt: skip
TAGS = re.compile(r"<[^>]+>")
TEXT_TYPES = ("text/plain", "text/html", "application/xhtml+xml", "text/markdown")


def sources_of(version: Version) -> Iterator[Source]:
    """The texts of one resource; none of one that is confidential, or that is a case of ours."""
    resource = version.json()
    if is_hidden(resource) or is_case(resource) or resource.get("status") == "entered-in-error":
        return
    on = date_of(resource)
    for place in PLACES.get(version.type, ()):
        for where, value in reached(resource, place.split("."), ""):
            if text := text_of(value):
                yield Source(f"{version.reference}#{where}", version.version, on, text)


def is_case(resource: Resource) -> bool:
    codings = resource.get("type", {}).get("coding", ()) if isinstance(resource.get("type"), Mapping) else ()
    return any(one.get("system") == CASES for one in codings)


def reached(value: Any, path: list[str], where: str) -> Iterator[tuple[str, Any]]:
    """(place, value) of all that a path leads to."""
    if not path:
        yield where, value
    elif path[0] == "*" and isinstance(value, list):
        for at, one in enumerate(value):
            yield from reached(one, path[1:], f"{where}.{at}")
    elif isinstance(value, Mapping) and path[0] in value:
        yield from reached(value[path[0]], path[1:], f"{where}.{path[0]}" if where else path[0])


def text_of(value: Any) -> str:
    """Plain text of a string, a piece of XHTML or an attachment; nothing of anything else.

    >>> text_of("<div><p>Cough &amp; fever</p></div>")
    'Cough & fever'
    """
    if isinstance(value, str):
        plain = (
            html.unescape(TAGS.sub(" ", value.replace("</p>", "\n").replace("<br/>", "\n")))
            if "<div" in value
            else value
        )
        return plain.strip()
    if (
        isinstance(value, Mapping)
        and str(value.get("contentType", "")).split(";")[0] in TEXT_TYPES
        and value.get("data")
    ):
        try:
            return text_of(base64.b64decode(value["data"]).decode())
        except ValueError:
            return ""
    return ""


def date_of(resource: Resource) -> date | None:
    """The clinical date of a resource.

    >>> date_of({"effectiveDateTime": "2026-03-01T23:30:00+08:00"}), date_of({"onsetDateTime": "2026"})
    (datetime.date(2026, 3, 1), None)
    """
    for place in DATES:
        for _, value in reached(resource, place.split("."), ""):
            try:
                return date.fromisoformat(str(value)[:10])
            except ValueError:
                continue
    return None
