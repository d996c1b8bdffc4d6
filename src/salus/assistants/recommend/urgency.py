"""A second look where no rule of red flags holds: does it sound like what cannot wait? It cautions, and bars nothing.

Learned from what people say when it cannot wait (`urgent.toml`), against that and the symptoms of departments.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from salus.assistants.recommend.departments import focuses, read
from salus.learning.models.recommend import Topics
from salus.learning.models.recommend import topics as learning

URGENT, CALM = "cannot wait", "can wait"
LOUD = 0.2  # probability from which it cautions: to caution wrongly costs a glance


def sounds_urgent(text: str) -> bool:
    """Whether to caution.

    >>> sounds_urgent("he cannot breathe at all"), sounds_urgent("a wart on my hand")
    (True, False)
    """
    model = reader()
    return bool(model.known(text)) and float(model.probabilities([text])[0, model.names.index(URGENT)]) >= LOUD


@cache
def reader() -> Topics:
    """Learned when it is first asked."""
    said = read("urgent")
    calm = [*said["can_wait"], *ordinary()]
    labels = [URGENT] * len(said["cannot_wait"]) + [CALM] * len(calm)
    return learning.fit([*said["cannot_wait"], *calm], labels)


def ordinary() -> Iterator[str]:
    """What people say to departments, alone and by twos."""
    for focus in focuses():
        for words, joint in ((focus.en, "{} and {}"), (focus.zh, "{}，{}")):
            yield from words
            yield from (joint.format(*two) for two in pairwise(words))
