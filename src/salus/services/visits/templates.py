"""What a note is made of: the templates of `templates.toml`, in English and Chinese."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from salus.assistants.suggestion import Name
from salus.base.errors import Invalid

BLANK = "__"  # what a template leaves to be filled in


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a note. `carries` names what of the record it begins with (`known.KINDS`), `begins` what to fill in."""

    key: str
    name: Name
    loinc: str
    required: bool
    carries: tuple[str, ...]
    begins: Name


@dataclass(frozen=True, slots=True)
class Template:
    """`departments` offer it first; a template without departments is everybody's."""

    key: str
    name: Name
    departments: tuple[str, ...]
    sections: tuple[Section, ...]

    def section(self, key: str) -> Section | None:
        return next((one for one in self.sections if one.key == key), None)


@cache
def templates() -> Mapping[str, Template]:
    """Every template by its key, in the order of the file."""
    rows = tomllib.loads((files("salus.services.visits") / "templates.toml").read_text("utf-8"))
    kinds = rows.pop("sections")
    return {key: template(key, row, kinds) for key, row in rows.items()}


def template(key: str, row: dict[str, Any], kinds: dict[str, Any]) -> Template:
    sections = tuple(section(name, kinds[name], row) for name in row["order"])
    return Template(key, Name(row["en"], row["zh"]), tuple(row.get("departments", ())), sections)


def section(key: str, kind: dict[str, Any], row: dict[str, Any]) -> Section:
    begins = row.get("begins", {}).get(key, {"en": "", "zh": ""})
    return Section(
        key,
        Name(kind["en"], kind["zh"]),
        kind["loinc"],
        key in row["required"],
        tuple(row.get("carries", {}).get(key, kind.get("carries", ()))),
        Name(begins["en"], begins["zh"]),
    )


def template_of(key: str) -> Template:
    """Raises Invalid for one that is not there."""
    found = templates().get(key)
    if found is None:
        raise Invalid(f"'{key[:60]}' is no template: choose one of {', '.join(templates())}", path="template")
    return found


def offered(department: str = "") -> list[Template]:
    """All of them, those of the department first."""
    return sorted(templates().values(), key=lambda one: department not in one.departments)
