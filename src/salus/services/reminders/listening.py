"""What happened is told to whom it concerns, in their language, once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from salus.base import clock
from salus.places.minors import YEAR, law
from salus.privacy import SYSTEM, Purpose, release
from salus.records import Records, Store
from salus.records.shapes import Change
from salus.services.appointments.booking import OFFERED
from salus.services.appointments.brochure import USUAL
from salus.services.appointments.series import series_of
from salus.services.appointments.waiting.terms import service_of_place
from salus.services.looking import as_it_was, looked_up
from salus.services.reminders import facts, notices
from salus.services.reminders.choice import refused_by
from salus.services.reminders.guardians import Others, name_of
from salus.services.reminders.guardians import others as others_of
from salus.services.reminders.occasions import CHANGED, OFFER_OVER, ONCE, Occasion, occasion
from salus.services.reminders.sending import channel_for, opening
from salus.services.reminders.site import site_of
from salus.services.rounds import House, Listener

Resource = dict[str, Any]
OLD = timedelta(days=31)  # what is older is a hospital's past, and no news


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell one patient. `told`: the resource it is of; `key`: what tells it from the same another time.
    `course`: the series of which `others` more were booked or let go with it, all told of as one."""

    occasion: Occasion
    patient: str
    told: Resource
    key: str
    course: str = ""
    others: int = 0

    @property
    def about(self) -> str:
        return f"{self.told['resourceType']}/{self.told['id']}"

    @property
    def id(self) -> str:
        return notices.notice_id(self.occasion.code, self.patient, self.course or self.about, self.key)


def hear(house: House, change: Change) -> None:
    records = house.store.open(SYSTEM, Purpose.OPERATIONS)
    for one in news(house.store, records, change):
        tell(house, records, one)


def news(store: Store, records: Records, change: Change) -> Iterator[News]:
    """What a change tells to whom."""
    after = as_it_was(records, change, change.version)
    if after is None or is_past(after) or release.says_so(after):  # what is kept from them is no news to them either
        return
    before = as_it_was(records, change, change.version - 1)
    for patient in facts.patients(records, after):
        had = before if before and patient in facts.patients(records, before) else None
        if (found := occasion(had, after)) is not None:
            told = before if before and found is OFFER_OVER else after
            yield with_course(store, records, change, News(found, patient, told, str(change.version)))


def with_course(store: Store, records: Records, change: Change, one: News) -> News:
    """The same, for all visits of a series that were changed in one transaction, or all medicines of a visit."""
    if one.told["resourceType"] in ONCE and "context" in one.told:
        return replace(one, course=one.told["context"]["reference"], key="")
    course = series_of(one.told) if one.told["resourceType"] == "Appointment" else None
    if course is None:
        return one
    whole = replace(one, course=f"series/{course}", key=str(change.t))
    if notices.is_written(store, whole.id):
        return whole
    at_once = (line for line in store.outbox(change.t - 1, 1) if line.t == change.t and line.type == change.type)
    found = [as_it_was(records, line, line.version) for line in at_once]
    others = sum(1 for told in found if told and series_of(told) == course) - 1
    return replace(whole, others=others) if others > 0 else one


def is_past(told: Resource) -> bool:
    """Whether it is no news: a visit that is over, or what is of long ago."""
    if told["resourceType"] == "Appointment":
        return "start" in told and datetime.fromisoformat(told["start"]) <= clock.now()
    said = next((told[name] for name in facts.DAYS if name in told), "")[:10]
    return len(said) == len("2026-11-23") and said < (clock.now() - OLD).date().isoformat()


def tell(house: House, records: Records, one: News) -> bool:
    """Write a notice, and let it be sent where that is wished and the site says how; False where it was told before,
    is not wanted, or its person is no more."""
    if notices.is_written(house.store, one.id):
        return False
    patient = looked_up(records, one.patient)
    unwanted = one.occasion.kind in refused_by(records, one.patient) if patient else True
    if not patient or "deceasedDateTime" in patient or patient.get("deceasedBoolean"):
        return False
    if unwanted and not one.occasion.needed:
        return False
    told, site = communication(house, records, one, patient), site_of(house.settings)
    others = Others() if unwanted else others_of(records, patient, one.told, law(house.settings.country))
    reached = [tell_other(house, records, one, patient, person) for person in others.people]  # first: else a crash
    channel = None if unwanted or (others.instead and any(reached)) else channel_for(site, patient)
    if channel:
        told = outward(house, one, told, channel.contact, wall_of(records, one))
    return notices.write(house.store, told, SYSTEM, Purpose.OPERATIONS)


def tell_other(house: House, records: Records, one: News, patient: Resource, person: Resource) -> bool:
    """Tell a guardian, who has no page here, of what a patient is told; whether there is a way to reach them."""
    channel = channel_for(site_of(house.settings), person)
    if channel is None:
        return False
    id = notices.notice_id(one.occasion.code, name_of(person), one.course or one.about, one.key)
    if not notices.is_written(house.store, id):
        told = communication(house, records, one, person) | {"id": id}
        told["payload"] = [{"contentString": in_care(told, patient)}] * 2
        sent = outward(house, one, told, channel.contact, wall_of(records, one))
        notices.write(house.store, sent, SYSTEM, Purpose.OPERATIONS)
    return True


def in_care(told: Resource, patient: Resource) -> str:
    """What leaves the house for a guardian: of whom it is by the year of birth alone."""
    born, language = patient.get("birthDate", "")[:YEAR], told["language"]
    text = told["payload"][1]["contentString"]
    return facts.WORDS("care" if born else "care-unknown", language, year=born, text=text)


def wall_of(records: Records, one: News) -> ZoneInfo:
    return facts.zone(records, one.told) if one.told["resourceType"] == "Appointment" else USUAL


def communication(house: House, records: Records, one: News, person: Resource) -> Resource:
    """The notice as it stands on the person's page, and as it would be sent."""
    language, code = facts.language_of(person, house.settings.language), one.occasion.code
    slots = facts.slots(records, one.told, language) | {"others": ""}
    if one.others:
        slots["others"] = facts.WORDS("others", language, count=one.others)
    page, outside = (facts.WORDS(f"{code}.{part}", language, **slots) for part in ("text", "outside"))
    service = service_of_place(one.told)
    told: Resource = {
        "resourceType": notices.TYPE,
        "id": one.id,
        "language": language,
        "status": "completed",
        "category": [coded(notices.CODES, code), coded(notices.KINDS, one.occasion.kind)],
        "subject": {"reference": one.patient},
        "topic": {"text": facts.WORDS(f"{code}.title", language)},
        "about": [{"reference": name} for name in (one.about, service) if name],
        "sent": clock.instant(clock.now()),
        "recipient": [{"reference": name_of(person)}],
        "payload": [{"contentString": page}, {"contentString": f"{outside} {more(house, person, language)}"}],
    }
    leads = {"url": notices.LEADS, "valueCode": one.occasion.leads}
    return told | ({"extension": [leads]} if one.occasion.leads else {})


def more(house: House, person: Resource, language: str) -> str:
    """Where to read on: no page of theirs, since others may see the message. Who is not the patient has none."""
    if person["resourceType"] != "Patient":
        return facts.WORDS("ask", language)
    address = house.settings.address
    return facts.WORDS("more", language, link=address) if address else facts.WORDS("sign-in", language)


def coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def outward(house: House, one: News, told: Resource, contact: str, wall: ZoneInfo) -> Resource:
    """The same, to be sent: by day, unless it would come too late then."""
    now, until = clock.now(), too_late(one.told)
    at = site_of(house.settings).by_day(now, wall)
    if one.occasion.hasty and until and at >= until:
        at = now
    made = told | {"status": "preparation"}
    return made | {"extension": [*told.get("extension", []), opening(contact, at, until)]}


def too_late(told: Resource) -> datetime | None:
    """When nobody needs to be told of it any more."""
    ends = [one["valueInstant"] for one in told.get("extension", []) if one["url"] == OFFERED]
    ends += [told["start"]] if "start" in told else []
    return min((datetime.fromisoformat(one) for one in ends), default=None)


TYPES = frozenset({"Appointment", *CHANGED})
LISTENER = Listener("notices", TYPES, hear)
