"""What an import came to: how many of each type were read, stored, unchanged, refused, and why."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from salus.exchange.shapes import Already, Aside, Refusal

KEPT = 1000  # refusals, and reasons of a type, told one by one; further ones are only counted
UNKNOWN = "?"


@dataclass(slots=True)
class Row:
    """The counts of one type; read = stored + unchanged + refused."""

    read: int = 0
    stored: int = 0
    unchanged: int = 0
    refused: int = 0


class Line(NamedTuple):
    """A line of the closing table."""

    type: str
    read: int
    stored: int
    unchanged: int
    refused: int
    why: str


class Note(NamedTuple):
    """Something of a source that is not in the resources, or not as a code: what kind (a word), where, of how many."""

    kind: str
    where: str
    rows: int


@dataclass(slots=True)
class Report:
    """`rows` by type (`?` where a thing has none), the first refusals, the files left aside; `notes` of a database."""

    rows: dict[str, Row] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def row(self, type: str) -> Row:
        return self.rows.setdefault(type or UNKNOWN, Row())

    def took(self, type: str, changed: bool) -> None:
        row = self.row(type)
        row.read += 1
        if changed:
            row.stored += 1
        else:
            row.unchanged += 1

    def note(self, thing: Refusal | Aside | Already) -> None:
        """What is not stored."""
        if isinstance(thing, Aside):
            self.aside.append(f"{thing.name}: {thing.why}")
        elif isinstance(thing, Already):
            self.took(thing.type, changed=False)
        else:
            self._refuse(thing)

    def _refuse(self, refusal: Refusal) -> None:
        row = self.row(refusal.type)
        row.read += 1
        row.refused += 1
        self._count_reason(self.reasons.setdefault(refusal.type or UNKNOWN, {}), refusal)
        if len(self.refusals) < KEPT:
            self.refusals.append(refusal)

    def _count_reason(self, reasons: dict[str, int], refusal: Refusal) -> None:
        reason = f"{refusal.path} {refusal.text}".strip()
        if reason in reasons or len(reasons) < KEPT:
            reasons[reason] = reasons.get(reason, 0) + 1

    @property
    def total(self) -> Row:
        """The sums over all types."""
        rows = self.rows.values()
        return Row(*(sum(getattr(row, name) for row in rows) for name in Row.__dataclass_fields__))

    def table(self) -> Iterator[Line]:
        """The closing table, the largest type first; `why` is the commonest reason and how often it was given."""
        for type, row in sorted(self.rows.items(), key=lambda pair: (-pair[1].read, pair[0])):
            reason, times = max(self.reasons.get(type, {}).items(), key=lambda pair: pair[1], default=("", 0))
            why = f"{times} × {reason}" if times else ""
            yield Line(type, row.read, row.stored, row.unchanged, row.refused, why)
