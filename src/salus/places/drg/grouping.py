"""Which group a stay belongs to, with the reasons; a stay that fits nowhere is told so and never guessed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from salus.base.errors import Invalid
from salus.places.drg.tables import Family, Split, Table


@dataclass(frozen=True, slots=True)
class Stay:
    """A stay in hospital: `main` and `others` by ICD-10, `procedures` by ICD-9-CM-3, age in whole years."""

    main: str
    others: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    age: int = 40

    def __post_init__(self) -> None:
        if not self.main:
            raise Invalid("A stay is grouped by its main diagnosis: name one", path="main")


@dataclass(frozen=True, slots=True)
class Grouped:
    """`group` is "" where none fits; `why` says by what it was decided (`why.…` in words.toml).

    `complication`: the diagnosis that counts as one; `procedure`: the one that leads to a surgical family; `version`:
    of the table.
    """

    group: str
    version: str
    why: str
    weight: int = 0
    family: Family | None = None
    complication: str = ""
    procedure: str = ""


class Grouper(Protocol):
    """What groups stays. A city's own program is another class with this method."""

    def group(self, stay: Stay) -> Grouped: ...


@dataclass(frozen=True, slots=True)
class TableGrouper:
    """Groups by a table: the first family that fits, then by the gravest complication."""

    table: Table

    def group(self, stay: Stay) -> Grouped:
        of_organ = [one for one in self.table.family if begins(stay.main, one.diagnoses)]
        if not of_organ:
            return self.nothing("unknown")
        family = next((one for one in of_organ if fits(one, stay)), None)
        if family is None:
            return self.nothing("unfit")
        kind, complication = self.gravest(stay)
        split = the_split(family, kind)
        procedure = next((code for code in stay.procedures if begins(code, family.procedures)), "")
        counted = complication if split.with_ in ("mcc", "cc") else ""
        return Grouped(split.code, self.table.version, split.with_, split.weight, family, counted, procedure)

    def nothing(self, why: str) -> Grouped:
        return Grouped("", self.table.version, why)

    def gravest(self, stay: Stay) -> tuple[str, str]:
        """The gravest complication: its kind and its code."""
        counted = [code for code in stay.others if not self.belongs(code, stay.main)]
        for kind, beginnings in (("mcc", self.table.mcc), ("cc", self.table.cc)):
            if found := next((code for code in counted if begins(code, beginnings)), ""):
                return kind, found
        return "none", ""

    def belongs(self, code: str, main: str) -> bool:
        """Whether it is part of the main diagnosis, or that itself, and so no complication of it."""
        return code == main or any(
            main.startswith(own) and begins(code, others) for own, others in self.table.excludes.items()
        )


LESS = {"mcc": ("mcc", "cc", "none", "all"), "cc": ("cc", "none", "all"), "none": ("none", "all")}


def the_split(family: Family, kind: str) -> Split:
    """The group for a kind of complication, or for the next less grave one that the family tells apart."""
    by_kind = {split.with_: split for split in family.groups}
    return next(by_kind[one] for one in LESS[kind] if one in by_kind)


def fits(family: Family, stay: Stay) -> bool:
    """A surgical family needs one of its procedures; a medical one takes what no surgical one took."""
    surgical = not family.procedures or any(begins(code, family.procedures) for code in stay.procedures)
    return surgical and family.least_age <= stay.age <= family.most_age


def begins(code: str, beginnings: Sequence[str]) -> bool:
    """
    >>> begins("I50.0", ["I50", "I11"]), begins("I5", ["I50"])
    (True, False)
    """
    return code.startswith(tuple(beginnings))
