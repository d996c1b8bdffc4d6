"""A course of visits booked as one: dialysis on three days a week, ten weeks of physiotherapy.

All of it or nothing, in one transaction, unless the patient takes what is free. Each visit is an Appointment of its own
that names its series and the time that the rule gave it, as an exception does in iCalendar (RECURRENCE-ID): it moves
and goes alone, with those after it, or with all. https://www.rfc-editor.org/rfc/rfc5545#section-3.8.4.4
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.records import Version, drafts, holds
from salus.records.bookings import BASE
from salus.records.desk import Desk
from salus.records.holds import Taken
from salus.records.writer import Request
from salus.services.acting import same_id, standing
from salus.services.appointments.booking import (
    LONGEST_KEY,
    TYPE,
    Booking,
    Wish,
    appointment,
    cancelled,
    codes,
    moved,
    restored,
    told,
    use_up,
)
from salus.services.appointments.catalogue import service_of
from salus.services.appointments.choosing import narrowed
from salus.services.appointments.finding import Offer
from salus.services.appointments.planning import (
    FAR,
    Course,
    Instead,
    NotAllFree,
    Planned,
    Search,
    apart,
    clock_of,
    plan,
)
from salus.services.appointments.recurring import Occurrence, utc
from salus.services.appointments.states import BOOKING
from salus.services.appointments.video import mark, marks
from salus.services.looking import check_offered

Resource = dict[str, Any]
Change = Callable[[Resource], Resource]
SERIES = "https://salus.example/series"  # system of the identifier that all visits of a series share
PART = f"{BASE}/appointment-series"  # of an Appointment: the rule, its number in it, the time that the rule gave it
SCOPES = ("one", "following", "series")
TRIES = 3  # a time may be taken between looking and booking
LONGEST = LONGEST_KEY - len("@20260101T000000")  # letters of a key
LOCAL = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Booked:
    """What was booked of a series, in order, and which of its times could not be."""

    id: str
    visits: tuple[Resource, ...]
    missed: tuple[Planned, ...] = ()


def series_id(key: str, patient: str) -> str:
    """The id of the series under a key of a patient."""
    return same_id("series", patient, key)


class Series(Booking):
    """The booking desk, for courses of visits."""

    def book_all(
        self, key: str, patient: str, course: Course, partly: bool = False, description: str = "", **more: Any
    ) -> Booked:
        """Book a course under the caller's key; the same again is the same series. `partly`: what is free, and told
        which times are not. `more` goes into each Wish.

        Raises NotAllFree (nothing was booked), Conflict (the key was used for another course), Forbidden, Invalid.
        """
        self.check(patient)
        check_offered(self.store, self.actor, f"HealthcareService/{course.service}")
        if not 0 < len(key) <= LONGEST:
            raise Invalid(f"The key of a series has 1 to {LONGEST} characters, this one {len(key)}", path="key")
        id = series_id(key, patient)
        for attempt in range(1, TRIES + 1):
            planned = plan(self.store, course)
            missed = tuple(one for one in planned if one.offer is None)
            if before := self.visits(id):  # after the plan, in which what the same request has booked is taken
                return Booked(id, same_course(before, course, key))
            if missed and (not partly or len(missed) == len(planned)):
                raise NotAllFree(missed)
            wishes = [wish(key, patient, course, one, description, **more) for one in planned if one.offer]
            try:
                return Booked(id, self._put_all(id, wishes), missed)
            except Taken:
                if attempt == TRIES:
                    raise
        raise AssertionError("the last try returns or raises")

    def visits(self, id: str) -> list[Resource]:
        """The visits of a series, as far as this account may see them, in the order of the rule."""
        records = self.store.open(self.actor, self.purpose)
        found = every(records, TYPE, [("identifier", f"{SERIES}|{id}"), ("_count", "200")])
        return sorted((one for one in found if self._sees(one)), key=number_of)

    def cancel_all(self, id: str, scope: str = "series", reason: str = "pat") -> tuple[Resource, ...]:
        """Let a visit go, with those after it or all that are still to come. Raises Conflict where none is."""
        return self._all(self._chosen(id, scope, "cancel"), "cancel", lambda one: cancelled(one, reason))

    def restore_all(self, id: str) -> tuple[Resource, ...]:
        """What the patient let go of a series last, in one step, stands again: all of it or, where somebody else has a
        time of it by now, none. Raises Taken, Conflict where nothing can be taken back."""
        last = restorable(self.visits(id))
        if not last:
            raise Conflict(f"Nothing of the series {id[:64]} can be taken back: book anew", path="status")
        return self._together(
            lambda desk: [self.changed(desk, str(one["id"]), "restore", restored) for one in last],
            "restore",
            str(last[0]["id"]),
        )

    def proposed(
        self,
        id: str,
        start: datetime,
        scope: str = "following",
        actor: str | None = None,
        instead: Sequence[Instead] = (),
    ) -> list[Planned]:
        """Where `move_all` would put them. Nothing is stored."""
        return list(self._shifted(self._chosen(id, scope, "move"), id, start, actor, instead).values())

    def move_all(
        self,
        id: str,
        start: datetime,
        scope: str = "following",
        actor: str | None = None,
        instead: Sequence[Instead] = (),
    ) -> tuple[Resource, ...]:
        """The visit `id` moves to `start` on the clock of the place (no zone), those that go with it by as many days
        and hours, all or none. `actor`: who gives them from now on. Raises NotAllFree, Conflict, Missing."""
        chosen = self._chosen(id, scope, "move")
        planned = self._shifted(chosen, id, start, actor, instead)
        if missed := [one for one in planned.values() if one.offer is None]:
            raise NotAllFree(missed)
        return self._all(chosen, "move", lambda one: self.moved_by(one, shifted(one, planned[str(one["id"])])))

    # --- within ---

    def check_order(self, desk: Desk, series: str, wishes: Sequence[Wish]) -> None:
        """In the transaction: whether so many may be booked. Staff may, whoever asks."""

    def _put_all(self, id: str, wishes: Sequence[Wish]) -> tuple[Resource, ...]:
        if marks(self.store, wishes[0].service):  # a video visit each: a link of its own
            wishes = [replace(one, identifiers=(*one.identifiers, mark())) for one in wishes]
        made = [(one, drafts.addressed(appointment(one, "booked", None), TYPE, one.id)) for one in wishes]

        def booked(desk: Desk, wish: Wish, draft: drafts.Draft) -> Resource:
            if (before := standing(desk, f"{TYPE}/{wish.id}")) is not None:
                return before
            use_up(desk, wish.slots, "busy")
            return told(desk.update(draft))

        def work(desk: Desk) -> list[Resource]:
            self.check_order(desk, id, wishes)
            return [booked(desk, *one) for one in made]

        return self._together(work, "book", wishes[0].id)

    def _all(self, chosen: Sequence[Resource], verb: str, change: Change) -> tuple[Resource, ...]:
        """The verb for all of them; their times are let go first, so that none stands in another's way."""
        ids = [str(one["id"]) for one in chosen]

        def work(desk: Desk) -> list[Resource]:
            for one in ids:
                self._own(desk, one)
                holds.release(desk, f"{TYPE}/{one}")
            return [self.changed(desk, one, verb, change) for one in ids]

        return self._together(work, verb, ids[0])

    def _together(self, work: Callable[[Desk], list[Resource]], act: str, id: str) -> tuple[Resource, ...]:
        """In one transaction; the audit names the first."""
        done = self.store.writer.submit(Request(work, self.actor, self.purpose, act, f"{TYPE}/{id}")).result()
        return tuple(done)

    def _chosen(self, id: str, scope: str, verb: str) -> list[Resource]:
        """Those of a series that a verb is for: still to come, and in a state for it. Raises Missing, Conflict."""
        if scope not in SCOPES:
            raise Invalid(f"scope={scope[:20]}: {', '.join(SCOPES)} can be chosen", path="scope")
        anchor = self._found(id)
        if scope == "one":
            return [anchor]
        if (series := series_of(anchor)) is None:
            raise Conflict(f"{TYPE}/{id} is not one of a series", path="scope")
        first = number_of(anchor) if scope == "following" else 0
        found = [one for one in self.visits(series) if number_of(one) >= first and is_open(one, verb)]
        if not found:
            raise Conflict(f"Nothing of the series is to come that can be changed: look at {TYPE}/{id}", path="scope")
        return found

    def _found(self, id: str) -> Resource:
        """Raises Missing, for what this account may not see too."""
        found: Version = self.store.open(self.actor, self.purpose).read(TYPE, id)
        if not self._sees(made := told(found)):
            raise Missing(f"There is no {TYPE}/{id[:64]}")
        return made

    def _shifted(
        self, chosen: Sequence[Resource], id: str, start: datetime, actor: str | None, instead: Sequence[Instead]
    ) -> dict[str, Planned]:
        """Where each of the chosen goes, by its id."""
        service = service_ref(chosen[0])
        wall = clock_of(self.store, service)
        local = {str(one["id"]): clock_time(one, wall.zone) for one in chosen}
        by = start - local.get(id, start)
        begin, end = (utc(when(local.values()) + by, wall.zone) + around for when, around in ((min, -FAR), (max, FAR)))
        given = service_of(self.store, service, begin, end)
        search = Search(self.store, given, wall, {f"{TYPE}/{one}" for one in local})
        made = {}
        for one in chosen:
            name, at = str(one["id"]), local[str(one["id"])] + by
            own = narrowed(given, actor or doctor_of(one, [each.actor for each in given.doctors]))
            made[name] = search.one(own, Occurrence(number_of(one), at, utc(at, wall.zone), wall.zone))
        return dict(zip(made, search.with_chosen(apart(list(made.values())), instead), strict=True))


def wish(key: str, patient: str, course: Course, one: Planned, description: str, **more: Any) -> Wish:
    """What is booked for a planned time."""
    offer: Offer = one.offer  # type: ignore[assignment]  # the caller has looked
    part = {
        "url": PART,
        "extension": [
            {"url": "rule", "valueString": course.rule},
            {"url": "start", "valueString": f"{course.start:{LOCAL}}"},
            {"url": "number", "valueInteger": one.occurrence.number},
            {"url": "planned", "valueInstant": clock.instant(one.occurrence.at)},
        ],
    }
    named = (SERIES, series_id(key, patient))
    wished = Wish(
        f"{key}@{one.occurrence.local:%Y%m%dT%H%M%S}",
        patient,
        offer,
        f"HealthcareService/{course.service}",
        one.slots,
        description,
        **more,
    )
    return replace(wished, identifiers=(*wished.identifiers, named), extensions=(*wished.extensions, part))


def shifted(told: Resource, to: Planned) -> Resource:
    return moved(told, to.offer, to.slots) if to.offer else told


def same_course(visits: Sequence[Resource], course: Course, key: str) -> tuple[Resource, ...]:
    """Raises Conflict for another course under the same key."""
    asked = {"rule": course.rule, "start": f"{course.start:{LOCAL}}"}
    if any(part_of(visits[0]).get(name) != text for name, text in asked.items()):
        raise Conflict(f"The key '{key}' was used for another series: choose another key", path="key")
    return tuple(visits)


def series_of(told: Resource) -> str | None:
    """The id of its series, None for what is in none."""
    return next((one["value"] for one in told.get("identifier", []) if one.get("system") == SERIES), None)


def part_of(told: Resource) -> dict[str, Any]:
    """What a visit says of its series: `rule`, `start`, `number`, `planned`; nothing for one of none."""
    parts: list[Resource] = next((one["extension"] for one in told.get("extension", []) if one["url"] == PART), [])
    return {one["url"]: next(value for name, value in one.items() if name.startswith("value")) for one in parts}


def number_of(told: Resource) -> int:
    return int(part_of(told).get("number", 0))


def is_open(told: Resource, verb: str) -> bool:
    """Whether it is still to come, and in a state for the verb."""
    return BOOKING.can(verb, told["status"]) and datetime.fromisoformat(told["start"]) > clock.now()


def restorable(visits: Sequence[Resource]) -> list[Resource]:
    """Those of a series that the patient let go in the last such step, as far as they are still to come."""
    gone = [one for one in visits if one["status"] == "cancelled" and codes(one.get("cancelationReason")) == ["pat"]]
    last = max((one["meta"]["lastUpdated"] for one in gone), default="")
    now = clock.now()
    return [one for one in gone if one["meta"]["lastUpdated"] == last and datetime.fromisoformat(one["start"]) > now]


def clock_time(told: Resource, zone: Any) -> datetime:
    return datetime.fromisoformat(told["start"]).astimezone(zone).replace(tzinfo=None)


def service_ref(told: Resource) -> str:
    """The id of the HealthcareService of a booking. Raises Conflict for one that says none."""
    named = (str(one.get("reference", "")) for one in told.get("supportingInformation", []))
    found = next((one for one in named if one.startswith("HealthcareService/")), None)
    if found is None:
        raise Conflict(f"{TYPE}/{told['id']} does not say of which service it is: cancel it and book anew")
    return found.partition("/")[2]


def doctor_of(told: Resource, doctors: Iterable[str]) -> str:
    """Who gives it. Raises Conflict where they give the service no more."""
    actors = {one["actor"]["reference"] for one in told["participant"] if "actor" in one}
    found = next((one for one in doctors if one in actors), None)
    if found is None:
        raise Conflict(f"Who gives {TYPE}/{told['id']} gives this service no more: say who shall", path="actor")
    return found
