"""Writing the note of a visit: it begins with what is known, is kept as it is typed, and two windows never undo each
other's words: who writes over a version they have not seen is told so.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Missing, Stale
from salus.privacy import Actor, Role
from salus.records import Records, drafts
from salus.records.desk import Desk
from salus.records.signed import Signed
from salus.services.acting import Acting, current
from salus.services.visits import known, notes
from salus.services.visits.diagnoses import MOST, Diagnosis
from salus.services.visits.notes import Note, note_of
from salus.services.visits.templates import Template, template_of

Resource = dict[str, Any]
OPEN = frozenset({"arrived", "triaged", "in-progress", "onleave"})
WRITTEN = (notes.TYPE,)
FIRST = "outpatient"  # the template where none is chosen


class Writing(Acting):
    """A doctor who writes."""

    __slots__ = ()

    def note(self, encounter: str, language: str = "en", template: str = FIRST) -> Note:
        """The note of a visit, or one to begin with. Raises Missing, Forbidden, Invalid."""
        records = self.records
        visit = records.read("Encounter", encounter).json()
        found = kept(records, notes.id_of(encounter))
        return found or self._begin(records, visit, language, template_of(template))

    def save(self, encounter: str, texts: Mapping[str, str], seen: str | None = None, **begun: str) -> Note:
        """Keep what is typed. `seen`: the `words` of the note that was on the screen, None to write over whatever
        stands there; `begun`: as `note` takes it.

        Raises Stale where another window kept something since, Invalid (too long), Signed, Forbidden, Missing.
        """
        return self.change(encounter, lambda note: note.written(texts), seen, **begun)

    def choose(self, encounter: str, template: str, texts: Mapping[str, str], **begun: str) -> Note:
        """Go on with another template; words that it has no section for stand in the one that is nearest, and where
        nothing stands yet is what the template begins with."""
        chosen = template_of(template)
        visit = self.records.read("Encounter", encounter).json()

        def changed(note: Note) -> Note:
            made = moved(note.written(texts), chosen)
            fresh = self._begin(self.records, visit, note.language, chosen)
            return replace(made, texts={**fresh.texts, **made.texts}, sources={**fresh.sources, **made.sources})

        return self.change(encounter, changed, None, **begun)

    def diagnose(self, encounter: str, one: Diagnosis, **begun: str) -> Note:
        """Put a diagnosis on the note, or change how certain it is. Raises Conflict for more than `MOST`."""

        def changed(note: Note) -> Note:
            known = [old for old in note.diagnoses if old.key != one.key]
            if len(known) >= MOST:
                raise Conflict(f"A note takes {MOST} diagnoses: take one off first", path="diagnosis")
            place = next((n for n, old in enumerate(note.diagnoses) if old.key == one.key), len(known))
            return replace(note, diagnoses=(*known[:place], one, *known[place:]))

        return self.change(encounter, changed, None, **begun)

    def drop(self, encounter: str, system: str, code: str) -> Note:
        """Take a diagnosis off."""

        def changed(note: Note) -> Note:
            return replace(note, diagnoses=tuple(one for one in note.diagnoses if one.key != (system, code)))

        return self.change(encounter, changed, None)

    def lead(self, encounter: str, system: str, code: str) -> Note:
        """Let a diagnosis be the first, which is the main one."""

        def changed(note: Note) -> Note:
            return replace(note, diagnoses=tuple(sorted(note.diagnoses, key=lambda one: one.key != (system, code))))

        return self.change(encounter, changed, None)

    def change(self, encounter: str, change: Callable[[Note], Note], seen: str | None, **begun: str) -> Note:
        """The next version of a draft, by a change of what stands there, in one transaction."""
        self.check()
        fresh = self.note(encounter, **begun)

        def work(desk: Desk) -> Note:
            note = self.standing(desk, self.visit(desk, encounter)) or fresh
            made = change(note)
            if made == note and note.version:
                return note
            check_seen(note, seen)
            return note_of(desk.update(drafts.addressed(notes.composition(made, desk.at), notes.TYPE, note.id)))

        return self.do("write", f"{notes.TYPE}/{fresh.id}", WRITTEN, work)

    # --- who and what ---

    def check(self) -> None:
        """Raises Forbidden for who writes no notes."""
        if self.actor.role is not Role.CLINICIAN:
            raise Forbidden(f"A {self.actor.role} writes no notes: a clinician does")

    def visit(self, desk: Desk, encounter: str, mine: bool = True) -> Resource:
        """The Encounter, open and (`mine`) this doctor's. Raises Missing, Signed, Conflict (closed), Forbidden."""
        told = current(desk, f"Encounter/{encounter}")
        if note := written_of(desk, encounter):
            check_draft(note)
        check_open(told)
        if mine:
            check_mine(told, self.actor)
        return told

    def standing(self, desk: Desk, visit: Resource, mine: bool = True) -> Note | None:
        """The draft of a visit that `visit` gave; who has called the patient goes on with what another began. Raises
        Forbidden (`mine`) for another's."""
        note = written_of(desk, visit["id"])
        if note is None or not mine or note.author == self.actor.reference:
            return note
        if self.actor.reference not in doctors_of(visit):
            raise Forbidden(f"The note of Encounter/{visit['id']} is {note.author}'s: they go on with it")
        return replace(note, author=self.actor.reference)

    def _begin(self, records: Records, visit: Resource, language: str, template: Template) -> Note:
        """What a note begins with: what the template leaves to fill in, and what the record says already."""
        patient = visit["subject"]["reference"].removeprefix("Patient/")
        record = [version.json() for version in records.compartment(patient, known.TYPES)]
        at, texts, sources = clock.now(), {}, {}
        for one in template.sections:
            found = [known.carried(kind, record, language, at) for kind in one.carries]
            texts[one.key] = "\n".join(filter(None, (one.begins.in_(language), *(text for text, _ in found))))
            sources[one.key] = tuple(source for _, those in found for source in those)
        held = {key: those for key, those in sources.items() if those}
        return Note(visit["id"], patient, self.actor.reference, template, language, texts, held)


def kept(records: Records, id: str) -> Note | None:
    """The note of this id, or None."""
    try:
        return note_of(records.read(notes.TYPE, id))
    except Missing:
        return None


def written_of(desk: Desk, encounter: str) -> Note | None:
    """The note of a visit, if there is one."""
    id = notes.id_of(encounter)
    return note_of(desk.current(notes.TYPE, id)) if desk.exists(notes.TYPE, id) else None


def check_open(visit: Resource) -> None:
    """Raises Conflict for a visit in which nothing can be written."""
    if visit["status"] not in OPEN:
        raise Conflict(
            f"Encounter/{visit['id']} is {visit['status']}: only a visit that is {', '.join(sorted(OPEN))} is written "
            "in; to a signed note write an addendum",
            path="Encounter.status",
        )


def check_mine(visit: Resource, actor: Actor) -> None:
    """Raises Forbidden for the visit of other doctors. One that names no doctor yet is anyone's."""
    doctors = doctors_of(visit)
    if doctors and actor.reference not in doctors:
        raise Forbidden(f"Encounter/{visit['id']} is a visit of {doctors[0]}: call the patient to take it over")


def doctors_of(visit: Resource) -> list[str]:
    """The Practitioners who take part, without those whose part is over."""
    present = (one for one in visit.get("participant", ()) if "end" not in one.get("period", {}))
    named = (str(one.get("individual", {}).get("reference", "")) for one in present)
    return [who for who in named if who.startswith("Practitioner/")]


def check_draft(note: Note) -> None:
    """Raises Signed for a note that is no draft any more."""
    if note.status != "preliminary":
        told = f"The note Composition/{note.id} was signed on {clock.instant(note.at or clock.now())}"
        raise Signed(f"{told} and stays as it is: write an addendum", path="Composition.status")


def check_seen(note: Note, seen: str | None) -> None:
    """Raises Stale where what is kept is not what was on the screen. Diagnoses and orders are no words."""
    if note.version and seen is not None and seen != note.words:
        raise Stale(
            f"The note was written in another window meanwhile (version {note.version}): look at what stands there, "
            "then keep one of the two",
            path="note",
        )


def moved(note: Note, template: Template) -> Note:
    """With another template, nothing of what was written lost."""
    codes = {one.loinc: one.key for one in reversed(template.sections)}
    texts: dict[str, str] = {}
    sources: dict[str, tuple[str, ...]] = {}
    for one in note.template.sections:
        goal = one.key if template.section(one.key) else codes.get(one.loinc, template.sections[0].key)
        texts[goal] = "\n".join(filter(None, (texts.get(goal, ""), note.texts.get(one.key, ""))))
        sources[goal] = (*sources.get(goal, ()), *note.sources.get(one.key, ()))
    kept = {key: tuple(dict.fromkeys(those)) for key, those in sources.items() if those}
    return replace(note, template=template, texts={key: text for key, text in texts.items() if text}, sources=kept)
