"""The rules of a place together: a site's own that lie beside those built in are asked before them.

Where a site says anything about such a visit of a group, on whatever day, only the site's rules settle it: nobody's
bill goes back to an example because a year has ended. So too for who of an insurance belongs to which group.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

from salus.base.errors import Invalid, Issue
from salus.places.settlement.groups import group_of
from salus.places.settlement.reading import Chapter
from salus.places.settlement.rules import Rule, the_rule


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Chapters in the order in which they are asked."""

    place: str
    chapters: tuple[Chapter, ...] = ()

    def rule(self, group: str, visit: str, day: date) -> Rule:
        """The rule for a group's visit on a day. Raises Missing, saying which days there are rules for."""
        chapter = next((one for one in self.chapters if one.settles(group, visit)), None)
        return the_rule(chapter.rules if chapter else (), group, visit, day)

    def group_of(self, insurance: str, sex: str, youngest: int, oldest: int) -> str | None:
        """As `groups.group_of`, by the first chapter that knows the insurance."""
        chapter = next((one for one in self.chapters if one.insures(insurance)), None)
        return group_of(self.place, insurance, sex, youngest, oldest, chapter.groups if chapter else ())

    def asked_before(self, rule: Rule, chapter: Chapter) -> bool:
        """Whether another chapter settles all visits of a rule instead of it."""
        before = self.chapters[: self.chapters.index(chapter)]
        return all(any(one.settles(rule.group, visit) for one in before) for visit in rule.visit)


def bound(place: str, chapters: Sequence[Chapter]) -> Rulebook:
    """Raises Invalid where two of a site's own speak of the same."""
    if faults := [*twice([one for one in chapters if one.beside])]:
        raise Invalid("Two files of the site's own rules speak of the same", issues=faults)
    return Rulebook(place, tuple(chapters))


def twice(chapters: Sequence[Chapter]) -> Iterator[Issue]:
    for one, other in combinations(chapters, 2):
        for rule in one.rules:
            for visit in rule.visit:
                if other.settles(rule.group, visit):
                    text = f"The {visit} visit of {rule.group} is settled by {one.beside} and by {other.beside}"
                    yield Issue("invalid", rule.id, text)
        for insurance in dict.fromkeys(row.insurance for row in one.groups):
            if other.insures(insurance):
                text = f"The groups of '{insurance}' are told by {one.beside} and by {other.beside}"
                yield Issue("invalid", f"group.{insurance}", text)
