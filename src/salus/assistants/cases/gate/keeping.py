"""The verbs of the gate: draft, decide, release, refuse, withdraw. What the records say stands; the library follows."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from salus.assistants.answers import every
from salus.assistants.cases.case import Case
from salus.assistants.cases.casebook import Library, library_of
from salus.assistants.cases.gate import building, drafting, recording
from salus.assistants.cases.gate.anonymity import K, Level, Population, one_of
from salus.assistants.cases.gate.consents import refuses
from salus.assistants.cases.gate.drafting import Known
from salus.assistants.cases.gate.shapes import Act, Decision, Draft, Part, Rare, Review, State
from salus.assistants.cases.gate.shifts import Shifts
from salus.assistants.cases.gate.sources import CASES, sources_of
from salus.assistants.cases.gate.vocabulary import common_of
from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid, Missing
from salus.base.ids import uuid7
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Actor, Purpose, Role, check_may_release
from salus.privacy.deidentify import Kind
from salus.records import Records, Store
from salus.records.erasing import Pending
from salus.records.erasing.finishing import Sweep

MINE = (("type", f"{CASES}|case"),)
FOLDER = "-cases"  # beside the store: the shifts
NOTED = ("DiagnosticReport", "ClinicalImpression", "Composition", "Condition")
LASTS = timedelta(minutes=2)  # what is known of everybody, while drafts are looked at
READ = 2000  # resources whose words are counted
SAMPLE = 40  # people of a class whose diagnoses are looked at


class Gate:
    """The gate of an installation; safe to share between threads. `records` are those of the person who asks."""

    def __init__(self, store: Store, library: Library, secret: bytes, language: str = "en") -> None:
        self.store, self.casebook, self.secret, self.language = store, library, secret, language
        self.shifts = Shifts(store.beside(FOLDER), secret)
        self._known: tuple[int, datetime, Known] | None = None
        self._lock = Lock()

    # --- what is shared ---

    def known(self, fresh: bool = False) -> Known:
        """Everybody and the staff; read again when something was written since, but not more often than `LASTS`."""
        with self._lock:
            last, at = self.store.last_transaction(), clock.now()
            kept = self._known
            if kept is None or (kept[0] != last and (fresh or at - kept[1] > LASTS)):
                kept = self._known = (last, at, self._read())
            return kept[2]

    def _read(self) -> Known:
        own = self.own()
        people = Population(one_of(one) for one in every(own, "Patient", [("_count", "500")]))
        staff = [one for kind in ("Practitioner", "Organization") for one in every(own, kind, [("_count", "500")])]
        return Known(people, tuple(staff), common_of(self._texts(own)))

    def _texts(self, own: Records) -> Iterator[tuple[str, str]]:
        for kind in NOTED:
            for version in own.search(kind, [("_count", str(READ // len(NOTED)))]).versions:
                subject = version.json().get("subject", {}).get("reference", "")
                yield from ((subject, source.text) for source in sources_of(version))

    def own(self) -> Records:
        """The records as the house itself has them open."""
        return self.store.open(SYSTEM, Purpose.OPERATIONS)

    # --- drafts ---

    def begin(self, records: Records, patient: str, encounter: str = "") -> Draft:
        """A new draft, or the one that is there of this patient and encounter. Raises Missing, Lacking, Forbidden."""
        check_may_release(records.actor)
        chart = drafting.chart_of(records, patient, self.known().staff)
        encounter = drafting.framed(chart, encounter).encounter
        for one in self.listed(records):
            review = recording.review_of(one)
            if (review.patient, review.encounter) == (patient, encounter) and recording.state_of(one) != "withdrawn":
                return self.open(records, one["id"])
        id = uuid7()
        body = recording.document(id, Review(patient, encounter), "draft", records.actor.reference)
        records.update("DocumentReference", id, body)
        return self.open(records, id)

    def listed(self, records: Records) -> list[dict[str, Any]]:
        """All cases on their way, the newest first. Raises Forbidden."""
        check_may_release(records.actor)
        return list(every(records, "DocumentReference", [*MINE, ("_sort", "-date"), ("_count", "200")]))

    def open(self, records: Records, id: str) -> Draft:
        """A draft as it would leave now. Raises Missing, Gone, Forbidden."""
        check_may_release(records.actor)
        version = records.read("DocumentReference", id)
        body = version.json()
        if not any(one.get("system") == CASES for one in body.get("type", {}).get("coding", ())):
            raise Missing(f"DocumentReference/{id[:64]} is no case")
        review = recording.review_of(body)
        made = self.made(records, id, review)
        left = recording.sealed_case(body, self.secret)
        state = recording.state_of(body)
        return replace(
            made, version=version.version, state=state, reason=recording.reason_of(body), case=left or made.case
        )

    def made(self, records: Records, id: str, review: Review) -> Draft:
        known = self.known()
        chart = drafting.chart_of(records, review.patient, known.staff)
        frame = drafting.framed(chart, review.encounter)
        shift = self.shifts.of(review.patient)
        level, people = known.population.coarsened(chart.one, frame.index)
        own = drafting.band_of(chart, frame, level)
        parts = drafting.parts_of(chart, frame, review, shift, known.common, own)
        language = drafting.language_of((one.source.text for one in parts), self.language)
        case = drafting.case_of(id, chart, frame, parts, level, review, language)
        case = msgspec.structs.replace(case, at=drafting.shifted(frame.index, shift))
        rare = [one for one in self.rare(case) if one.code not in review.known]
        refusal = "consent" if chart.refused else "" if level.enough else "few"
        return Draft(
            id, 0, "draft", review, case, tuple(parts), self.counted(case, level, people), tuple(rare), refusal
        )

    def rare(self, case: Case) -> Iterator[Rare]:
        """Diagnoses that fewer than k people of the store have."""
        own = self.own()
        for one in case.diagnoses:
            code = one.code.partition("//")[2]
            found = own.search("Condition", [("code", code), ("_count", "200")]) if code else None
            people = (
                {version.json().get("subject", {}).get("reference") for version in found.versions} if found else set()
            )
            if len(people) < K:
                yield Rare(one.code, one.text, len(people))

    def counted(self, case: Case, level: Level, people: list[str]) -> Level:
        """With how many released cases tell the same, and how many diagnoses there are among those and these."""
        main = case.diagnoses[0].code if case.diagnoses else ""
        same = [one for one in self.alike(case) if one.id != case.id]
        own = self.own()
        references = ",".join(f"Patient/{id}" for id in people[:SAMPLE])
        found = own.search("Condition", [("subject", references), ("_count", "500")]).versions if references else []
        codes = {building.named_of(one.json().get("code"), "en").code for one in found} - {""}
        told = {main, *(one.diagnoses[0].code for one in same if one.diagnoses)} - {""}
        return replace(level, released=len(same) + 1, diversity=len(codes), released_diversity=len(told))

    def alike(self, case: Case) -> Iterator[Case]:
        """Released cases of ours that tell the same age, sex and place."""
        head = case.text.partition("\n")[0]
        for id in self.casebook.ids("own"):
            one = self.casebook.get(id)
            if (one.age_years, one.sex) == (case.age_years, case.sex) and one.text.partition("\n")[0] == head:
                yield one

    # --- decisions ---

    def decide(self, records: Records, id: str, decision: Decision) -> Draft:
        """Keep or take out one place. Raises Invalid for no place, Conflict for a case or a text that has moved on."""
        draft = self._undecided(records, id)
        part = next((one for one in draft.parts if one.source.key == decision.source), None)
        if part is None or part.source.version != decision.version:
            raise Conflict("That text has changed or is no longer part of the case: look at it again", path="source")
        if not 0 <= decision.start < decision.end <= len(part.source.text):
            raise Invalid(f"{decision.start} to {decision.end} is no place in that text", path="start")
        apart = [one for one in draft.review.decisions if not same_place(one, decision)]
        return self._keep(records, draft, msgspec.structs.replace(draft.review, decisions=(*apart, decision)))

    def redact(self, records: Records, id: str, words: str, kind: Kind = Kind.OTHER) -> Draft:
        """Take words out wherever they stand in the case. Raises Invalid where they stand nowhere."""
        draft = self._undecided(records, id)
        found = [one for part in draft.parts for one in places_of(part, words.strip(), kind)]
        if not found:
            raise Invalid("Those words stand nowhere in the case: copy them from the left side", path="words")
        apart = [one for one in draft.review.decisions if not any(same_place(one, other) for other in found)]
        return self._keep(records, draft, msgspec.structs.replace(draft.review, decisions=(*apart, *found)))

    def undecide(self, records: Records, id: str, source: str, start: int, end: int) -> Draft:
        """Take a decision back."""
        draft = self._undecided(records, id)
        left = [one for one in draft.review.decisions if (one.source, one.start, one.end) != (source, start, end)]
        return self._keep(records, draft, msgspec.structs.replace(draft.review, decisions=tuple(left)))

    def settle_rare(self, records: Records, id: str, code: str, act: Act) -> Draft:
        """A rare diagnosis stays (`keep`) or goes (`redact`)."""
        draft = self._undecided(records, id)
        review = draft.review
        kept = {"known": (*review.known, code)} if act == "keep" else {"dropped": (*review.dropped, code)}
        return self._keep(records, draft, msgspec.structs.replace(review, **kept))

    def _undecided(self, records: Records, id: str) -> Draft:
        draft = self.open(records, id)
        if draft.state != "draft":
            raise Conflict(f"That case is {draft.state}: nothing is decided about it any more", path="id")
        return draft

    def _keep(self, records: Records, draft: Draft, review: Review) -> Draft:
        body = recording.document(draft.id, review, "draft", records.actor.reference)
        records.update("DocumentReference", draft.id, body, if_match=draft.version)
        return self.open(records, draft.id)

    # --- in and out ---

    def release(self, records: Records, id: str, version: int | None = None) -> Draft:
        """Let a case out, as the person behind `records`. `version`: what they looked at; another by now is Stale.

        Raises Forbidden, Invalid (something is undecided, or too few are alike, or the patient has said no), Stale.
        """
        check_may_release(records.actor)
        check_person(records.actor)
        self.known(fresh=True)
        draft = self._undecided(records, id)
        check_ready(draft)
        by = records.actor.reference
        case = msgspec.structs.replace(draft.case, released=f"DocumentReference/{id}")
        level = f"k={draft.level.k} released={draft.level.released} l={draft.level.diversity}"
        body = recording.released(id, draft.review, case, by, self.secret, level)
        stored = records.update("DocumentReference", id, body, if_match=version or draft.version)
        sources = sorted(
            {part.source.key.partition("#")[0] for part in draft.parts} | {f"Patient/{draft.review.patient}"}
        )
        target = f"DocumentReference/{id}/_history/{stored.version}"
        proof = uuid7()
        records.update("Provenance", proof, recording.provenance(proof, target, by, sources, ""))
        self.casebook.add([case])
        return self.open(records, id)

    def refuse(self, records: Records, id: str, reason: str) -> None:
        """It does not leave. Raises Invalid without a reason."""
        self._end(records, self._undecided(records, id), "refused", reason)

    def withdraw(self, records: Records, id: str, reason: str) -> None:
        """What was released is taken back: out of the library, the document superseded. Raises Invalid, Conflict."""
        draft = self.open(records, id)
        if draft.state != "released":
            raise Conflict(f"That case is {draft.state}, not released", path="id")
        self._end(records, draft, "withdrawn", reason)
        self.casebook.remove([id])

    def again(self, records: Records, id: str) -> Draft:
        """A refused or withdrawn case is a draft again, with all that was decided. Raises Conflict."""
        draft = self.open(records, id)
        if draft.state not in ("refused", "withdrawn"):
            raise Conflict(f"That case is {draft.state}", path="id")
        return self._keep(records, draft, draft.review)

    def _end(self, records: Records, draft: Draft, state: State, reason: str) -> None:
        if not reason.strip():
            raise Invalid("Say why, in words that name nobody", path="reason")
        body = recording.document(draft.id, draft.review, state, records.actor.reference, reason.strip())
        records.update("DocumentReference", draft.id, body, if_match=draft.version)

    def settle(self) -> tuple[int, int]:
        """Bring the library to what the records say: (cases taken in, cases taken out).

        What was erased, withdrawn, changed by another hand, or whose patient has since said no, goes.
        """
        own = self.own()
        found = every(own, "DocumentReference", [*MINE, ("status", "current"), ("_count", "200")])
        stand = {one["id"]: case for one in found if (case := self._standing(own, one))}
        there = set(self.casebook.ids("own"))
        out = self.casebook.remove(there - stand.keys())
        fresh = [case for id, case in stand.items() if id not in there or self.casebook.get(id) != case]
        return self.casebook.add(fresh) if fresh else 0, out

    def _standing(self, own: Records, body: dict[str, Any]) -> Case | None:
        case = recording.sealed_case(body, self.secret)
        if case is None:
            return None
        patient = body["subject"]["reference"]
        consents = every(own, "Consent", [("patient", patient)])
        return None if refuses(consents) else case


def same_place(one: Decision, other: Decision) -> bool:
    return (one.source, one.version, one.start, one.end) == (other.source, other.version, other.start, other.end)


def places_of(part: Part, words: str, kind: Kind) -> Iterator[Decision]:
    """Where words stand in a text, in any case of letters."""
    text, wanted, at = part.source.text.lower(), words.lower(), 0
    while wanted and (at := text.find(wanted, at)) >= 0:
        yield Decision(part.source.key, part.source.version, at, at + len(wanted), "redact", kind)
        at += len(wanted)


def check_person(actor: Actor) -> None:
    """Raises Forbidden for a machine: a human releases."""
    if not actor.reference.startswith(("Practitioner/", "PractitionerRole/")) or actor.role is Role.SYSTEM:
        raise Forbidden(f"{actor.reference} is no person: a case is released by somebody, named")


REFUSALS = {
    "consent": "The patient has said that their record may not be used beyond their care: this case may not leave",
    "few": f"Fewer than {K} people of the store are alike, however coarsely it is told: this case may not leave",
}


def check_ready(draft: Draft) -> None:
    """Raises Invalid while something is undecided or forbids it."""
    if draft.refusal:
        raise Invalid(REFUSALS[draft.refusal], path=draft.refusal)
    if draft.open:
        raise Invalid(f"{draft.open} places are undecided: keep each or take it out", path="open")


def swept_by(settings: Settings) -> Sweep:
    """For `erasing.finish`, of an installation with these settings."""
    return swept(lambda store: gate_of(store, settings.store, settings.secret, settings.language))


def gate_of(store: Store, place: Path | str, secret: bytes, language: str = "en") -> Gate:
    """The gate of an installation: `place` is where its store lies."""
    return Gate(store, library_of(place), secret, language)


def swept(gate: Callable[[Store], Gate]) -> Sweep:
    """For `erasing.finish`: the released cases of who was erased go, and the weeks by which their dates moved."""

    def sweep(store: Store, gone: Pending) -> None:
        here = gate(store)
        here.shifts.forget(gone.subjects | {old.partition("/")[2] for old in gone.references})
        here.settle()

    return sweep
