"""A notice as a Communication: what a person reads on their page, what may leave the house, and what became of it.

https://hl7.org/fhir/R4/communication.html

    status   completed    it stands on their page; and was sent, where it was to be
             preparation  it stands on their page, and waits to be sent
             in-progress  it is being sent, or will be tried again
             stopped      it stands on their page, and could not be sent (`statusReason`)

The first payload is for the page, the second is what is sent outside. `received`: when they have read it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.privacy import Actor, Purpose, Role, check_may
from salus.privacy.guardian import check_settles
from salus.privacy.policy import Act
from salus.records import Records, Store, drafts
from salus.records.desk import Desk
from salus.records.writer import Request
from salus.services.acting import same_id, standing

Resource = dict[str, Any]
TYPE = "Communication"
BASE = "https://salus.example/fhir"
CODES, KINDS = f"{BASE}/CodeSystem/notice", f"{BASE}/CodeSystem/notice-kind"
LEADS = f"{BASE}/StructureDefinition/notice-leads-to"
SENDING = f"{BASE}/StructureDefinition/notice-sending"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person reads. `code` and `kind` as in the table; `about`: what it is of (`Appointment/x`); `service`: what
    times to look for (`HealthcareService/x`, or nothing); `leads`: booking, find, offer, waiting, bill, result or
    nothing. `read`: when, None for not yet."""

    id: str
    code: str
    kind: str
    title: str
    text: str
    at: datetime
    about: str
    service: str
    leads: str
    read: datetime | None


def notice_id(code: str, patient: str, about: str, key: str) -> str:
    """The same for the same thing heard twice."""
    return same_id("notice", code, patient, about, key)


def notices_of(records: Records, patient: str, most: int = 100) -> list[Notice]:
    """The notices of a patient (`Patient/x`), the latest first."""
    asked = [*to(patient), ("_sort", "-sent"), ("_count", str(most))]
    page = records.search(TYPE, asked)
    return [notice_of(one.json()) for one in page.versions]


def to(patient: str) -> list[tuple[str, str]]:
    """The search for a patient's own notices: others may be told of the same."""
    return [("subject", patient), ("recipient", patient), ("category", f"{CODES}|")]


def unread(records: Records, patient: str) -> int:
    """How many notices somebody has not read."""
    asked = [*to(patient), ("received:missing", "true"), ("_summary", "count")]
    return records.search(TYPE, asked).total or 0


def notice_of(told: Resource) -> Notice:
    about = [one["reference"] for one in told.get("about", [])]
    leads = (one["valueCode"] for one in told.get("extension", []) if one["url"] == LEADS)
    return Notice(
        id=told["id"],
        code=coded(told, CODES),
        kind=coded(told, KINDS),
        title=told.get("topic", {}).get("text", ""),  # who else writes of the category may leave out what ours have
        text=next((one.get("contentString", "") for one in told.get("payload", [])), ""),
        at=datetime.fromisoformat(told.get("sent") or told["meta"]["lastUpdated"]),
        about=about[0] if about else "",
        service=next((one for one in about if one.startswith("HealthcareService/")), ""),
        leads=next(leads, ""),
        read=datetime.fromisoformat(told["received"]) if "received" in told else None,
    )


def coded(told: Resource, system: str) -> str:
    codings = (coding for one in told.get("category", []) for coding in one.get("coding", []))
    return next((one["code"] for one in codings if one.get("system") == system), "")


# --- writing ---


def write(store: Store, told: Resource, actor: Actor, purpose: Purpose) -> bool:
    """Store a notice; False where it is there already, read or not."""

    def work(desk: Desk) -> bool:
        if standing(desk, f"{TYPE}/{told['id']}") is not None:
            return False
        desk.update(drafts.addressed(told, TYPE, told["id"]))
        return True

    request = Request(work, actor, purpose, "notice", f"{TYPE}/{told['id']}")
    return bool(store.writer.submit(request).result())


def is_written(store: Store, id: str) -> bool:
    """Whether a notice was told already; nothing of it is read."""
    with store.readers.one() as reader:
        return reader.row(TYPE, id) is not None


def mark_read(store: Store, actor: Actor, purpose: Purpose, patient: str, ids: Iterable[str]) -> int:
    """Note that notices of a patient (`Patient/x`) were read; how many it was. Those of others, and what is no notice,
    are left as if they were not there. Raises Forbidden."""
    if actor.role is not Role.PATIENT:
        check_may(actor, purpose, Act.WRITE, TYPE)
    elif patient != f"Patient/{actor.patient}":
        return 0
    check_settles(actor)
    wanted = sorted(set(ids))[:1000]

    def work(desk: Desk) -> int:
        return sum(received(desk, id, patient) for id in wanted)

    return store.writer.submit(Request(work, actor, purpose, "receive", patient)).result()


def mark_all_read(store: Store, actor: Actor, purpose: Purpose, patient: str) -> int:
    """As `mark_read`, of all that were not."""
    asked = [*to(patient), ("received:missing", "true"), ("_count", "500")]
    found = [one["id"] for one in every(store.open(actor, purpose), TYPE, asked)]
    return mark_read(store, actor, purpose, patient, found)


def received(desk: Desk, id: str, patient: str) -> bool:
    told = standing(desk, f"{TYPE}/{id}")
    if told is None or not is_for(told, patient) or not coded(told, CODES) or "received" in told:
        return False
    desk.update(drafts.addressed(told | {"received": clock.instant(desk.at)}, TYPE, id))
    return True


def is_for(told: Resource, patient: str) -> bool:
    """Whether it is of a patient, and for them."""
    recipients = [one.get("reference") for one in told.get("recipient", [])]
    return bool(told["subject"]["reference"] == patient) and patient in recipients
