"""What problems and drugs are called: our tables (here and in `salus.codes`), and lists that a site brings.

A site's list is a CSV file (UTF-8) with the columns `concept` (`ICD10//I10`, `HP:0001945`, `ATC//C08CA01`), `name`,
and perhaps `kind` (`problem`, the usual one, or `drug`) and `capitals` (`yes`: counts only as written, in capitals).
"""

import csv
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from salus import codes
from salus.assistants.cases.notes.pieces import phrase
from salus.assistants.cases.notes.rules import rules
from salus.assistants.cases.notes.trie import Trie
from salus.assistants.cases.ontology import ontology
from salus.assistants.cases.terms import Terms
from salus.base.errors import Invalid, Issue
from salus.codes.drugs import INGREDIENTS, Ingredient
from salus.codes.tables import SYSTEMS, Term
from salus.codes.terminology.site import Site

SHORT = {url: name for name, url in SYSTEMS.items()}
# terms of HPO that say how something is inherited, how often it is, how it goes on, and what else was
NO_FINDINGS = ("HP:0000005", "HP:0012823", "HP:0031797", "HP:0032223", "HP:0032443", "HP:0040279")
FEWEST_OF_ONE_WORD = 6
NOTHING = "-"  # the concept of a name that only looks like one
FEWEST = {True: 4, False: 2}  # signs of a name out of a list of codes: English, Chinese
WORDY = re.compile(r"unspecified|other |not elsewhere|未特指|其他", re.IGNORECASE)


class Name(NamedTuple):
    """One way to call a thing. `capitals`: only as written."""

    text: str
    concept: str
    kind: str = "problem"
    capitals: bool = False


Lexicon = Trie[Name]


def lexicon(names: Iterable[Name]) -> Lexicon:
    """The first that claims a name has it."""
    made: Lexicon = Trie()
    seen: set[tuple[str, ...]] = set()
    for name in names:
        forms = _forms(name.text)
        if forms and forms not in seen:
            seen.add(forms)
            made.add(forms, name)
    return made


@cache
def _forms(text: str) -> tuple[str, ...]:
    """Kept: each language's lexicon holds most names, and a site's too."""
    return tuple(phrase(text))


@cache
def usual(language: str) -> Lexicon:
    """The names of our tables, for notes in `en` or `zh`."""
    return lexicon(our_names(language))


def our_names(language: str) -> Iterator[Name]:
    """The names of our tables, then those of the ontology."""
    yield from table_names(language)
    yield from ontology_names()


def table_names(language: str) -> Iterator[Name]:
    """English names too in Chinese notes, but not the English abbreviations that mean other things there."""
    for table in ("findings", "problems"):
        for concept, row in _table(table).items():
            for text in (*row["en"], *row["zh"]):
                yield Name(text, concept)
            for text in (*row.get("short", ()), *(row.get("short_en", ()) if language == "en" else ())):
                yield Name(text, concept, capitals=True)
    for term in (*codes.FINDINGS.values(), *codes.CONDITIONS.values()):
        yield from (Name(text, concept_of(term)) for text in _plain(term))
    yield from drug_names()


@cache
def ontology_names() -> tuple[Name, ...]:
    """The findings of HPO by their English names and, of two words or more, synonyms."""
    return tuple(_ontology_names())


def _ontology_names() -> Iterator[Name]:
    own, phrases = ontology(), rules().phrases
    for row, concept in enumerate(own.ids):
        if is_finding(row):
            label = own.labels[row]
            if len(label) >= FEWEST_OF_ONE_WORD and phrase(label) not in phrases:
                yield Name(label, concept)
            yield from (Name(text, concept) for text in own.synonyms[row] if " " in text)


def is_finding(row: int) -> bool:
    """Whether a term of HPO is something that a patient has."""
    own = ontology()
    return bool(own.parents[row]) and _no_findings().isdisjoint(own.above(row).tolist())


@cache
def _no_findings() -> frozenset[int]:
    return frozenset(ontology().row[one] for one in NO_FINDINGS)


def translated_names(terms: Terms) -> Iterator[Name]:
    """The Chinese names of findings that an installation has loaded (`salus cases terms`)."""
    place = ontology().row
    for concept, text in terms.chinese.items():
        if concept in place and is_finding(place[concept]) and _sayable(text):
            yield Name(text, concept)


def drug_names() -> Iterator[Name]:
    brands = _table("brands")
    for one in INGREDIENTS.values():
        concept = drug_concept(one)
        if concept:
            names = (one.name, one.zh, *one.also, *brands.get(one.name, ()))
            yield from (Name(text, concept, "drug") for text in names if text)
    for term in codes.MEDICINES.values():
        yield from (Name(text, concept_of(term), "drug") for text in _plain(term))


def drug_concept(one: Ingredient) -> str:
    """Its ATC code, the first where it has several; else its RxNorm code; empty where it has none."""
    return f"ATC//{one.atc[0]}" if one.atc else f"RXNORM//{one.rxnorm}" if one.rxnorm else ""


def concept_of(term: Term) -> str:
    """A term as mentions name it: a finding by HPO where we know it, a condition by ICD-10.

    >>> [concept_of(codes.FINDINGS["386661006"]), concept_of(codes.CONDITIONS["38341003"])]
    ['HP:0001945', 'ICD10//I10']
    """
    if found := by_snomed().get(term.code):
        return found
    icd10 = term.more.get("icd10")
    return f"ICD10//{icd10}" if icd10 else f"{SHORT.get(term.system, term.system)}//{term.code}"


@cache
def _called() -> Mapping[str, tuple[str, str]]:
    """Concept -> what it is called in English and Chinese: the first name that has it."""
    rows = [(concept, row) for table in ("problems", "findings") for concept, row in _table(table).items()]
    found = {concept: (row["en"][0], row["zh"][0]) for concept, row in rows if row["en"] and row["zh"]}
    for term in (*codes.CONDITIONS.values(), *codes.FINDINGS.values(), *codes.MEDICINES.values()):
        found.setdefault(concept_of(term), _plain(term))
    drugs = {drug_concept(one): (one.name, one.zh) for one in INGREDIENTS.values()}
    return drugs | found


def called(concept: str, language: str) -> str:
    """The name of a concept of ours in `en` or `zh`; of other findings in English; the concept where we have none.

    >>> called("HP:0001945", "zh"), called("ICD10//I10", "en"), called("ICD10//Z99", "en")
    ('发热', 'hypertension', 'ICD10//Z99')
    """
    found = _called().get(concept)
    return found[language == "zh"] if found else ontology().label(concept) or concept


@cache
def by_snomed() -> Mapping[str, str]:
    """SNOMED CT code of a finding -> the concept of its mentions."""
    return {row["snomed"]: concept for concept, row in _table("findings").items() if "snomed" in row}


def _plain(term: Term) -> tuple[str, str]:
    """Its names without what stands in brackets."""
    return _bare(term.en), _bare(term.zh)


def _bare(text: str) -> str:
    return re.sub(r"\s*[(（].*", "", text)


@cache
def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((files("salus.assistants.cases.notes") / f"{name}.toml").read_text("utf-8"))


def names_in(path: Path) -> Iterator[Name]:
    """The names of a site's list. Raises Invalid for a line without a concept or a name."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), start=2):
            concept, text = (row.get(key) or "" for key in ("concept", "name"))
            kind = row.get("kind") or "problem"
            if not concept or not text or kind not in ("problem", "drug"):
                words = f"line {number} of {path.name} needs a concept, a name, and a kind that is problem or drug"
                raise Invalid(words, issues=[Issue("value", f"line {number}", words)])
            yield Name(text, concept, kind, (row.get("capitals") or "") == "yes")


def names_loaded(site: Site) -> Iterator[Name]:
    """What the code systems that a site has loaded (`salus codes load`) call ICD-10 and ATC codes, as far as a note
    might: no `unspecified`, no brackets, no commas."""
    for url, short in SHORT.items():
        for system in site.systems(url) if short in ("ICD10", "ICD10CM", "ATC") else ():
            concept, kind = ("ATC", "drug") if short == "ATC" else ("ICD10", "problem")
            for row, code in enumerate(system.codes):
                for text in filter(None, (system.displays[row], system.zh.get(row))):
                    if _sayable(text):
                        yield Name(text, f"{concept}//{code}", kind)


def _sayable(text: str) -> bool:
    return len(text) >= FEWEST[text.isascii()] and not WORDY.search(text) and not set(text) & set(",;()[]，（）")
