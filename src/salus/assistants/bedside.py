"""The assistants beside one patient: the doors (pages, CDS Hooks) ask here and know neither models nor FHIR.

A suggestion is the machine's act, so it is stored in the machine's name; whether the person who asks may see this
patient is checked first, with their own eyes on the records. An answer is the person's act and stored in theirs.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from salus.analytics.events import events_of, in_order, patient_events, table_of
from salus.assistants import answers
from salus.assistants.answers import Said
from salus.assistants.beside import compared
from salus.assistants.diagnosis.inputs import fingerprint, suggestion_id
from salus.assistants.diagnosis.question import question_of
from salus.assistants.diagnosis.suggest import NOT_ASKED, Fresh, is_asked, keep, suggest_all, told
from salus.assistants.monitor import monitor
from salus.assistants.shadow import ask_beside
from salus.assistants.suggestion import Answer, Reason, Suggestion
from salus.assistants.watch import watched
from salus.base import clock
from salus.base.errors import Missing
from salus.learning.step7_deploy import Deployed, Registry
from salus.learning.step7_deploy.alternatives import alternatives, in_words
from salus.learning.step7_deploy.registry import Entry
from salus.privacy import Actor, Purpose, Role, check_may
from salus.privacy.policy import Act
from salus.records import Records, Store

SELF = Actor("Device/salus-diagnosis", Role.SYSTEM)
UNANSWERED = 10_000  # suggestions for foreign patients that wait for an answer, the oldest forgotten first


def urgency(suggestion: Suggestion) -> tuple[bool, bool, float]:
    """Sorts what can be told before what cannot, risks before differentials, the likelier first."""
    leading = suggestion.leading
    return leading is None, suggestion.kind != "risk", -(leading.probability if leading else 0)


def from_elsewhere(suggestion: Suggestion, server: str) -> Suggestion:
    """The suggestion with its sources as addresses on the server that they came from."""
    moved: list[Reason] = [
        replace(reason, sources=tuple(f"{server}/{source}" for source in reason.sources))
        for reason in suggestion.reasons
    ]
    return replace(suggestion, reasons=tuple(moved))


class Bedside:
    """Holds the promoted models; one for an installation, safe to share between threads."""

    def __init__(self, store: Store, registry: Path, secret: bytes | None = None) -> None:
        self.store, self.registry = store, Registry(registry, secret)
        self._waiting: OrderedDict[str, Fresh] = OrderedDict()
        self._lock = Lock()

    def deployed(self) -> list[Deployed]:
        """The promoted models that answer a diagnosis question."""
        found = [self.registry.promoted(name) for name in self.registry.names()]
        return [one for one in found if one and question_of(one)]

    def suggestions(self, records: Records, patient_id: str, language: str = "en") -> list[Suggestion]:
        """What the assistants say about a patient now, with the answers that stand, the most urgent first.

        Every text is in both languages; `language` is taken so that a page need not care. Raises Missing, Gone,
        Forbidden as reading the Patient does.
        """
        check_may(records.actor, records.purpose, Act.READ, "RiskAssessment")
        records.read("Patient", patient_id)
        own = self.store.open(SELF, records.purpose)
        said = suggest_all(own, patient_id, self.deployed(), beside=partial(ask_beside, self.registry))
        given = answers.standing(own, ("patient", patient_id))
        return sorted((replace(one, answer=given.get(one.id)) for one in said), key=urgency)

    def suggestions_from(
        self, resources: Iterable[Mapping[str, Any]], patient_id: str, server: str
    ) -> list[Suggestion]:
        """What the assistants say about a foreign patient, from these resources alone; stored only when answered."""
        events = table_of(
            in_order(event for one in resources for event in events_of(dict(one)) if event.subject_id == patient_id)
        )
        inputs, at, patient = fingerprint(events), clock.now(), f"{server}/Patient/{patient_id}"
        said = []
        for one in self.deployed():
            question = question_of(one)
            if question is None or not is_asked(one, events, at):
                continue
            identity = suggestion_id(patient, one.name, one.version, inputs)
            spoken = from_elsewhere(told(patient, events, one, question, at, identity), server)
            if spoken.abstained != NOT_ASKED:
                self._wait(Fresh(spoken, inputs, question.horizon))
                said.append(spoken)
        return sorted(said, key=urgency)

    def _wait(self, fresh: Fresh) -> None:
        with self._lock:
            self._waiting[fresh.suggestion.id] = fresh
            while len(self._waiting) > UNANSWERED:
                self._waiting.popitem(last=False)

    def _settle(self, records: Records, suggestion_id: str) -> None:
        """A foreign suggestion that is answered becomes a record first."""
        with self._lock:
            fresh = self._waiting.pop(suggestion_id, None)
        if fresh:
            keep(self.store.open(SELF, records.purpose), [fresh])

    def find(self, records: Records, suggestion_id: str) -> Suggestion:
        """The suggestion of that id, stored or still waiting for an answer. Raises Missing."""
        waiting = self._waiting.get(suggestion_id)
        return waiting.suggestion if waiting else answers.about(records, suggestion_id)

    def answer(self, records: Records, suggestion_id: str, said: Said) -> Answer:
        """Store what the person behind `records` says to a suggestion. Raises Missing, Forbidden."""
        self._settle(records, suggestion_id)
        return answers.answer(records, suggestion_id, said)

    def undo(self, records: Records, suggestion_id: str) -> Answer | None:
        """Take the standing answer back; returns the one that stands now. Raises Missing when there was none."""
        return answers.undo(records, suggestion_id)

    def alternatives(self, records: Records, suggestion_id: str) -> list[dict[str, str]]:
        """What would have to be measured otherwise for a risk to be told otherwise, in words, each in both languages.

        Nothing where nothing would do it, or where the model calls nothing changeable. Raises Missing, Forbidden.
        """
        shown = self.find(records, suggestion_id)
        deployed = self.registry.promoted(shown.model.name)
        if deployed is None or deployed.version != shown.model.version or ":" in shown.patient:
            return []
        if deployed.task.kind != "binary" or not deployed.task.features.changeable:
            return []
        return [in_words(one) for one in alternatives(deployed, patient_events(records, shown.patient), shown.at)]

    def models(self) -> list[dict[str, Any]]:
        """Every version of every model with its figures and card (see `Registry.list`), the promoted ones marked."""
        return [self._told(entry) for entry in self.registry.list()]

    def _told(self, entry: Entry) -> dict[str, Any]:
        file = self.registry.folder / entry.name / entry.version / "card.json"
        told: dict[str, Any] = msgspec.to_builtins(entry)
        return told | {"card": msgspec.json.decode(file.read_bytes())}

    def monitor(self, name: str) -> dict[str, Any]:
        """How a model does in use: see `salus.assistants.monitor`; `watch`: drift, see `watched`.

        Raises Missing for a model that is not there."""
        if name not in self.registry.names():
            raise Missing(f"There is no model {name}: `salus models` lists them")
        own, deployed = self.store.open(SELF, Purpose.OPERATIONS), self.registry.promoted(name)
        asked = deployed is not None and question_of(deployed) is not None
        told = monitor(own, self.registry.folder / name)
        watch = watched(own, deployed) if deployed and asked else None
        return told | {"watch": watch, "shadow": compared(own, self.registry, name)}
