"""A note as a Composition, and back. https://hl7.org/fhir/R4/composition.html

One note for each visit; its id follows from the Encounter's, so that two windows write the same one. A draft
(`preliminary`) carries its diagnoses as contained Conditions, which become Conditions of the record when it is signed.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from salus.assistants.suggestion import Name
from salus.base import clock
from salus.base.errors import Conflict, Invalid
from salus.records.shapes import Version
from salus.services.acting import same_id
from salus.services.visits import diagnoses
from salus.services.visits.diagnoses import Diagnosis
from salus.services.visits.narrative import clean, plain, xhtml
from salus.services.visits.templates import Section, Template, template_of

Resource = dict[str, Any]
Line = tuple[str, str]  # reference, words
TYPE = "Composition"
BASE = "https://salus.example/fhir"
SECTIONS = f"{BASE}/CodeSystem/note-section"
TEMPLATE = f"{BASE}/StructureDefinition/note-template"
LOINC = "http://loinc.org"
KIND = {"coding": [{"system": LOINC, "code": "34131-3", "display": "Outpatient Progress note"}], "text": "门诊病历"}
DIAGNOSES, ORDERS = "diagnoses", "orders"  # sections that every note has
LISTED = {DIAGNOSES: ("29308-4", Name("Diagnoses", "诊断")), ORDERS: ("46209-3", Name("Orders", "医嘱"))}
LONGEST = 20_000  # characters of a note in all


@dataclass(frozen=True, slots=True)
class Note:
    """What a note says. `texts`: section -> what is written; `sources`: section -> the records it was carried over
    from; `version` 0 for one that is not kept yet."""

    encounter: str
    patient: str
    author: str
    template: Template
    language: str
    texts: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    diagnoses: tuple[Diagnosis, ...] = ()
    at: datetime | None = None
    version: int = 0
    status: str = "preliminary"

    @property
    def id(self) -> str:
        return id_of(self.encounter)

    @property
    def words(self) -> str:
        """A sign of what is written: another text, another sign."""
        told = "\0".join([self.template.key, *(f"{key}\0{self.texts[key]}" for key in sorted(self.texts))])
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def title(self) -> str:
        return self.template.name.in_(self.language)

    def written(self, texts: Mapping[str, str]) -> "Note":
        """With these words in the sections of its template. Raises Invalid for what is too long."""
        known = {one.key for one in self.template.sections}
        made = dict(self.texts) | {key: clean(text) for key, text in texts.items() if key in known}
        check_length(made.values())
        return replace(self, texts={key: text for key, text in made.items() if text})


def id_of(encounter: str) -> str:
    """The id of the note of a visit."""
    return same_id("note", encounter)


def check_length(texts: Iterable[str]) -> None:
    length = sum(map(len, texts))
    if length > LONGEST:
        raise Invalid(f"The note has {length:,} characters; {LONGEST:,} are the most: shorten it", path="section")


def composition(note: Note, at: datetime) -> Resource:
    """The draft of a note."""
    held = [diagnoses.contained(one, note.patient, place) for place, one in enumerate(note.diagnoses, 1)]
    lines = [(f"#d{place}", diagnoses.line(one, note.language)) for place, one in enumerate(note.diagnoses, 1)]
    return framed(note, "preliminary", at, {DIAGNOSES: lines}) | ({"contained": held} if held else {})


def framed(note: Note, status: str, at: datetime, more: Mapping[str, Sequence[Line]]) -> Resource:
    """The Composition of a note with its diagnoses and orders (`more`: section -> reference and words of each)."""
    sections = [told for one in note.template.sections if (told := section(note, one))]
    sections += [listed(note, key, lines) for key, lines in more.items() if lines]
    return {
        "resourceType": TYPE,
        "id": note.id,
        "language": note.language,
        "extension": [{"url": TEMPLATE, "valueCode": note.template.key}],
        "status": status,
        "type": KIND,
        "subject": {"reference": f"Patient/{note.patient}"},
        "encounter": {"reference": f"Encounter/{note.encounter}"},
        "date": clock.instant(at),
        "author": [{"reference": note.author}],
        "title": note.title,
    } | ({"section": sections} if sections else {})


def section(note: Note, one: Section) -> Resource | None:
    """None for one with nothing in it. Its entries are what of the record it was carried over from."""
    text = note.texts.get(one.key, "")
    if not text:
        return None
    sources = [{"reference": name} for name in note.sources.get(one.key, ())]
    return {
        "title": one.name.in_(note.language),
        "code": code(one.key, one.loinc),
        "text": {"status": "additional", "div": xhtml(text)},
    } | ({"entry": sources} if sources else {})


def listed(note: Note, key: str, lines: Sequence[Line]) -> Resource:
    """The section of what was found or ordered, in words for who reads only those."""
    loinc, name = LISTED[key]
    return {
        "title": name.in_(note.language),
        "code": code(key, loinc),
        "text": {"status": "generated", "div": xhtml("\n".join(words for _, words in lines))},
        "entry": [{"reference": reference} for reference, _ in lines],
    }


def code(key: str, loinc: str) -> Resource:
    return {"coding": [{"system": SECTIONS, "code": key}, {"system": LOINC, "code": loinc}]}


def note_of(version: Version) -> Note:
    """The way back, of a draft or of what was signed. Raises Conflict for a Composition that is no note of a visit."""
    try:
        return read(version.json(), version.version)
    except (KeyError, IndexError, ValueError) as fault:
        raise Conflict(
            f"{version.reference} is no note of a visit written here: {fault!r} is not as it is in one"
        ) from None


def read(told: Resource, version: int) -> Note:
    sections = {key_of(one): one for one in told.get("section", [])}
    named = next((one["valueCode"] for one in told.get("extension", []) if one["url"] == TEMPLATE), "soap")
    keys = {one.key for one in template_of(named).sections}
    texts = {key: plain(one["text"]["div"]) for key, one in sections.items() if key in keys}
    return Note(
        encounter=told["encounter"]["reference"].removeprefix("Encounter/"),
        patient=told["subject"]["reference"].removeprefix("Patient/"),
        author=told["author"][0]["reference"],
        template=template_of(named),
        language=told.get("language", "en"),
        texts=texts,
        sources={key: references(one) for key, one in sections.items() if key in texts},
        diagnoses=tuple(diagnoses.diagnosis_of(one) for one in told.get("contained", [])),
        at=datetime.fromisoformat(told["date"]),
        version=version,
        status=told["status"],
    )


def key_of(told: Resource) -> str:
    """Ours of a section's codes, "" where it has none."""
    codings = told.get("code", {}).get("coding", [])
    return next((str(one["code"]) for one in codings if one.get("system") == SECTIONS), "")


def references(told: Resource) -> tuple[str, ...]:
    return tuple(str(one["reference"]) for one in told.get("entry", ()))
