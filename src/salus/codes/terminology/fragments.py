"""Parts of systems that R4 only points at: SNOMED CT, ICD-10, ATC, RxNorm, LOINC and UCUM from our tables; languages,
countries and currencies from Unicode's CLDR, as Babel brings it. https://cldr.unicode.org
"""

from collections.abc import Callable
from functools import cache

from salus.codes import tables
from salus.codes.terminology.shapes import System
from salus.codes.unit_words import unit_words

NAMES = {
    tables.SNOMED: "SNOMED CT",
    tables.ICD10: "ICD-10",
    tables.ATC: "ATC",
    tables.RXNORM: "RxNorm",
    tables.LOINC: "LOINC",
    tables.UCUM: "UCUM",
}
UNITS = ("kg", "g", "mg", "ug", "ng", "L", "mL", "m", "cm", "mm", "mol", "mmol", "s", "min", "h", "d", "wk", "mo", "a")
UNITS_MORE = ("%", "1", "Cel", "kPa", "mm[Hg]", "[IU]", "10*9/L", "10*12/L", "meq/L", "U/L", "/min", "kg/m2")
NO_COUNTRY = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}  # CLDR's own


@cache
def fragments() -> dict[str, System]:
    """The terms of our tables as systems; ICD-10 and ATC codes stand below those that they begin with."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for table in (tables.CONDITIONS, tables.MEDICINES, tables.FINDINGS, tables.ALLERGIES, tables.ACTS, tables.LABS):
        for code, term in table.items():
            add(found, term.system, code, term.en, term.zh)
    for url, key, mapped in ((tables.ICD10, "icd10", tables.CONDITIONS), (tables.RXNORM, "rxnorm", tables.MEDICINES)):
        for term in mapped.values():
            if key in term.more:
                add(found, url, term.more[key], term.en, term.zh)
    for unit in (*UNITS, *UNITS_MORE, *(lab.unit for lab in tables.LABS.values() if lab.unit)):
        add(found, tables.UCUM, unit, unit_words(unit, "en") or unit, unit_words(unit, "zh"))
    return {url: system_of_names(url, names) for url, names in found.items()}


def add(found: dict[str, dict[str, tuple[str, str]]], url: str, code: str, en: str, zh: str) -> None:
    """The first name that a code is given stays."""
    found.setdefault(url, {}).setdefault(code, (en, zh))


def system_of_names(url: str, names: dict[str, tuple[str, str]]) -> System:
    system = System(url, "", NAMES[url], "fragment", codes=list(names), displays=[en for en, _ in names.values()])
    system.zh = {row: zh for row, (_, zh) in enumerate(names.values()) if zh}
    if url in (tables.ICD10, tables.ATC):
        system.parents = by_beginnings(system.codes)
    return system


def by_beginnings(codes: list[str]) -> dict[int, list[int]]:
    """Each code under the longest other that it begins with: I10 above I10.9 above I10.91.

    >>> by_beginnings(["E11", "E11.2", "E11.21", "E12"])
    {1: [0], 2: [1]}
    """
    rows = {code: row for row, code in enumerate(codes)}
    found: dict[int, list[int]] = {}
    for row, code in enumerate(codes):
        beginnings = (code[:end].rstrip(".") for end in range(len(code) - 1, 0, -1))
        parent = next((rows[stem] for stem in beginnings if stem in rows and stem != code), None)
        if parent is not None:
            found[row] = [parent]
    return found


def cldr(url: str, name: str, table: str, fits: Callable[[str], bool]) -> System:
    """One of Babel's tables of names, English and Chinese."""
    from babel import Locale  # only when it is asked for: Babel takes a moment

    en, zh = (getattr(Locale(tag), table) for tag in ("en", "zh"))
    codes = sorted(code.replace("_", "-") for code in en if fits(code))
    spelled = [code.replace("-", "_") for code in codes]
    chinese = {row: zh[code] for row, code in enumerate(spelled) if code in zh}
    return System(url, "", name, "fragment", codes=codes, displays=[en[code] for code in spelled], zh=chinese)


@cache
def countries(url: str) -> System:
    return cldr(url, "ISO 3166-1", "territories", lambda code: code.isalpha() and code not in NO_COUNTRY)


@cache
def currencies(url: str) -> System:
    return cldr(url, "ISO 4217", "currencies", lambda code: len(code) == 3)


@cache
def languages(url: str) -> System:
    return cldr(url, "Languages (BCP 47)", "languages", lambda code: code != "und")


STANDARDS: dict[str, Callable[[str], System]] = {
    "urn:iso:std:iso:3166": countries,
    "urn:iso:std:iso:4217": currencies,
    "urn:ietf:bcp:47": languages,
}
