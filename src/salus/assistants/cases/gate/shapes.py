"""What the gate speaks of: texts of the record, what a human decided about them, a draft."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import msgspec

from salus.assistants.cases.case import Case
from salus.assistants.cases.gate.anonymity import Level
from salus.privacy.deidentify import Cleaned, Leftover

State = Literal["draft", "released", "refused", "withdrawn"]
Act = Literal["keep", "redact"]


class Decision(msgspec.Struct, frozen=True):
    """What a human said of a place in one text of one version of a resource. No text is kept, only where it stands."""

    source: str
    version: int
    start: int
    end: int
    act: Act
    kind: str = "other"


class Review(msgspec.Struct, frozen=True):
    """All that is kept of a draft: of whom, from which encounter, and what was decided. `dropped`: diagnoses left out;
    `known`: rare ones that may stay."""

    patient: str
    encounter: str = ""
    decisions: tuple[Decision, ...] = ()
    dropped: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One text of one resource: `key` is its reference and place (`Condition/7#note.0`), `on` its clinical date."""

    key: str
    version: int
    on: date | None
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """A text and what became of it; `open`: what a human has still to decide there."""

    source: Source
    cleaned: Cleaned
    open: tuple[Leftover, ...]


@dataclass(frozen=True, slots=True)
class Rare:
    """A diagnosis that fewer than k people here have: by itself it may name one of them."""

    code: str
    name: str
    people: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A case as it would leave. `id` is that of its DocumentReference; `refusal`: why it may not leave at all."""

    id: str
    version: int
    state: State
    review: Review
    case: Case
    parts: tuple[Part, ...]
    level: Level
    rare: tuple[Rare, ...] = ()
    refusal: str = ""
    reason: str = ""

    @property
    def open(self) -> int:
        """How much a human has still to decide."""
        return sum(len(one.open) for one in self.parts) + len(self.rare)
