"""What was prescribed to patients like one of ours: asked of the promoted rankings, each medicine held to the screen.

A ranking is behaviour. It is stored nowhere, suggests nothing by itself, and is empty where too few people are alike.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from salus.analytics.events import events_of, in_order, patient_events, table_of
from salus.assistants.suggestion import Name
from salus.assistants.treatment.behaviour.shape import Behaviour, Row
from salus.assistants.treatment.prescribing import Prescribing, Sitting
from salus.base import clock
from salus.base.words import LANGUAGES, words_of
from salus.codes.drugs import by_code
from salus.codes.tables import SYSTEMS
from salus.learning.ranking.kept import Done, Kept, Told
from salus.learning.ranking.rankings import Rankings
from salus.privacy import check_may
from salus.privacy.policy import Act
from salus.records import Records

Resource = Mapping[str, Any]
READ = ("Patient", "MedicationRequest", "Condition", "Observation", "Encounter")


class Behaviours:
    """The rankings of an installation; safe to share between threads."""

    def __init__(self, registry: Path, prescribing: Prescribing, secret: bytes | None = None) -> None:
        self.rankings, self.prescribing = Rankings(registry, secret), prescribing

    def promoted(self) -> list[Kept]:
        found = [self.rankings.promoted(name) for name in self.rankings.names()]
        return [one for one in found if one is not None]

    def of(self, records: Records, patient_id: str, at: datetime | None = None) -> tuple[Behaviour, ...]:
        """What each promoted ranking says of a patient of ours now, or as it stood at a moment.

        Raises Missing, Gone, Forbidden as reading the Patient does; Conflict for a ranking whose files were changed.
        """
        for type in READ:
            check_may(records.actor, records.purpose, Act.READ, type)
        if not (asked := self.promoted()):
            records.read("Patient", patient_id)
            return ()
        sitting = self.prescribing.sitting(self.prescribing.known(records, patient_id, ()), patient_id)
        events = patient_events(records, patient_id)
        return tuple(behaviour(one, events, sitting, at or clock.now()) for one in asked)

    def of_known(
        self, resources: Iterable[Resource], patient: str, at: datetime | None = None
    ) -> tuple[Behaviour, ...]:
        """The same of a foreign patient, from these resources alone."""
        known = [dict(one) for one in resources]
        sitting = self.prescribing.sitting(known, patient)
        events = table_of(in_order(event for one in known for event in events_of(one)))
        return tuple(behaviour(one, events, sitting, at or clock.now()) for one in self.promoted())


def ranked(records: Records, patient_id: str, at: datetime | None, behaviours: Behaviours) -> tuple[Behaviour, ...]:
    """What doctors did for patients like this one, by each promoted ranking; see `Behaviours.of`."""
    return behaviours.of(records, patient_id, at)


def behaviour(kept: Kept, events: pa.Table, sitting: Sitting, at: datetime) -> Behaviour:
    """What one ranking says of the patient of these events."""
    told, bundle = kept.told(events, at), kept.bundle
    screened = {one.label: warned(one, sitting) for one in (*told.ranked, *told.last, *told.prior)}
    return Behaviour(
        rows=rows(told.ranked, screened),
        baseline_last=rows(told.last, screened),
        baseline_prior=rows(told.prior, screened),
        people=bundle.people,
        alike=told.alike,
        model=f"{bundle.name} {bundle.version}",
        card=f"rankings/{bundle.name}/{bundle.version}",
        refused=refusal(told, kept),
        synthetic=bundle.synthetic,
    )


def rows(given: tuple[Done, ...], screened: Mapping[str, tuple[tuple[Name, ...], bool]]) -> tuple[Row, ...]:
    return tuple(
        Row(at, one.label, name_of(one), one.share, *screened[one.label]) for at, one in enumerate(given, start=1)
    )


def name_of(one: Done) -> Name:
    """The ingredient's name where the code is of one, else what the ranking calls it, written like those."""
    system, _, code = one.label.partition("//")
    found = by_code(SYSTEMS.get(system, system), code)
    return Name(found.name, found.zh) if found else Name(one.name["en"], one.name["zh"]).in_line


def warned(one: Done, sitting: Sitting) -> tuple[tuple[Name, ...], bool]:
    """What the screen says of a medicine alone, beside the orders that stand; whether it asks for a decision."""
    system, _, code = one.label.partition("//")
    coding = {"system": SYSTEMS.get(system, system), "code": code, "display": one.name["en"]}
    draft = {
        "resourceType": "MedicationRequest",
        "id": f"behaviour-{code}",
        "status": "draft",
        "intent": "proposal",
        "medicationCodeableConcept": {"coding": [coding]},
    }
    told = sitting.together([draft])
    own = [found for found in told.screening.findings if f"MedicationRequest/behaviour-{code}" in found.orders]
    return tuple(found.text for found in own), any(told.interrupts(found) for found in own)


def refusal(told: Told, kept: Kept) -> Name | None:
    """Why nothing is ranked, in words."""
    if told.refused is None:
        return None
    say, least = words_of("salus.assistants.treatment.behaviour"), kept.task.ranking.alike
    return Name(*(say(f"refused.{told.refused}", one, least=least) for one in LANGUAGES))
