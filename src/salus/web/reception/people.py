"""People at the desk: found by name, birth date, number or telephone; one of them, with what they have booked; taken in
without a booking."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from salus.assistants.recommend.redflags import RedFlag, red_flags
from salus.base import clock
from salus.base.errors import Invalid, SalusError
from salus.base.ids import uuid7
from salus.services.appointments.waiting.terms import has_time
from salus.services.reception.arriving import walk_in
from salus.services.reception.triage import LEVELS
from salus.web import patients
from salus.web.booking import LONGEST_KEY
from salus.web.reception.hall import level_of
from salus.web.reception.waiting import waits_of
from salus.web.telling.bookings import Coming, coming, in_order
from salus.web.telling.person import Person, person
from salus.web.visit import Visit
from salus.web.wrong import wrong

LONGEST = 80  # letters that are looked for
LONGEST_REASON = 300
CALM = frozenset({1, 2})  # levels with which red flags need not be told of once more
LATELY = 5  # past bookings that are shown
DONE = frozenset({"registered", "booked", "moved", "cancelled", "joined", "back"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed into the form of who comes without a booking."""

    service: str = ""
    doctor: str = ""
    level: str = ""
    reason: str = ""


def find(visit: Visit) -> Response:
    """Who is known under what was typed; nobody where nothing was."""
    words = visit.query.get("find", "").strip()[:LONGEST]
    found = searched(visit, words) if words else []
    return visit.page("reception/people.html", find=words, found=found)


def searched(visit: Visit, words: str) -> list[Person]:
    people = patients.search(visit, words).people
    if people or not words.replace(" ", "").replace("+", "").isdigit():
        return people
    return patients.told(visit, visit.records.search("Patient", [("phone", words), ("_count", "20")])).people


def one(visit: Visit) -> Response:
    """One person; whose record was joined into another is led to that one."""
    if (led := visit.led(visit.path["id"])) != visit.path["id"]:
        return visit.go(f"/reception/people/{led}")
    return shown(visit, Asked(service=visit.query.get("service", "")))


def shown(
    visit: Visit, asked: Asked, error: SalusError | None = None, flags: tuple[RedFlag, ...] = (), status: int = 200
) -> Response:
    """One person at the desk. Raises Missing."""
    today = visit.today
    told = person(visit.records.read("Patient", visit.path["id"]).json(), visit.language, today)
    ahead, behind = in_order(bookings(visit))
    done = visit.query.get("done", "")
    return visit.page(
        "reception/person.html",
        error.status if error else status,
        one=told,
        ahead=ahead,
        behind=behind[:LATELY],
        waits=waits_of(visit, told.id),
        clinics=visit.desk.brochure.clinics().values(),
        levels=LEVELS.values(),
        asked=asked,
        flags=flags,
        longest=LONGEST_REASON,
        faults=wrong(visit, "reception", error) if error else [],
        done=done if done in DONE else "",
        key=uuid7(),
    )


def bookings(visit: Visit) -> list[Coming]:
    """Of this person; what is only offered from the waiting list has no time yet."""
    brochure, now = visit.desk.brochure.clinics(), clock.now()
    wanted = [("patient", f"Patient/{visit.path['id']}"), ("_sort", "-date"), ("_count", "100")]
    bodies: list[dict[str, Any]] = [one.json() for one in visit.records.search("Appointment", wanted).versions]
    timed = [one for one in bodies if has_time(one)]
    return [coming(one, brochure, now, visit.language) for one in timed]


def take_in(visit: Visit) -> Response:
    """Without a booking. Words that cannot wait suggest a level first; which one it is, the desk says."""
    asked = Asked(**{name: visit.form.get(name, "") for name in ("service", "doctor", "level", "reason")})
    try:
        level = level_of(visit)
        check(visit, asked)
        flags = red_flags(asked.reason)
        if flags and level not in CALM and visit.form.get("seen") != asked.reason:
            return shown(visit, asked, flags=flags, status=422)
        made = walk_in(
            visit.desk.store,
            visit.who.actor,
            visit.who.purpose,
            f"Patient/{visit.path['id']}",
            asked.service,
            level,
            asked.doctor,
            asked.reason,
            visit.form.get("key", "")[:LONGEST_KEY],
        )
    except SalusError as error:
        return shown(visit, asked, error)
    return visit.go(f"/reception?service={made.ticket.service}&done=came&number={made.ticket.said}")


def check(visit: Visit, asked: Asked) -> None:
    """Raises Invalid, Missing."""
    clinic = visit.desk.brochure.clinic(asked.service)
    if asked.doctor and clinic.doctor(asked.doctor) is None:
        raise Invalid(f"'{asked.doctor[:60]}' does not work in this clinic: choose another, or nobody", path="doctor")
    if len(asked.reason) > LONGEST_REASON:
        raise Invalid(f"The words have {len(asked.reason)} letters: at most {LONGEST_REASON}", path="reason")
