"""Which groups an event's code counts for, also a code that training never saw."""

from collections import defaultdict

from salus.learning.dictionary import EventRecipe
from salus.learning.task import matches

MOST_KEPT = 100_000  # codes whose answer is remembered


class Members:
    """The groups of a recipe. False when it has none."""

    def __init__(self, recipe: EventRecipe) -> None:
        self.rolled = recipe.rolled
        self.exact, self.begins = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
        for number, concept in enumerate(recipe.concepts):
            for member in concept.members:
                (self.begins if member.endswith("*") else self.exact)[member.removesuffix("*")].append(number)
        self.lengths = sorted({len(begin) for begin in self.begins})
        self.kept: dict[str, tuple[tuple[int, bool], ...]] = {}

    def __bool__(self) -> bool:
        return bool(self.exact or self.begins)

    def of(self, code: str) -> tuple[tuple[int, bool], ...]:
        """(number of the group, whether this code hides for the blind hours), by number."""
        found = self.kept.get(code)
        if found is None:
            found = self._of(code)
            if len(self.kept) < MOST_KEPT:
                self.kept[code] = found
        return found

    def _of(self, code: str) -> tuple[tuple[int, bool], ...]:
        rolled = self.rolled
        if rolled is None or not counts(code, rolled.codes, rolled.exclude):
            return ()
        groups = set(self.exact.get(code, ()))
        for length in self.lengths:
            groups.update(self.begins.get(code[:length], ()))
        blind = matches(code, rolled.blind)
        return tuple((group, blind) for group in sorted(groups))


def counts(code: str, codes: list[str], exclude: list[str]) -> bool:
    """Whether groups count a code.

    >>> counts("ICD10//E11", ["*"], ["CLAIM//*"]), counts("CLAIM//1", ["*"], ["CLAIM//*"])
    (True, False)
    """
    return matches(code, codes) and not matches(code, exclude)
