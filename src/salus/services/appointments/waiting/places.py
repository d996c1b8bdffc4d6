"""Join, change, leave, accept and decline, by the person who waits or the desk for them. Each is one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Full, Gone, Invalid, Missing
from salus.privacy import Role
from salus.records import drafts
from salus.records.desk import Desk
from salus.services.acting import same_id, standing
from salus.services.appointments.booking import LONGEST_KEY, TYPE, Booking, cancelled, patient_of, told
from salus.services.appointments.brochure import USUAL
from salus.services.appointments.catalogue import roles
from salus.services.appointments.states import BOOKING
from salus.services.appointments.video import marks
from salus.services.appointments.waiting.line import booking, house, zone_known, zone_of_service
from salus.services.appointments.waiting.offers import hand_on, heirs_of, let_go, write
from salus.services.appointments.waiting.terms import (
    ROUTINE,
    URGENCY,
    Place,
    Terms,
    booked,
    is_place,
    place_of,
    waiting,
)
from salus.services.looking import check_offered

Resource = dict[str, Any]
MOST_TIMES = 200  # how often somebody may take a place for one service
LONGEST = timedelta(days=366)


def id_of_place(patient: str, service: str, time: int) -> str:
    """The id of the place that somebody takes for a service for the n-th time: nobody has two at once."""
    return same_id("waiting", patient, service, str(time))


class WaitingList(Booking):
    """The waiting list, as one person has it open."""

    def join(self, patient: str, terms: Terms, urgency: str = ROUTINE, key: str = "") -> Place:
        """Take a place for a patient (`Patient/x`); the same again is the place that they have. How urgent it is only
        staff say. Raises Forbidden, Missing (service, patient, `instead`), Invalid, Conflict (they wait for the service
        on other terms: change those)."""
        self._check(patient, terms, urgency)
        if len(key) > LONGEST_KEY:
            raise Invalid(f"A key has at most {LONGEST_KEY} characters, this one {len(key)}", path="key")
        self._read("Patient", patient)
        wanted = Place("", patient, terms, clock.now(), "waitlist", urgency, key=key)

        def work(desk: Desk) -> Resource:
            for time in range(1, MOST_TIMES + 1):
                id = id_of_place(patient, terms.service, time)
                before = standing(desk, f"{TYPE}/{id}")
                if before is None:
                    return told(desk.update(drafts.addressed(waiting(replace(wanted, id=id)), TYPE, id)))
                if stands_for(before, wanted):
                    return before
            raise Full(f"{patient} has waited for {terms.service} {MOST_TIMES} times: ask the desk", path="service")

        had = self._submit(work, "join", id_of_place(patient, terms.service, 1))
        return place_of(had) if is_place(had) else replace(wanted, id=had["id"], status=had["status"])

    def change(self, id: str, terms: Terms, urgency: str | None = None) -> Place:
        """Other terms for a place, which stays where it is in the line. Raises as `join`, and Conflict while a time is
        offered."""

        def work(desk: Desk) -> Resource:
            before = self._own(desk, id)
            if not is_place(before) or not (place := place_of(before)).waits:
                raise Conflict(f"{TYPE}/{id} is {before['status']}: answer the offer, or join again", path="status")
            if terms.service != place.terms.service:
                raise Invalid(f"{TYPE}/{id} waits for {place.terms.service}: join for another", path="service")
            return write(desk, before, waiting(replace(place, terms=terms, urgency=urgency or place.urgency)))

        if (seen := self._seen(id)) is not None:
            self._check(seen.patient, terms, urgency or ROUTINE)
        return place_of(self._submit(work, "change", id))

    def rate(self, id: str, urgency: str) -> Resource:
        """Say how urgent a place is, whatever its terms and whether or not a time is offered; the same again is the
        same. Staff alone. Raises Forbidden, Invalid, Missing, Conflict (it waits no more)."""
        self._check_urgency(urgency)

        def work(desk: Desk) -> Resource:
            before = self._own(desk, id)
            check_place(before)
            if place_of(before).urgency == urgency:
                return before
            return told(desk.update(drafts.addressed(before | {"priority": URGENCY[urgency]}, TYPE, id)))

        return self._submit(work, "rate", id)

    def leave(self, id: str) -> Resource:
        """Wait no more; an offer passes to the next. Raises Missing, Conflict (it is booked: that is cancelled)."""

        def left(before: Resource) -> Resource:
            BOOKING.after("cancel", before["status"], f"{TYPE}/{id}")
            return cancelled(waiting(place_of(before)), "pat")

        return self._pass(id, "leave", left)

    def decline(self, id: str) -> Place:
        """Let an offered time go and wait on in one's place; it passes to the next. Raises Missing, Conflict."""

        def declined(before: Resource) -> Resource:
            BOOKING.after("decline", before["status"], f"{TYPE}/{id}")
            return let_go(place_of(before), lapsed=False)

        return place_of(self._pass(id, "decline", declined))

    def accept(self, id: str, keep: bool = False) -> Resource:
        """Book the offered time; the later booking that it replaces is let go in the same step, unless they `keep` it.
        A video visit has its link from then on. The same again is the same. Raises Missing, Gone (the offer is over),
        Conflict."""

        def work(desk: Desk) -> Resource:
            before = self._own(desk, id)
            if before["status"] == "booked":
                return before
            place = answerable(before, desk.at)
            if not keep:
                self._replace(desk, place)
            return told(desk.update(drafts.addressed(booked(before, links), TYPE, id)))

        seen = self._seen(id)
        links = marks(self.store, seen.terms.service) if seen else ()
        return self._submit(work, "accept", id)

    # --- in the transaction ---

    def _pass(self, id: str, verb: str, change: Callable[[Resource], Resource]) -> Resource:
        """Change a place; the time that was offered to it is held for the next whom it suits."""

        def passing(heirs: Sequence[Place]) -> Resource:
            def work(desk: Desk) -> Resource:
                before = self._own(desk, id)
                check_place(before)
                return hand_on(desk, before, change(before), heirs, zone)

            return self._submit(work, verb, id)

        seen = self._seen(id)
        zone = (zone_known(house(self.store), seen.terms.service) if seen else None) or USUAL
        heirs = heirs_of(self.store, seen, zone) if seen else []
        try:
            return passing(heirs)
        except Conflict:
            if not heirs:
                raise
            return passing([])  # the time was held no more, and somebody else has it

    def _replace(self, desk: Desk, place: Place) -> None:
        """Let go the booking that an accepted time replaces. Raises Conflict where that is the earlier by now."""
        name = place.terms.instead
        later = standing(desk, f"{TYPE}/{name.partition('/')[2]}") if name else None
        if later is None or later["status"] != "booked" or place.offer is None:
            return
        if datetime.fromisoformat(later["start"]) <= place.offer.start:
            raise Conflict(f"{name} is at {later['start']} by now: decline, or accept and keep both", path="instead")
        write(desk, later, cancelled(later, "pat"))

    # --- beforehand ---

    def _check(self, patient: str, terms: Terms, urgency: str) -> None:
        self.check(patient)
        if urgency != ROUTINE:
            self._check_urgency(urgency)
        self._check_service(terms)
        check_offered(self.store, self.actor, terms.service)
        if terms.instead:
            self._check_instead(patient, terms.instead)

    def _check_urgency(self, urgency: str) -> None:
        if urgency not in URGENCY:
            raise Invalid(f"'{urgency[:20]}' is no urgency: {', '.join(URGENCY)} are", path="urgency")
        if self.actor.role is Role.PATIENT:
            raise Forbidden("How urgent it is, staff say: tell the desk")

    def _check_service(self, terms: Terms) -> None:
        records, id = house(self.store), terms.service.partition("/")[2]
        if not self._read("HealthcareService", terms.service).get("active", True):
            raise Missing(f"{terms.service} is not given any more: choose another", path="service")
        given = [f"PractitionerRole/{one['id']}" for one in roles(records, id) if one.get("active", True)]
        if not given:
            raise Missing(f"Nobody gives {terms.service}: choose another", path="service")
        if strange := [one for one in terms.doctors if one not in given]:
            raise Invalid(f"{strange[0][:80]} does not give {terms.service}", path="doctors")
        today = clock.now().astimezone(zone_of_service(records, terms.service)).date()
        if terms.last and not today <= terms.last <= today + LONGEST:
            raise Invalid(f"{terms.last} is over, or more than {LONGEST.days} days away: choose another", path="last")

    def _check_instead(self, patient: str, name: str) -> None:
        """Raises Missing: of another's booking nothing is told."""
        found = booking(house(self.store), name) if name.startswith(f"{TYPE}/") else None
        if found is None or patient_of(found) != patient or not is_to_come(found):
            raise Missing(f"There is no booking {name[:80]} to come: name yours", path="instead")

    def _read(self, type: str, name: str) -> Resource:
        """Raises Missing, Gone."""
        kind, _, id = name.partition("/")
        if kind != type or not id:
            raise Missing(f"There is no {type} '{name[:80]}'", path=type.lower())
        made: Resource = house(self.store).read(type, id).json()
        return made

    def _seen(self, id: str) -> Place | None:
        """A place, for whom may know of it; who may not is refused in the transaction, and that is written down."""
        with self.store.readers.one() as reader:
            found = reader.current(TYPE, id, None)
        if found is None or found.deleted or not self._sees(told(found)) or not is_place(told(found)):
            return None
        return place_of(told(found))


def check_place(told: Resource) -> None:
    """Raises Conflict for what waits no more."""
    if not is_place(told):
        raise Conflict(f"{TYPE}/{told['id']} is {told['status']}, and waits no more", path="status")


def is_to_come(told: Resource) -> bool:
    return told["status"] == "booked" and datetime.fromisoformat(told["start"]) > clock.now()


def stands_for(before: Resource, wanted: Place) -> bool:
    """Whether a place is the one that is asked for. Raises Conflict where they wait for it otherwise."""
    place = place_of(before) if is_place(before) else None
    if place is None:
        return bool(wanted.key) and wanted.key in [one.get("value") for one in before.get("identifier", [])]
    if place.terms != wanted.terms:
        since = clock.instant(place.since)
        raise Conflict(f"{TYPE}/{place.id} waits for {place.terms.service} since {since}: change it", path="service")
    return True


def answerable(told: Resource, at: datetime) -> Place:
    """The place of an offer that can be accepted now. Raises Gone, Conflict."""
    name = f"{TYPE}/{told['id']}"
    if told["status"] == "waitlist":
        raise Gone(f"No time is offered to {name} any more: it waits on in its place", path="status")
    BOOKING.after("accept", told["status"], name)
    if not is_place(told) or (place := place_of(told)).until is None:
        raise Conflict(f"{name} is held, and not offered: confirm it", path="status")
    if place.until is not None and place.until <= at:
        raise Gone(
            f"The offer to {name} ended on {clock.instant(place.until)}: it waits on in its place", path="status"
        )
    return place
