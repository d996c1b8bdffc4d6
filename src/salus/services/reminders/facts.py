"""What a notice says: whom it concerns, and the words for its slots. Nothing of what somebody has or was found."""

from typing import Any
from zoneinfo import ZoneInfo

from salus.assistants.resources import name_of
from salus.base import clock, money
from salus.base.words import LANGUAGES, words_of
from salus.records import Records
from salus.services.appointments.booking import OFFERED
from salus.services.appointments.brochure import USUAL, alias
from salus.services.appointments.catalogue import zone_of
from salus.services.appointments.waiting.terms import service_of_place
from salus.services.looking import looked_up
from salus.ui import formats

Resource = dict[str, Any]
WORDS = words_of("salus.services.reminders")
DAYS = ("date", "effectiveDateTime", "issued", "receivedTime", "whenPrepared")  # of what is not an appointment


def patients(records: Records, told: Resource) -> list[str]:
    """Whom it concerns."""
    if told["resourceType"] == "Appointment":
        coming = (one for one in told.get("participant", []) if one.get("status") != "declined")
        named = [one.get("actor", {}).get("reference", "") for one in coming]
    elif told["resourceType"] == "PaymentReconciliation":
        named = [subject(records, one["request"]) for one in told.get("detail", []) if "request" in one]
    else:
        named = [told.get("subject", {}).get("reference", "")]
    return list(dict.fromkeys(one for one in named if one.startswith("Patient/")))


def subject(records: Records, request: Resource) -> str:
    """Whose invoice or account it is."""
    told = looked_up(records, request.get("reference", ""))
    found = told.get("subject", {})
    first = next(iter(found), {}) if isinstance(found, list) else found
    return str(first.get("reference", ""))


def language_of(patient: Resource, usual: str) -> str:
    """The language that a person prefers, of those that the house speaks."""
    spoken = sorted(patient.get("communication", []), key=lambda one: not one.get("preferred", False))
    tags = (coding.get("code", "") for one in spoken for coding in one.get("language", {}).get("coding", []))
    return next((tag.partition("-")[0] for tag in tags if tag.partition("-")[0] in LANGUAGES), usual)


def zone(records: Records, told: Resource) -> ZoneInfo:
    """The clock on the wall of where it takes place."""
    service = looked_up(records, service_of_place(told))
    return zone_of(records, service) if service else USUAL


def slots(records: Records, told: Resource, language: str) -> dict[str, str]:
    """What fills the words of a notice."""
    if told["resourceType"] == "PaymentReconciliation":
        paid = told["paymentAmount"]
        return {"amount": formats.money(money.minor(paid), paid["currency"], language)}
    if told["resourceType"] != "Appointment":
        said = next((told[name] for name in DAYS if name in told), clock.instant(clock.now()))
        return {"day": formats.day(said, language, USUAL)}
    service, wall = looked_up(records, service_of_place(told)), zone(records, told)
    place = next((looked_up(records, one.get("reference", "")) for one in service.get("location", [])), {})
    named = getattr(alias(place), language)
    until = (one["valueInstant"] for one in told.get("extension", []) if one["url"] == OFFERED)
    return {
        "service": getattr(name_of(service, "name"), language) if "name" in service else WORDS("visit", language),
        "where": WORDS("where", language, place=named) if named else "",
        "time": local(told.get("start"), wall, language),
        "until": local(next(until, None), wall, language),
    }


def local(instant: str | None, wall: ZoneInfo, language: str) -> str:
    return formats.time(instant, language, wall)
