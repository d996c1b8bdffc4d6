"""Expected benefit beside one patient: every effect model of the installation whose people the patient is one of.

Nothing is kept between two questions but the loaded models: what is said is of the records as they stand now.
"""

from datetime import datetime
from pathlib import Path

import pyarrow as pa

from salus.analytics.events import patient_events
from salus.assistants.treatment.benefit.shape import Benefit
from salus.assistants.treatment.benefit.telling import refusals, told
from salus.base import clock
from salus.learning.effects.kept import EffectRegistry
from salus.learning.effects.model import EffectModel
from salus.privacy import check_may
from salus.privacy.policy import Act
from salus.records import Records


class Benefits:
    """The effect models of a registry; safe to share between threads."""

    def __init__(self, registry: Path, secret: bytes | None = None) -> None:
        self.registry = EffectRegistry(registry, secret)

    def of(self, records: Records, patient_id: str, at: datetime | None = None) -> tuple[Benefit, ...]:
        """What each option is expected to do for a patient of ours, numbers before refusals.

        Raises Missing, Gone, Forbidden as reading the Patient does.
        """
        check_may(records.actor, records.purpose, Act.READ, "RiskAssessment")
        records.read("Patient", patient_id)
        if not self.registry.asked():
            return ()
        return self.of_events(patient_events(records, patient_id), at)

    def of_events(self, events: pa.Table, at: datetime | None = None) -> tuple[Benefit, ...]:
        """The same of the events of one subject, such as a foreign patient's."""
        moment = at or clock.now()
        found = [one for model in self.registry.asked() for one in benefits_of(model, events, moment)]
        return tuple(sorted(found, key=lambda one: (one.refused is not None, one.model)))


def benefits(records: Records, patient_id: str, at: datetime, registry: Path) -> tuple[Benefit, ...]:
    """The same once, with models loaded anew. Who asks often keeps a `Benefits`."""
    return Benefits(registry).of(records, patient_id, at)


def benefits_of(model: EffectModel, events: pa.Table, at: datetime) -> list[Benefit]:
    """What one model says; nothing of somebody whom it is not about."""
    if not model.is_asked(events, at):
        return []
    if not model.bundle.passed:
        return refusals(model.bundle)
    return [told(model.bundle, one) for one in model.expected(events, at)]
