"""The treatment assistant beside one patient: the doors (pages, CDS Hooks) ask here.

Whether the person who asks may see this patient is checked with their own eyes on the records. That something was told
is the machine's act and stored in its name; to go on in spite of it is the person's act and stored in theirs.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from salus.assistants.answers import NOT_STATED
from salus.assistants.suggestion import Name
from salus.assistants.treatment import overrides
from salus.assistants.treatment.overrides import Burden, Override, issue, issue_id
from salus.assistants.treatment.screen import Finding, Screening, lifetime, screen, summed
from salus.assistants.treatment.screen.orders import is_taken, order_of
from salus.assistants.treatment.screen.person import Person, person_of
from salus.assistants.treatment.site import Shelf
from salus.base import clock
from salus.base.errors import Missing
from salus.privacy import Actor, Role, check_may
from salus.privacy.policy import Act
from salus.records import Records, Store, joined

Resource = Mapping[str, Any]
SELF = Actor("Device/salus-screen", Role.SYSTEM)
WAITING = 10_000  # findings that wait for an answer, the oldest forgotten first

# what the screen reads of a patient
TYPES = (
    "Patient",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Condition",
    "AllergyIntolerance",
    "DetectedIssue",
)


@dataclass(frozen=True, slots=True)
class Told:
    """A screening for one patient, and the overrides that stand, by the cause of the finding."""

    patient: str
    screening: Screening
    overrides: Mapping[str, Override]
    before: frozenset[str]  # causes that stand written down

    def overridden(self, finding: Finding) -> Override | None:
        return self.overrides.get(finding.key)

    def interrupts(self, finding: Finding) -> bool:
        """Whether a decision is needed: it is grave, and nobody has decided it for this patient."""
        return finding.tier == "interrupt" and finding.key not in self.overrides

    @property
    def open(self) -> tuple[Name, ...]:
        """What was not looked at, in sentences."""
        return summed(self.screening.unchecked)

    def id(self, finding: Finding) -> str:
        return issue_id(self.patient, finding.key)


class Prescribing:
    """The screen of an installation; safe to share between threads."""

    def __init__(self, store: Store, shelf: Shelf) -> None:
        self.store, self.shelf = store, shelf
        self._waiting: OrderedDict[str, tuple[str, Finding]] = OrderedDict()
        self._lock = Lock()

    def screen(self, records: Records, patient_id: str, proposed: Iterable[Resource], keep: bool = False) -> Told:
        """What speaks against these orders for a patient of ours; `keep` writes down what interrupts.

        Raises Missing, Gone, Forbidden as reading the Patient does.
        """
        orders = list(proposed)
        told = self._told(patient_id, orders, self.known(records, patient_id, orders))
        if keep:
            self.keep(records, told)
        return told

    def known(self, records: Records, patient_id: str, proposed: Iterable[Resource]) -> list[dict[str, Any]]:
        """What the screen reads of a patient of ours for these orders. Raises Missing, Gone, Forbidden."""
        check_may(records.actor, records.purpose, Act.READ, "DetectedIssue")
        records.read("Patient", patient_id)
        more = (lifetime.TYPE,) if lifetime.asks(proposed, self.shelf.knowledge()) else ()
        return [version.json() for version in records.compartment(patient_id, (*TYPES, *more))]

    def sitting(self, resources: Iterable[Resource], patient: str) -> "Sitting":
        """The screen for one patient about whom several questions are asked."""
        return Sitting(self, list(resources), patient)

    def _told(self, patient: str, proposed: Iterable[Resource], known: list[Any]) -> Told:
        return Sitting(self, known, patient).together(proposed)

    def wait(self, told: Told) -> None:
        """Remember what was told, so that somebody can go on in spite of it."""
        with self._lock:
            for finding in told.screening.findings:
                self._waiting[told.id(finding)] = (told.patient, finding)
                self._waiting.move_to_end(told.id(finding))
            while len(self._waiting) > WAITING:
                self._waiting.popitem(last=False)

    def keep(self, records: Records, told: Told) -> None:
        """Write down what interrupts, once and in one transaction: a cause that was told before is not told anew."""
        found = [one for one in told.screening.findings if told.interrupts(one) and one.key not in told.before]
        if not found:
            return
        at = clock.now()
        entries = [
            {
                "resource": issue(one, told.patient, at),
                "request": {"method": "PUT", "url": f"DetectedIssue/{told.id(one)}"},
            }
            for one in found
        ]
        own = self.store.open(SELF, records.purpose)
        own.bundle({"resourceType": "Bundle", "type": "transaction", "entry": entries})

    def go_on(
        self, records: Records, issue_id: str, reason: str, comment: str = "", at: datetime | None = None
    ) -> Override:
        """Write down that the person behind `records` goes on in spite of a finding, and why.

        Raises Missing (a finding that was not told lately: screen again), Invalid (no reason), Forbidden.
        """
        overrides.check(reason, comment)
        with self._lock:
            patient, finding = self._waiting.get(issue_id, ("", None))
        if finding is None:
            raise Missing(f"DetectedIssue/{issue_id[:64]} was not told lately: screen the order again", path="card")
        coded = reason if reason in (*overrides.REASONS, NOT_STATED) else "other"
        words = comment if coded == reason else "; ".join(filter(None, (reason, comment)))
        said = Override(coded, words, records.actor.reference, at or clock.now())
        records.update("DetectedIssue", issue_id, issue(finding, patient, said.at, said))
        return said

    def sign(
        self, records: Records, patient_id: str, order: Resource, reasons: Mapping[str, tuple[str, str]]
    ) -> tuple[Told, bool]:
        """Store the order and, for each cause that interrupts, why it is signed in spite of it.

        `reasons`: id of the finding -> (reason, comment). What was told, and whether it was signed: it is not as long
        as a cause is without a reason. Raises Invalid for a reason that is none, Forbidden, and as `screen` does.
        """
        check_may(records.actor, records.purpose, Act.WRITE, "MedicationRequest")
        told = self.screen(records, patient_id, [order], keep=True)
        open_ = [one for one in told.screening.findings if told.interrupts(one)]
        given = {told.id(one): reasons[told.id(one)] for one in open_ if any(reasons.get(told.id(one), ()))}
        if len(given) < len(open_):
            return told, False
        for reason, comment in given.values():
            overrides.check(reason, comment)
        at, by = clock.now(), records.actor.reference
        answered = [
            issue(one, told.patient, at, Override(given[told.id(one)][0] or "other", given[told.id(one)][1], by, at))
            for one in open_
        ]
        # the reasons first: an order that stands without them would look unscreened
        waiting = [records.updating(one["resourceType"], one["id"], one) for one in (*answered, dict(order))]
        for one in waiting:
            one.result()
        return told, True

    def orders(self, records: Records, patient_id: str) -> list[dict[str, Any]]:
        """The orders that stand, the newest first."""
        found = [one.json() for one in records.compartment(patient_id, ("MedicationRequest",))]
        return [one for one in found if is_active(one)]

    def drafts(self, records: Records, patient_id: str) -> list[dict[str, Any]]:
        """The orders that wait to be signed, the newest first."""
        found = [one.json() for one in records.compartment(patient_id, ("MedicationRequest",))]
        return [one for one in found if is_draft(one)]

    def discard(self, records: Records, patient_id: str, order_id: str) -> None:
        """Cancel an order in draft; one that is signed stays as it is. Raises Missing, Forbidden."""
        version = records.read("MedicationRequest", order_id)
        body = version.json()
        if not joined.belongs(body, patient_id):
            raise Missing(f"MedicationRequest/{order_id[:64]} is no order of this patient", path="order")
        if body.get("status") == "draft":
            records.update("MedicationRequest", order_id, body | {"status": "cancelled"}, if_match=version.version)

    def stop(self, records: Records, patient_id: str, order_id: str, again: bool = False) -> None:
        """Stop an order of the patient, or (`again`) let a stopped one stand. Raises Missing, Forbidden."""
        version = records.read("MedicationRequest", order_id)
        body = version.json()
        if not joined.belongs(body, patient_id):
            raise Missing(f"MedicationRequest/{order_id[:64]} is no order of this patient", path="order")
        body["status"] = "active" if again else "stopped"
        records.update("MedicationRequest", order_id, body, if_match=version.version)

    def take_back(self, records: Records, issue_id: str) -> None:
        """Undo an override: the cause interrupts again. Raises Missing when none stands."""
        version = records.read("DetectedIssue", issue_id)
        body = version.json()
        if overrides.override_of(body) is None:
            raise Missing(f"DetectedIssue/{issue_id} has no override that could be taken back", path="card")
        body = {key: value for key, value in body.items() if key != "mitigation"} | {"status": "preliminary"}
        records.update("DetectedIssue", issue_id, body, if_match=version.version)

    def burden(self, records: Records) -> list[Burden]:
        """How often each rule interrupted and was overridden, in this installation."""
        return overrides.burden(records)


class Sitting:
    """The screen for one patient, what is known of them read once: for orders together, or for each alone."""

    def __init__(self, prescribing: Prescribing, known: list[Any], patient: str) -> None:
        self.prescribing, self.patient, self.at = prescribing, patient, clock.now()
        self.person: Person = person_of(known, self.at)
        self.standing = [order_of(one, False, self.at) for one in known if is_active(one)]
        self.overrides, self.causes = overrides.remembered(known, self.at), overrides.causes(known)

    def together(self, proposed: Iterable[Resource]) -> Told:
        """What speaks against these orders, beside each other and beside those that stand and that they do not
        replace."""
        given = [one for one in proposed if is_taken(one)]
        drafts = [order_of(one, True, self.at) for one in given]
        mine = {one.reference for one in drafts} | {replaced(one) for one in given}
        orders = [*drafts, *(one for one in self.standing if one.reference not in mine)]
        found = screen(orders, self.person, self.prescribing.shelf.knowledge())
        told = Told(self.patient, found, self.overrides, self.causes)
        self.prescribing.wait(told)
        return told

    def screen_each(self, proposed: Iterable[Resource]) -> list[Told]:
        """What speaks against each of several orders taken alone, for none of them is more than a possibility."""
        return [self.together([one]) for one in proposed]


def replaced(resource: Resource) -> str:
    """The order that an order is written in the place of; "" for none."""
    return str(resource.get("priorPrescription", {}).get("reference", ""))


def is_draft(resource: Resource) -> bool:
    """An order of the store that waits to be signed; a proposal of a machine's does not."""
    told = tuple(resource.get(name) for name in ("resourceType", "status", "intent"))
    return told == ("MedicationRequest", "draft", "order")


def is_active(resource: Resource) -> bool:
    """Whether an order of the store stands beside the proposed ones; a draft of another day does not."""
    return is_taken(resource) and resource.get("status") != "draft"
