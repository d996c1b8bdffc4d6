"""A second look where no rule of red flags holds: does it sound like what cannot wait? It cautions, and bars nothing.

Learned from what people say when it cannot wait (`urgent.toml`), against that and the symptoms of departments.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from random import Random

from salus.assistants.recommend.departments import focuses, read
from salus.learning.models.recommend import Topics
from salus.learning.models.recommend import topics as learning

URGENT, CALM = "cannot wait", "can wait"
SEED = 7
# characters that stand in every long text and tell nothing
LIGHT = re.compile("[的了得地就是我你他她它在有和也都被把吗呢啊吧很还要会能这那个些么什过来去到上下着说给让想]")
LOUD = 0.12  # probability from which it cautions: to caution wrongly costs a glance


def sounds_urgent(text: str) -> bool:
    """Whether to caution.

    >>> sounds_urgent("he cannot breathe at all"), sounds_urgent("a wart on my hand")
    (True, False)
    """
    model, plain = reader(), LIGHT.sub("", text)
    return bool(model.known(plain)) and float(model.probabilities([plain])[0, model.names.index(URGENT)]) >= LOUD


@cache
def reader() -> Topics:
    """Learned when it is first asked; of each kind also long texts, as people write them."""
    said = read("urgent")
    texts = {URGENT: said["cannot_wait"], CALM: [*said["can_wait"], *ordinary()]}
    both = [(text, kind) for kind, some in texts.items() for text in (*some, *longer(some, texts[CALM]))]
    return learning.fit([LIGHT.sub("", text) for text, _ in both], [kind for _, kind in both])


def ordinary() -> Iterator[str]:
    """What people say to departments, alone and by twos."""
    for focus in focuses():
        for words, joint in ((focus.en, "{} and {}"), (focus.zh, "{}，{}")):
            yield from words
            yield from (joint.format(*two) for two in pairwise(words))


def longer(texts: Sequence[str], calm: Sequence[str]) -> Iterator[str]:
    """Each text among what people put around it, and among what can wait; the same each time."""
    rng = Random(SEED)
    around = {ascii: [one for one in read("urgent")["around"] if one.isascii() == ascii] for ascii in (True, False)}
    others = {ascii: [one for one in calm if one.isascii() == ascii] for ascii in (True, False)}
    for text in texts:
        kind = text.isascii()
        parts = [text, *rng.sample(around[kind], rng.randrange(2, 7)), *rng.sample(others[kind], rng.randrange(2))]
        rng.shuffle(parts)
        yield (". " if kind else "，").join(parts)
