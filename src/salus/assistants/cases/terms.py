"""Findings in a reader's words: names and synonyms of the ontology in English, and its Chinese names where loaded.

The Chinese names are a babelon file of HPO's translations (columns subject_id, translation_language and
translation_value); each installation loads it once, because it is not ours to ship.
https://github.com/obophenotype/human-phenotype-ontology/tree/master/src/translations
"""

import csv
import gzip
import io
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import msgspec

from salus.assistants.cases.case import Finding, Status
from salus.assistants.cases.ontology import canonical, ontology
from salus.base.errors import Invalid, Issue, Malformed, Missing
from salus.codes import CONDITIONS, FINDINGS
from salus.learning.retrieval import Document, Wanted
from salus.learning.retrieval.index import Shape, asked, ideal, scored
from salus.learning.retrieval.segment import built
from salus.learning.retrieval.tokens import HAN, folded, words

FILE = "terms-zh.json"
ID = re.compile(r"HP:\d{7}")
CODE = re.compile(r"([!?-]?)\s*((?:HP:\d{7})|(?:[A-Z][A-Za-z0-9]*//[^\s,;，；、]+))")
CHUNKS = re.compile(r"[,;，；、。\n]+")
DENIALS = re.compile(r"^\s*(?:[!-]|(?:no|without|denies|not)\b|无|没有|否认|未见|不伴)\s*", re.IGNORECASE)
IDLE = frozenset(words("a an and or of the in on at with to by has have had for is was patient"))
WIDER = frozenset({"HP:0007185", "HP:0000010"})  # what our tables call by one of their names is not quite the same
LONGEST = 12  # stems of a name
NEAR = 0.6  # share of a phrase's words, by their rarity, that a name must have to be meant by it


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many names a file of translations brought, and the lines that could not be taken."""

    count: int
    bad: list[Issue]


class Terms:
    """Names of findings in both languages, as an installation has them."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    @cached_property
    def chinese(self) -> Mapping[str, str]:
        """Chinese name of each concept; empty where none were loaded."""
        if self.folder is None or not (self.folder / FILE).exists():
            return {}
        try:
            return msgspec.json.decode((self.folder / FILE).read_bytes(), type=dict[str, str])
        except msgspec.MsgspecError as fault:
            raise Invalid(f"{FILE} cannot be read ({fault}): load the terms again", path=FILE) from None

    def name(self, concept: str, language: str) -> str:
        """A concept in the reader's language (Chinese: as loaded, else by our tables), else in English, else its id.

        >>> Terms().name("HP:0002094", "zh"), Terms().name("HP:0002094", "en")
        ('呼吸困难', 'Dyspnea')
        """
        told = self.chinese.get(concept) or chinese_names().get(concept) if language == "zh" else None
        return told or ontology().label(concept) or concept

    @cached_property
    def english(self) -> dict[tuple[str, ...], str]:
        """Concept by the stems of a name in their order of the alphabet."""
        return english_names()

    @cached_property
    def han(self) -> dict[str, str]:
        """Concept by Chinese name, of which brackets and spaces do not count."""
        found: dict[str, str] = {}
        for concept, name in self.chinese.items():
            for part in (name, *re.split(r"[/／;；]", name)):
                found.setdefault(plain(part), concept)
        found.pop("", None)
        return found

    def concept(self, text: str) -> str | None:
        """The concept that a whole phrase names, or None.

        >>> Terms().concept("Seizures"), Terms().concept("something else")
        ('HP:0001250', None)
        """
        return self.han.get(plain(text)) or self.english.get(bag(words(text)))

    def read(self, text: str) -> tuple[tuple[Finding, ...], str, tuple[str, ...]]:
        """The findings that a question names, each once; the words that name none; concepts that these may mean.

        Codes stand as they are; `no`, `无`, `!` before one: absent. What is denied is no word to look for.

        >>> found, rest, _ = Terms().read("seizures since infancy, no muscular hypotonia, HP:0000252")
        >>> [(one.concept, one.status) for one in found], rest
        ([('HP:0001250', 'present'), ('HP:0001252', 'absent'), ('HP:0000252', 'present')], 'since infancy')
        """
        found: dict[str, Finding] = {}
        rest: list[str] = []
        near: list[str] = []
        for chunk in CHUNKS.split(text):
            read = list(self._coded(chunk))
            chunk = CODE.sub(" ", chunk)
            denied = DENIALS.match(chunk)
            status: Status = "absent" if denied else "present"
            read += [
                Finding(one, status, said) for one, said in self._named(chunk[denied.end() :] if denied else chunk)
            ]
            for one in read:
                found.setdefault(one.concept, one)
                chunk = chunk.replace(one.text, " ", 1)
            if not read and not denied and (guess := self.near(chunk)):
                near.append(guess)
            rest += [] if denied else chunk.split()
        return tuple(found.values()), " ".join(rest), tuple(dict.fromkeys(near))

    def near(self, phrase: str) -> str | None:
        """The concept whose name shares most of a phrase's words, the rare ones counting more; None if none is near.

        It is a guess, right in one of five: good enough to look for beside the words, not to reason with.

        >>> Terms().near("hypoplastic changes of the corpus callosum")
        'HP:0002079'
        """
        said = bag(words(phrase))
        if not 1 < len(said) <= LONGEST:
            return None
        wanted = Wanted({"words": dict.fromkeys(said, 1.0)}, {"words": 1.0})
        asks = [one for one in asked(self._names, wanted) if one.held]
        if not asks:
            return None
        scores = scored(self._names, 0, asks)
        best = int(scores.argmax())
        unheard = len(said) - len(asks)
        whole = ideal(self._names, {"words": len(said)}, asks) * len(said) / (len(said) - unheard)
        return self._concepts[best] if scores[best] >= NEAR * whole else None

    @cached_property
    def _names(self) -> Shape:
        return Shape([built(Document(str(at), {"words": key}) for at, key in enumerate(self.english))])

    @cached_property
    def _concepts(self) -> list[str]:
        return list(self.english.values())

    def _coded(self, chunk: str) -> Iterator[Finding]:
        signs: dict[str, Status] = {"!": "absent", "-": "absent", "?": "unsure"}
        for sign, code in CODE.findall(chunk):
            yield Finding(canonical(code), signs.get(sign, "present"), self.name(canonical(code), "en"))

    def _named(self, text: str) -> Iterator[tuple[str, str]]:
        whole = self.concept(text)
        if whole:
            yield whole, text.strip()
            return
        yield from self._in_english(text)
        for run in _runs(text):
            yield from self._in_chinese(run)

    def _in_english(self, text: str) -> Iterator[tuple[str, str]]:
        """The longest names among the words, from the left."""
        said = [word for word in re.findall(r"[^\W_][\w'-]*", text) if not HAN.match(word)]
        at = 0
        while at < len(said):
            spans = (said[at : at + size] for size in range(min(LONGEST, len(said) - at), 0, -1))
            phrase = next((" ".join(span) for span in spans if self._is_name(span)), "")
            if phrase:
                yield self.english[bag(words(phrase))], phrase
            at += phrase.count(" ") + 1

    def _is_name(self, span: list[str]) -> bool:
        """Whether these words are a name, with nothing idle at their ends."""
        ends = {*words(span[0]), *words(span[-1])}
        return not ends & IDLE and bag(words(" ".join(span))) in self.english

    def _in_chinese(self, run: str) -> Iterator[tuple[str, str]]:
        """The longest names among the characters, from the left."""
        at = 0
        while at < len(run):
            size = next((size for size in range(min(30, len(run) - at), 1, -1) if run[at : at + size] in self.han), 0)
            if size:
                yield self.han[run[at : at + size]], run[at : at + size]
            at += size or 1


@cache
def english_names() -> dict[tuple[str, ...], str]:
    """Names win over synonyms."""
    found: dict[tuple[str, ...], str] = {}
    own = ontology()
    for id, label in zip(own.ids, own.labels, strict=True):
        found.setdefault(bag(words(label)), id)
    for id, others in zip(own.ids, own.synonyms, strict=True):
        for other in others:
            found.setdefault(bag(words(other)), id)
    found.pop((), None)
    return found


@cache
def chinese_names() -> dict[str, str]:
    """What our tables call the concepts of whose English names they have one."""
    found: dict[str, str] = {}
    for term in (*FINDINGS.values(), *CONDITIONS.values()):
        concept = english_names().get(bag(words(term.en)))
        if concept and concept not in WIDER:
            found.setdefault(concept, term.zh)
    return found


def _runs(text: str) -> list[str]:
    """
    >>> _runs("患者 癫痫发作 2 次")
    ['患者', '癫痫发作', '次']
    """
    return re.findall(r"[\u3400-\u9fff]+", folded(text))


def bag(stems: list[str]) -> tuple[str, ...]:
    """
    >>> bag(words("hypoplasia of the corpus callosum")) == bag(words("Corpus callosum hypoplasia"))
    True
    """
    return tuple(sorted({one for one in stems if one not in IDLE}))


def plain(text: str) -> str:
    """A Chinese name without brackets' marks, spaces and points.

    >>> plain("癫痫 (发作)")
    '癫痫发作'
    """
    return re.sub(r"[\W_]+", "", folded(text)) if HAN.search(text) else ""


def load_terms(file: Path, folder: Path) -> Loaded:
    """Take a babelon file of Chinese names in. Raises Missing, Malformed, Invalid (no line of it fits)."""
    if not file.exists():
        raise Missing(f"There is no {file}: name a babelon file of HPO's Chinese names", path=str(file))
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    try:
        rows = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
        lines = list(rows)
    except UnicodeDecodeError as fault:
        raise Malformed(f"{file.name} is not UTF-8 at byte {fault.start}", path=file.name) from None
    names, bad = dict[str, str](), list[Issue]()
    for number, row in enumerate(lines, 2):
        why = _fault(row)
        if why:
            # carries: nothing besides what `_fault` says
            bad.append(Issue("invalid", f"{file.name} line {number}", why))
        elif row["translation_language"].startswith("zh"):
            names[canonical(row["subject_id"])] = row["translation_value"].strip()
    if not names:
        first = f": {bad[0].path}: {bad[0].text}" if bad else ""
        raise Invalid(f"{file.name} holds no Chinese name of a finding{first}", issues=bad or None)
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{FILE}.{os.getpid()}"
    fresh.write_bytes(msgspec.json.encode(names))
    fresh.replace(folder / FILE)
    return Loaded(len(names), bad)


def _fault(row: Mapping[str, str | None]) -> str | None:
    """Why a line is not a name, or None."""
    lacking = [one for one in ("subject_id", "translation_language", "translation_value") if not row.get(one)]
    if lacking:
        return f"without {', '.join(lacking)}"
    if not ID.fullmatch(row["subject_id"] or ""):
        return f"{row['subject_id']!r} is not an id of HPO, as HP:0001250 is"
    return None
