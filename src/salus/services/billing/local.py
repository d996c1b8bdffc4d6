"""The tariff, the rules and the groups of a place, by what is built in and by a site's own files in folders beside its
store (`tariffs/`, `settlement/`, `drg/`). A running program notices another file at once.

`cn.toml` takes the place of what is built in for cn; `cn.NAME.toml` lies beside it, and is asked first.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from salus.base.errors import Invalid, Missing
from salus.places import drg, settlement, tariffs
from salus.places.settlement import Chapter, Rulebook
from salus.places.tariffs import Tariff
from salus.records.engines import engine_of
from salus.services.billing.names import Resource

T = TypeVar("T")
USUAL = "cn"
RULES, PRICES, STAYS = "settlement", "tariffs", "drg"


class Local:
    """`folder`: where the files stand that belong to a store (`Store.folder`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tariff(self, place: str) -> Tariff | None:
        """None for a place that nothing is known of. Raises Invalid for a file with faults."""
        base, own = self.lowest(place), self.beside(PRICES, place)
        return tariffs.laid(base, [read(*stamped(file), tariffs.tariff_of) for file in own]) if base else None

    def lowest(self, place: str) -> Tariff | None:
        """The tariff below those that lie beside it. Raises Invalid."""
        return self._main(PRICES, place, tariffs.tariff_of, tariffs.shipped)

    def tariff_read(self, place: str) -> Tariff | None:
        """As `tariff`, for who is to be kept from nothing by a file with faults: then nobody knows a price."""
        with suppress(Invalid):
            return self.tariff(place)
        return None

    def rules(self, place: str) -> Rulebook:
        """Empty for a place that nothing is known of. Raises Invalid for a file with faults."""
        return settlement.bound(place, [one for _, one in self.chapters(place)])

    def chapters(self, place: str) -> list[tuple[Path | None, Chapter]]:
        """The files of rules in the order in which they are asked, with those built in at last. Raises Invalid."""
        own = [*self.beside(RULES, place), *self.main(RULES, place)]
        found: list[tuple[Path | None, Chapter]] = [(file, read(*stamped(file), settlement.chapter_of)) for file in own]
        try:
            built_in = settlement.built_in(place)
        except Missing:
            return found
        replaced = bool(self.main(RULES, place))
        return [*found, (None, Chapter((), built_in.groups) if replaced else built_in)]

    def groups(self, place: str) -> drg.Table | None:
        """None for a place that nothing is known of. Raises Invalid for a file with faults."""
        return self._main(STAYS, place, drg.table_of, drg.shipped)

    def rules_read(self, place: str) -> Rulebook:
        """As `rules`; empty too for a file with faults."""
        with suppress(Invalid):
            return self.rules(place)
        return Rulebook(place)

    def groups_read(self, place: str) -> drg.Table | None:
        """As `groups`; None too for a file with faults."""
        with suppress(Invalid):
            return self.groups(place)
        return None

    def main(self, kind: str, place: str) -> list[Path]:
        """The site's file that takes the place of what is built in, if there is one."""
        file = self.folder / kind / f"{place}.toml"
        return [file] if place.isalpha() and file.is_file() else []

    def beside(self, kind: str, place: str) -> list[Path]:
        """The site's files that lie beside what is built in, by name."""
        return sorted((self.folder / kind).glob(f"{place}.*.toml")) if place.isalpha() else []

    def _main(self, kind: str, place: str, reader: Callable[[str], T], shipped: Callable[[str], T]) -> T | None:
        for file in self.main(kind, place):
            made: T = read(*stamped(file), reader)
            return made
        try:
            return shipped(place)
        except Missing:
            return None


Stamped = tuple[Path, tuple[int, int, int]]


def stamped(file: Path) -> Stamped:
    """A file, and by what it is known for another: what was read of it holds as long as all is the same. Two may be
    written within one tick of the clock, or be copied with the time of another."""
    found = file.stat()
    return file, (found.st_mtime_ns, found.st_ino, found.st_size)


@lru_cache(64)
def read(file: Path, _: tuple[int, int, int], reader: Callable[[str], T]) -> T:
    """A site's file, read again only when it is another. Raises Invalid, naming the file."""
    try:
        return reader(text_of(file))
    except Invalid as fault:
        raise Invalid(f"{file.parent.name}/{file.name} has faults: mend it", issues=fault.issues) from fault


def text_of(file: Path) -> str:
    """What stands in a file, with or without the mark that some editors put first. Raises Invalid."""
    try:
        return file.read_text("utf-8-sig")
    except (UnicodeDecodeError, PermissionError):
        raise Invalid(f"{file.name} cannot be read: save it as UTF-8, open to this program", path=file.name) from None


def place_of(organization: Resource) -> str:
    """The country of its address.

    >>> place_of({"address": [{"country": "US"}]}), place_of({})
    ('us', 'cn')
    """
    countries = (one["country"] for one in organization.get("address", []) if one.get("country"))
    return next((one.lower() for one in countries), USUAL)


# --- taking a file in ---


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file is (`settlement`, `tariffs`, `drg`), of which place, how many rows it has, and under which name it
    lies beside what is built in (empty: in place of it)."""

    kind: str
    place: str
    rows: int
    beside: str = ""

    @property
    def file(self) -> str:
        return ".".join(filter(None, (self.place, self.beside, "toml")))


def take(text: str, store: Path | str | None = None) -> Taken:
    """Look a site's file (prices, rules, groups) through, and keep it beside a store if one is named. Raises Invalid
    with every fault; then what stood there stays."""
    taken = looked_through(text)
    if not taken.place.isalpha() or not taken.place.isascii():
        raise Invalid(f"A file is for one place, such as cn: this one is for '{taken.place}'", path="place")
    if store is not None:
        keep(engine_of(store).folder, taken, text)
    return taken


def looked_through(text: str) -> Taken:
    if "[[rule]]" in text or "[[group]]" in text:
        chapter = settlement.chapter_of(text)
        return Taken(RULES, ", ".join(sorted(chapter.places)), len(chapter.rules), chapter.beside)
    if "[[family]]" in text:
        table = drg.table_of(text)
        return Taken(STAYS, table.place, len(table.family))
    tariff = tariffs.tariff_of(text)
    return Taken(PRICES, tariff.place, len(tariff.prices), tariff.beside)


def keep(folder: Path, taken: Taken, text: str) -> None:
    """Whole, or not at all. Raises Invalid for one that does not fit with the others that are there."""
    home = folder / taken.kind
    home.mkdir(parents=True, exist_ok=True)
    fits_with_others(folder, taken, text)
    fresh = home / f".{taken.file}.{os.getpid()}"
    fresh.write_text(text, "utf-8")
    fresh.replace(home / taken.file)


def fits_with_others(folder: Path, taken: Taken, text: str) -> None:
    """Raises Invalid."""
    local = Local(folder)
    if taken.kind == RULES and taken.beside:
        settlement.bound(taken.place, [settlement.chapter_of(text), *others(local, taken, settlement.chapter_of)])
    elif taken.kind == PRICES:
        own, rest = tariffs.tariff_of(text), others(local, taken, tariffs.tariff_of)
        base = local.lowest(taken.place) if taken.beside else own
        if base is None:
            raise Invalid(f"There is no tariff of {taken.place} to lie beside: leave `beside` out", path="beside")
        tariffs.laid(base, [own, *rest] if taken.beside else rest)


def others(local: Local, taken: Taken, reader: Callable[[str], T]) -> list[T]:
    """The site's other files that lie beside what is built in. One with faults keeps nobody from mending this one."""
    found: list[T] = []
    for file in local.beside(taken.kind, taken.place):
        if file.name != taken.file:
            with suppress(Invalid):
                found.append(read(*stamped(file), reader))
    return found
