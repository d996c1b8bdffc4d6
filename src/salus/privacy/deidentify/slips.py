"""Words one slip of the pen away from a name: a letter missing, too many, another, or two in each other's place.

By deletions: two words one slip apart have a word in common after one letter is taken from either.
"""

from collections.abc import Mapping

from salus.privacy.deidentify.lists import words
from salus.privacy.deidentify.shapes import Kind

SURE = 6  # letters from which a word in small letters may be a misspelt name


class Slips:
    """Names by what is left of them without one letter."""

    def __init__(self, names: Mapping[str, Kind]) -> None:
        self.names = names
        self.short: dict[str, list[str]] = {}
        for name in names:
            for part in {name, *without_one(name)}:
                self.short.setdefault(part, []).append(name)

    def near(self, word: str, capital: bool) -> Kind | None:
        """Whose name a lower-case word is a slip of; None for everyday words and other names."""
        if not self.names or word in words("english", "words") or (not capital and len(word) < SURE):
            return None
        for part in {word, *without_one(word)}:
            for name in self.short.get(part, ()):
                if is_slip(word, name) and (word[0] == name[0] or capital):
                    return self.names[name]
        return None


def without_one(word: str) -> set[str]:
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


def is_slip(word: str, name: str) -> bool:
    """Whether exactly one slip parts them.

    >>> is_slip("smiht", "smith"), is_slip("smyth", "smith"), is_slip("smithh", "smith"), is_slip("smythe", "smith")
    (True, True, True, False)
    """
    if len(word) == len(name):
        apart = [at for at, (one, other) in enumerate(zip(word, name, strict=True)) if one != other]
        swapped = len(apart) == 2 and apart[1] == apart[0] + 1 and word[apart[0]] == name[apart[1]]
        return len(apart) == 1 or (swapped and word[apart[1]] == name[apart[0]])
    longer, shorter = (word, name) if len(word) > len(name) else (name, word)
    return len(longer) == len(shorter) + 1 and shorter in without_one(longer)
