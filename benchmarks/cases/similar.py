"""Similar cases and ranked diseases on published cases, beside plain BM25 and TF-IDF of the same words.

    python benchmarks/cases/similar.py [part of the name of a table]

Needs ../shared/data/phenopackets-dev and hpo-zh-en. Judged on the half of publications that no weight was learned on.
"""

import random
import sys
from collections.abc import Callable, Sequence

import numpy as np
from msgspec.structs import replace
from published import CASES, answerable, disease, judged, library, own_rows_left_out, positive, questions, told
from sklearn.feature_extraction.text import TfidfVectorizer

from salus.assistants.cases.case import Case, Finding
from salus.assistants.cases.casebook import Library, wanted
from salus.assistants.cases.differential import joined, supported
from salus.assistants.cases.knowledge import knowledge, weights
from salus.assistants.cases.ontology import canonical, ontology
from salus.assistants.cases.query import Filters, Query
from salus.assistants.cases.reading import DECODER
from salus.assistants.cases.terms import Terms, bag
from salus.learning.retrieval import words

PLAIN = {"words": 1.0}
Answers = Callable[[Case], Sequence[str]]


def from_library(ask: Callable[[Case], Query], made: Library, fields: dict[str, float] | None = None) -> Answers:
    """The diseases of the cases found; `fields`: other weights than those that were learned."""

    def answers(case: Case) -> list[str]:
        question = wanted(ask(case), Filters(not_from=case.reference), fields or weights()["fields"])
        return [disease(DECODER.decode(one.body)) for one in made.index.search(question, 10)]

    return answers


def structured(case: Case) -> Query:
    return Query(positive(case).findings)


def negated(case: Case) -> Query:
    return Query(case.findings)


def plain_words(case: Case) -> Query:
    """The labels as words alone."""
    return Query(text=" ".join(one.text for one in positive(case).findings))


def typed(made: Library, language: str) -> Callable[[Case], Query]:
    """The findings' names as a reader types them."""

    def ask(case: Case) -> Query:
        return made.ask("，".join(made.terms.name(canonical(one), language) for one in case.concepts()))

    return ask


def tfidf() -> Answers:
    """Cosine of TF-IDF vectors of the labels' words (scikit-learn), stems as in our own index."""
    made = [positive(case) for case in all_cases()]
    texts = [" ".join(one.text for one in case.findings) for case in made]
    vectors = TfidfVectorizer(tokenizer=words, token_pattern=None).fit(texts)
    matrix, papers = vectors.transform(texts), np.array([case.reference for case in made])
    place = {case.id: at for at, case in enumerate(made)}

    def answers(case: Case) -> list[str]:
        scores = np.asarray((matrix @ matrix[place[case.id]].T).todense()).ravel()
        scores[papers == case.reference] = -1
        return [disease(made[at]) for at in np.argsort(-scores, kind="stable")[:10]]

    return answers


def all_cases() -> list[Case]:
    from published import cases

    return cases()


def said_otherwise(case: Case, share: float = 0.9, kept: float = 0.5) -> Case:
    """Half of the findings, nine in ten of them under another name where the ontology has one; by the case's own id."""
    chance = random.Random(case.id)
    found = [one for one in positive(case).findings if canonical(one.concept) in ontology().row]
    left = [one for one in found if chance.random() < kept] or found[:1]
    return replace(case, findings=tuple(renamed(one, chance, share) for one in left))


def renamed(finding: Finding, chance: random.Random, share: float) -> Finding:
    others = ontology().synonyms[ontology().row[finding.concept]]
    return replace(finding, text=chance.choice(others) if others and chance.random() < share else finding.text)


def otherwise(made: Library, terms: Terms) -> Callable[[Case], Query]:
    def ask(case: Case) -> Query:
        return Query(*terms.read(", ".join(one.text.replace(",", " ") for one in said_otherwise(case).findings)))

    return ask


class Unheard(Terms):
    """Names of findings without any synonym that a question uses: those must be found by their words."""

    def __init__(self, asked: Sequence[Case]) -> None:
        super().__init__()
        told = {one.text.lower() for case in asked for one in said_otherwise(case).findings}
        labels = {bag(words(label)) for label in ontology().labels}
        gone = {bag(words(text)) for text in told} - labels
        self.english = {key: one for key, one in Terms().english.items() if key not in gone}


def similar() -> None:
    asked, made = questions(False), library()
    print(f"\n## Similar cases: {len(asked)} questions\n\n| | hit@1 | nDCG@10 |\n|---|---|---|")
    rows: dict[str, Answers] = {
        "ours, present findings": from_library(structured, made),
        "BM25 of words": from_library(plain_words, made, PLAIN),
        "TF-IDF cosine of words": tfidf(),
        "ours, typed in English": from_library(typed(made, "en"), made),
        "ours, typed in Chinese": from_library(typed(made, "zh"), made),
        "ours, with what was denied (leaks; apart)": from_library(negated, library(True)),
    }
    found = {}
    for name, answers in rows.items():
        found[name] = judged(asked, answers)
        print(f"| {name} | {found[name]} |", flush=True)
    one, other = found["ours, present findings"], found["BM25 of words"]
    print(f"| ours above BM25, question by question | {one.above(other)} |")
    print("\nSynonyms for 90 %, half of the findings dropped:\n\n| | hit@1 | nDCG@10 |\n|---|---|---|")

    def as_words(case: Case) -> Query:
        return plain_words(said_otherwise(case))

    changed = {
        "ours": from_library(otherwise(made, made.terms), made),
        "ours, no synonym used is in the dictionary": from_library(otherwise(made, Unheard(asked)), made),
        "BM25 of words": from_library(as_words, made, PLAIN),
    }
    for name, answers in changed.items():
        print(f"| {name} | {judged(asked, answers)} |", flush=True)


def diseases() -> None:
    asked, made = questions(False, all=True), library()
    print(f"\n## Disease ranking: {len(asked)} questions, knowledge {knowledge().version}")
    for strict in (False, True):
        rows = {"together": [], "knowledge alone": [], "cases alone": []}
        for case in asked:
            scores = knowledge().scores(case.concepts())
            if strict:
                for at, score in own_rows_left_out(case):
                    scores[at] = score
            supports = supported(made, structured(case), Filters(not_from=case.reference))
            codes, together = joined(scores, supports)
            place = {code: at for at, code in enumerate(codes)}.get(disease(case))
            rows["together"].append(rank(together, place))
            rows["knowledge alone"].append(rank(scores, knowledge().row.get(disease(case))))
            like = list(supports)
            rows["cases alone"].append(like.index(disease(case)) + 1 if disease(case) in like else 1e9)
        title = "without the annotations that cite the question's own publication" if strict else "all annotations"
        print(f"\n### {title}\n\n| questions | | top-1 | top-3 | top-10 | by publication: top-1 | top-10 |")
        print("|---|---|---|---|---|---|---|")
        show(asked, {name: np.array(found) for name, found in rows.items()})


def rank(scores: np.ndarray, place: int | None) -> float:
    """Of equals, the middle place."""
    if place is None:
        return 1e9
    return 1 + float((scores > scores[place]).sum()) + float((scores == scores[place]).sum() - 1) / 2


def show(asked: Sequence[Case], rows: dict[str, np.ndarray]) -> None:
    known = np.array([disease(case) in knowledge().row for case in asked])
    with_case = np.array([answerable(case) for case in asked])
    groups = {
        "all": known | True,
        "disease known, or with a case elsewhere": known | with_case,
        "disease known": known,
        "known, with a case elsewhere": known & with_case,
        "known, without a case": known & ~with_case,
        "not known, with a case elsewhere": ~known & with_case,
    }
    papers = np.array([case.reference for case in asked])
    for group, among in groups.items():
        for name, ranks in rows.items():
            hits = {top: (ranks[among] <= top + 0.5).astype(float) for top in (1, 3, 10)}
            cells = [told(hits[top], papers[among]) for top in (1, 3, 10)]
            cells += [f"{by_publication(hits[top], papers[among]):.3f}" for top in (1, 10)]
            print(f"| {group} ({among.sum()}) | {name} | {' | '.join(cells)} |", flush=True)


def by_publication(values: np.ndarray, papers: np.ndarray) -> float:
    """The mean over publications of the mean of each."""
    _, at = np.unique(papers, return_inverse=True)
    return float((np.bincount(at, values) / np.bincount(at)).mean())


TABLES = {"similar": similar, "diseases": diseases}

if __name__ == "__main__":
    if not CASES.exists():
        sys.exit("needs ../shared/data/phenopackets-dev: nothing was measured")
    for name, run in TABLES.items():
        if all(part in name for part in sys.argv[1:]):
            run()
