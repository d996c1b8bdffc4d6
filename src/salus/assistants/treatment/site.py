"""A site's own rules beside those shipped: one file for each that was taken in, in a folder next to the store.

A row of the same name takes the place of the one shipped. A server notices a new file at the next question.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from salus.assistants.treatment.screen.knowledge import Knowledge, knowledge_of, merged, shipped_table, sourceless
from salus.assistants.treatment.screen.rules import TABLES, Table, read_file, sorted_out
from salus.base.errors import Invalid, Issue, Missing
from salus.records.engines import engine_of

FOLDER, SUFFIX = "knowledge", ".json"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file brought: rows by kind, and the rows that were not taken, each with its name and why."""

    counts: dict[str, int]
    bad: list[Issue]


class Shelf:
    """The rules of an installation; read again only when a file of the folder is another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: tuple[tuple[str, int], ...] | None = None
        self._knowledge: Knowledge | None = None

    def files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{SUFFIX}"))

    def knowledge(self) -> Knowledge:
        """All rules together. Raises Invalid for a file that was changed by hand and no longer fits."""
        seen = tuple((file.name, file.stat().st_mtime_ns) for file in self.files())
        if self._knowledge is None or seen != self._seen:
            self._knowledge = knowledge_of([shipped_table(), *map(opened, self.files())])
            self._seen = seen
        return self._knowledge

    def take(self, file: Path, name: str) -> Taken:
        """Take a file of rules in under a name, in place of the earlier one: the rows that fit, the others are named.

        Raises Missing (no such file), Malformed (neither TOML nor CSV), Invalid (no row fits; nothing is kept then).
        """
        if not NAME.fullmatch(name):
            raise Invalid(f"'{name}' must be small letters, digits and -: it names a file", path="name")
        table, bad = sorted_out(read_file(file))
        others = [shipped_table(), *(opened(one) for one in self.files() if one.stem != name)]
        homeless = sourceless(merged([*others, table]))
        table = without(table, {one.path for one in homeless})
        counts = {kind: len(getattr(table, kind)) for kind in TABLES}
        bad = [*bad, *homeless]
        if not sum(counts.values()):
            raise Invalid(
                f"No row of {file.name} fits" + (f": {bad[0].path}: {bad[0].text}" if bad else ""), issues=bad
            )
        self._write(name, table)
        return Taken(counts, bad)

    def _write(self, name: str, table: Table) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / f".{name}.{os.getpid()}"
        fresh.write_bytes(msgspec.json.encode(table))
        fresh.replace(self.folder / f"{name}{SUFFIX}")

    def remove(self, name: str) -> None:
        """Forget what was taken in under a name. Raises Missing."""
        place = self.folder / f"{name}{SUFFIX}"
        if place not in self.files():
            kept = ", ".join(one.stem for one in self.files()) or "none"
            raise Missing(f"'{name}' was not taken in here; {kept} was", path="name")
        place.unlink()


def shelf_of(store: Path | str) -> Shelf:
    """The rules that are kept beside a store (a file, or the URL of a database)."""
    return Shelf(engine_of(store).folder / FOLDER)


def without(table: Table, paths: set[str]) -> Table:
    """The table but for the rows named `kind.name`."""
    return Table(
        **{
            kind: {key: row for key, row in getattr(table, kind).items() if f"{kind}.{key}" not in paths}
            for kind in TABLES
        }
    )


def opened(file: Path) -> Table:
    """Raises Invalid for a file that is not as we wrote it."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Table)
    except msgspec.MsgspecError as fault:
        raise Invalid(f"{file.name} cannot be read ({fault}): take those rules in again", path=file.name) from None
