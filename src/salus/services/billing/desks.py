"""What billing reads at the desk, in the transaction that writes: what stands there, and the visit that is billed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo

from salus.places.tariffs import Tariff
from salus.privacy import Actor, Purpose
from salus.records import Store
from salus.records.desk import Desk
from salus.records.writer import Request
from salus.services.acting import referred, standing
from salus.services.billing.done import CLASSES, ended
from salus.services.billing.local import Local, place_of
from salus.services.billing.names import LEVEL, extension

T = TypeVar("T")
HIGHEST = 3  # the level of a hospital that does not say its own


def submit(store: Store, actor: Actor, purpose: Purpose, act: str, what: str, work: Callable[[Desk], T]) -> T:
    """Do it in one transaction of billing, which alone may write charges and bills (`records/bills.py`)."""

    def billing(desk: Desk) -> T:
        desk.bills = True
        return work(desk)

    return store.writer.submit(Request(billing, actor, purpose, act, what)).result()


@dataclass(frozen=True, slots=True)
class Visited:
    """A visit as billing sees it. `organization` is empty where the Encounter names none."""

    encounter: str
    patient: str
    organization: str
    status: str
    kind: str
    level: int
    place: str
    day: date
    tariff: Tariff | None

    @property
    def currency(self) -> str:
        return self.tariff.currency if self.tariff else ""


def visited(desk: Desk, local: Local, encounter: str) -> Visited | None:
    """The visit of that reference; None where there is none."""
    found = standing(desk, encounter) if encounter.startswith("Encounter/") else None
    if found is None:
        return None
    organization = referred(found, "serviceProvider")
    house = standing(desk, organization) if organization.startswith("Organization/") else None
    place = place_of(house or {})
    tariff = local.tariff(place)
    kind, _ = CLASSES.get(found["class"].get("code", ""), ("outpatient", ()))
    day = ended(found).astimezone(ZoneInfo(tariff.zone if tariff else "UTC")).date()
    level = extension(house or {}, LEVEL).get("valueInteger", HIGHEST)
    return Visited(
        encounter, referred(found, "subject"), organization, found["status"], kind, level, place, day, tariff
    )
