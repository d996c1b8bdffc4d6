"""The order of a procedure. https://hl7.org/fhir/R4/servicerequest.html

It is told from a laboratory's by its category, which says the room that does it too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from salus.base import clock
from salus.base.errors import Invalid
from salus.codes import SITES
from salus.codes.tables import ICD9, SNOMED
from salus.services.acting import same_id
from salus.services.procedures.catalogue import KINDS, SIDES, Orderable, orderable

Resource = dict[str, Any]
PRIORITIES = ("routine", "urgent", "asap", "stat")
LONGEST = 500  # characters of what is said beside it
AHEAD = timedelta(days=366)  # that it may be planned for
ROOMS = {category: kind for kind, category in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is ordered: an ICD-9-CM-3 `code` by its `name`, the `side` and `site` (SNOMED CT) where the code asks for
    them, when it is planned, how soon, what for. Raises Invalid for what is missing or cannot be, each by its field."""

    code: str
    name: str
    side: str = ""
    site: str = ""
    planned: datetime | None = None
    priority: str = "routine"
    reason: str = ""

    def __post_init__(self) -> None:
        told = self.orderable
        if told.sided != bool(self.side) or (self.side and self.side not in SIDES):
            raise Invalid(f"'{self.side[:40]}' is no side for {self.code}: left, right or both", path="side")
        if (self.site or "") not in (told.sites or ("",)):
            raise Invalid(f"'{self.site[:40]}' is no place for {self.code}: choose one of the list", path="site")
        if self.priority not in PRIORITIES:
            raise Invalid(f"'{self.priority[:40]}' is none of {', '.join(PRIORITIES)}", path="priority")
        if len(self.reason) > LONGEST:
            raise Invalid(f"The words have more than {LONGEST} characters: shorten them", path="reason")
        self._check_planned()

    def _check_planned(self) -> None:
        now = clock.now()
        if self.planned and not now - timedelta(hours=1) <= self.planned <= now + AHEAD:
            raise Invalid(f"{clock.instant(self.planned)} is over, or more than a year ahead", path="planned")

    @property
    def orderable(self) -> Orderable:
        return orderable(self.code)

    @property
    def parts(self) -> tuple[str, str, str]:
        """What tells it from another order of a visit."""
        return self.code, self.side, self.site


def request(asked: Asked, visit: Resource, doctor: str, at: datetime, id: str, status: str) -> Resource:
    """The ServiceRequest of what is asked, in a visit or a stay."""
    optional: Resource = {
        "bodySite": [place(one) for one in (asked.site, asked.side) if one],
        "occurrenceDateTime": clock.instant(asked.planned) if asked.planned else None,
        "reasonCode": [{"text": asked.reason}] if asked.reason else [],
    }
    return {
        "resourceType": "ServiceRequest",
        "id": id,
        "status": status,
        "intent": "order",
        "priority": asked.priority,
        "category": [category(asked.orderable.kind)],
        "code": {"coding": [{"system": ICD9, "code": asked.code, "display": asked.name}], "text": asked.name},
        "subject": visit["subject"],
        "encounter": {"reference": f"Encounter/{visit['id']}"},
        "authoredOn": clock.instant(at),
        "requester": {"reference": doctor},
    } | {key: value for key, value in optional.items() if value}


def category(kind: str) -> Resource:
    return {"coding": [{"system": SNOMED, "code": KINDS[kind]}]}


def place(code: str) -> Resource:
    return {"coding": [{"system": SNOMED, "code": code, "display": SITES[code].en}], "text": SITES[code].zh}


def kind_of(order: Mapping[str, Any]) -> str:
    """The room that an order or a Procedure is for; "" for what is none of ours.

    >>> kind_of({"category": [{"coding": [{"system": SNOMED, "code": "363679005"}]}]}), kind_of({})
    ('imaging', '')
    """
    told = order.get("category", [])
    concepts = told if isinstance(told, list) else [told]  # a Procedure has one
    codes = (one.get("code", "") for concept in concepts for one in concept.get("coding", []))
    return next((ROOMS[code] for code in codes if code in ROOMS), "")


def procedure_id(order: str) -> str:
    """The id of the one Procedure of an order: it is carried out once."""
    return same_id("procedure", order)
