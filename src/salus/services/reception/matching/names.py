"""How a name is written and how it sounds, so that 李梅华, Li Meihua and MEIHUA LI are one.

A Chinese name is its characters and its syllables, read as surnames are; any other name is its tokens. Sounds are kept
as all orders of the parts, joined: people write family names first, last, and in one word with the rest.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import Any

from salus.codes.terminology.syllables import surname_syllables, syllable
from salus.fhir import normalize

HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+")
TOKEN = re.compile(r"[a-z]+")
DOUBLE = re.compile(
    "欧阳|司徒|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|夏侯|令狐|长孙|宇文|端木|百里|南宫|独孤"
)  # family names of two characters
MOST_PARTS = 4
# what is often taken for one another in speech, folded into one: 'l' and 'f' only ever begin a syllable
SLIPS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"), ("l", "n"), ("f", "h"))
UMLAUT = str.maketrans({"ü": "v", "ǖ": "v", "ǘ": "v", "ǚ": "v", "ǜ": "v", "Ü": "v"})


@dataclass(frozen=True, slots=True)
class Name:
    """`han` its Chinese characters, of which `surname` comes first; `sounds` all orders of its parts joined, `folded`
    the same with usual slips of hearing taken away; `parts` what it consists of (family, given names), `family` the
    first of them, `initials` the first letters in any order."""

    han: str
    surname: str
    family: str
    parts: tuple[str, ...]
    sounds: frozenset[str]
    folded: frozenset[str]
    initials: frozenset[str]

    @property
    def given(self) -> str:
        """The given name of a Chinese name, in characters."""
        return self.han[len(self.surname) :]


def family_of(han: str) -> str:
    """The family name that a Chinese name begins with.

    >>> family_of("李梅华"), family_of("欧阳娜娜"), family_of("司马")
    ('李', '欧阳', '司')
    """
    return han[:2] if len(han) > 2 and DOUBLE.match(han) else han[:1]


@lru_cache(20_000)
def name_of(text: str, family: str = "") -> Name:
    """A name as it was written, in one line; `family` where it is told apart.

    >>> sorted(name_of("李梅华").sounds), sorted(name_of("Meihua LI").sounds)
    (['limeihua', 'meihuali'], ['limeihua', 'meihuali'])
    >>> name_of("Lü, Na").sounds == name_of("吕娜").sounds, sorted(name_of("欧阳娜").initials)
    (True, ['noy', 'oyn'])
    """
    if han := "".join(HAN.findall(text)):
        return chinese(han, family if family and han.startswith(family) else family_of(han))
    tokens = TOKEN.findall(normalize(text.translate(UMLAUT)))[:MOST_PARTS]
    own = "".join(TOKEN.findall(normalize(family.translate(UMLAUT)))) or (tokens[0] if tokens else "")
    return named("", "", own, tuple(tokens), tuple((one[0],) for one in tokens))


def chinese(han: str, family: str) -> Name:
    first = [sound or "" for sound in surname_syllables(family)]
    rest = [syllable(one) or "" for one in han[len(family) :]]
    parts = tuple(part for part in ("".join(first), "".join(rest)) if part)
    letters = tuple(tuple(one[0] for one in half if one) for half in (first, rest) if any(half))
    return named(han, family, parts[0] if parts else "", parts, letters)


def named(han: str, surname: str, family: str, parts: tuple[str, ...], letters: tuple[tuple[str, ...], ...]) -> Name:
    sounds = orders(parts)
    first = orders(tuple("".join(one) for one in letters))
    return Name(
        han, surname, plain(family), parts, frozenset(map(plain, sounds)), frozenset(map(folded, sounds)), first
    )


def orders(parts: tuple[str, ...]) -> frozenset[str]:
    return frozenset("".join(one) for one in permutations(parts)) - {""}


def plain(sound: str) -> str:
    """ü is typed v, u or yu.

    >>> plain("lv"), plain("lyu"), plain("nvwa")
    ('lu', 'lu', 'nuwa')
    """
    return re.sub(r"(?<=[ln])(v|yu)", "u", sound)


def folded(sound: str) -> str:
    """
    >>> folded("zhangling") == folded("zhanglin") == folded("zhannin")
    True
    """
    sound = plain(sound)
    for slip, meant in SLIPS:
        sound = sound.replace(slip, meant)
    return sound


def names_in(told: Iterable[Mapping[str, Any]]) -> list[Name]:
    """The names of a Patient. https://hl7.org/fhir/R4/datatypes.html#HumanName"""
    return [name_of(written(one), one.get("family", "")) for one in told if written(one).strip()]


def written(told: Mapping[str, Any]) -> str:
    """
    >>> written({"family": "Li", "given": ["Mei", "Hua"]}), written({"text": "李梅华", "family": "李"})
    ('Li Mei Hua', '李梅华')
    """
    return str(told.get("text") or " ".join([told.get("family", ""), *told.get("given", [])]))
