"""Signing a visit: the note, its diagnoses, its orders, the Encounter and who waited, all in one transaction or none.

Before it is signed everything can be taken back; afterwards nothing (`salus.records.signed`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from salus.assistants.answers import every
from salus.assistants.suggestion import Name
from salus.assistants.treatment.prescribing import Prescribing, Told
from salus.base import clock
from salus.base.errors import Invalid, Issue
from salus.base.words import words_of
from salus.records import drafts, signed
from salus.records.desk import Desk
from salus.records.shapes import Version
from salus.services.acting import current, put, standing
from salus.services.appointments.states import BOOKING
from salus.services.visits import diagnoses, notes, orders, provenance
from salus.services.visits.notes import Note, note_of
from salus.services.visits.templates import BLANK
from salus.services.visits.writing import Resource, Writing, check_draft, check_seen

ROLES = "https://salus.example/fhir/CodeSystem/staff-role"  # PractitionerRole.code `supervisor`
WRITTEN = (notes.TYPE, "Condition", "Encounter", *orders.TYPES, provenance.TYPE)
DIAGNOSIS = {"coding": [{"system": f"{diagnoses.HL7}/diagnosis-role", "code": "DD"}]}
say = words_of("salus.services.visits")


@dataclass(frozen=True, slots=True)
class Lack:
    """What a note still needs: words `lack.<key>`, with names in their slots, and where."""

    key: str
    path: str
    slots: Mapping[str, Name] = field(default_factory=dict)

    def in_(self, language: str) -> str:
        return say(f"lack.{self.key}", language, **{slot: name.in_(language) for slot, name in self.slots.items()})


class Incomplete(Invalid):
    """A note that cannot be signed yet; `lacks` says what it needs, in either language."""

    def __init__(self, lacks: Sequence[Lack]) -> None:
        # told: Write the section “{0}”
        # told: Fill in what the template leaves open (__) in “{0}”
        # told: Choose at least one diagnosis
        # told: Decide about the prescription: {0}
        issues = [Issue("required", one.path, one.in_("en")) for one in lacks]
        super().__init__(f"The note cannot be signed yet: {issues[0].text}", path=issues[0].path, issues=issues)
        self.lacks = tuple(lacks)


def lacking(note: Note) -> list[Lack]:
    """What of the note itself is missing: sections, blanks of the template, a diagnosis."""
    found = []
    for one in note.template.sections:
        text = note.texts.get(one.key, "")
        slots = {"section": one.name}
        if one.required and not text:
            found.append(Lack("section", f"section.{one.key}", slots))
        elif BLANK in text:
            found.append(Lack("blank", f"section.{one.key}", slots))
    return found if note.diagnoses else [*found, Lack("diagnosis", "diagnosis")]


def undecided(told: Told | None) -> list[Lack]:
    """What the screen says of the prescription that nobody has decided yet."""
    grave = [one for one in told.screening.findings if told.interrupts(one)] if told else []
    return [Lack("decision", "prescription", {"what": one.text}) for one in grave]


@dataclass
class Signing:
    """The signature of one doctor under a visit. `prescribing` screens what was prescribed once more, all together."""

    writing: Writing
    prescribing: Prescribing

    def screened(self, patient: str, drafted: Sequence[Resource], keep: bool = False) -> Told | None:
        """What speaks against the prescription, all of it together; None where nothing is prescribed."""
        medicines = [one for one in drafted if one["resourceType"] == "MedicationRequest"]
        return self.prescribing.screen(self.writing.records, patient, medicines, keep) if medicines else None

    def sign(
        self, encounter: str, texts: Mapping[str, str] | None = None, seen: str | None = None, **begun: str
    ) -> Note:
        """Sign what stands there, with these words. Raises Incomplete; Stale, Signed, Conflict, Forbidden, Missing."""
        writing = self.writing
        writing.check()
        fresh = writing.note(encounter, **begun)
        check_draft(fresh)
        drafted = orders.drafted(writing.records, encounter)
        grave = undecided(self.screened(fresh.patient, drafted, keep=True))
        tickets = waiting_for(writing, encounter)
        supervises = is_supervisor(writing)

        def work(desk: Desk) -> Note:
            visit = writing.visit(desk, encounter, mine=not supervises)
            note = writing.standing(desk, visit, mine=not supervises) or fresh
            made = note.written(texts or {})
            if made != note:
                check_seen(note, seen)
            note = made
            if lacks := [*lacking(note), *grave]:
                raise Incomplete(lacks)
            desk.signs = True
            return self._written(desk, note, visit, drafted, tickets)

        return writing.do("sign", f"{notes.TYPE}/{fresh.id}", WRITTEN, work)

    def _written(
        self, desk: Desk, note: Note, visit: Resource, drafted: Sequence[Resource], tickets: Sequence[str]
    ) -> Note:
        """All that the signature writes."""
        who, at = self.writing.actor.reference, desk.at
        found = [diagnoses.condition(d, note.id, note.patient, note.encounter, who, at) for d in note.diagnoses]
        ordered = [
            orders.activated(orders.waiting(desk, note.encounter, one["resourceType"], one["id"]), note.id)
            for one in drafted
        ]
        lines = {
            notes.DIAGNOSES: [(f"Condition/{d.id(note.id)}", diagnoses.line(d, note.language)) for d in note.diagnoses],
            notes.ORDERS: [(f"{o['resourceType']}/{o['id']}", orders.line(o, note.language)) for o in ordered],
        }
        attester = {"mode": "professional", "time": clock.instant(at), "party": {"reference": who}}
        told = notes.framed(note, "final", at, lines)
        told |= {"attester": [attester], "extension": [*told["extension"], signed.mark(note.id)]}
        written = [kept(desk, one) for one in (told, *found, *ordered, finished(visit, note.id, found, at))]
        kept(desk, provenance.signature(note.id, written, note.author, who, at))
        orders.ended(desk, ordered)
        end(desk, visit, tickets)
        return note_of(written[0])


def kept(desk: Desk, told: Resource) -> Version:
    """Stored as it is; the version, whose bytes are what is signed."""
    return desk.update(drafts.addressed(told, told["resourceType"], told["id"]))


def finished(visit: Resource, note: str, found: Sequence[Resource], at: Any) -> Resource:
    """The Encounter as it ends: the first diagnosis is the main one."""
    was = {"status": visit["status"], "period": dict(visit.get("period") or {"start": clock.instant(at)})}
    told = [
        {"condition": {"reference": f"Condition/{one['id']}"}, "use": DIAGNOSIS, "rank": rank}
        for rank, one in enumerate(found, 1)
    ]
    return visit | {
        "status": "finished",
        "statusHistory": [*visit.get("statusHistory", ()), was],
        "period": {**visit.get("period", {}), "end": clock.instant(at)},
        "diagnosis": [*visit.get("diagnosis", ()), *told],
        "extension": [*visit.get("extension", ()), signed.mark(note)],
    }


def end(desk: Desk, visit: Resource, tickets: Sequence[str]) -> None:
    """Whoever waited has been seen: the tickets of the visit are done with, its Appointment is fulfilled."""
    for id in tickets:
        task = current(desk, f"Task/{id}")
        span = {**task.get("executionPeriod", {}), "end": clock.instant(desk.at)}
        put(desk, task | {"status": "completed", "executionPeriod": span})
    for one in visit.get("appointment", ()):
        booked = standing(desk, str(one.get("reference", "")))
        if booked and BOOKING.can("fulfil", booked["status"]):
            put(desk, booked | {"status": BOOKING.after("fulfil", booked["status"], booked["id"])})


def waiting_for(writing: Writing, encounter: str) -> list[str]:
    """The tickets of a visit that are not done with. They are Tasks of the queue, whoever keeps it."""
    wanted = [("focus", f"Encounter/{encounter}"), ("code", "queue-ticket"), ("_count", "50")]
    found = every(writing.records, "Task", wanted)
    return [str(one["id"]) for one in found if one["status"] not in ("completed", "cancelled")]


def is_supervisor(writing: Writing) -> bool:
    """Whether the hospital says that this doctor signs for others: an active PractitionerRole `supervisor`."""
    wanted = [("practitioner", writing.actor.reference), ("role", f"{ROLES}|supervisor"), ("active", "true")]
    return bool(writing.records.search("PractitionerRole", wanted).versions)
