"""Two long lists brought together by id without holding either in memory: each is dealt into as many small files as it
takes, by a digest of the id, and then the files are compared two by two."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO
from zlib import crc32

from salus.services.billing.payments.port import State
from salus.services.billing.reconciling.reading import Item

FILES = 64


class Spool:
    """Rows of words without tabs, dealt into `FILES` files of a folder by their first word."""

    def __init__(self, folder: Path, name: str) -> None:
        self.paths = [folder / f"{name}-{n}" for n in range(FILES)]

    def deal(self, rows: Iterable[tuple[str, ...]]) -> None:
        with ExitStack() as stack:
            files: list[IO[str]] = [stack.enter_context(path.open("w", encoding="utf-8")) for path in self.paths]
            for row in rows:
                files[pile_of(row[0])].write("\t".join(row) + "\n")

    def pile(self, n: int) -> Iterator[list[str]]:
        with self.paths[n].open(encoding="utf-8") as file:
            for line in file:
                yield line.rstrip("\n").split("\t")


def pile_of(id: str) -> int:
    return crc32(id.encode()) % FILES


def row_of(item: Item) -> tuple[str, ...]:
    return item.id, item.reference, str(item.amount), item.state.value, item.at, str(item.line)


def item_of(row: list[str]) -> Item:
    id, reference, amount, state, at, line = row
    return Item(id, reference, int(amount), State(state), at, int(line))
