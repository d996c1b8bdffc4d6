"""Terms of `salus.codes` found in a text, stated or denied, by a small table of rules (negation.toml).

After NegEx: Chapman et al. 2001, https://doi.org/10.1006/jbin.2001.1029. A denial holds some words on, in its clause.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from salus import codes
from salus.codes.tables import SYSTEMS

SHORT = {url: short for short, url in SYSTEMS.items()}
FEWEST_LETTERS, FEWEST_HAN = 4, 2  # of a name: shorter ones mean too many other things


@cache
def rules() -> Mapping[str, list[str]]:
    """What denies before and after a term, and what ends a clause, in both languages."""
    found: dict[str, list[str]] = tomllib.loads(
        (files("salus.learning.step3_features") / "negation.toml").read_text("utf-8")
    )
    return found


@cache
def names() -> Mapping[str, str]:
    """Plain name -> the code it means, such as `SNOMED//386661006`; of one name the first table's."""
    found: dict[str, str] = {}
    for table in (codes.FINDINGS, codes.CONDITIONS, codes.MEDICINES, codes.ALLERGIES):
        for term in table.values():
            for name in plain_names(term.en, term.zh):
                found.setdefault(name, f"{SHORT.get(term.system, term.system)}//{term.code}")
    return found


def plain_names(en: str, zh: str) -> Iterator[str]:
    """The names as they may stand in a text.

    >>> list(plain_names("Obesity (BMI 30 or more)", "肥胖（BMI≥30）"))
    ['obesity', '肥胖']
    """
    english, chinese = (re.sub(r"\s*[(（].*", "", plain(name)) for name in (en, zh))
    if len(english) >= FEWEST_LETTERS:
        yield english
    if len(chinese) >= FEWEST_HAN:
        yield chinese


def plain(text: str) -> str:
    """As texts are compared: one width, no capitals.

    >>> plain("Ｆever，无")
    'fever,无'
    """
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def pattern() -> re.Pattern[str]:
    """Any name, the longest first; an English one as whole words, perhaps with an s."""
    ordered = sorted(names(), key=lambda name: (-len(name), name))
    parts = [rf"\b{re.escape(one)}s?\b" if one.isascii() else re.escape(one) for one in ordered]
    return re.compile("|".join(parts))


@cache
def clauses() -> re.Pattern[str]:
    return re.compile("|".join(rf"\b{re.escape(one)}\b" if one[0].isalpha() and one.isascii() else re.escape(one)
                               for one in rules()["clause_ends"]))  # fmt: skip


@cache
def denials(side: str) -> re.Pattern[str]:
    """What denies on one side of a term, within reach of it."""
    english = "|".join(rf"\b{re.escape(one)}\b" for one in rules()[f"en_{side}"])
    chinese = "|".join(re.escape(one) for one in rules()[f"zh_{side}"])
    reach_en, reach_zh = r"(?:[\s,/]+[\w'-]+){0,6}[\s,/]*", r"[^,，]{0,14}"
    if side == "before":
        return re.compile(rf"(?:(?:{english}){reach_en}|(?:{chinese}){reach_zh})$")
    return re.compile(rf"^(?:[\s,]*(?:[\w'-]+[\s,]+){{0,3}}(?:{english})|[^,，]{{0,4}}(?:{chinese}))")


def spotted(text: str) -> dict[str, tuple[bool, bool]]:
    """Code -> (whether the text states it, whether it denies it).

    >>> spotted("Denies fever, chills or cough. Has headache.")["SNOMED//386661006"]
    (False, True)
    >>> spotted("头痛三天，无发热、咳嗽")["SNOMED//25064002"]
    (True, False)
    """
    found: dict[str, tuple[bool, bool]] = {}
    for clause in clauses().split(plain(text)):
        for match in pattern().finditer(clause):
            name = match[0] if match[0] in names() else match[0].removesuffix("s")
            denied = bool(
                denials("before").search(clause[: match.start()]) or denials("after").search(clause[match.end() :])
            )
            says, denies = found.get(names()[name], (False, False))
            found[names()[name]] = (says or not denied, denies or denied)
    return found
