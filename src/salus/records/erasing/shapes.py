"""What is asked for, what it comes to, and what became of it."""

from dataclasses import dataclass, field
from enum import StrEnum


class What(StrEnum):
    """How much of it.

    `patient`: the whole compartment with all versions, and the names. `everything`: all versions of one resource;
    `deleted`: the same, of one that is deleted already; `previous`: all versions but the current one.
    """

    PATIENT = "patient"
    EVERYTHING = "everything"
    DELETED = "deleted"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be erased: this much of `type/id`."""

    type: str
    id: str
    what: What

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(slots=True)
class Doom:
    """What goes: versions by row. Rows in `nameless` go with their ids; those in `rewritten` stay, and lose what they
    say of the nameless ones. `held`: references of legal holds that forbid it."""

    versions: dict[int, set[int]] = field(default_factory=dict)
    nameless: set[int] = field(default_factory=set)
    rewritten: set[int] = field(default_factory=set)
    held: list[str] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)  # ids of patients of whom others may hold copies


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go: resources by type, versions in all; `rewritten`: what would stay without the names."""

    resources: dict[str, int]
    versions: int
    rewritten: list[str]
    held: list[str]

    @property
    def empty(self) -> bool:
        return not self.versions


@dataclass(frozen=True, slots=True)
class Report:
    """What went. `transaction`: which did it, None when there was nothing (any more). `audited`: lines of the audit
    whose names went; `waiting`: what is not finished yet (`finish`)."""

    transaction: int | None
    resources: dict[str, int]
    versions: int
    rewritten: list[str]
    audited: int
    waiting: list[str] = field(default_factory=list)
