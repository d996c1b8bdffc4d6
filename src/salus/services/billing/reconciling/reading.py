"""CSV statements, read line by line: what cannot be read is named by its line, and everything else is read.

UTF-8 (with or without a mark), commas, the first line has the names of the columns in any order, amounts are decimals
of the currency, times ISO 8601 with their zone. https://www.rfc-editor.org/rfc/rfc4180
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import TypeVar

from babel.numbers import get_currency_precision

from salus.base.errors import Invalid, Malformed, Missing
from salus.services.billing.payments.port import State

T = TypeVar("T")
NAME = re.compile(r"[A-Za-z0-9._/-]{1,80}")
AMOUNT = re.compile(r"(\d{1,13})(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Format:
    """The columns of a file, and what its words mean. `kinds`: word -> sign and ending of the id."""

    columns: tuple[str, ...]  # id, reference, kind, amount, currency, time, status
    kinds: Mapping[str, tuple[int, str]]
    states: Mapping[str, State]


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a statement. `amount` in minor units, what goes out negative."""

    id: str
    reference: str
    amount: int
    state: State
    at: str
    line: int


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that cannot be read, and why."""

    line: int
    text: str


def read(file: Path, form: Format, currency: str) -> Iterator[Item | Bad]:
    """The lines of a file. Raises Missing when it cannot be opened, Malformed when it has not the columns, or is no
    text."""
    digits = get_currency_precision(currency)
    with opened(file) as raw, TextIOWrapper(raw, "utf-8-sig", newline="") as text:
        lines = csv.reader(text, strict=True)
        try:
            places = places_of(next(lines, []), form, file)
            width = max(places) + 1
            for cells in rows(lines):
                yield item(cells, places, width, form, currency, digits, lines.line_num)
        except UnicodeDecodeError as fault:
            raise Malformed(f"{file.name} is not UTF-8 after line {lines.line_num}: save it as such") from fault


def rows(lines: Iterator[Sequence[str]]) -> Iterator[Sequence[str]]:
    """The cells of each line; of one that is no CSV none, which is no line of a statement either."""
    while True:
        try:
            cells = next(lines, None)
        except csv.Error:
            cells = ()
        if cells is None:
            return
        yield cells


def opened(file: Path) -> BufferedReader:
    try:
        return file.open("rb")
    except OSError as fault:
        raise Missing(f"{file} cannot be read: {fault.strerror}", path=str(file)) from fault


def places_of(head: Sequence[str], form: Format, file: Path) -> list[int]:
    """Where each column stands. Raises Malformed."""
    names = [name.strip().lower() for name in head]
    lacking = [name for name in form.columns if name not in names]
    if lacking:
        raise Malformed(f"{file.name} has no column {', '.join(lacking)}: the first line must name {form.columns}")
    return [names.index(name) for name in form.columns]


def item(
    cells: Sequence[str], places: Sequence[int], width: int, form: Format, currency: str, digits: int, line: int
) -> Item | Bad:
    """One line, or why it cannot be read."""
    if len(cells) < width:
        return Bad(line, f"{len(cells)} of {width} cells")
    id, reference, kind, amount, money, at, status = (cells[place].strip() for place in places)
    try:
        sign, ending = word(form.kinds, kind, "kind")
        state = word(form.states, status, "status")
        check_names(id, reference)
        if money != currency:
            raise Invalid(f"currency '{money[:8]}', not {currency}")
        check_time(at)
        return Item(id + ending, reference, sign * minor(amount, digits), state, at, line)
    except Invalid as fault:
        return Bad(line, str(fault))


def word(known: Mapping[str, T], said: str, what: str) -> T:
    found = known.get(said.lower())
    if found is None:
        raise Invalid(f"{what} '{said[:20]}' is none of {', '.join(known)}")
    return found


def check_names(id: str, reference: str) -> None:
    for name in (id, reference) if reference else (id,):
        if not NAME.fullmatch(name):
            raise Invalid(f"'{name[:40]}' is no id")


def check_time(text: str) -> None:
    try:
        zoned = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        zoned = False
    if not zoned:
        raise Invalid(f"time '{text[:40]}' is not ISO 8601 with a zone")


def minor(text: str, digits: int) -> int:
    """Minor units of a decimal amount. Raises Invalid for what is none, has parts of a minor unit, or is nothing.

    >>> minor("120.5", 2), minor("7", 2), minor("500", 0)
    (12050, 700, 500)
    """
    found = AMOUNT.fullmatch(text)
    part = (found[2] or "") if found else ""
    if not found or len(part.rstrip("0")) > digits:
        raise Invalid(f"amount '{text[:20]}' is no decimal of at most {digits} places")
    amount = int(found[1] + part[:digits].ljust(digits, "0"))
    if not amount:
        raise Invalid("amount is nothing")
    return amount


def digest(file: Path) -> str:
    """What tells one file from another."""
    with opened(file) as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()
