"""Finding documents by weighted tokens in named fields: an index of postings that grows, forgets, and is kept safely.

Knows fields, tokens and numbers; must not know what they mean.
"""

from salus.learning.retrieval.index import Found, Index, Wanted
from salus.learning.retrieval.segment import Document
from salus.learning.retrieval.tokens import words
from salus.learning.retrieval.weighing import weigh

__all__ = ["Document", "Found", "Index", "Wanted", "weigh", "words"]
