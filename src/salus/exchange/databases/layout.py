"""How the tables of another database become resources, and how resources become its rows again: a TOML file.

`[[tables]]` names a table, its key and its columns, each as `NAME TYPE`, `NAME TYPE = BACK` or `NAME TYPE ~ BACK`:

- without BACK no element of FHIR says it: the value stands beside, in an extension, and comes back from there;
- `= BACK` gives it back from the resource alone, `r`, so that what was corrected in the store goes out corrected;
- `~ BACK` does so only where nothing stands beside: where it came in, the value as it came wins.

`[[tables.resources]]` are the resources of a row: paths of elements with what they hold. `[[tables.back]]` says which
other resources are rows of the table. All expressions are DuckDB SQL. https://duckdb.org/docs/sql/introduction
"""

import re
from typing import NamedTuple

import msgspec

from salus.analytics.sources.layout import read_as, shipped
from salus.base.errors import Invalid

COLUMN = re.compile(r"(\w+) (\S+)(?: ([=~]) (.+))?", re.DOTALL).fullmatch


class Column(NamedTuple):
    """`beside`: its value is kept in the extension; `back`: how it comes from the resource `r`, or ""."""

    name: str
    type: str
    beside: bool
    back: str


class Counted(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Rows that are counted; `by`: what is told of them, the most frequent first."""

    when: str
    by: str


class Resources(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One kind of resource of a table's rows. `wanted`: of which rows; `counted`: what of them could not be mapped."""

    type: str
    elements: dict[str, str]
    wanted: str = "TRUE"
    counted: dict[str, str | Counted] = {}


class Back(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which resources that did not come from such a table are rows of it."""

    type: str
    wanted: str = "TRUE"


class Table(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A table. `units`: the columns with words for units; `reckoned`: further columns for the expressions to use;
    `needs`: column -> what must hold of a row, else it is refused for that column's sake; `once`: the column of which
    no two rows that go out may say the same; `coded`: the one that is 0 where no number of a code is known."""

    name: str
    key: str
    columns: list[str]
    reckoned: dict[str, str] = {}
    needs: dict[str, str] = {}
    once: str = ""
    coded: str = ""
    units: list[str] = []
    resources: list[Resources] = []
    back: list[Back] = []

    @property
    def is_words(self) -> bool:
        """Whether it only names things: no resource is made of it."""
        return not self.resources

    def parsed(self) -> list[Column]:
        """Raises Invalid for a line that is no column."""
        found = [(line, COLUMN(line.strip())) for line in self.columns]
        for line, match in found:
            if match is None:
                raise Invalid(f"{self.name}: {line!r} is no column: write NAME TYPE, or NAME TYPE = EXPRESSION")
        return [Column(m[1], m[2], m[3] != "=", (m[4] or "").strip()) for _, m in found if m]


class Apart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Tables that become no resources, and why: a word of `words.toml` under `apart.`."""

    why: str
    tables: list[str]


class Derived(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A table that is reckoned on the way out, from those that were written, where it holds nothing yet."""

    table: str
    sql: str


class Layout(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A database. `first`: tables by which it is told; `site`: SQL for the name of where it is from; `units_of`: the
    layout of events whose words for units are taken too."""

    name: str
    title: dict[str, str]
    first: list[str]
    tables: list[Table]
    site: str = ""
    apart: list[Apart] = []
    derived: list[Derived] = []
    units_of: str = ""
    units: dict[str, str] = {}
    systems: dict[str, str] = {}
    macros: list[str] = []
    back_macros: list[str] = []


PACKAGE = "salus.exchange.databases"


def layouts() -> list[str]:
    """The names of the layouts that come with the program."""
    return shipped(PACKAGE)


def read_layout(name: str) -> Layout:
    """A layout of ours by its name, or of a site by its path. Raises Missing, Malformed, Invalid."""
    layout = read_as(Layout, PACKAGE, name)
    for table in layout.tables:
        table.parsed()
    return layout
