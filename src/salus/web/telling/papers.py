"""What was written about a patient, as the patient reads it: signed notes section by section, letters, reports.

https://hl7.org/fhir/R4/composition.html, /documentreference.html, /diagnosticreport.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from salus.assistants.cases.gate.sources import text_of
from salus.privacy.release import STRUCK
from salus.services.visits.narrative import plain
from salus.web.telling import terms

Resource = Mapping[str, Any]
TYPES = ("Composition", "DocumentReference", "DiagnosticReport")
DATES = ("date", "effectiveDateTime", "issued")
Part = tuple[str, str]  # heading, text


@dataclass(frozen=True, slots=True)
class Paper:
    """`on` is a FHIR date, dateTime or empty, `author` a reference; `replaced`: a later one takes its place."""

    id: str
    on: str
    title: str
    author: str
    parts: tuple[Part, ...]
    replaced: bool


def papers(resources: Iterable[Resource], language: str) -> list[Paper]:
    """Those with a text, the latest first."""
    released = [one for one in resources if one.get("status") not in STRUCK]
    gone = {target for one in released for target in replaced_by(one)}
    made = [paper(one, language, terms.reference(one) in gone) for one in released]
    return sorted((one for one in made if one.parts), key=lambda one: one.on, reverse=True)


def replaced_by(resource: Resource) -> Iterator[str]:
    """What a document takes the place of."""
    for one in resource.get("relatesTo", []):
        if one.get("code") == "replaces":
            yield one.get("targetReference", one.get("target", {})).get("reference", "")


def paper(resource: Resource, language: str, replaced: bool) -> Paper:
    on = next((resource[name] for name in DATES if name in resource), "")
    title = resource.get("title") or terms.concept(resource.get("type") or resource.get("code"), language)
    author = next((one.get("reference", "") for one in resource.get("author", resource.get("performer", []))), "")
    told = PARTS[resource["resourceType"]](resource)
    parts = tuple((heading, text) for heading, text in told if text)
    return Paper(terms.reference(resource), on, title, author, parts, replaced)


def of_composition(resource: Resource) -> Iterator[Part]:
    for section in resource.get("section", []):
        yield section.get("title", ""), plain(section.get("text", {}).get("div", ""))
        yield from of_composition(section)


def of_document(resource: Resource) -> Iterator[Part]:
    for content in resource.get("content", []):
        yield "", text_of(content.get("attachment"))


def of_report(resource: Resource) -> Iterator[Part]:
    yield "", resource.get("conclusion", "")
    for form in resource.get("presentedForm", []):
        yield "", text_of(form)


PARTS = {"Composition": of_composition, "DocumentReference": of_document, "DiagnosticReport": of_report}
