"""Finding a diagnosis, or a procedure, as it is typed: by words in either language, by code, by pinyin or its
initials, with slips; of diagnoses what this doctor and their colleagues use often comes first among what fits as well.

What ships are the conditions and procedures of our own tables; a house loads its ICD-10 and ICD-9-CM-3 by `salus
codes`. Names of ours stay beside the house's, so that 高血压 leads to whatever the house calls I10.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from salus import codes
from salus.codes.tables import ICD9, ICD10, ICD10CM
from salus.codes.terminology import Site, System
from salus.codes.terminology.searching import Index, folded
from salus.codes.terminology.site import FOLDER
from salus.records import Records
from salus.services.procedures import catalogue
from salus.services.visits.diagnoses import CATEGORY, Diagnosis

SYSTEMS = (ICD10, f"{ICD10}-cn", ICD10CM)  # of a house's own, the first that has a code is taken
LOOKED = 400  # hits that are put in order
FEW = 4  # hits below which it may be a slip
LONGEST = 100  # characters of what is typed
OWN, RECENT = 3, 300  # a doctor's own use counts so many times; diagnoses of late that are counted
REMEMBERED = 60.0  # seconds
Uses = Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Hit:
    """`name` is the official one in the reader's language; `matched` another name by which it was found, or ""."""

    system: str
    code: str
    name: str
    matched: str = ""
    slip: bool = False

    def diagnosis(self, certainty: str = "confirmed") -> Diagnosis:
        return Diagnosis(self.system, self.code, self.name, certainty)


class Vocabulary:
    """What can be found at a house; `folder`: where its own files stand, `urls`: the systems that it may have loaded,
    `ours`: what ships."""

    def __init__(self, folder: Path, urls: Sequence[str], ours: Callable[[], System]) -> None:
        self._site, self._urls, self._ours = Site(folder / FOLDER), urls, ours
        self._used: dict[str, tuple[float, Uses]] = {}
        self._warm: threading.Thread | None = None

    def warm(self) -> None:
        """Make the indexes aside, once: a large list takes seconds, and the first look shall not wait for it."""
        if self._warm is None:
            self._warm = threading.Thread(target=self._make, name="diagnoses", daemon=True)
            self._warm.start()

    def _make(self) -> None:
        for one in self.systems():
            one.index.near("高血压")

    def systems(self) -> list[System]:
        """A house's own first, then ours."""
        return [*(one for url in self._urls for one in self._site.systems(url)), self._ours()]

    def named(self, system: str, code: str, language: str) -> str:
        """The official name, "" for a code that nobody has."""
        return named(self.systems(), system, code, language)

    def find(self, text: str, language: str, uses: Uses | None = None, most: int = 12) -> list[Hit]:
        """What fits best; nothing for a text of blanks."""
        text = text.strip()[:LONGEST]
        if not folded(text).split():
            return []
        systems, uses = self.systems(), uses or {}
        found = [(one, row, False) for one in systems for row in looked(one, text, uses)]
        if len(found) < FEW:
            found += [(one, row, True) for one in systems for row in one.index.near(text)[:LOOKED]]
        best: dict[str, tuple[tuple[float, int, str], System, int, bool]] = {}
        for system, row, slip in found:
            code = system.codes[row]
            place = rank(system.index, row, text, slip, uses.get((official(systems, system, code), code), 0.0))
            if code not in best or place < best[code][0]:
                best[code] = place, system, row, slip
        chosen = sorted(best.values(), key=lambda one: one[0])[:most]
        return [hit(systems, system, row, language, slip) for _, system, row, slip in chosen]

    def uses(self, records: Records, doctor: str) -> Uses:
        """What a doctor and their colleagues put down, counted anew when a minute has passed."""
        kept = self._used.get(doctor)
        if kept is None or time.monotonic() - kept[0] > REMEMBERED:
            kept = self._used[doctor] = (time.monotonic(), used(records, doctor))
        return kept[1]


def official(systems: Iterable[System], found: System, code: str) -> str:
    """The system that a code is taken from: the first that has it."""
    return next((one.url for one in systems if one.row(code) is not None), found.url)


def named(systems: Iterable[System], url: str, code: str, language: str) -> str:
    for one in systems:
        if one.url == url and (row := one.row(code)) is not None:
            return one.display(row, language)
    return ""


def hit(systems: Sequence[System], found: System, row: int, language: str, slip: bool) -> Hit:
    code, matched = found.codes[row], found.display(row, language)
    url = official(systems, found, code)
    name = named(systems, url, code, language)
    return Hit(url, code, name, matched if matched != name else "", slip)


@cache
def vocabulary_of(folder: Path) -> Vocabulary:
    """The diagnoses of a house: their index is made once."""
    return Vocabulary(folder, SYSTEMS, ours)


@cache
def procedures_of(folder: Path) -> Vocabulary:
    """The procedures of a house."""
    return Vocabulary(folder, (ICD9,), our_procedures)


our_procedures = cache(catalogue.ours)


@cache
def ours() -> System:
    """The conditions of our tables under their ICD-10 codes, once for each name; the first name of a code, which is its
    own, stands last, where a lookup finds it."""
    terms = [one for one in reversed([*codes.CONDITIONS.values()]) if "icd10" in one.more]
    return System(
        ICD10,
        name="ICD-10",
        content="fragment",
        codes=[str(one.more["icd10"]) for one in terms],
        displays=[one.en for one in terms],
        zh={row: one.zh for row, one in enumerate(terms)},
    )


def looked(system: System, text: str, uses: Uses) -> list[int]:
    """The rows that have every word of the text: the first of them, and those that are used."""
    found = system.index.find(text, range(len(system.codes)))
    if len(found) <= LOOKED:
        return found
    often = {row for _, code in uses if (row := system.row(code)) is not None}
    return [*found[:LOOKED], *often.intersection(found[LOOKED:])]


def rank(index: Index, row: int, text: str, slip: bool, uses: float) -> tuple[float, int, str]:
    """How well a row fits: the very code, what begins so, what has it inside, a slip; much used counts as one better,
    or two at the most."""
    kind = 4.0 if slip else float(index.fit(row, text))
    often = min(2.0, math.log2(1 + uses) / 3) if kind else 0.0
    return kind - often, index.length(row), index.code(row)


def used(records: Records, doctor: str) -> dict[tuple[str, str], float]:
    """How often a doctor and those of their services put down each diagnosis of late."""
    counted: Counter[tuple[str, str]] = Counter()
    for who, weight in ((doctor, OWN), (",".join(colleagues(records, doctor)), 1)):
        for key in put_down(records, who) if who else ():
            counted[key] += weight
    return dict(counted)


def colleagues(records: Records, doctor: str) -> list[str]:
    """The others who work in a service of this doctor's."""
    roles = [one.json() for one in records.search("PractitionerRole", [("practitioner", doctor)]).versions]
    services = {one["reference"] for role in roles for one in role.get("healthcareService", ())}
    if not services:
        return []
    wanted = [("service", ",".join(sorted(services))), ("_count", "50")]
    found = (one.json().get("practitioner", {}) for one in records.search("PractitionerRole", wanted).versions)
    return sorted({who for one in found if (who := one.get("reference")) and who != doctor})


def put_down(records: Records, doctors: str) -> Iterator[tuple[str, str]]:
    """System and code of each of the latest diagnoses of these doctors."""
    wanted = [("asserter", doctors), ("category", CATEGORY), ("_sort", "-recorded-date"), ("_count", str(RECENT))]
    for one in records.search("Condition", wanted).versions:
        coding = one.json().get("code", {}).get("coding", [{}])[0]
        yield coding.get("system", ""), coding.get("code", "")
