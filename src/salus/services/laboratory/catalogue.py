"""What can be ordered, what is drawn for it, and the limits that a laboratory approved."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from salus.assistants.suggestion import Name
from salus.base.errors import Invalid
from salus.codes import LABS, Lab
from salus.codes.tables import LOINC
from salus.records import Store
from salus.services.acting import code_in

LIMITS = "limits.toml"


@dataclass(frozen=True, slots=True)
class Tube:
    """What is drawn: a name for the label, and the kind of specimen (SNOMED CT)."""

    code: str
    name: Name
    specimen: str


@dataclass(frozen=True, slots=True)
class Orderable:
    """A single test or a group of tests, by LOINC code."""

    code: str
    name: Name
    members: tuple[str, ...]
    tube: Tube

    @property
    def labs(self) -> tuple[Lab, ...]:
        return tuple(LABS[one] for one in self.members)


@dataclass(frozen=True, slots=True)
class Limits:
    """Critical limits (low, high), deltas (percent, days), by LOINC code; `approved`: by whom and when."""

    critical: Mapping[str, tuple[float | None, float | None]]
    delta: Mapping[str, tuple[float, int]]
    minutes: int
    approved: str


@cache
def orderable() -> Mapping[str, Orderable]:
    """All that can be ordered, by LOINC code, groups first."""
    told = read("tests.toml")
    tubes = {code: Tube(code, Name(row["en"], row["zh"]), row["specimen"]) for code, row in told["tubes"].items()}
    drawn = {code: tubes[tube] for tube, codes in told["drawn"].items() for code in codes}
    made = {
        code: Orderable(code, Name(row["en"], row["zh"]), tuple(row["members"]), tubes[row["tube"]])
        for code, row in told["panels"].items()
    }
    for code, lab in LABS.items():
        if lab.kind == "lab":
            made[code] = Orderable(code, Name(lab.en, lab.zh), (code,), drawn.get(code, tubes["serum"]))
    return MappingProxyType(made)


def called(text: str) -> Orderable | None:
    """What somebody means by a name or a code; None for nothing that can be ordered."""
    return next((one for one in orderable().values() if text.casefold() in spoken(one)), None)


def spoken(one: Orderable) -> set[str]:
    """All that it may be called; a single test by its short name too."""
    short = [lab.short for lab in one.labs] if len(one.members) == 1 else []
    return {name.casefold() for name in (one.code, one.name.en, one.name.zh, *short)}


def asked_for(order: Mapping[str, Any]) -> Orderable | None:
    """What a ServiceRequest asks this laboratory for; None for what it does not do."""
    return orderable().get(code_in(order.get("code"), LOINC))


def limits_of(store: Store) -> Limits:
    """The limits that hold here: those of the site, and ours where it has none."""
    return limits(store.folder / "laboratory" / LIMITS)


def limits(site: Path) -> Limits:
    """Raises Invalid for a file that cannot be read, or a row of a test that is not known."""
    own, told = read(LIMITS), {}
    if site.is_file():
        try:
            told = tomllib.loads(site.read_text("utf-8"))
        except ValueError as fault:
            raise Invalid(f"{site.name} of the laboratory cannot be read: {fault}", path=LIMITS) from fault
    critical, delta = (own[name] | told.get(name, {}) for name in ("critical", "delta"))
    if strange := sorted({*critical, *delta} - LABS.keys()):
        raise Invalid(f"{', '.join(strange)}: no such test; use the LOINC codes of salus.codes", path=LIMITS)
    return Limits(
        {code: (row.get("low"), row.get("high")) for code, row in critical.items()},
        {code: (float(row["percent"]), int(row["days"])) for code, row in delta.items()},
        int(told.get("minutes", own["minutes"])),
        str(told.get("approved", own["approved"])),
    )


@cache
def read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("salus.services.laboratory") / name).read_text("utf-8"))
