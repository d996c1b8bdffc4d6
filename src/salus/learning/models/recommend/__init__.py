"""Which of many things suits someone, from what people like them took and from their own words; knows no medicine.

Every family answers for somebody who was not there when it was fitted, from their own history alone, and is saved as
plain arrays and text.
"""

from salus.learning.models.recommend.battery import FAMILIES, MANY, Recommender, fit_behaviour, load_behaviour
from salus.learning.models.recommend.content import Content
from salus.learning.models.recommend.history import History, history_of, temporal_parts
from salus.learning.models.recommend.hybrid import Hybrid
from salus.learning.models.recommend.topics import Topics

__all__ = [
    "FAMILIES",
    "MANY",
    "Content",
    "History",
    "Hybrid",
    "Recommender",
    "Topics",
    "fit_behaviour",
    "history_of",
    "load_behaviour",
    "temporal_parts",
]
