"""What the screen says: findings, what it did not look at, and both together."""

from dataclasses import dataclass
from typing import Any, Literal

from salus.assistants.suggestion import Name
from salus.assistants.treatment.screen.rules import TIERS, Said, Source, Tier

Kind = Literal["interaction", "duplicate", "class-duplicate", "allergy", "cross-allergy", "limit", "dose"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause, one finding, however many orders it touches. `rule` names the row; `facts` are what of the patient
    it rests on, in words; `orders` the references of the orders it touches, the proposed ones among them."""

    kind: Kind
    rule: str
    tier: Tier
    medicines: tuple[Name, ...]
    text: Name
    todo: Name
    source: Source | None
    orders: tuple[str, ...]
    facts: tuple[Name, ...] = ()
    resources: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The same for the same cause in the same patient: by this an override is remembered."""
        return "|".join((self.rule, *sorted(one.en for one in self.medicines)))


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that the screen could not look at: `about` in words (a medicine, a kind of rule), and why.

    `medicines` are what it would have been looked at for; of several that have `alike` in common one sentence is made,
    by that key and those slots (`summing.summed`).
    """

    about: Name
    why: Name
    orders: tuple[str, ...] = ()
    medicines: tuple[Name, ...] = ()
    alike: tuple[str, tuple[tuple[str, Name], ...]] | None = None


@dataclass(frozen=True, slots=True)
class Screening:
    """The whole answer. `recognised` of `medicines` were understood; `dated`: the newest source, ISO date."""

    findings: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]
    medicines: int
    recognised: int
    version: str
    dated: str


def by_row(
    kind: Kind, rule: str, row: Said, medicines: tuple[Name, ...], source: Source | None, **more: Any
) -> Finding:
    """The finding of a rule's row, in the row's own words; `more`: orders, facts, resources."""
    said, todo = Name(row.en, row.zh), Name(row.do_en, row.do_zh)
    return Finding(kind, rule, row.tier, medicines, said, todo, source, **more)


def gravest_first(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda one: (TIERS.index(one.tier), one.kind, one.rule)))
