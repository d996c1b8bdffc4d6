"""From a path to items: each file by the reader of its format."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

from salus.base.errors import Invalid, Malformed
from salus.exchange.bundles import Known, items_in_bundle
from salus.exchange.lines import items_in_lines
from salus.exchange.mapping import Mapping
from salus.exchange.opening import Member, Meter, members, reading
from salus.exchange.shapes import Aside, Found, Refusal
from salus.exchange.tables import items_in_table

Reader = Callable[[str, IO[bytes]], Iterator[Found]]


def items_at(path: Path, meter: Meter, mapping: Mapping | None, known: Known) -> Iterator[Found | Aside]:
    """Everything that stands at a path, in a fixed order. A file that cannot be read becomes a refusal, not the end.

    `known(type, search)` is asked, for an entry with `ifNoneExist`, for the id of what is here already.

    Raises Missing when nothing is there, Malformed when its kind is not known, Invalid when the path is one CSV that no
    mapping explains.
    """
    for member in members(path, meter):
        if not isinstance(member, Member):
            yield member
            continue
        try:
            yield from items_in(member, mapping, known)
        except Invalid as fault:
            if path.is_file() and member.name == path.name:
                raise
            yield Refusal(member.name, "", "", str(fault))


def items_in(member: Member, mapping: Mapping | None, known: Known) -> Iterator[Found]:
    readers: dict[str, Callable[[], Reader]] = {
        "bundle": lambda: partial(items_in_bundle, known=known),
        "lines": lambda: items_in_lines,
        "table": lambda: table_reader(member.name, mapping),
    }
    read = readers[member.format]()
    try:
        with reading(member.name), member.open() as stream:
            yield from read(member.name, stream)
    except Malformed as fault:
        yield Refusal(member.name, "", "", str(fault))


def table_reader(name: str, mapping: Mapping | None) -> Reader:
    """Raises Invalid when nobody said what its columns mean."""
    if mapping is None:
        raise Invalid(f"{name} is a table: say what its columns mean with --mapping FILE.toml", path=name)
    return lambda name, stream: items_in_table(name, stream, mapping)
