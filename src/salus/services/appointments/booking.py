"""Hold, book, move and cancel. Each is one transaction: the Appointment, its Slots, and the time of all its actors.

The caller gives each booking a key of their own: the same again is the same booking, however often a request is sent.
Patients book, move and cancel for themselves alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Gone, Invalid, Missing
from salus.privacy import Actor, Purpose, Role, check_may
from salus.privacy.policy import Act
from salus.records import Store, bookings, drafts, joined
from salus.records.bookings import BASE, SEAT, UNTIL
from salus.records.desk import Desk
from salus.records.writer import Request
from salus.services.acting import same_id, standing
from salus.services.appointments.finding import Offer
from salus.services.appointments.states import BOOKING
from salus.services.appointments.video import marks
from salus.services.looking import check_offered, is_shown

Resource = dict[str, Any]
TYPE = "Appointment"
KEYS = "https://salus.example/booking-key"
MOVED = f"{BASE}/moved-from"  # of one that was moved: where it was, and in which version (`taking_back.py`)
OFFERED = f"{BASE}/offered-until"  # of a time that somebody on the waiting list may accept until then
HELD = timedelta(minutes=10)
LONGEST_KEY = 200
REASONS = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be booked for whom. `key` is the caller's; `service` a HealthcareService, `slots` Slots it uses up.
    `identifiers` (system, value) and `extensions` say what else it is: one of a series, a video visit, a place. `seat`
    above 0: a place on top of another booking, which staff alone may give. `order`: the ServiceRequest it comes of."""

    key: str
    patient: str
    offer: Offer
    service: str = ""
    slots: tuple[str, ...] = ()
    description: str = ""
    identifiers: tuple[tuple[str, str], ...] = ()
    extensions: tuple[Resource, ...] = ()
    seat: int = 0
    order: str = ""

    @property
    def id(self) -> str:
        """What key another patient uses tells nobody anything."""
        return id_of(self.key, self.patient)


def id_of(key: str, patient: str) -> str:
    """The id of the booking under a key of a patient."""
    return same_id("booking-key", patient, key)


@dataclass
class Booking:
    """The booking desk, as one person has it open."""

    store: Store
    actor: Actor
    purpose: Purpose

    def before(self, key: str, patient: str, start: datetime) -> Resource | None:
        """What stands under a key already: a request that comes again is answered with it, and not told that the time
        it has itself is taken. Raises Forbidden, Conflict (the key was used for another time)."""
        self.check(patient)
        with self.store.readers.one() as reader:
            found = reader.current(TYPE, id_of(key, patient), None)
        if found is None or found.deleted:
            return None
        made = told(found)
        self.store.writer.note(self.actor, self.purpose, "read", f"{TYPE}/{made['id']}")
        if datetime.fromisoformat(made["start"]) != start:
            raise used(key)
        return made

    def hold(self, wish: Wish, lasts: timedelta = HELD) -> Resource:
        """Hold a time for a while, to be confirmed. Raises holds.Taken, Forbidden, Conflict (the key was used)."""
        until = clock.now().replace(microsecond=0) + lasts
        return self._put(wish, "pending", until)

    def book(self, wish: Wish) -> Resource:
        """Book a time at once. Raises as `hold`."""
        return self._put(wish, "booked", None)

    def confirm(self, id: str, description: str = "") -> Resource:
        """What was held is booked, with what it is for. Raises Gone when its time is up, Conflict when it is not held
        any more, or held for somebody on the waiting list: that is accepted."""
        said = {"description": description} if description else {}
        return self._change(id, "confirm", lambda told: confirmed(told) | said)

    def cancel(self, id: str, reason: str = "pat") -> Resource:
        """Let a booking go. `reason`: `pat` (the patient's) or `prov` (ours). Raises Conflict for one that is over."""
        return self._change(id, "cancel", lambda told: cancelled(told, reason))

    def restore(self, id: str) -> Resource:
        """What the patient let go stands again, as long as its time is to come and still free. Raises holds.Taken,
        Conflict for a Slot that is not free any more, or for what we let go."""
        return self._change(id, "restore", restored)

    def move(self, id: str, offer: Offer, slots: Sequence[str] = ()) -> Resource:
        """Another time, or others who give it: the old one is let go and the new one taken in one step, or neither."""
        self._look(id, offer)
        return self._change(id, "move", lambda told: self.moved_by(told, moved(told, offer, slots)))

    def moved_by(self, before: Resource, made: Resource) -> Resource:
        """With where it was before, so that the move can be taken back; of what was only held it cannot."""
        if before["status"] != "booked":
            return made
        who = "patient" if self.actor.role is Role.PATIENT else "staff"
        return made | {"extension": [*made.get("extension", []), moved_from(before, who)]}

    def _look(self, id: str, offer: Offer, seat: int = 0) -> None:
        """Raises holds.Taken at once where somebody else has the time."""
        with self.store.readers.one() as reader:
            bookings.look(reader, f"{TYPE}/{id}", offer.actors, offer.start, offer.end, clock.now(), seat)

    def note(self, id: str, verb: str) -> Resource:
        """`arrive`, `check-in`, `fulfil`, `no-show`, `mistake`: by staff only."""
        if self.actor.role is Role.PATIENT:
            raise Forbidden(f"A patient's account may not {verb}: ask the desk to")
        return self._change(id, verb, lambda told: told)

    # --- in the transaction ---

    def _put(self, wish: Wish, status: str, until: datetime | None) -> Resource:
        self.check(wish.patient)
        check_offered(self.store, self.actor, wish.service)
        if wish.seat and self.actor.role is Role.PATIENT:
            raise Forbidden("A place on top of another booking is given by the desk")
        if not 0 < len(wish.key) <= LONGEST_KEY:
            raise Invalid(f"A key has 1 to {LONGEST_KEY} characters, this one {len(wish.key)}", path="key")
        if wish.offer.start <= clock.now():
            raise Conflict(f"{clock.instant(wish.offer.start)} is over: choose a time to come", path="start")
        id = wish.id
        self._look(id, wish.offer, wish.seat)
        wish = replace(wish, identifiers=(*wish.identifiers, *marks(self.store, wish.service)))
        draft = drafts.addressed(appointment(wish, status, until), TYPE, id)

        def work(desk: Desk) -> Resource:
            if (before := standing(desk, f"{TYPE}/{id}")) is not None:
                return same(before, wish)
            use_up(desk, wish.slots, "busy")
            desk.foresee([draft])
            return told(desk.update(draft))

        return self._submit(work, "book", id)

    def _change(self, id: str, verb: str, change: Any) -> Resource:
        return self._submit(lambda desk: self.changed(desk, id, verb, change), verb, id)

    def changed(self, desk: Desk, id: str, verb: str, change: Any) -> Resource:
        """A booking after a verb, with what `change` makes of it. Raises Missing, Forbidden, Gone, Conflict."""
        before = self._own(desk, id)
        status = BOOKING.after(verb, expired(before, desk.at), f"{TYPE}/{id}")
        made = change(before) | {"status": status}
        give_back(desk, before, made)
        draft = drafts.addressed(made, TYPE, id)
        desk.foresee([draft])
        return told(desk.update(draft))

    def _own(self, desk: Desk, id: str) -> Resource:
        """What stands there, for whom may change it. Raises Missing, Forbidden."""
        before = standing(desk, f"{TYPE}/{id}")
        if before is None or not self._sees(before):
            raise Missing(f"There is no {TYPE}/{id[:64]}")
        self.check(patient_of(before))
        return before

    def check(self, patient: str) -> None:
        """Raises Forbidden. The desk asks for the type, a patient only for themselves."""
        if self.actor.role is Role.PATIENT:
            if self.actor.patient is None or patient != f"Patient/{self.actor.patient}":
                raise Forbidden("A patient's account books and cancels for itself alone")
            return
        check_may(self.actor, self.purpose, Act.WRITE, TYPE)

    def _sees(self, told: Resource) -> bool:
        """Whether this account may know of it at all: to a patient another's booking is as if it were not there."""
        if self.actor.role is not Role.PATIENT:
            return True
        own = patient_of(told) == f"Patient/{self.actor.patient}"
        return own and is_shown(self.store, self.actor, self.purpose, f"{TYPE}/{told['id']}")

    def _submit(self, work: Any, act: str, id: str) -> Resource:
        made: Resource = self.store.writer.submit(Request(work, self.actor, self.purpose, act, f"{TYPE}/{id}")).result()
        return made


def appointment(wish: Wish, status: str, until: datetime | None) -> Resource:
    """The Appointment of a wish. https://hl7.org/fhir/R4/appointment.html"""
    who = {"actor": {"reference": wish.patient}, "required": "required", "status": "accepted"}
    held = [{"url": UNTIL, "valueInstant": clock.instant(until)}] if until else []
    optional: Resource = {
        "extension": [*wish.extensions, *held],
        "supportingInformation": [{"reference": wish.service}] if wish.service else None,
        "basedOn": [{"reference": wish.order}] if wish.order else None,
        "description": wish.description or None,
    }
    return {
        "resourceType": TYPE,
        "id": wish.id,
        "identifier": [{"system": system, "value": value} for system, value in ((KEYS, wish.key), *wish.identifiers)],
        "status": status,
        **timed(wish.offer),
        **slotted(wish.slots),
        "participant": [who, *participants(wish.offer.actors, wish.seat)],
        "created": clock.instant(clock.now()),
    } | {key: value for key, value in optional.items() if value}


def timed(offer: Offer) -> Resource:
    minutes = int((offer.end - offer.start).total_seconds() // 60)
    return {"start": clock.instant(offer.start), "end": clock.instant(offer.end), "minutesDuration": minutes}


def codes(concept: Resource | None) -> list[str]:
    return [one["code"] for one in (concept or {}).get("coding", []) if "code" in one]


def slotted(slots: Sequence[str]) -> Resource:
    return {"slot": [{"reference": one} for one in slots]} if slots else {}


def participants(actors: Sequence[str], seat: int = 0) -> list[Resource]:
    given = {"extension": [{"url": SEAT, "valueInteger": seat}]} if seat else {}
    return [{"actor": {"reference": one}, "required": "required", "status": "accepted"} | given for one in actors]


def told(version: Any) -> Resource:
    made: Resource = version.json()
    return made


def patient_of(told: Resource) -> str:
    people = (one["actor"]["reference"] for one in told["participant"] if "actor" in one)
    return joined.stands_for(told, next((one for one in people if one.startswith("Patient/")), ""))


def same(before: Resource, wish: Wish) -> Resource:
    """The booking that stands under a key, for a request that comes again. Raises Conflict for another request."""
    if timed(wish.offer) != {key: before[key] for key in ("start", "end", "minutesDuration")}:
        raise used(wish.key)
    return before


def used(key: str) -> Conflict:
    return Conflict(f"The key '{key}' was used for another booking: choose another key", path="key")


def expired(told: Resource, at: datetime) -> str:
    """The status, which of what was held for a while is `cancelled` once its time is up. Raises Gone."""
    until = held_until(told)
    if told["status"] in ("pending", "cancelled") and until and until <= at:
        raise Gone(f"What was held was let go on {clock.instant(until)}: choose a time again", path="hold")
    return str(told["status"])


def cancelled(told: Resource, reason: str) -> Resource:
    """Let go for a reason of the code system `REASONS`."""
    return told | {"status": "cancelled", "cancelationReason": {"coding": [{"system": REASONS, "code": reason}]}}


def restored(told: Resource) -> Resource:
    """Not let go any more. Raises Conflict for what the patient did not let go, or what is over."""
    name = f"{TYPE}/{told['id']}"
    if "start" not in told:
        raise Conflict(f"{name} waited, and had no time yet: join the waiting list again", path="status")
    if codes(told.get("cancelationReason")) != ["pat"]:
        raise Conflict(f"{name} was not let go by the patient: book a time anew", path="status")
    if datetime.fromisoformat(told["start"]) <= clock.now():
        raise Conflict(f"{told['start']} is over: choose a time to come", path="start")
    return {key: value for key, value in confirmed(told).items() if key != "cancelationReason"}


def held_until(told: Resource) -> datetime | None:
    """When it is let go unless it is confirmed; None for what is not held for a while."""
    found = (one["valueInstant"] for one in told.get("extension", []) if one["url"] == UNTIL)
    return next((datetime.fromisoformat(one) for one in found), None)


def moved(told: Resource, offer: Offer, slots: Sequence[str] = ()) -> Resource:
    """At another time or with others; what else is known of it goes along."""
    people = [one for one in told["participant"] if one["actor"]["reference"].startswith("Patient/")]
    free = {key: value for key, value in without(told, UNTIL, OFFERED, MOVED).items() if key != "slot"}
    return free | timed(offer) | {"participant": people + participants(offer.actors)} | slotted(slots)


def moved_from(before: Resource, by: str) -> Resource:
    """The extension that says where a booking was."""
    named = [one["actor"]["reference"] for one in before["participant"] if "actor" in one]
    given = next((one for one in named if not one.startswith("Patient/")), "")
    parts: list[Resource] = [
        {"url": "version", "valuePositiveInt": int(before["meta"]["versionId"])},
        {"url": "start", "valueInstant": before["start"]},
        {"url": "actor", "valueReference": {"reference": given}},
        {"url": "at", "valueInstant": clock.instant(clock.now())},
        {"url": "by", "valueCode": by},
    ]
    return {"url": MOVED, "extension": parts}


def without(told: Resource, *urls: str) -> Resource:
    """Without the extensions of these addresses."""
    kept = [one for one in told.get("extension", []) if one["url"] not in urls]
    free = {key: value for key, value in told.items() if key != "extension"}
    return free | ({"extension": kept} if kept else {})


def confirmed(told: Resource) -> Resource:
    if any(one["url"] == OFFERED for one in told.get("extension", [])):
        raise Conflict(f"{TYPE}/{told['id']} is offered from the waiting list: accept or decline it", path="status")
    return without(told, UNTIL)


def use_up(desk: Desk, slots: Sequence[str], status: str) -> None:
    """Let Slots that a hospital keeps say what has become of them. Raises Conflict for one that is not free."""
    for one in slots:
        type, _, id = one.partition("/")
        body = told(desk.current(type, id))
        if status == "busy" and body["status"] != "free":
            raise Conflict(f"{one} is {body['status']}: choose another time", path="slot")
        desk.update(drafts.addressed(body | {"status": status}, type, id))


def give_back(desk: Desk, before: Resource, made: Resource) -> None:
    """The Slots that a booking no longer has are free, those that it now has are not."""
    had = [one["reference"] for one in before.get("slot", [])] if before["status"] in HAVING else []
    has = [one["reference"] for one in made.get("slot", [])] if made["status"] in HAVING else []
    use_up(desk, [one for one in had if one not in has], "free")
    use_up(desk, [one for one in has if one not in had], "busy")


HAVING = frozenset({"pending", "booked", "arrived", "checked-in", "fulfilled", "noshow"})
