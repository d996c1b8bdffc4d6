"""Every family of the recommender passes one battery; the mixture, the words and the measures do what they say."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from salus.base.errors import Invalid
from salus.learning.models.recommend import FAMILIES, fit_behaviour, history_of, load_behaviour, topics
from salus.learning.models.recommend import content as words
from salus.learning.models.recommend import hybrid as voices
from salus.learning.models.recommend.ease import fit as fit_ease
from salus.learning.models.recommend.history import History, row_of, temporal_parts
from salus.learning.models.recommend.measures import exposure, gini, ndcg, ranks, recall

ITEMS = [f"item-{number}" for number in range(12)]
PERSONAL = [name for name in FAMILIES if name != "popular"]


def two_tastes(people: int = 120) -> History:
    """Half the people take from the first six items, half from the last six."""
    rng = np.random.default_rng(3)
    pairs = [(person, 6 * (person % 2) + rng.integers(6)) for person in range(people) for _ in range(4)]
    return history_of([one for one, _ in pairs], [int(two) for _, two in pairs], ITEMS, people)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_answers_for_somebody_unseen_and_comes_back_with_the_same_bits(family: str, tmp_path: Path):
    model = fit_behaviour(two_tastes(), family)
    unseen = row_of([0, 1], len(ITEMS))

    model.save(tmp_path)
    again = load_behaviour(family, tmp_path)

    assert (1, 12) == model.scores(unseen).shape
    assert np.isfinite(model.scores(unseen)).all()
    assert model.scores(unseen).tobytes() == again.scores(unseen).tobytes()
    assert 12 == again.items
    assert not [path for path in tmp_path.iterdir() if path.suffix not in (".safetensors", ".json")]


@pytest.mark.parametrize("family", PERSONAL)
def test_a_family_learns_who_is_alike(family: str):
    scores = fit_behaviour(two_tastes(), family).scores(row_of([0, 1], len(ITEMS)))[0]

    assert scores[2:6].mean() > 2 * abs(scores[6:]).mean()


@pytest.mark.parametrize("family", PERSONAL)
def test_without_a_history_behaviour_says_nothing(family: str):
    assert not fit_behaviour(two_tastes(), family).scores(row_of([], len(ITEMS))).any()


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_to_learn_from_is_refused(family: str):
    with pytest.raises(Invalid, match="nothing to learn from"):
        fit_behaviour(history_of([], [], ITEMS, 3), family)


def test_unknown_families_parameters_pairs_and_numbers_are_refused():
    with pytest.raises(Invalid, match="no family"):
        fit_behaviour(two_tastes(), "oracle")
    with pytest.raises(Invalid, match="no family"):
        load_behaviour("oracle", Path())
    with pytest.raises(Invalid, match="no parameter depth"):
        fit_behaviour(two_tastes(), "ease", depth=3)
    with pytest.raises(Invalid, match="outside"):
        history_of([0], [12], ITEMS, 1)
    with pytest.raises(Invalid, match="not positive"):
        History(csr_matrix(np.array([[-1.0, 2.0]])), ("a", "b"))


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_ease_is_the_ridge_regression_of_each_item_on_the_others(seed: int):
    x = np.random.default_rng(seed).integers(0, 2, (15, 5)).astype(float)
    weights = fit_ease(History(csr_matrix(x), tuple("abcde")), {"ridge": 2.0}).weights

    for item in range(5):
        others = [one for one in range(5) if one != item]
        naive = np.linalg.solve(x[:, others].T @ x[:, others] + 2.0 * np.eye(4), x[:, others].T @ x[:, item])
        assert np.allclose(naive, weights[others, item])


def test_walks_are_three_steps_of_chance():
    x = np.array([[1.0, 1, 0], [0, 1, 1]])
    model = fit_behaviour(History(csr_matrix(x), ("a", "b", "c")), "walks", beta=0.0)

    # from a: one person, who then takes a or b; from b: half to a, half to c (b itself left out)
    assert np.allclose([[0, 0.5, 0], [0.25, 0, 0.25], [0, 0.5, 0]], model.steps.toarray())


def test_an_unseen_person_is_answered_within_milliseconds_among_a_thousand_items():
    rng = np.random.default_rng(1)
    many = history_of(rng.integers(0, 500, 5000).tolist(), rng.integers(0, 1000, 5000).tolist(), ["x"] * 1000, 500)
    model = fit_behaviour(many, "ease")
    took = []
    for number in range(200):
        start = time.process_time()
        model.scores(row_of([number, number + 7], 1000))
        took.append(time.process_time() - start)

    assert np.quantile(took, 0.9) < 0.005


def test_words_lead_to_what_speaks_of_them_in_both_languages_and_an_item_nobody_took():
    described = ["heart and blood vessels 心血管", "skin rash itching 皮肤 皮疹", "children 儿科"]
    model = words.fit(described, ["my chest is tight", "胸口发闷"], np.array([0, 0]))

    assert [0, 0, 1, 2] == model.scores(["tight chest", "胸闷", "itchy skin", "儿科医生"]).argmax(axis=1).tolist()
    assert not model.scores([""]).any()


def test_words_come_back_with_the_same_bits(tmp_path: Path):
    model = words.fit(["heart 心脏", "skin 皮肤"])
    model.save(tmp_path)

    assert model.scores(["heart"]).tobytes() == words.load(tmp_path).scores(["heart"]).tobytes()


def test_no_words_at_all_are_refused():
    with pytest.raises(Invalid, match="no words"):
        words.fit(["", "!"])


TEXTS = ["my heart races", "chest pain at night", "心慌胸闷", "itchy red skin", "a rash on my arm", "皮肤发痒"] * 4
LABELS = ["heart", "heart", "heart", "skin", "skin", "skin"] * 4


@pytest.mark.parametrize("more", [[], [("i cannot sleep", "sleep"), ("失眠多梦", "sleep")] * 4])
def test_topics_are_told_apart_say_why_and_come_back_with_the_same_bits(more: list, tmp_path: Path):
    model = topics.fit(TEXTS + [text for text, _ in more], LABELS + [label for _, label in more])
    asked = ["胸闷 心慌", "red itchy rash"]
    model.save(tmp_path)

    assert ["heart", "skin"] == [model.names[place] for place in model.probabilities(asked).argmax(axis=1)]
    assert np.allclose(1, model.probabilities(asked).sum(axis=1))
    assert "胸闷" in " ".join(model.why(asked[0], model.names.index("heart")))
    assert model.probabilities(asked).tobytes() == topics.load(tmp_path).probabilities(asked).tobytes()
    assert 0 == model.known("zzz")


def test_topics_need_two_labels_and_one_a_text():
    with pytest.raises(Invalid, match="the same"):
        topics.fit(["a b"], ["x"])
    with pytest.raises(Invalid, match="2 texts but 1 labels"):
        topics.fit(["a", "b"], ["x"])


def test_the_mixture_listens_to_the_voice_that_was_right_and_apart_for_the_unknown(tmp_path: Path):
    rng = np.random.default_rng(5)
    taken = rng.integers(0, 6, 300)
    right, noise = np.eye(6)[taken] + rng.normal(0, 0.2, (300, 6)), rng.normal(size=(300, 6))
    known = np.arange(300) < 150
    said = {"one": np.where(known[:, None], right, noise), "two": np.where(known[:, None], noise, right)}
    made = voices.fit(said, taken.tolist(), known.tolist())
    made.save(tmp_path)
    again = voices.load(tmp_path)

    assert made.of(True)["one"] > 5 * made.of(True)["two"]
    assert made.of(False)["two"] > 5 * made.of(False)["one"]
    assert made.scores(said, True).tobytes() == again.scores(said, True).tobytes()
    with pytest.raises(Invalid, match="three"):
        made.scores({"three": right}, True)
    with pytest.raises(Invalid, match="no rows"):
        voices.fit(said, [], [])


def test_measures_are_what_one_counts_by_hand():
    scores = np.array([[0.1, 0.9, 0.5], [0.9, 0.1, 0.5]])
    place = ranks(scores, np.array([1, 2]))

    assert [1, 2] == place.tolist()
    assert (1 + 1 / np.log2(3)) / 2 == pytest.approx(ndcg(place))
    assert 0.5 == recall(place, 1)
    assert [1.0, 1.0, 0.0] == exposure(scores, 1).tolist()
    assert pytest.approx(1 / 3) == gini(exposure(scores, 1))
    assert 0.0 == gini(np.zeros(3))


def test_time_cuts_never_part_what_happened_together():
    learn, tune, judge = temporal_parts([1, 1, 2, 2, 3, 3, 4, 4, 5, 5])

    assert max([1, 1, 2, 2, 3, 3, 4, 4, 5, 5][one] for one in learn) == 3
    assert set(range(10)) == {*learn.tolist(), *tune.tolist(), *judge.tolist()}
