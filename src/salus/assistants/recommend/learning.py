"""Learning from the bookings in the store who suits whom; kept as plain arrays and text in a folder.

Not learned from: people who have said no (`choice`), and visits to sensitive departments.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from salus.assistants.answers import every
from salus.assistants.recommend.choice import wants
from salus.assistants.recommend.departments import known
from salus.assistants.recommend.offers import PAGE, Offer, offers
from salus.assistants.recommend.seeker import Booking, Seeker, bookings, seeker
from salus.assistants.recommend.voices import Dense, Frame, Learned
from salus.base import clock
from salus.base.errors import Invalid
from salus.learning.models.recommend import Hybrid, fit_behaviour, history_of, load_behaviour, temporal_parts
from salus.learning.models.recommend import content as words
from salus.learning.models.recommend import hybrid as mixing
from salus.learning.models.recommend.battery import usual
from salus.learning.models.recommend.evening import prices
from salus.learning.models.recommend.measures import discounts, exposure, gini, ndcg, ranks
from salus.learning.step7_deploy.seal import SUMS, check_files, sums_of
from salus.records import Records

SAID = "said.json"
MOST_TUNED = 1_500  # requests of the development split
FEWEST = 50  # bookings
COST, WIDTHS = 0.02, (0.5, 0.3, 0.2, 0.1)  # of NDCG@10 that even attention may cost; how wide prices may be


class Figures(msgspec.Struct):
    """How it went on the development split, for who reads the folder."""

    ndcg: float
    ndcg_even: float
    gini: float
    gini_even: float


class Said(msgspec.Struct):
    """said.json. `attention`: of each offer that was asked for, as a multiple of what it is due."""

    family: str
    items: list[str]
    taken: list[int]
    prices: list[float]
    people: int
    bookings: int
    made: str
    figures: Figures
    attention: dict[str, float]


@dataclass
class Suited:
    """All that was learned. `prices`: what is taken from each item so that attention is even."""

    learned: Learned
    hybrid: Hybrid
    prices: Dense
    said: Said

    def save(self, folder: Path) -> None:
        """Write the folder anew, with the sums of its files."""
        folder.mkdir(parents=True, exist_ok=True)
        self.learned.behaviour.save(folder / "behaviour")
        self.learned.content.save(folder / "content")
        self.hybrid.save(folder)
        (folder / SAID).write_bytes(msgspec.json.encode(self.said))
        (folder / SUMS).unlink(missing_ok=True)
        (folder / SUMS).write_bytes(msgspec.json.encode(sums_of(folder)))


def load(folder: Path) -> Suited:
    """As it was saved. Raises Conflict for files that were changed."""
    check_files(folder)
    said = msgspec.json.decode((folder / SAID).read_bytes(), type=Said)
    behaviour = load_behaviour(said.family, folder / "behaviour")
    learned = Learned(tuple(said.items), words.load(folder / "content"), behaviour, np.array(said.taken, dtype=float))
    return Suited(learned, mixing.load(folder), np.array(said.prices), said)


@dataclass(frozen=True)
class People:
    """The house as learning sees it: what can be booked, who seeks, who booked what in the order of time."""

    offers: tuple[Offer, ...]
    seekers: dict[str, Seeker]
    bookings: tuple[Booking, ...]


def people(records: Records) -> People:
    """Read the house. Bookings of who said no, of sensitive departments and of roles that are gone stay out."""
    own: dict[str, list[dict[str, object]]] = defaultdict(list)
    for kind, whose in (("Consent", "patient"), ("Coverage", "beneficiary")):
        for one in every(records, kind, [PAGE]):
            own[one.get(whose, {}).get("reference", "").removeprefix("Patient/")].append(one)
    seekers = {
        one["id"]: seeker(one, own[one["id"]]) for one in every(records, "Patient", [PAGE]) if wants(own[one["id"]])
    }
    offered = offers(records)
    roles = {one.id: one.department for one in offered}
    found = (
        one
        for one in bookings(every(records, "Appointment", [PAGE]))
        if one.patient in seekers and one.role in roles and not roles[one.role].sensitive
    )
    kept = (one for one in found if not known(one.department).sensitive)
    return People(offered, seekers, tuple(sorted(kept, key=lambda one: one.at)))


def learn(house: People, shares: Sequence[float] = (0.8,)) -> Suited:
    """Learn on the earlier bookings, weigh the voices on the later ones, and learn again on all.

    Raises Invalid for fewer than `FEWEST` bookings.
    """
    if len(house.bookings) < FEWEST:
        raise Invalid(f"{len(house.bookings)} bookings are too few to learn from: {FEWEST} at least")
    early, late = temporal_parts([one.at for one in house.bookings], shares)
    first = fitted(house, [house.bookings[n] for n in early])
    requests = list(asked(house, early.tolist(), late.tolist()[-MOST_TUNED:]))
    strangers = [replace(one, who=replace(one.who, booked=())) for one in requests]  # the same, had nothing been known
    said, among, taken, has = tuned(first, house, requests + strangers)
    hybrid = mixing.fit(said, taken, has, among)
    known = slice(0, len(requests))
    scores = mixed(hybrid, {name: rows[known] for name, rows in said.items()}, has[known], among[known])
    place = {one.id: number for number, one in enumerate(house.offers)}
    fair = due(house, requests)
    truth = np.array(taken[known])
    costs = evened(scores, fair, truth)
    even = scores - costs
    figures = Figures(
        ndcg(ranks(scores, truth)), ndcg(ranks(even, truth)), gini(seen(scores, fair)), gini(seen(even, fair))
    )
    last = fitted(house, house.bookings)
    kept = [float(costs[place[id]]) for id in last.items]
    family = usual(len(last.items))
    who = len({one.patient for one in house.bookings})
    made = clock.instant(clock.now())
    looked = dict(
        zip(
            [one.id for one, some in zip(house.offers, fair, strict=True) if some > 0],
            seen(even, fair).tolist(),
            strict=True,
        )
    )
    about = Said(
        family, list(last.items), last.taken.astype(int).tolist(), kept, who, len(house.bookings), made, figures, looked
    )
    return Suited(last, hybrid, np.array(kept), about)


def evened(scores: Dense, fair: Dense, truth: np.ndarray) -> Dense:
    """The widest prices that cost no more than `COST` of the quality."""
    least = (1 - COST) * ndcg(ranks(scores, truth))
    tried = (prices(scores, fair, most) for most in WIDTHS)
    return next((one for one in tried if ndcg(ranks(scores - one, truth)) >= least), np.zeros(len(fair)))


def seen(scores: Dense, fair: Dense) -> Dense:
    """The attention on each offer that was in question, as a multiple of what it is due."""
    asked = fair > 0
    return exposure(scores)[asked] / fair[asked]


def due(house: People, requests: Sequence["Request"]) -> Dense:
    """The attention each offer should have: that of its department's requests, shared alike among its doctors."""
    asks = Counter(one.department for one in requests)
    many = Counter(one.department.code for one in house.offers)
    each = {code: asks[code] * float(discounts(count).sum()) / count for code, count in many.items()}
    return np.array([each[one.department.code] for one in house.offers])


def fitted(house: People, some: Sequence[Booking]) -> Learned:
    """Behaviour and words from these bookings."""
    items = tuple(one.id for one in house.offers if not one.department.sensitive)
    place = {id: number for number, id in enumerate(items)}
    row: dict[str, int] = {}
    pairs = [(row.setdefault(one.patient, len(row)), place[one.role]) for one in some]
    history = history_of([who for who, _ in pairs], [what for _, what in pairs], items, max(1, len(row)))
    taken = np.bincount([what for _, what in pairs], minlength=len(items)).astype(float)
    described = {one.id: one.words for one in house.offers}
    said = [(one.words, place[one.role]) for one in some if one.words]
    content = words.fit(
        [described[id] for id in items], [text for text, _ in said], np.array([n for _, n in said], int)
    )
    return Learned(items, content, fit_behaviour(history), taken)


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody who once asked: what was known of them then, and whom they took."""

    who: Seeker
    need: str
    department: str
    role: str


def asked(house: People, before: Sequence[int], late: Sequence[int]) -> Iterator[Request]:
    """The later bookings as requests, each with the bookings that came before it."""
    own: dict[str, list[str]] = defaultdict(list)
    for n in before:
        own[house.bookings[n].patient].append(house.bookings[n].role)
    departments = {one.id: one.department.code for one in house.offers}
    for n in late:
        one = house.bookings[n]
        who = replace(house.seekers[one.patient], booked=tuple(own[one.patient]))
        yield Request(who, one.words, departments[one.role], one.role)
        own[one.patient].append(one.role)


Tuned = tuple[dict[str, Dense], np.ndarray, list[int], list[bool]]


def tuned(learned: Learned, house: People, requests: Sequence[Request]) -> Tuned:
    """The voices of all requests, the offers in question (of the department), which was taken, who has a history."""
    place = {one.id: number for number, one in enumerate(house.offers)}
    frame = Frame(learned, house.offers)
    rows = [frame.voices(one.who, one.need) for one in requests]
    said = {name: np.vstack([row[name] for row in rows]) for name in rows[0]}
    codes = np.array([one.department.code for one in house.offers])
    among = np.array([codes == one.department for one in requests])
    return said, among, [place[one.role] for one in requests], [bool(one.who.booked) for one in requests]


def mixed(hybrid: Hybrid, said: dict[str, Dense], has: Sequence[bool], among: np.ndarray) -> Dense:
    """The mixture of rows of both kinds."""
    both = {kind: hybrid.scores(said, kind, among) for kind in (True, False)}
    return np.where(np.array(has)[:, None], both[True], both[False])
