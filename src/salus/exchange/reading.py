"""From a path to items: each file by the reader of its format."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from salus.base.errors import Invalid, Malformed
from salus.exchange.bundles import items_in_bundle
from salus.exchange.lines import items_in_lines
from salus.exchange.mapping import Mapping
from salus.exchange.opening import Member, Meter, members, reading
from salus.exchange.shapes import Aside, Found, Refusal
from salus.exchange.tables import items_in_table

Reader = Callable[[str, IO[bytes]], Iterator[Found]]
READERS: dict[str, Reader] = {"bundle": items_in_bundle, "lines": items_in_lines}


def items_at(path: Path, meter: Meter, mapping: Mapping | None = None) -> Iterator[Found | Aside]:
    """Everything that stands at a path, in a fixed order. A damaged file becomes a refusal and the next one is read.

    Raises Missing when nothing is there, Malformed when its kind is not known, Invalid for a CSV without a mapping.
    """
    for member in members(path, meter):
        if isinstance(member, Member):
            yield from items_in(member, mapping)
        else:
            yield member


def items_in(member: Member, mapping: Mapping | None) -> Iterator[Found]:
    read = READERS[member.format] if member.format != "table" else table_reader(member.name, mapping)
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
