"""What stands beside the note: problems, medicines, results with their course, the last visits."""

from dataclasses import dataclass
from typing import Any

from salus.records import Records
from salus.services.visits import notes
from salus.services.visits.narrative import plain
from salus.web.telling import courses, terms
from salus.web.telling.courses import Course
from salus.web.telling.dossier import Dossier
from salus.web.visit import Visit

VISITS = 5  # last visits that are told
RESULTS = 8


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier visit: what was found, what was ordered, the words of its note ("" where there is none here)."""

    told: Course
    diagnoses: tuple[str, ...]
    medicines: tuple[str, ...]
    note: str
    words: str


def told(visit: Visit, found: Dossier) -> dict[str, Any]:
    """Beside the note of the visit in the address."""
    return {
        "problems": [one for one in found.problems if one.now],
        "taken": [one for one in found.medicines if one.now],
        "signs": found.vitals,
        "results": found.results[:RESULTS],
        "visits": past(visit, found),
    }


def past(visit: Visit, found: Dossier) -> list[Past]:
    """The last visits before this one, the latest first."""
    here = f"Encounter/{visit.path['encounter']}"
    before = [one for one in found.encounters if one.source != here and not one.now][:VISITS]
    written = notes_of(visit.records, visit.path["id"])
    return [one_past(found, one, written.get(one.source), visit.language) for one in before]


def one_past(found: Dossier, one: Course, note: dict[str, Any] | None, language: str) -> Past:
    diagnoses = [c for c in found.by_type["Condition"] if of_visit(c, one.source)]
    orders = [m for m in found.by_type["MedicationRequest"] if of_visit(m, one.source)]
    sections = (note or {}).get("section", ())
    return Past(
        one,
        tuple(terms.concept(c.get("code"), language) for c in diagnoses),
        tuple(f"{m.name} {m.detail}".strip() for m in (courses.medicine(each, language) for each in orders)),
        str(note["id"]) if note else "",
        "\n".join(f"{part.get('title', '')}: {plain(part['text']['div'])}" for part in sections if "text" in part),
    )


def of_visit(resource: Any, encounter: str) -> bool:
    return bool(resource.get("encounter", {}).get("reference") == encounter)


def notes_of(records: Records, patient: str) -> dict[str, dict[str, Any]]:
    """Encounter -> its note, of the notes that were signed here."""
    wanted = [("patient", patient), ("status", "final"), ("_sort", "-date"), ("_count", "50")]
    page = records.search(notes.TYPE, wanted)
    found = (version.json() for version in page.versions)
    return {
        one["encounter"]["reference"]: one
        for one in found
        if "encounter" in one and not one.get("relatesTo") and one["id"] == own_id(one)
    }


def own_id(note: dict[str, Any]) -> str:
    return notes.id_of(note["encounter"]["reference"].removeprefix("Encounter/"))
