"""The voices on each offer for one request: what `features.toml` declares, as numbers; the larger, the more for it.

Behaviour says nothing of what is sensitive: there only the words said now, place, insurance and language speak.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from salus.assistants.recommend.departments import read
from salus.assistants.recommend.offers import Offer, Point
from salus.assistants.recommend.seeker import KM, Seeker
from salus.learning.models.recommend import Content, Recommender
from salus.learning.models.recommend.history import row_of

Dense = npt.NDArray[np.float64]
FEW = 5  # bookings; with fewer an offer is new


@cache
def features() -> dict[str, dict[str, str | bool]]:
    """The declared voices."""
    return read("features")


@cache
def personal() -> frozenset[str]:
    return frozenset(name for name, row in features().items() if row["personal"])


@dataclass
class Learned:
    """What was learned from bookings: of the offers named `items`, in order. `taken`: how often each was booked."""

    items: tuple[str, ...]
    content: Content
    behaviour: Recommender
    taken: Dense

    @cached_property
    def popular(self) -> Dense:
        """1 for one that is booked as often as all are in the mean, before the logarithm."""
        found: Dense = np.log1p(self.taken * len(self.items) / max(1.0, self.taken.sum()))
        return found

    @cached_property
    def place(self) -> dict[str, int]:
        return {id: number for number, id in enumerate(self.items)}


class Frame:
    """Some offers as arrays, for many requests. `places`: where each stands among the items learned; -1: came later."""

    def __init__(self, learned: Learned, offers: Sequence[Offer]) -> None:
        self.learned, self.offers = learned, offers
        self.places = np.array([learned.place.get(one.id, -1) for one in offers], dtype=np.int64)
        self.plain = np.array([not one.department.sensitive for one in offers], dtype=bool)
        self.heard = self.plain & (self.places >= 0)
        self.heard &= learned.taken[self.places] >= FEW
        _, self.department = np.unique([one.department.code for one in offers], return_inverse=True)
        self.at = np.array([one.at or (np.nan, np.nan) for one in offers], dtype=np.float64).reshape(-1, 2)
        self.late = learned.content.reader.matrix([one.words for one in offers]) if (self.places < 0).any() else None

    def spread(self, scores: Dense) -> Dense:
        """Scores of the items as scores of the offers. One that is new has the mean of its department, so that nobody
        stays unseen for being unseen; what tells something sensitive has nothing."""
        known = np.where(self.heard, scores[self.places], 0.0)
        many, total = (np.bincount(self.department, one) for one in (self.heard.astype(float), known))
        mean = total / np.maximum(many, 1.0)
        return np.where(self.heard, known, np.where(self.plain, mean[self.department], 0.0))

    def worded(self, need: str) -> Dense:
        """How far each offer speaks of the need; one that came later by its own words alone."""
        asked = self.learned.content.reader.matrix([need])
        said: Dense = (self.learned.content.rows @ asked.T).toarray()[:, 0][self.places]
        return said if self.late is None else np.where(self.places < 0, (self.late @ asked.T).toarray()[:, 0], said)

    def near(self, home: Point | None) -> Dense:
        """Kilometres, the farther the less; 0 where a place is not known."""
        if home is None:
            return np.zeros(len(self.offers))
        east = (self.at[:, 1] - home[1]) * np.cos(np.radians(home[0]))
        found: Dense = np.nan_to_num(-KM * np.hypot(self.at[:, 0] - home[0], east))
        return found

    def voices(self, who: Seeker, need: str) -> dict[str, Dense]:
        """name -> scores, shape (1, offers)."""
        learned = self.learned
        history = row_of([learned.place[id] for id in who.booked if id in learned.place], len(learned.items))
        often = Counter(who.booked)
        every = {
            "words": self.worded(need),
            "own": np.log1p([often[one.id] for one in self.offers]),
            "others": self.spread(learned.behaviour.scores(history)[0]),
            "near": self.near(who.home),
            "insured": np.array([not who.insurance.isdisjoint(one.insurance) for one in self.offers], dtype=float),
            "tongue": np.array([not who.languages.isdisjoint(one.languages) for one in self.offers], dtype=float),
            "popular": self.spread(learned.popular),
        }
        return {name: scores[None] for name, scores in every.items()}
