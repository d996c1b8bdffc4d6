"""Which services suit a need: red flags first, then departments, then doctors who have room, each with why."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from salus.assistants.recommend import choice, learning
from salus.assistants.recommend.learning import Suited
from salus.assistants.recommend.offers import Offer, offers
from salus.assistants.recommend.ranking import LeftOut, Row, Wish, limited, plain, ranked
from salus.assistants.recommend.routing import Routing, route
from salus.assistants.recommend.seeker import TYPES, Seeker, seeker
from salus.base import clock
from salus.learning.models.recommend import Topics, topics
from salus.learning.step7_deploy.seal import SUMS
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

FRESH = 5.0  # seconds for which the list of offers is not read again
MOST = 10
SERVICES = "services"  # the folder of what was learned, in that of the installation
SUITED, QUESTIONS = "bookings", "questions"  # folders in it


@dataclass(frozen=True, slots=True)
class Recommended:
    """The answer to a need. `personal`: whether the order regards the person; `wanted`: whether they let it.
    `learned`: whether there is anything learned here to order by."""

    routing: Routing
    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...]
    personal: bool
    wanted: bool
    learned: bool


class Recommending:
    """The services of one house. `folder`: where what was learned lies; read again only when it is another."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder, self.lock = store, folder, threading.Lock()
        self._offers: tuple[float, tuple[Offer, ...]] | None = None
        self._suited: tuple[int, Suited | None] = (-1, None)
        self._topics: tuple[int, Topics | None] = (-1, None)

    def offers(self) -> tuple[Offer, ...]:
        """What can be booked, as the house sees it: no patient's account may list it itself."""
        with self.lock:
            if self._offers is None or time.monotonic() - self._offers[0] > FRESH:
                self._offers = (time.monotonic(), offers(self.store.open(SYSTEM, Purpose.OPERATIONS)))
            return self._offers[1]

    def suited(self) -> Suited | None:
        """What was learned from bookings, if anything. Raises Conflict for files that were changed."""
        seen = stamp(self.folder / SUITED / SUMS)
        if seen != self._suited[0]:
            self._suited = (seen, learning.load(self.folder / SUITED) if seen else None)
        return self._suited[1]

    def topics(self) -> Topics | None:
        """What was learned from a site's own questions, if anything."""
        seen = stamp(self.folder / QUESTIONS / topics.FILE)
        if seen != self._topics[0]:
            self._topics = (seen, topics.load(self.folder / QUESTIONS) if seen else None)
        return self._topics[1]

    def services(
        self,
        records: Records,
        patient_id: str,
        need: str,
        language: str = "en",
        *,
        wish: Wish | None = None,
        despite: bool = False,
        at: datetime | None = None,
    ) -> Recommended:
        """Which services suit a need of this patient, told in their own words. Raises Missing, Forbidden, Invalid."""
        patient = records.read("Patient", patient_id).json()
        own = [version.json() for version in records.compartment(patient_id, TYPES)]
        wanted, who, now = choice.wants(own), seeker(patient, own), at or clock.now()
        age = who.age_days(now.date())
        routed = route(need, language, model=self.topics(), country=who.country, age_days=age, despite=despite)
        if not routed.departments:
            return Recommended(routed, (), (), False, wanted, False)
        suited = self.suited()
        personal = wanted and suited is not None
        left, out = limited(in_question(self.offers(), routed), who, now, wish or Wish(), personal)
        rows = ordered(suited if personal else None, left, who, need, now, routed)
        return Recommended(routed, tuple(rows[:MOST]), tuple(out), personal, wanted, suited is not None)


def services(records: Records, patient_id: str, need: str, language: str = "en", **more: object) -> Recommended:
    """As `Recommending.services`, for who has no house open: beside the store the records came from."""
    made = Recommending(records.store, records.store.folder / SERVICES)
    return made.services(records, patient_id, need, language, **more)  # type: ignore[arg-type]


def stamp(file: Path) -> int:
    """When a file was written; 0 where there is none."""
    return file.stat().st_mtime_ns if file.is_file() else 0


def in_question(every: Sequence[Offer], routed: Routing) -> list[Offer]:
    wanted = {one.department.code for one in routed.departments}
    return [one for one in every if one.department.code in wanted]


def ordered(
    suited: Suited | None, left: Sequence[Offer], who: Seeker, need: str, at: datetime, routed: Routing
) -> list[Row]:
    """Department by department, the likeliest first; within each by what suits, or by nothing but time."""
    made: list[Row] = []
    for chance in routed.departments:
        some = [one for one in left if one.department == chance.department]
        made += ranked(suited, some, who, need, at) if suited else plain(some, at)
    return made
