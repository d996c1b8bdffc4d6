"""Where an import stands, in a file beside the store, so that one that was cut off goes on there.

It is bound to the files (name, size, time of change) and to the mapping: when one changes, the import starts anew,
which costs time but stores nothing twice.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

import msgspec

from salus.exchange.mapping import Mapping
from salus.exchange.opening import files_at
from salus.exchange.report import Report

decode = msgspec.json.Decoder(tuple[int, Report]).decode


class Place:
    """`items`: so many things were read and are settled in the store; `report` is what came of them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        self.items, self.report = 0, Report()
        with suppress(FileNotFoundError, msgspec.DecodeError):  # none yet, or not readable: from the start
            self.items, self.report = decode(file.read_bytes())

    def keep(self, items: int) -> None:
        """A crash leaves the former place or this one. After a loss of power it may be gone, and costs only time."""
        self.items = items
        beside = self._file.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode((items, self.report)))
        beside.replace(self._file)

    def leave(self) -> None:
        """The import is complete: the next one looks at everything again."""
        self._file.unlink(missing_ok=True)


def place_of(folder: Path, path: Path, mapping: Mapping | None) -> Place:
    """The place of importing `path`, in the folder of one store's. Raises Missing when there is nothing at `path`."""
    told = hashlib.sha256()
    for file in files_at(path):
        seen = file.stat()
        told.update(f"{file.resolve()}\0{seen.st_size}\0{seen.st_mtime_ns}\n".encode())
    told.update(msgspec.json.encode(mapping))
    return Place(folder / f"{told.hexdigest()[:32]}.json")
