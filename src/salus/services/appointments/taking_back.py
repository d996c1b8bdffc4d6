"""A move is taken back: for a short while after it, as long as the time before it is still to be had.

The Appointment says where it was moved from (`MOVED`), and which version of it that was: whatever happened to it since
ends that. Taken back it moves as it moved away, in one step, under the guard of the database: where somebody else has
the time by now, nothing is changed.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Malformed
from salus.privacy import Role
from salus.records import Store, holds
from salus.records.desk import Desk
from salus.services.appointments.booking import MOVED, TYPE, moved, without
from salus.services.appointments.catalogue import service_of, used_slots
from salus.services.appointments.choosing import offered
from salus.services.appointments.finding import Offer, find
from salus.services.appointments.series import Series, service_ref

Resource = dict[str, Any]
WHILE = timedelta(minutes=30)  # after a move
BEFORE, AFTER = timedelta(days=3), timedelta(days=14)  # around a time that is gone, where others are looked for
MOST = 200  # times of a service that are looked at on either side


@dataclass(frozen=True, slots=True)
class Move:
    """Where an Appointment was: from when, and whose time it took; `at`: when it was moved, `by_patient`: by whom."""

    start: datetime
    actor: str
    at: datetime
    by_patient: bool


def last_move(told: Resource, now: datetime) -> Move | None:
    """The last thing that was done to an Appointment, if it was a move that can be taken back still."""
    part = next((one["extension"] for one in told.get("extension", []) if one["url"] == MOVED), ())
    said = {one["url"]: next(value for name, value in one.items() if name.startswith("value")) for one in part}
    if not said or told["status"] != "booked" or int(told["meta"]["versionId"]) != said["version"] + 1:
        return None
    start, at = (datetime.fromisoformat(said[name]) for name in ("start", "at"))
    in_time = now < at + WHILE and now < min(start, datetime.fromisoformat(told["start"]))
    return Move(start, said["actor"]["reference"], at, said["by"] == "patient") if in_time else None


class TakingBack(Series):
    """The booking desk, as whoever moved has it open; the desk takes back the moves of patients too."""

    def take_back(self, id: str) -> Resource:
        """The Appointment at the time before it was moved.

        Raises holds.Taken and Conflict where that is not to be had any more, Conflict where there is nothing to take
        back (it was not moved lately, or something else was done since), Forbidden for another's move, Missing.
        """
        before = self._found(id)
        offer, slots = self._again(before, self._check(before), f"{TYPE}/{id}")
        self._look(id, offer)
        return self._change(id, "take-back", lambda told: self._back(told, offer, slots))

    def take_back_all(self, series: str) -> tuple[Resource, ...]:
        """What of a series was moved last, in one step: all of it or nothing. Raises as `take_back`."""
        chosen = moved_last(self.visits(series), self.actor.role is Role.PATIENT)
        if not chosen:
            raise Conflict(f"Nothing of the series {series[:64]} was moved lately: move it again", path="moved")
        own = [f"{TYPE}/{one['id']}" for one in chosen]
        wanted = {str(one["id"]): self._again(one, self._check(one), own) for one in chosen}

        def work(desk: Desk) -> list[Resource]:
            for id in wanted:
                self._own(desk, id)
                holds.release(desk, f"{TYPE}/{id}")
            return [
                self.changed(desk, id, "take-back", lambda told, to=to: self._back(told, *to))
                for id, to in wanted.items()
            ]

        return self._together(work, "take-back", next(iter(wanted)))

    def _check(self, told: Resource) -> Move:
        """Raises Conflict where there is no move to take back, Forbidden where it was another's."""
        found = last_move(told, clock.now())
        if found is None:
            name = f"{TYPE}/{told['id']}"
            raise Conflict(f"{name} was not moved lately, or was changed since: move it again", path="moved")
        if self.actor.role is Role.PATIENT and not found.by_patient:
            raise Forbidden(f"{TYPE}/{told['id']} was moved by the house: ask the desk")
        return found

    def _again(self, told: Resource, move: Move, own: str | Collection[str]) -> tuple[Offer, tuple[str, ...]]:
        """The time before, if who gave it is there and free then; another room than before is as good."""
        try:
            service, offer = offered(self.store, service_ref(told), move.start, move.actor, own)
        except Malformed:  # who gave it gives the service no more
            raise Conflict(f"Nobody is free at {clock.instant(move.start)}: ask $find again", path="start") from None
        return offer, used_slots(service, offer.actors[0], offer.start, offer.end)

    def _back(self, told: Resource, offer: Offer, slots: tuple[str, ...]) -> Resource:
        """In the transaction: looked at once more."""
        if self._check(told).start != offer.start:
            raise Conflict(f"{TYPE}/{told['id']} was moved once more meanwhile: look at it again", path="moved")
        return without(moved(told, offer, slots), MOVED)


def moved_last(visits: Collection[Resource], by_patient: bool) -> list[Resource]:
    """Those of a series that were moved last, in one transaction, and can be taken back; a patient's own alone."""
    now = clock.now()
    found = [one for one in visits if (move := last_move(one, now)) and (move.by_patient or not by_patient)]
    last = max((one["meta"]["lastUpdated"] for one in found), default="")
    return [one for one in found if one["meta"]["lastUpdated"] == last]


def nearest(store: Store, told: Resource, move: Move, most: int = 6) -> list[Offer]:
    """The free times nearest to the one before a move, those of the same doctor first among as near ones."""
    found = {one for begin, end in around(move.start) for one in free(store, told, begin, end)}
    return sorted(found, key=lambda one: (abs(one.start - move.start), one.actors[0] != move.actor, one))[:most]


def around(start: datetime) -> Iterator[tuple[datetime, datetime]]:
    yield max(start - BEFORE, clock.now()), start
    yield start, start + AFTER


def free(store: Store, told: Resource, begin: datetime, end: datetime) -> list[Offer]:
    """What of its service is free between two moments; nothing for a booking that names none."""
    with suppress(Conflict):
        service = service_of(store, service_ref(told), begin, end)
        return find(store, service, begin, end, MOST, f"{TYPE}/{told['id']}") if begin < end else []
    return []
