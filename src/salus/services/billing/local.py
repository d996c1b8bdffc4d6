"""The tariff, the rules and the groups of a place: a site's own file beside its store (`tariffs/cn.toml`,
`settlement/cn.toml`, `drg/cn.toml`), else the shipped examples. A running program notices a new file at once."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from salus.base.errors import Invalid, Missing
from salus.places import drg, settlement, tariffs
from salus.places.settlement import Rule
from salus.places.tariffs import Tariff
from salus.records.engines import engine_of

T = TypeVar("T")
USUAL = "cn"


class Local:
    """`folder`: where the files stand that belong to a store (`Store.folder`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tariff(self, place: str) -> Tariff | None:
        """None for a place that nothing is known of. Raises Invalid for a file with faults."""
        return self._found("tariffs", place, tariffs.tariff_of, tariffs.shipped)

    def rules(self, place: str) -> tuple[Rule, ...]:
        return self._found("settlement", place, settlement.rules_of, settlement.shipped) or ()

    def groups(self, place: str) -> drg.Table | None:
        """None for a place that nothing is known of. Raises Invalid for a file with faults."""
        return self._found("drg", place, drg.table_of, drg.shipped)

    def _found(self, kind: str, place: str, read: Callable[[str], T], shipped: Callable[[str], T]) -> T | None:
        file = self.folder / kind / f"{place}.toml"
        try:
            if place.isalpha() and file.is_file():
                made: T = own(file, file.stat().st_mtime_ns, read)
                return made
            return shipped(place)
        except Missing:
            return None


@lru_cache(16)
def own(file: Path, _: int, read: Callable[[str], T]) -> T:
    """A site's file, read again only when it is another."""
    return read(file.read_text("utf-8"))


def take(text: str, store: Path | str | None = None) -> tuple[str, str, int]:
    """Read a site's file (prices, rules, groups), and keep it beside a store if one is named: what it is, of which
    place, how many rows it has. Raises Invalid with every fault; then what stood there stays."""
    if "[[rule]]" in text:
        rules = settlement.rules_of(text)
        kind, places, count = "settlement", {one.place for one in rules}, len(rules)
    elif "[[family]]" in text:
        table = drg.table_of(text)
        kind, places, count = "drg", {table.place}, len(table.family)
    else:
        tariff = tariffs.tariff_of(text)
        kind, places, count = "tariffs", {tariff.place}, len(tariff.prices)
    place = ", ".join(sorted(places))
    if len(places) != 1 or not place.isalpha() or not place.isascii():
        raise Invalid(f"A file is for one place, such as cn: this one is for '{place}'", path="place")
    if store is not None:
        file = engine_of(store).folder / kind / f"{place}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return kind, place, count
