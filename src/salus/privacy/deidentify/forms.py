"""How identities are written, from `forms.toml`: rows of regular expressions made of named pieces."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from salus.privacy.deidentify.lists import characters, states, words
from salus.privacy.deidentify.shapes import Kind

PIECE = re.compile(r"<<(\w+)>>")
FLAGS = {"a": re.ASCII, "i": re.IGNORECASE, "m": re.MULTILINE}
DEGREES = frozenset({"MD", "PA", "OR", "ME", "OK", "HI"})  # states that are also degrees or everyday words


@dataclass(frozen=True, slots=True)
class Form:
    """One row: what is found is of this kind; `check` names what must hold besides."""

    kind: Kind
    pattern: re.Pattern[str]
    check: str = ""


@cache
def sections() -> Mapping[str, Any]:
    return tomllib.loads((files("salus.privacy.deidentify") / "forms.toml").read_text("utf-8"))


@cache
def forms(section: str, rows: str, kind: Kind = Kind.NAME, flags: str = "") -> tuple[Form, ...]:
    """The rows of a section; `kind` and `flags` where a row says none."""
    return tuple(
        Form(Kind(row.get("kind", kind)), form(section, row["form"], row.get("flags", flags)), row.get("check", ""))
        for row in sections()[section][rows]
    )


@cache
def piece(section: str, name: str, flags: str = "") -> re.Pattern[str]:
    """One named piece, to be looked for by itself."""
    return form(section, sections()[section]["pieces"][name], flags)


def form(section: str, text: str, flags: str = "") -> re.Pattern[str]:
    """A regular expression with every piece in its place."""
    flag = re.RegexFlag(0)
    for one in flags:
        flag |= FLAGS[one]
    pieces = {**names(section), **sections()[section].get("pieces", {})}
    while PIECE.search(text):
        text = PIECE.sub(lambda match: pieces[match[1]], text)
    return re.compile(text, flag)


@cache
def names(section: str) -> Mapping[str, str]:
    """Pieces that come from `names.toml`: a surname of one or two characters, one that is no everyday word, ..."""
    if section == "chinese":
        double, weak = either(words("chinese", "double")), characters("weak")
        return {
            "surname": f"(?:{double}|{one_of(characters('surnames'))})",
            "strong": f"(?:{double}|{one_of(characters('surnames') - weak)})",
            "given": one_of(characters("given")),
            "provinces": either(words("chinese", "provinces")),
            "cities": either(words("chinese", "cities")),
        }
    return {
        "states": either(states()),
        "short": either(states().values()),
        "sure": either(set(states().values()) - DEGREES),
        "cities": either(words("places", "cities")),
    }


def either(many: Iterable[str]) -> str:
    """The longest first, so that none hides one that begins as it does."""
    return "|".join(sorted(many, key=lambda name: (-len(name), name)))


def one_of(signs: Iterable[str]) -> str:
    return f"[{''.join(sorted(signs))}]"
