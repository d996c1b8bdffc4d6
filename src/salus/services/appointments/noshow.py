"""How likely it is that a booked visit is missed: the promoted model of the task `no-show`, asked as of the booking.

The chance serves a whole session (`overbooking`): nobody is refused or sent to another time for a chance of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from salus.analytics.events import patient_events, subject_of
from salus.learning.step7_deploy import Deployed, Prediction, Registry
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

Resource = Mapping[str, Any]
TASK, MISSED = "no-show", "yes"
USUAL = 0.1  # where no model speaks: of what is published, misses of 5 to 30 % are usual


@dataclass(frozen=True, slots=True)
class Chance:
    """That a visit is missed, 0 to 1; `model` says whose answer it is, "" that it is only what is usual here."""

    missed: float
    model: str = ""


class Forecast:
    """The model of an installation, and what it says of bookings."""

    def __init__(self, store: Store, registry: Path, secret: bytes | None = None) -> None:
        self.store, self.registry = store, Registry(registry, secret)

    def of(self, booked: Sequence[Resource]) -> list[Chance]:
        """The chance of each booking, in order. It reads each patient once, as the system: who asks sees chances, and
        nothing of what they are made from."""
        model = self.registry.promoted(TASK)
        records, seen = self.store.open(SYSTEM, Purpose.OPERATIONS), dict[str, Any]()
        return [asked(model, records, seen, one) for one in booked] if model else [Chance(USUAL) for _ in booked]


def asked(model: Deployed, records: Records, seen: dict[str, Any], booking: Resource) -> Chance:
    """What the model says of a booking as of when it was made; what is usual where it cannot tell."""
    usual = Chance(usual_of(model))
    subject = subject_of(dict(booking))
    if subject is None or "created" not in booking:
        return usual
    if subject not in seen:
        seen[subject] = patient_events(records, subject)
    said: Prediction = model.predict_events(seen[subject], datetime.fromisoformat(booking["created"]))
    if said.abstained:
        return usual
    return Chance(said.probabilities[MISSED], f"{model.name}/{model.version}")


def usual_of(model: Deployed) -> float:
    """The share that was missed where the model was judged."""
    rows, cases = model.metrics.get("rows"), model.metrics.get("cases")
    return cases / rows if rows and cases else USUAL
