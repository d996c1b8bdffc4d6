"""Answers found for questions, by words whose weight pairs have taught."""

import numpy as np
from scipy.optimize import approx_fprime

from salus.learning.retrieval.answers import fine, learned, lesson_of, plain

RNG = np.random.default_rng(3)
TOPICS = [f"topic{n}" for n in range(60)]
NOISE = [f"noise{n}" for n in range(60)]


def pairs(many: int, seed: int) -> tuple[dict[str, list[list[str]]], list[list[str]], list[int]]:
    """Question and answer share one word that matters and, with other answers, two as rare ones that do not."""
    rng = np.random.default_rng(seed)
    topic = rng.integers(0, len(TOPICS), many)
    asked = [[TOPICS[t], *rng.choice(NOISE, 3).tolist()] for t in topic.tolist()]
    answers = [[TOPICS[t], f"only{n}", *rng.choice(NOISE, 3).tolist()] for n, t in enumerate(topic.tolist())]
    return {"title": asked, "told": [rng.choice(NOISE, 4).tolist() for _ in range(many)]}, answers, list(range(many))


def places(made, fields, answers, topics) -> float:  # type: ignore[no-untyped-def]
    """The mean share of better answers that are of another topic."""
    scores = made.scores(fields, made.vectors(answers))
    best = scores.argmax(axis=1)
    return float(np.mean([answers[b][0] == topic for b, topic in zip(best.tolist(), topics, strict=True)]))


def test_pairs_teach_which_words_and_which_fields_tell() -> None:
    fields, answers, own = pairs(400, 1)
    asked, texts, _ = pairs(200, 2)
    topics = [one[0] for one in asked["title"]]
    before = plain([*fields["title"], *fields["told"], *answers], list(fields))
    after = learned(fields, answers, own)

    assert places(after, asked, texts, topics) > places(before, asked, texts, topics) + 0.1
    assert after.fields["title"] > 3 * abs(after.fields["told"])


def test_the_gradient_is_that_of_the_loss() -> None:
    fields, answers, own = pairs(40, 4)
    start = plain([*fields["title"], *fields["told"], *answers], list(fields))
    lesson = lesson_of(start, fields, answers, np.array(own), np.ones(40, bool))
    at = np.concatenate([[3.0, 2.0], RNG.normal(0, 0.3, len(start.idf))])
    found = approx_fprime(at, lambda one: lesson.loss(one, 0.01)[0], 1e-6)

    np.testing.assert_allclose(found, lesson.loss(at, 0.01)[1], atol=1e-5)


def test_without_a_pair_to_learn_from_rarity_alone_counts() -> None:
    fields, answers = {"title": [["a", "b"]]}, [["c", "d"], ["c", "e"], ["f", "d"]]
    made = learned(fields, answers, [0])

    assert {"title": 1.0} == dict(made.fields)
    assert (made.tells == 1).all()
    assert (1, 3) == made.scores(fields, made.vectors(answers)).shape


def test_a_text_without_known_words_fits_nothing() -> None:
    made = plain([fine("咳嗽"), fine("咳嗽 fever"), fine("fever")], ["title"])

    assert not made.scores({"title": [[], ["unknown"]]}, made.vectors([["咳嗽"]])).any()
