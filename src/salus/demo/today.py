"""The city on the day that it is looked at: people have booked for the coming hours and days, and a clinic has had its
morning, so that every desk has work and the patient to look at first has a bill. The services do it, as on any day.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice

from salus.base import clock
from salus.base.settings import Settings
from salus.demo import morning
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store
from salus.services.appointments.booking import Booking, Wish, id_of
from salus.services.appointments.brochure import Brochure
from salus.services.appointments.catalogue import used_slots
from salus.services.appointments.choosing import offered
from salus.services.appointments.days import next_days
from salus.services.rota import LISTENERS
from salus.services.rounds import House, begin, catch_up

PATIENT = "showcase-1"
BUSY = ("general-centre", "cardiology-centre", "ent-centre")  # clinics that people have booked next
EACH = 6  # of them at each
AHEAD = timedelta(days=2)


def live(store: Store, settings: Settings) -> None:
    """Let the house begin to listen, then let the day happen. What is there already happens once."""
    begin(store)
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    people = islice(booking_people(store, records), EACH * len(BUSY))
    for clinic in BUSY:
        for person in islice(people, EACH):
            book(store, Actor(f"Patient/{person}", Role.PATIENT, person), clinic, date.min)
    soon = (clock.now() + AHEAD).date()
    book(
        store,
        Actor(f"Patient/{PATIENT}", Role.PATIENT, PATIENT),
        BUSY[1],
        soon,
        "血压偏高，想复查",
    )
    house = House(store, settings)
    morning.live(house, settings.language)
    while catch_up(house, LISTENERS):
        pass


def booking_people(store: Store, records: Records) -> Iterator[str]:
    """Who lives, but for the people to look at."""
    for id in store.patients():
        if not id.startswith("showcase") and "deceasedDateTime" not in records.read("Patient", id).json():
            yield id


def book(store: Store, who: Actor, clinic: str, begins: date, words: str = "") -> None:
    """The first time that is free, for a person by themselves, once; nothing where there is no such clinic or room."""
    key = f"demo-{clinic}"
    with store.readers.one() as reader:
        if reader.row("Appointment", id_of(key, who.reference)) is not None:
            return
    known = Brochure(store).clinics().get(clinic)
    days = next_days(store, [clinic], known.zone, begins, days=1) if known else []
    if not days:
        return
    first = days[0].columns[0].offers[0]
    service, offer = offered(store, clinic, first.start, first.actors[0])
    slots = used_slots(service, offer.actors[0], offer.start, offer.end)
    wish = Wish(key, who.reference, offer, f"HealthcareService/{clinic}", slots, words)
    Booking(store, who, Purpose.PATIENT_REQUEST).book(wish)
