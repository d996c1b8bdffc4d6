"""Names of the house's own places and people, which a patient's account may not list for itself."""

from collections.abc import Callable
from datetime import date
from typing import Any

from salus.base.errors import SalusError
from salus.privacy import SYSTEM, Purpose
from salus.privacy.guardian import ROLES, codes
from salus.services.appointments.brochure import alias
from salus.services.family.relations import OFFERED
from salus.web.accounts import ACCOUNTS
from salus.web.telling.person import person
from salus.web.visit import Visit


def named(visit: Visit, reference: str) -> str:
    """What an Organization or a Location is called; nothing for what is not there."""
    kind, _, id = reference.partition("/")
    try:
        told = visit.desk.store.open(SYSTEM, Purpose.OPERATIONS).read(kind, id).json()
    except SalusError:
        return ""
    return alias(told).in_(visit.language)


def called(visit: Visit) -> Callable[[str], str]:
    """What somebody is called: by their account, else as the house knows them, else as the audit names them."""
    house = visit.desk.store.open(SYSTEM, Purpose.OPERATIONS)
    accounts = {one.actor.reference: one.name(visit.language) for one in ACCOUNTS.values()}
    known: dict[str, str] = {SYSTEM.reference: visit.say("mine.seen.house"), **accounts}

    def name(who: str) -> str:
        if who not in known:
            kind, _, id = who.partition("/")
            try:
                told = house.read(kind, id).json()
                known[who] = person(told, visit.language, date.max).name + related(visit, told)
            except SalusError:
                known[who] = who
        return known[who]

    return name


def related(visit: Visit, told: dict[str, Any]) -> str:
    """What somebody is to the patient, behind their name; nothing for who is no relation."""
    roles = codes(told.get("relationship", []), ROLES) if told["resourceType"] == "RelatedPerson" else []
    known = [one for one in roles if one in OFFERED]
    return visit.say("relation.of", relation=visit.say(f"relation.{known[0]}")) if known else ""
