"""What can be ordered, which room does it, and what is asked beside the code: a side, a place on the body.

The rows stand in `salus.codes` (procedures.toml); a code of a house's own edition that has no row there is told to a
room by its chapter, and asks for nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from salus.codes import PROCEDURES
from salus.codes.tables import ICD9
from salus.codes.terminology import System

# kind -> SNOMED CT category of order and Procedure. https://hl7.org/fhir/R4/valueset-servicerequest-category.html
KINDS: Mapping[str, str] = {
    "operation": "387713003",
    "endoscopy": "423827005",
    "imaging": "363679005",
    "treatment": "277132007",
}
LEFT, RIGHT, BOTH = SIDES = ("7771000", "24028007", "51440002")  # SNOMED CT, in codes/sites.toml
CHAPTERS = ((87, "operation"), (89, "imaging"), (100, "treatment"))  # ICD-9-CM-3 below that number


@dataclass(frozen=True, slots=True)
class Orderable:
    """`kind`: one of `KINDS`; `sided`: which side is to be said; `sites`: one of these is to be said, where there are
    any."""

    code: str
    kind: str
    sided: bool = False
    sites: tuple[str, ...] = ()


def orderable(code: str) -> Orderable:
    """
    >>> orderable("47.01").kind, orderable("88.27").sided, orderable("88.99").kind
    ('operation', True, 'imaging')
    """
    row = PROCEDURES.get(code)
    if row is None:
        return Orderable(code, by_chapter(code))
    return Orderable(code, row.more["kind"], row.more.get("side", False), tuple(row.more.get("sites", ())))


def by_chapter(code: str) -> str:
    chapter = code.partition(".")[0]
    number = int(chapter) if chapter.isascii() and chapter.isdigit() else 0
    return next((kind for below, kind in CHAPTERS if number < below), "treatment")


def ours() -> System:
    """The procedures of our tables, to be found among."""
    terms = list(PROCEDURES.values())
    return System(
        ICD9,
        name="ICD-9-CM-3",
        content="fragment",
        codes=[one.code for one in terms],
        displays=[one.en for one in terms],
        zh={row: one.zh for row, one in enumerate(terms)},
    )
