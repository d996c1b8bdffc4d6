"""The treatment card beside one patient: the page and CDS Hooks ask here and get the same.

Whether the person who asks may see this patient is checked with their own eyes on the records. An answer is the
person's act and stored in their name; what comes of it is an order in draft, which is signed through the screen.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar

from salus.analytics.events import events_of, in_order, table_of
from salus.assistants.answers import NOT_STATED
from salus.assistants.resources import BASE
from salus.assistants.suggestion import Name, Verdict
from salus.assistants.treatment.behaviour import Behaviours
from salus.assistants.treatment.benefit import Benefit, Benefits
from salus.assistants.treatment.guidelines.background import background_of
from salus.assistants.treatment.guidelines.plans import shipped
from salus.assistants.treatment.guidelines.shelf import TYPES, plans
from salus.assistants.treatment.guidelines.terms import terms
from salus.assistants.treatment.options import answers, laying
from salus.assistants.treatment.options.answers import Answered, Said
from salus.assistants.treatment.options.shape import Card, Option
from salus.assistants.treatment.options.telling import sentence
from salus.assistants.treatment.prescribing import Prescribing, is_draft
from salus.assistants.treatment.screen.person import says
from salus.base import clock
from salus.base.errors import Forbidden, Gone, Invalid, Missing, SalusError, Unsupported
from salus.base.ids import uuid7
from salus.codes.terminology import Terminology
from salus.privacy import check_may
from salus.privacy.policy import Act
from salus.records import Records

log = logging.getLogger(__name__)
T = TypeVar("T")
Json = dict[str, Any]
Resource = Mapping[str, Any]
ANSWERING = "ClinicalImpression"
WAITING = 10_000  # offers that wait for an answer, the oldest forgotten first


class Treatment:
    """The options of an installation's patients; safe to share between threads."""

    def __init__(self, prescribing: Prescribing, registry: Path, secret: bytes | None = None) -> None:
        self.prescribing = prescribing
        self.benefits = Benefits(registry, secret)
        self.behaviours = Behaviours(registry, prescribing, secret)
        self._offered: OrderedDict[str, tuple[str, Option, str]] = OrderedDict()
        self._lock = Lock()

    def warm(self) -> None:
        """Load the promoted models and rankings. Raises Conflict for one whose files were changed."""
        self.benefits.registry.asked()
        self.behaviours.promoted()

    def options(self, records: Records, patient_id: str) -> Card:
        """The card of a patient of ours, with the orders in draft that stand in the store and the answers that stand.

        Raises Missing, Gone, Forbidden as reading the Patient does.
        """
        for type in (*TYPES, ANSWERING):
            check_may(records.actor, records.purpose, Act.READ, type)
        records.read("Patient", patient_id)
        known = [one.json() for one in records.compartment(patient_id, (*TYPES, ANSWERING))]
        drafts = [one for one in known if is_draft(one)]
        card = self.card(known, patient_id, drafts, plans(records), self.expected(records, patient_id), terms(records))
        done = asked("behaviour", lambda: self.behaviours.of(records, patient_id))
        card = replace(card, behaviour=done.found, faults=(*card.faults, *done.faults))
        return with_answers(card, answers.standing(known, card.at))

    def expected(self, records: Records, patient_id: str) -> "Asked[Benefit]":
        """What each effect model of the registry expects for a patient of ours."""
        return asked("benefit", lambda: self.benefits.of(records, patient_id))

    def ordering(self, records: Records, patient_id: str, drafts: Sequence[Json], keep: bool = False) -> Card:
        """The card of a patient of ours with these orders in draft; `keep` writes down what interrupts.

        Raises Missing, Gone, Forbidden as reading the Patient does.
        """
        known = self.prescribing.known(records, patient_id, drafts)
        card = self.card(known, patient_id, drafts, plans(records), self.expected(records, patient_id), terms(records))
        if keep:
            self.prescribing.keep(records, card.told)
        return card

    def options_from(
        self, resources: Iterable[Resource], patient: str, drafts: Sequence[Json], whole: bool = True
    ) -> Card:
        """The card of a foreign patient from these resources alone, by the pathways that are shipped. Effect models are
        asked only where these are all (`whole`): what is left out would look as if it had never happened."""
        known, id = [dict(one) for one in resources], patient.rpartition("/")[2]

        def expected() -> tuple[Benefit, ...]:
            if not self.benefits.registry.asked():
                return ()
            if not whole:
                raise Unsupported("not all of the patient's records were sent along")
            events = (event for one in known for event in events_of(one) if event.subject_id == id)
            return self.benefits.of_events(table_of(in_order(events)))

        return self.card(known, patient, drafts, list(shipped().values()), asked("benefit", expected), None)

    def card(
        self,
        known: list[Json],
        patient: str,
        drafts: Sequence[Json],
        plans: Sequence[Json],
        benefits: "Asked[Benefit]",
        terms: Terminology | None,
    ) -> Card:
        """The layers beside each other."""
        mine = [one for one in known if one["resourceType"] != "Patient" or one.get("id") == patient.split("/")[-1]]
        drafts = [one if one.get("id") else {**one, "id": f"draft-{place}"} for place, one in enumerate(drafts)]
        sitting = self.prescribing.sitting(mine, patient)
        background = background_of(mine, patient, sitting.at, sitting.person)
        told = sitting.together(drafts)
        ways = laying.pathways(plans, background, sitting, terms)
        pathways, others = laying.laid(ways, benefits.found, drafts, told, background, sitting)
        return Card(
            patient,
            background.at,
            pathways,
            others,
            told,
            background.unread,
            benefits.found,
            faults=benefits.faults,
        )

    def answer(self, records: Records, patient_id: str, key: str, said: Said) -> Answered:
        """Store what the person behind `records` says to an option. Accepted or changed, its order stands in draft.

        Raises Missing (the option is no longer offered), Invalid (a medicine that it does not have), Forbidden.
        """
        for type in (ANSWERING, "MedicationRequest"):
            check_may(records.actor, records.purpose, Act.WRITE, type)
        card = self.options(records, patient_id)
        option = card.option(key)
        if option is None:
            raise Missing("The record has changed since, and this option is no longer offered: load the page again")
        order = order_of(option, said, patient_id, records.actor.reference)
        if order is not None:
            records.update("MedicationRequest", order["id"], order)
        given = Answered(
            id=uuid7(),
            option=key,
            verdict=said.verdict,
            reason=said.reason or ("other" if said.verdict == "refused" else ""),
            comment=said.comment,
            medicine=order["medicationCodeableConcept"]["text"] if order else "",
            order=f"MedicationRequest/{order['id']}" if order else "",
            by=records.actor.reference,
            at=in_milliseconds(clock.now()),
        )
        before = option.answer.id if option.answer else ""
        body = answers.impression(given, patient_id, shown(option), protocols(option), before)
        records.update(ANSWERING, given.id, body)
        return given

    def offer(self, id: str, patient: str, option: Option, medicine: str = "") -> None:
        """Remember what a card or a suggestion of CDS Hooks is of, so that an answer to it finds it again."""
        with self._lock:
            self._offered[id] = (patient, option, medicine)
            self._offered.move_to_end(id)
            while len(self._offered) > WAITING:
                self._offered.popitem(last=False)

    def heed(self, records: Records, id: str, reason: str, comment: str, at: datetime, refused: bool) -> bool:
        """Store the answer to a card or a suggestion that was offered; False where it was none of an option's.

        The order is the client's to write. Raises Forbidden.
        """
        with self._lock:
            patient, option, medicine = self._offered.get(id, ("", None, ""))
        if option is None:
            return False
        check_may(records.actor, records.purpose, Act.WRITE, ANSWERING)
        verdict: Verdict = "refused" if refused else "accepted"
        by, moment = records.actor.reference, in_milliseconds(at)
        coded = reason if not reason or reason in (*answers.REASONS, NOT_STATED) else "other"
        words = comment if coded == reason else "; ".join(filter(None, (reason, comment)))
        if refused and not coded:
            coded = "other" if words else NOT_STATED
        given = Answered(uuid7(), option.key, verdict, coded, words, medicine, "", by, moment)
        records.update(ANSWERING, given.id, answers.impression(given, patient, shown(option), protocols(option), ""))
        return True

    def undo(self, records: Records, patient_id: str, key: str) -> None:
        """Take the answer back, and cancel its order while that is a draft; a signed one stays. Raises Missing."""
        found = [one.json() for one in records.compartment(patient_id, (ANSWERING,))]
        held = answers.standing(found, clock.now()).get(key)
        if held is None:
            raise Missing("There is no answer that could be taken back", path="option")
        version = records.read(ANSWERING, held.id)
        records.update(ANSWERING, held.id, version.json() | {"status": "entered-in-error"}, if_match=version.version)
        if held.order:
            self.prescribing.discard(records, patient_id, held.order.removeprefix("MedicationRequest/"))


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """What a layer said, or that it could not be asked."""

    found: tuple[T, ...] = ()
    faults: tuple[Name, ...] = ()


def asked(layer: str, ask: Callable[[], tuple[T, ...]]) -> Asked[T]:
    """A layer that cannot be asked is told, and hides none of the others. Raises Missing, Gone, Forbidden."""
    try:
        return Asked(ask())
    except (Missing, Gone, Forbidden):
        raise
    except SalusError as fault:
        note(layer, str(fault))
        return Asked(faults=(says(f"layer.{layer}"),))


@lru_cache(64)
def note(layer: str, fault: str) -> None:
    """In the log once, not with every patient."""
    log.warning("the layer %s cannot be asked: %s", layer, fault)


def in_milliseconds(at: datetime) -> datetime:
    """As FHIR keeps it."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def with_answers(card: Card, given: Mapping[str, Answered]) -> Card:
    """The card with the answers that stand; those to what is no longer offered are kept beside it."""
    ways = tuple(replace(one, options=tuple(answered(each, given) for each in one.options)) for one in card.pathways)
    others = tuple(answered(one, given) for one in card.others)
    offered = {one.key for one in card.options}
    earlier = tuple(one for key, one in given.items() if key not in offered)
    return replace(card, pathways=ways, others=others, earlier=earlier)


def answered(option: Option, given: Mapping[str, Answered]) -> Option:
    return replace(option, answer=given[option.key]) if option.key in given else option


def order_of(option: Option, said: Said, patient: str, by: str) -> Json | None:
    """The order in draft that an answer leads to: of the medicine that is named, else of the option's only one.

    None for a refusal, for advice without medicines, and where the option is a draft itself. Raises Invalid.
    """
    if said.verdict == "refused" or (said.verdict == "accepted" and not option.medicines):
        return None
    concept = {"text": said.medicine} if said.verdict == "changed" else chosen(option, said.medicine)
    if concept is None:
        return None
    author = {"requester": {"reference": by}} if by.startswith("Practitioner") else {}
    canonical = {"instantiatesCanonical": [option.protocol]} if option.protocol.startswith("http") else {}
    return {
        "resourceType": "MedicationRequest",
        "id": uuid7(),
        "status": "draft",
        "intent": "order",
        **canonical,
        "medicationCodeableConcept": concept,
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": clock.instant(clock.now()),
        **author,
    }


def chosen(option: Option, medicine: str) -> Json | None:
    """The concept of the medicine by its name in either language; None where it stands in draft already."""
    named = {name: one for one in option.medicines for name in (one.named.en, one.named.zh)}
    if not medicine and len(option.medicines) == 1:
        medicine = option.medicines[0].named.en
    if medicine not in named:
        offered = ", ".join(one.named.en for one in option.medicines)
        raise Invalid(f"'{medicine}' is none of the medicines of this option: {offered}", path="medicine")
    concept: Json = named[medicine].choice.order["medicationCodeableConcept"]
    return None if named[medicine].draft else {"text": medicine} | concept


def shown(option: Option) -> str:
    """What stood on the card, for who reads the answer later."""
    line = option.line
    graded = " ".join(filter(None, (line.source.label if line.source else "", line.strength))) if line else ""
    said = [sentence(one).en for one in option.estimates]
    held = ", ".join(one.named.en for one in option.apart)
    return ". ".join(filter(None, (option.title.en, graded, *said, f"Set apart by the screen: {held}" if held else "")))


def protocols(option: Option) -> list[str]:
    """The plan and the models that spoke."""
    plan = [option.protocol] if option.protocol else []
    return [*plan, *dict.fromkeys(f"{BASE}/model/{one.model.replace(' ', '/')}" for one in option.estimates)]
