"""The index against a naive one, and what it must keep and forget."""

import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.base.errors import Damaged
from salus.learning.retrieval import Document, Index, Wanted, weigh, words
from salus.learning.retrieval.index import K1, LIST, B

TOKENS = st.sampled_from(["cough", "fever", "rash", "发热", "咳嗽"])
TEXTS = st.lists(st.tuples(st.lists(TOKENS, max_size=6), st.lists(TOKENS, max_size=4)), min_size=1, max_size=12)


def documents(texts: list[tuple[list[str], list[str]]]) -> list[Document]:
    return [Document(f"d{at}", {"words": one, "titles": two}) for at, (one, two) in enumerate(texts)]


def naive(texts: list[tuple[list[str], list[str]]], asked: list[str], weights: tuple[float, float]) -> list[float]:
    """BM25 as it is written in the book, one document after another."""
    scores = [0.0] * len(texts)
    for field, weight in enumerate(weights):
        mean = max(sum(len(text[field]) for text in texts) / len(texts), 1)
        for token in set(asked):
            held = sum(token in text[field] for text in texts)
            idf = math.log(1 + (len(texts) - held + 0.5) / (held + 0.5))
            for at, text in enumerate(texts):
                times = Counter(text[field])[token]
                norm = K1 * (1 - B + B * len(text[field]) / mean)
                scores[at] += weight * idf * times * (K1 + 1) / (times + norm)
    return scores


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.lists(TOKENS, min_size=1), st.integers(1, 5))
def test_scores_are_those_of_a_naive_bm25(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[list[str], list[str]]], asked: list[str], parts: int
) -> None:
    index, all = Index(tmp_path_factory.mktemp("index")), documents(texts)
    for at in range(0, len(all), parts):
        index.add(all[at : at + parts])
    tokens = dict.fromkeys(asked, 1.0)
    found = index.search(Wanted({"words": tokens, "titles": tokens}, {"words": 1.0, "titles": 0.5}), len(texts))
    told = naive(texts, asked, (1.0, 0.5))

    assert {f"d{at}" for at, score in enumerate(told) if score > 0} == {one.id for one in found}
    for one in found:
        assert one.score == pytest.approx(told[int(one.id[1:])], rel=1e-4)
    assert sorted((one.score for one in found), reverse=True) == [one.score for one in found]


@settings(max_examples=30, deadline=None)
@given(TEXTS, st.sets(st.integers(0, 11)))
def test_an_index_that_forgot_is_one_that_never_knew(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[list[str], list[str]]], gone: set[int]
) -> None:
    one, other = Index(tmp_path_factory.mktemp("one")), Index(tmp_path_factory.mktemp("other"))
    all = documents(texts)
    one.add(all)
    other.add(document for at, document in enumerate(all) if at not in gone)
    asked = Wanted({"words": {"cough": 1.0, "发热": 1.0}}, {"words": 1.0})

    assert len([at for at in gone if at < len(all)]) == one.remove(f"d{at}" for at in gone)
    assert [found.id for found in other.search(asked, 20)] == [found.id for found in one.search(asked, 20)]


def test_nothing_of_what_was_forgotten_stays_on_disk(tmp_path: Path) -> None:
    index = Index(tmp_path)
    index.add([Document("keep", {"words": ["cough"]}, body=b"plain")])
    index.add([Document("gone-id", {"words": ["cough", "ZhangSan"]}, body=b"Zhang San")])
    index.remove(["gone-id"])
    (part,) = index.shape().segments

    assert ["keep"] == list(index.ids())
    assert ["words\tcough"] == part.tokens
    assert b"plain" == index.get("keep") and index.get("gone-id") is None
    assert 1 == len(list(tmp_path.glob("*.npz")))


def test_a_document_taken_in_again_takes_the_place_of_the_earlier(tmp_path: Path) -> None:
    index = Index(tmp_path)
    index.add([Document("a", {"words": ["cough"]}), Document("b", {"words": ["cough"]})])
    index.add([Document("a", {"words": ["fever"]})])
    found = index.search(Wanted({"words": {"cough": 1.0}}, {"words": 1.0}), 5)

    assert (2, ["b"]) == (len(index), [one.id for one in found])


def test_what_another_process_adds_is_found_by_the_next_question(tmp_path: Path) -> None:
    reader, writer = Index(tmp_path), Index(tmp_path)
    asked = Wanted({"words": {"cough": 1.0}}, {"words": 1.0})
    writer.add([Document("a", {"words": ["cough"]})])
    first = [one.id for one in reader.search(asked, 5)]
    writer.add([Document("b", {"words": ["cough", "cough"]})])
    writer.remove(["a"])

    assert (["a"], ["b"]) == (first, [one.id for one in reader.search(asked, 5)])


def test_filters_leave_out_what_does_not_fit(tmp_path: Path) -> None:
    index = Index(tmp_path)
    rows = [("a", 3.0, "east"), ("b", 40.0, "east"), ("c", 41.0, "west"), ("d", None, "east")]
    index.add(
        Document(id, {"words": ["cough"], "facts": [place]}, {} if age is None else {"age": age})
        for id, age, place in rows
    )
    said, weights = {"words": {"cough": 1.0}}, {"words": 1.0}

    def ids(**given: object) -> set[str]:
        return {one.id for one in index.search(Wanted(said, weights, **given), 9)}  # type: ignore[arg-type]

    assert {"a", "b", "d"} == ids(must=[("facts", ["east"])])
    assert {"b", "c"} == ids(between={"age": (4.0, 41.0)})
    assert {"b"} == ids(between={"age": (4.0, 41.0)}, must=[("facts", ["east"])])
    assert {"c"} == ids(never=[("facts", "east")])
    assert {"a", "c"} == ids(without=frozenset({"b", "d"}))


def test_one_that_says_just_what_is_asked_has_the_whole_share(tmp_path: Path) -> None:
    index = Index(tmp_path)
    index.add([Document("a", {"words": ["cough", "fever"]}), Document("b", {"words": ["cough", "rash"]})])
    said, weights = {"words": {"cough": 1.0, "fever": 1.0, "unheard": 1.0}}, {"words": 1.0}
    found = index.search(Wanted(said, weights, loose=frozenset({"words"})), 5)
    missed = index.search(Wanted(said, weights), 5)

    assert [("a", 1.0), ("b", True)] == [(found[0].id, pytest.approx(found[0].share)), ("b", found[1].share < 0.5)]
    assert missed[0].score == found[0].score and missed[0].share < 0.75


def test_many_small_additions_leave_few_segments(tmp_path: Path) -> None:
    index = Index(tmp_path)
    for at in range(40):
        index.add([Document(str(at), {"words": ["cough"]})])

    assert 40 == len(index)
    assert len(list(tmp_path.glob("*.npz"))) <= 6


@pytest.mark.parametrize("name", [LIST, "segment"])
def test_a_damaged_file_is_said_and_nothing_of_it_is_run(tmp_path: Path, name: str) -> None:
    index = Index(tmp_path)
    index.add([Document("a", {"words": ["cough"]})])
    file = tmp_path / name if name == LIST else next(tmp_path.glob("*.npz"))
    file.write_bytes(b"\x80\x04broken")

    with pytest.raises(Damaged, match="anew"):
        len(Index(tmp_path))


def test_an_empty_index_answers_nothing(tmp_path: Path) -> None:
    index = Index(tmp_path / "none")

    assert (0, [], 0) == (
        len(index),
        index.search(Wanted({"words": {"a": 1.0}}, {"words": 1.0}), 3),
        index.remove(["a"]),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Seizures and ATROPHY", ["seizur", "and", "atrophi"]),
        ("发热惊厥3天", ["发热", "热惊", "惊厥", "3", "天"]),
        ("Sjögren's", ["sjogren", "s"]),
        ("ＭＲＩ", ["mri"]),
        ("", []),
        ("x" * 65, []),
    ],
)
def test_words_of_both_languages_are_tokens(text: str, expected: list[str]) -> None:
    assert expected == words(text)


def test_weights_that_do_not_help_stay_as_they_were() -> None:
    assert {"a": 1.0, "b": 2.0} == weigh(lambda weights: min(weights["a"], 1.0), {"a": 1.0, "b": 2.0})
