"""A clinic's day at the front desk: who is called, who waits and how long, who was set aside, who is still expected."""

from dataclasses import dataclass

from starlette.responses import Response

from salus.base import clock
from salus.base.errors import Invalid, SalusError
from salus.services.appointments.brochure import Clinic
from salus.services.reception import clinics, queue
from salus.services.reception.arriving import check_in
from salus.services.reception.bookings import of_day
from salus.services.reception.foretelling import Estimate
from salus.services.reception.matching.names import HAN, name_of, plain
from salus.services.reception.order import GRACE
from salus.services.reception.states import ASIDE, CALLED, WAITING
from salus.services.reception.tickets import Ticket
from salus.services.reception.triage import LEVELS
from salus.services.reception.waiting import estimates
from salus.web.reception.rooms import rooms
from salus.web.telling.bookings import Coming, coming
from salus.web.telling.people import patients, staff
from salus.web.telling.person import Person
from salus.web.visit import Visit
from salus.web.wrong import wrong

LONGEST = 60  # letters that are looked for
DONE = frozenset({"registered", "came", "booked", "moved", "cancelled", "called"})
SHOWN = ((CALLED, "called"), (WAITING, "waiting"), (ASIDE, "aside"))


@dataclass(frozen=True, slots=True)
class Row:
    """A number in the queue, whose it is, who called them where (else whom they came for), how long they wait."""

    ticket: Ticket
    person: Person | None
    doctor: str
    room: str
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class Expected:
    """Somebody who has booked for today and is not here."""

    coming: Coming
    person: Person | None

    @property
    def late(self) -> bool:
        return self.coming.now > self.coming.start + GRACE


def page(visit: Visit) -> Response:
    return day_of(visit, visit.query.get("service", ""))


def day_of(visit: Visit, service: str, error: SalusError | None = None) -> Response:
    """The day of one clinic; what could not be done is told above it."""
    clinic, words = chosen(visit, service), visit.query.get("find", "").strip()[:LONGEST]
    rows = told(visit, clinic) if clinic else []
    done, said = visit.query.get("done", ""), visit.query.get("number", "")
    return visit.page(
        "reception/hall.html",
        error.status if error else 200,
        clinic=clinic,
        clinics=visit.desk.brochure.clinics().values(),
        lists={name: [one for one in rows if one.ticket.status == status] for status, name in SHOWN},
        expected=expected(visit, clinic, words) if clinic else [],
        find=words,
        doctor=visit.form.get("doctor") or visit.query.get("doctor", ""),
        levels=LEVELS.values(),
        faults=wrong(visit, "reception", error) if error else [],
        done=done if done in DONE else "",
        said=said if said.isdigit() else "",
    )


def chosen(visit: Visit, service: str) -> Clinic | None:
    """The clinic asked for, else the first; None where there is none at all. Raises Missing for one not here."""
    if service:
        return visit.desk.brochure.clinic(service)
    return next(iter(visit.desk.brochure.clinics().values()), None)


def told(visit: Visit, clinic: Clinic) -> list[Row]:
    """Today's numbers that are not over, in the order of their turns."""
    store = visit.desk.store
    found = queue.queue(store, visit.who.actor, visit.who.purpose, clinic.id)
    tickets = [one for one in found if one.stands]
    people = patients(visit.records, (one.patient.partition("/")[2] for one in tickets), visit.language, visit.today)
    wished = staff(visit.records, (one.wished for one in tickets), visit.language)
    places = rooms(visit.records, (one.room for one in tickets), visit.language)
    waits = estimates(store, clinic.id)
    return [
        Row(
            ticket=one,
            person=people.get(one.patient.partition("/")[2]),
            doctor=called_by(clinic, one, visit.language) or wished.get(one.wished, ""),
            room=places.get(one.room, ""),
            estimate=waits.get(one.id),
        )
        for one in tickets
    ]


def called_by(clinic: Clinic, ticket: Ticket, language: str) -> str:
    doctor = clinic.doctor(ticket.doctor)
    return doctor.name.in_(language) if doctor else ""


def expected(visit: Visit, clinic: Clinic, words: str) -> list[Expected]:
    """Who has booked for today and is not here, in the order of their times; of them those whom the words mean."""
    found = clinics.clinic_of(visit.desk.store, clinic.id)
    booked = of_day(visit.records, found, found.today(), ("booked", "arrived"))
    ids = [clinics.actor_of(one, "Patient").partition("/")[2] for one in booked]
    people = patients(visit.records, ids, visit.language, visit.today)
    brochure, now = visit.desk.brochure.clinics(), clock.now()
    rows = [
        Expected(coming(one, brochure, now, visit.language), people.get(id))
        for one, id in zip(booked, ids, strict=True)
    ]
    return [one for one in rows if not words or (one.person and meant(one.person, words))]


def meant(person: Person, words: str) -> bool:
    """Whether what was typed means this person: part of the name, pinyin or its initials, the number, the telephone.

    >>> one = Person("p", "李梅华", "Li Meihua", "", "", "", "", "81004217", "", "138 0013 8000", "")
    >>> [meant(one, words) for words in ("梅华", "meihua", "li mei", "lmh", "4217", "8000", "wang")]
    [True, True, True, True, True, True, False]
    """
    if HAN.search(words):
        return words in person.name + person.also
    if words.replace(" ", "").isdigit():
        numbers = (person.number, person.phone, person.born)
        return any(words.replace(" ", "") in "".join(filter(str.isdigit, one)) for one in numbers)
    typed = plain("".join(name_of(words).parts))
    names = [name_of(one) for one in (person.name, person.also) if one]
    sounds = [sound for one in names for sound in (*one.sounds, *one.initials)]
    return bool(typed) and any(sound.startswith(typed) for sound in sounds)


def arrive(visit: Visit) -> Response:
    """Somebody is here for their booking. What cannot be is told on the page of the day."""
    service = visit.form.get("service", "")
    try:
        made = check_in(visit.desk.store, visit.who.actor, visit.who.purpose, visit.path["id"], level_of(visit))
    except SalusError as error:
        return day_of(visit, service, error)
    return visit.go(f"/reception?service={made.ticket.service}&done=came&number={made.ticket.said}")


def level_of(visit: Visit) -> int | None:
    """Raises Invalid for what is no level."""
    text = visit.form.get("level", "")
    if text and text not in map(str, LEVELS):
        raise Invalid(f"'{text[:20]}' is no triage level: choose one of 1 to 5", path="level")
    return int(text) if text else None
