"""The city on the day that it is looked at: people have booked for the coming hours and days, and a clinic has had its
morning, so that every desk has work and the patient to look at first has a bill. The services do it, as on any day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice

from salus.base import clock
from salus.base.settings import Settings
from salus.demo import insured, morning
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store
from salus.services.appointments.booking import Booking, Wish, id_of
from salus.services.appointments.brochure import USUAL, Brochure
from salus.services.appointments.catalogue import used_slots
from salus.services.appointments.choosing import offered
from salus.services.appointments.days import next_days
from salus.services.appointments.waiting.places import WaitingList
from salus.services.appointments.waiting.terms import Terms
from salus.services.rota import LISTENERS
from salus.services.rounds import House, begin, catch_up

PATIENT = "showcase-1"
BUSY = ("general-centre", "cardiology-centre", "ent-centre")  # clinics that people have booked next
EACH = 6  # of them at each
URGENCIES = ("soon", "routine")  # of those whom the desk lets wait
HEART = "cardiology-centre"  # for which people wait
EARLY = 3  # people who want the same early time there: one has it, the others wait
AHEAD = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Had:
    """A booking that was made just now."""

    id: str
    start: datetime
    end: datetime
    doctor: str


def live(store: Store, settings: Settings) -> None:
    """Let the house begin to listen, then let the day happen. What is there already happens once."""
    insured.lay(store, settings.store, PATIENT)
    begin(store)
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    living = booking_people(store, records)
    people = islice(living, EACH * len(BUSY) + EARLY)
    for clinic in BUSY:
        for person in islice(people, EACH):
            book(store, own(person), clinic, date.min)
    line_up(store, list(people))
    house = House(store, settings)
    morning.live(house, settings.language, living)  # those who have booked nothing
    while catch_up(house, LISTENERS):
        pass


def booking_people(store: Store, records: Records) -> Iterator[str]:
    """Who lives, but for the people to look at."""
    for id in store.patients():
        if not id.startswith("showcase") and "deceasedDateTime" not in records.read("Patient", id).json():
            yield id


def own(person: str) -> Actor:
    return Actor(f"Patient/{person}", Role.PATIENT, person)


def line_up(store: Store, people: list[str]) -> None:
    """One of them has the first time of a day, for which the others wait, and the patient to look at, instead of a
    later booking: whoever lets it go, it is offered."""
    soon = clock.now().astimezone(USUAL) + AHEAD
    early = book(store, own(people[0]), HEART, (soon - timedelta(days=1)).date()) if people else None
    had = early.start.astimezone(USUAL) + timedelta(days=1) if early else soon
    later = book(store, own(PATIENT), HEART, max(had, soon).date(), "血压偏高，想复查")
    if early and later:
        wait(store, early, later, people[1:])


def wait(store: Store, early: Had, later: Had, people: list[str]) -> None:
    """For nothing that is free: only for a time that somebody has."""
    zone = Brochure(store).clinic(HEART).zone
    start, end = (one.astimezone(zone) for one in (early.start, early.end))
    terms = Terms(f"HealthcareService/{HEART}", (early.doctor,), closes=end.time(), first=start.date(), last=end.date())
    desk = WaitingList(store, SYSTEM, Purpose.OPERATIONS)
    for person, urgency in zip(people, URGENCIES, strict=False):
        desk.join(f"Patient/{person}", terms, urgency)
    by_themselves = WaitingList(store, own(PATIENT), Purpose.PATIENT_REQUEST)
    by_themselves.join(f"Patient/{PATIENT}", replace(terms, instead=f"Appointment/{later.id}"))


def book(store: Store, who: Actor, clinic: str, begins: date, words: str = "") -> Had | None:
    """The first time that is free, for a person by themselves; None where it was done before, or there is no such
    clinic or room."""
    key = f"demo-{clinic}"
    with store.readers.one() as reader:
        if reader.row("Appointment", id_of(key, who.reference)) is not None:
            return None
    known = Brochure(store).clinics().get(clinic)
    days = next_days(store, [clinic], known.zone, begins, days=1) if known else []
    if not days:
        return None
    first = days[0].columns[0].offers[0]
    service, offer = offered(store, clinic, first.start, first.actors[0])
    slots = used_slots(service, offer.actors[0], offer.start, offer.end)
    wish = Wish(key, who.reference, offer, f"HealthcareService/{clinic}", slots, words)
    made = Booking(store, who, Purpose.PATIENT_REQUEST).book(wish)
    return Had(made["id"], offer.start, offer.end, offer.actors[0])
