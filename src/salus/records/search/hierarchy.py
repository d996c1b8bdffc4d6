"""`:below` and `:above` of references to what is part of something of its own kind: places, organizations, encounters.

https://hl7.org/fhir/R4/search.html#recursive

`location:below=Location/house` means a reference to the house or to anything in it; `:above` to the house or to what it
stands in.
"""

from salus import fhir
from salus.base.errors import Unsupported
from salus.records import drafts
from salus.records.search.setting import Setting, numbers, open_to
from salus.records.search.terms import Term

PARTS = ("partof", "part-of")  # the parameters that say what something is part of
MODIFIERS = ("above", "below")
MOST = 20_000  # things below one
DEEPEST = 100  # steps


def part_of(type: str) -> fhir.Parameter | None:
    """The parameter of a type by which its resources are parts of others of the type; None for most."""
    known = fhir.parameters(type)
    found = (known[name] for name in PARTS if name in known)
    return next((one for one in found if one.kind == "reference" and type in one.targets), None)


def layered(parameter: fhir.Parameter) -> list[str]:
    """The types that a reference may name of which some are parts of others."""
    if parameter.kind != "reference":
        return []
    return [type for type in parameter.targets if part_of(type)]


def reached(setting: Setting, term: Term, starts: list[tuple[str, int]]) -> list[int]:
    """The rows that a reference may aim at. `starts`: type and row of what the search names. Raises Unsupported."""
    found: set[int] = set()
    for type, row in starts:
        parameter = part_of(type)
        if parameter:
            found |= WAYS[term.modifier](setting, type, parameter, row)
    return sorted(found)


def below(setting: Setting, type: str, parameter: fhir.Parameter, row: int) -> set[int]:
    found, fresh, kind = {row}, [row], setting.kinds.numbers[type]
    seen = f"r.type={kind} AND r.alive AND {open_to(setting.patient)}"
    for _ in range(DEEPEST):
        parts = f"SELECT row FROM ref WHERE path IN ({numbers(parameter.paths)}) AND target IN ({numbers(fresh)})"
        rows = setting.rows(f"SELECT r.row FROM resource r WHERE r.row IN ({parts}) AND {seen} LIMIT {MOST + 1}")
        fresh = [one for one in rows if one not in found]
        found.update(fresh)
        if len(found) > MOST:
            raise Unsupported(f"More than {MOST} resources are below that: begin further down", path=parameter.name)
        if not fresh:
            break
    return found


def above(setting: Setting, type: str, parameter: fhir.Parameter, row: int) -> set[int]:
    found, here = {row}, row
    for _ in range(DEEPEST):
        allowed = f"SELECT r.row FROM resource r WHERE r.row={here} AND r.alive AND {open_to(setting.patient)}"
        body = next(setting.bodies(setting.rows(allowed)), None)
        references = drafts.again(type, body).references if body else []
        ids = [id for path, kind, id in references if path in parameter.paths and kind == type]
        up = setting.row(type, ids[0]) if ids else None
        if up is None or up in found:
            break
        found.add(up)
        here = up
    return found


WAYS = {"below": below, "above": above}
