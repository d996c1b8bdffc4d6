"""Token modifiers that ask what a code means: `:in`, `:not-in` a value set, `:below`, `:above` a code.

https://hl7.org/fhir/R4/search.html#modifiers

Terms come from the CodeSystems and ValueSets of this store (for staff and machines), from what the site has loaded
beside it, from R4 and our own tables.
"""

from collections.abc import Callable, Iterator
from functools import cache

import orjson

from salus import fhir
from salus.base.errors import Invalid, Missing, Unsupported
from salus.codes.terminology import ConceptMap, Site, System, Terminology, ValueSet, expand, system_of, value_set_of
from salus.codes.terminology.site import FOLDER
from salus.records.search.setting import Setting
from salus.records.search.terms import Term, divide

Coding = tuple[str, str]  # system and code
MOST_CODES = 20_000  # of one value
site = cache(Site)


class Stored:
    """The terminology resources of the store, as a source."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def _bodies(self, type: str, url: str) -> list[bytes]:
        path = next(iter(fhir.parameters(type)["url"].paths))
        sql = "SELECT row FROM token WHERE path=? AND code=(SELECT code FROM code WHERE text=? AND system=0)"
        return list(self._setting.bodies(sorted(self._setting.rows(sql, (path, url)), reverse=True)))

    def systems(self, url: str) -> list[System]:
        return [system_of(orjson.loads(body)) for body in self._bodies("CodeSystem", url)]

    def value_sets(self, url: str) -> list[ValueSet]:
        return [value_set_of(orjson.loads(body)) for body in self._bodies("ValueSet", url)]

    def maps(self) -> list[ConceptMap]:
        return []


def terminology(setting: Setting) -> Terminology:
    """All that may be asked: a patient's account does not see the store's own."""
    folder = setting.dialect.folder(setting.connection)
    beside = [site(folder / FOLDER)] if folder else []
    return Terminology([*([Stored(setting)] if setting.patient is None else []), *beside])


def numbers_of(setting: Setting, term: Term) -> list[int]:
    """The store's numbers of the codes meant. Raises Unsupported for what is not held or too much."""
    terms = terminology(setting)
    found: set[int] = set()
    for value in term.values:
        try:
            codings = list(MODIFIERS[term.modifier](terms, value))
        except (Missing, Invalid) as fault:
            raise refused(term, value, str(fault)) from None
        if len(codings) > MOST_CODES:
            raise refused(term, value, f"it has {len(codings)} codes; {MOST_CODES} are the most")
        found.update(number for coding in codings for number in _number(setting, *coding))
    return sorted(found)


def refused(term: Term, value: str, why: str) -> Unsupported:
    at = f"{term.name}:{term.modifier}"
    return Unsupported(f"{at}={value[:80]} is not served: {why}", path=at)


def _number(setting: Setting, system: str, code: str) -> list[int]:
    sql = "SELECT code FROM code WHERE text=? AND system=(SELECT code FROM code WHERE text=? AND system=0)"
    return setting.rows(sql, (code, system))


def within(terms: Terminology, url: str) -> Iterator[Coding]:
    """The codes of a value set; retired ones too, for they stand in old records."""
    expansion = expand(terms, terms.value_set(url), count=MOST_CODES + 1)
    return ((system.url, system.codes[row]) for system, row in expansion.concepts)


def along(way: Callable[[System, int], set[int]]) -> Callable[[Terminology, str], Iterator[Coding]]:
    """A code and all that is reached from it. The value must name the system."""

    def reached(terms: Terminology, value: str) -> Iterator[Coding]:
        url, bar, code = divide(value)
        if not bar or not url or not code:
            raise Invalid("give system|code")
        system = terms.system(url)
        row = system.row(code)
        if row is None:
            raise Missing(f"{url} has no code {code[:80]}")
        return ((url, system.codes[one]) for one in (row, *sorted(way(system, row))))

    return reached


MODIFIERS: dict[str, Callable[[Terminology, str], Iterator[Coding]]] = {
    "in": within,
    "not-in": within,
    "below": along(System.below),
    "above": along(System.above),
}
