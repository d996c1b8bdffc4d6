"""What an error says, in the reader's language: the English text is looked up among templates when it is told.

Errors are raised in English. Each package that raises them has a `faults.toml` beside its code, with what it can say:

    [texts]
    "There is no {0}: ask with {1}" = "没有{0}：请用{1}查询"

    [slots]
    "booked" = "已预约"

`texts` are whole texts, their slots numbered from the left; `slots` are words that a slot of these texts can hold, and
of no others: elsewhere the same word may be a code to be typed. `slots_of = ["privacy"]` before all takes the words of
that package too. What stands in a slot is looked up among the texts as well, so that one may carry another. What stands
in no catalogue is told in English.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Formatter
from typing import Any, NamedTuple

from salus.base.errors import Issue, SalusError

CATALOGUE = "faults.toml"
DEEPEST = 4  # texts within texts
JOINTS = (("; ", "；"), (": ", "："))  # between a place and what is said of it, between one text and the next
COMMAS = ((", ", "、"), (" or ", "或"), (" and ", "和"))


@dataclass(frozen=True, slots=True)
class Template:
    """A text with slots: `pieces` stand around them, and are empty where a slot is at an end."""

    pieces: tuple[str, ...]
    chinese: str
    words: Mapping[str, str]

    @property
    def weight(self) -> int:
        """How much of it is no slot: what says more is tried first."""
        return sum(map(len, self.pieces))

    def slots_of(self, text: str) -> list[str] | None:
        """What stands in the slots of a text, the shortest that fits from the left; None for another text.

        >>> template_of("There is no {0}: ask with {1}", "", {}).slots_of("There is no bed: ask with kind=bed")
        ['bed', 'kind=bed']
        """
        first, *middle = self.pieces
        if not middle:
            return [] if text == first else None
        last = middle.pop()
        if not (text.startswith(first) and text.endswith(last) and len(text) >= len(first) + len(last)):
            return None
        at, end, found = len(first), len(text) - len(last), []
        for piece in middle:
            if (next_ := text.find(piece, at, end)) < 0:
                return None
            found.append(text[at:next_])
            at = next_ + len(piece)
        return [*found, text[at:end]]


def template_of(english: str, chinese: str, words: Mapping[str, str]) -> Template:
    """Raises ValueError for braces that do not pair.

    >>> template_of("{0} is not {1}", "{0}不是{1}", {}).pieces
    ('', ' is not ', '')
    """
    pieces = [""]
    for literal, name, _, _ in Formatter().parse(english):
        pieces[-1] += literal
        if name is not None:
            pieces.append("")
    return Template(tuple(pieces), chinese, words)


class Table(NamedTuple):
    """What one package says: its texts by their English template, and the words that may stand in their slots."""

    texts: Mapping[str, str]
    words: Mapping[str, str] = {}


@dataclass(frozen=True)
class Catalogue:
    """All that errors can say."""

    tables: tuple[Table, ...]

    @cached_property
    def templates(self) -> list[tuple[str, Template]]:
        """Each with its longest piece, which a text must hold; what says most comes first."""
        rows = [template_of(*row, table.words) for table in self.tables for row in table.texts.items()]
        made = sorted(rows, key=lambda one: -one.weight)
        return [(max(one.pieces, key=len), one) for one in made]

    def found(self, text: str) -> tuple[Template, list[str]] | None:
        """The template that says most of a text, and what stands in its slots."""
        for piece, one in self.templates:
            if piece in text and (slots := one.slots_of(text)) is not None:
                return one, slots
        return None

    def chinese(self, text: str, deep: int = DEEPEST) -> str:
        """The text in Chinese as far as it is known.

        >>> wards = Catalogue((Table({"There is no {0}": "没有{0}"}, {"bed": "床位"}),))
        >>> wards.chinese("There is no bed"), wards.chinese("W3: There is no bed")
        ('没有床位', 'W3：没有床位')
        """
        if found := self.found(text):
            template, slots = found
            return template.chinese.format(*(self.in_slot(slot, template.words, deep) for slot in slots))
        for joint, mark in JOINTS:
            left, there, right = text.partition(joint)
            both = (self.chinese(left, deep - 1), self.chinese(right, deep - 1)) if there and deep else (left, right)
            if both != (left, right):
                return mark.join(both)
        return text

    def in_slot(self, slot: str, words: Mapping[str, str], deep: int) -> str:
        """A word, some of them, another text or several, or a value, which stays as it is."""
        if slot in words:
            return words[slot]
        for comma, mark in COMMAS:
            parts = slot.split(comma)
            if len(parts) > 1 and (any(part in words for part in parts) or all(map(self.found, parts))):
                return mark.join(self.in_slot(part, words, deep) for part in parts)
        return self.chinese(slot, deep - 1) if deep else slot


@cache
def catalogue() -> Catalogue:
    """Every `faults.toml` of the packages of Salus, read when the first error is told in Chinese."""
    told = {one.name: tomllib.loads((one / CATALOGUE).read_text("utf-8")) for one in packages()}
    return Catalogue(tuple(Table(one["texts"], words_for(name, told)) for name, one in told.items()))


def words_for(name: str, told: Mapping[str, Any]) -> dict[str, str]:
    """The words of a package, and of those that it takes words of."""
    sources = [*told[name].get("slots_of", ()), name]
    return {word: chinese for source in sources for word, chinese in told[source].get("slots", {}).items()}


def packages() -> list[Traversable]:
    """The packages of Salus that have a catalogue."""
    return [one for one in files("salus").iterdir() if one.is_dir() and (one / CATALOGUE).is_file()]


def told(text: str, language: str) -> str:
    """What an error says, in `zh` or else in English, as it was raised."""
    return catalogue().chinese(text) if language == "zh" else text


def issues_of(error: SalusError, language: str) -> list[Issue]:
    """The issues of an error in the reader's language."""
    return [replace(one, text=told(one.text, language)) for one in error.issues]
