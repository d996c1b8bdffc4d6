"""Group visits: a session with so many places, which people join and leave one by one.

Staff open, move and close a session; a patient joins for themselves. Who finds no place is told so. That two never get
the same place, and nobody one that a session has not, is for `records.groups` and the database to see to.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid, Missing
from salus.privacy import SYSTEM, Purpose, Role
from salus.records import Store, drafts, groups, holds
from salus.records.bookings import SEAT
from salus.records.desk import Desk
from salus.records.groups import CAPACITY, GROUP, MOST
from salus.records.writer import Request
from salus.services.acting import same_id, seen, standing
from salus.services.appointments.booking import (
    TYPE,
    Booking,
    Wish,
    appointment,
    cancelled,
    moved,
    timed,
    told,
    use_up,
)
from salus.services.appointments.finding import Offer
from salus.services.appointments.video import MEMBER, VIDEO, mark, marks, value_of
from salus.services.looking import check_offered

Resource = dict[str, Any]
SESSION = "https://salus.example/group-of"  # system of a session's identifier: the id of its HealthcareService
INFORMED = "information-only"


class NoPlace(Conflict):
    """All places of a session are taken."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session to come: `id` of its Appointment, who leads it (and where), and its places."""

    id: str
    start: datetime
    end: datetime
    actors: tuple[str, ...]
    places: int
    taken: int
    description: str = ""

    @property
    def free(self) -> int:
        return max(0, self.places - self.taken)


def member_id(session: str, patient: str) -> str:
    """The id of a patient's place in a session: nobody has two."""
    return same_id("group-visit", session, patient)


def sessions(store: Store, service: str, begin: datetime, end: datetime) -> list[Session]:
    """The sessions of a service that begin between two moments, the soonest first. They name no patient."""
    span = [("date", f"ge{clock.instant(begin)}"), ("date", f"lt{clock.instant(end)}")]
    asked = [("identifier", f"{SESSION}|{service}"), ("status", "booked"), *span, ("_count", "500")]
    found = every(store.open(SYSTEM, Purpose.OPERATIONS), TYPE, asked)
    with store.readers.one() as reader:
        made = [session_of(one, groups.count(reader, f"{TYPE}/{one['id']}")) for one in found]
    return sorted(made, key=lambda one: (one.start, one.id))


def session_of(told: Resource, taken: int) -> Session:
    start, end = (datetime.fromisoformat(told[name]) for name in ("start", "end"))
    return Session(told["id"], start, end, tuple(actors_of(told)), places_of(told), taken, told.get("description", ""))


class Groups(Booking):
    """The booking desk, for group visits."""

    def open(self, wish: Wish, places: int) -> Resource:
        """Staff open a session of so many places; `wish` names no patient. Raises holds.Taken, Forbidden, Invalid."""
        self._for_staff("open", wish.id)
        if not 1 <= places <= MOST:
            raise Invalid(f"A session has 1 to {MOST} places, this one {places}", path="places")
        self.check("")
        wish = replace(wish, identifiers=(*wish.identifiers, *marks(self.store, wish.service)))
        made = appointment(wish, "booked", None)
        extension = [{"url": CAPACITY, "valueInteger": places}]
        made |= {"participant": made["participant"][1:], "extension": made.get("extension", []) + extension}
        made["identifier"].append({"system": SESSION, "value": wish.service.partition("/")[2]})
        draft = drafts.addressed(made, TYPE, wish.id)

        def work(desk: Desk) -> Resource:
            if (before := standing(desk, f"{TYPE}/{wish.id}")) is not None:
                return before
            use_up(desk, wish.slots, "busy")
            return told(desk.update(draft))

        return self._submit(work, "book", wish.id)

    def join(self, session: str, patient: str) -> Resource:
        """A place for a patient; the same again is the place that they have. Raises NoPlace, Missing (no such session),
        Conflict (it has begun or was closed), Forbidden."""
        self.check(patient)
        check_offered(self.store, self.actor, self._given(session))
        id = member_id(session, patient)

        def work(desk: Desk) -> Resource:
            group = open_session(desk, session)
            before = standing(desk, f"{TYPE}/{id}")
            if before is not None and before["status"] == "booked":
                return before
            seat = groups.free_place(desk, f"{TYPE}/{session}", places_of(group))
            if seat is None:
                raise NoPlace(f"All {places_of(group)} places are taken: choose another session", path="places")
            return told(desk.update(drafts.addressed(member(group, patient, seat), TYPE, id)))

        return self._submit(work, "join", id)

    def _given(self, session: str) -> str:
        """The service that a session is of; "" for none."""
        group = seen(self.store, f"{TYPE}/{session}") or {}
        return next((str(one["reference"]) for one in group.get("supportingInformation", [])), "")

    def close(self, session: str, reason: str = "prov") -> list[Resource]:
        """The session and all of its places are cancelled; the places that were. By staff."""
        return self._whole(session, "cancel", lambda one: cancelled(one, reason))

    def move_session(self, session: str, offer: Offer, slots: tuple[str, ...] = ()) -> list[Resource]:
        """The session and all of its members at another time, or with another leader, or none of them. By staff."""
        return self._whole(session, "move", lambda one: at_another_time(one, offer, slots))

    def _for_staff(self, verb: str, session: str) -> None:
        """Raises Forbidden for a patient; that it was asked stands in the audit."""
        if self.actor.role is Role.PATIENT:
            self.store.writer.note(self.actor, self.purpose, "refused", f"{verb} {TYPE}/{session}"[:2000])
            raise Forbidden(f"A session is for staff to {verb}: join it, or leave it by cancelling your own place")

    def _whole(self, session: str, verb: str, change: Any) -> list[Resource]:
        """The verb for a session with its members, in one transaction. Their places are let go before."""
        self._for_staff(verb, session)

        def work(desk: Desk) -> list[Resource]:
            names = groups.members(desk, f"{TYPE}/{session}")
            for name in names:
                holds.release(desk, name)
            self.changed(desk, session, verb, change)
            return [self.changed(desk, name.partition("/")[2], verb, change) for name in names]

        request = Request(work, self.actor, self.purpose, verb, f"{TYPE}/{session}")
        return self.store.writer.submit(request).result()


def open_session(desk: Desk, id: str) -> Resource:
    """Raises Missing, Conflict."""
    found = standing(desk, f"{TYPE}/{id}")
    if found is None or places_of(found) == 0:
        raise Missing(f"There is no session {TYPE}/{id[:64]}")
    if found["status"] != "booked" or datetime.fromisoformat(found["start"]) <= desk.at:
        raise Conflict(f"{TYPE}/{id} has begun or is {found['status']}: choose another session", path="status")
    return found


def member(group: Resource, patient: str, seat: int) -> Resource:
    """The Appointment of who joins: the place is the leader's, of the others it only says that they are there."""
    id = str(group["id"])
    start, end = (datetime.fromisoformat(group[name]) for name in ("start", "end"))
    offer = Offer(start, end, tuple(actors_of(group)))
    services = (str(one["reference"]) for one in group.get("supportingInformation", []))
    wish = Wish(
        f"group {id}",
        patient,
        offer,
        next(services, ""),
        description=group.get("description", ""),
        identifiers=((MEMBER, id), *([mark()] if value_of(group, VIDEO) else [])),
        extensions=({"url": GROUP, "valueReference": {"reference": f"{TYPE}/{id}"}},),
    )
    made = appointment(wish, "booked", None) | {"id": member_id(id, patient)}
    return made | {"participant": [made["participant"][0], *placed(made["participant"][1:], seat)]}


def placed(actors: list[Resource], seat: int) -> list[Resource]:
    """The first with a place on it, the others for information."""
    first = actors[0] | {"extension": [{"url": SEAT, "valueInteger": seat}]}
    return [first, *(one | {"required": INFORMED} for one in actors[1:])]


def at_another_time(told: Resource, offer: Offer, slots: tuple[str, ...]) -> Resource:
    """A session, or a member of one with the place that they have."""
    if places_of(told):
        return moved(told, offer, slots)
    seat = next(
        part["valueInteger"] for one in told["participant"] for part in one.get("extension", []) if part["url"] == SEAT
    )
    made = moved(told, offer)
    return made | {"participant": [made["participant"][0], *placed(made["participant"][1:], seat)]} | timed(offer)


def places_of(told: Resource) -> int:
    """How many places a session has; 0 for what is none."""
    return next((int(one["valueInteger"]) for one in told.get("extension", []) if one["url"] == CAPACITY), 0)


def actors_of(told: Resource) -> list[str]:
    references = (str(one["actor"]["reference"]) for one in told["participant"] if "actor" in one)
    return [one for one in references if not one.startswith("Patient/")]
