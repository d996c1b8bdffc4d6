"""Names of the house's own places and people, which a patient's account may not list for itself."""

from collections.abc import Callable
from datetime import date

from salus.base.errors import SalusError
from salus.privacy import SYSTEM, Purpose
from salus.services.appointments.brochure import alias
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
                known[who] = person(house.read(kind, id).json(), visit.language, date.max).name
            except SalusError:
                known[who] = who
        return known[who]

    return name
