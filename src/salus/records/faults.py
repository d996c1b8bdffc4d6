"""Faults of the database in the words of the house: what cannot be written, what can no longer be read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from salus.base.errors import Busy, Damaged, SalusError

PATIENCE = 10.0  # seconds that a writer waits for another program's turn to end
CURE = "its other records stay readable; `salus verify` names all that is damaged, `salus restore` brings a backup back"
WORDS: dict[type[Exception], Callable[[Exception], SalusError]] = {}  # each engine puts in how its faults are told


def as_salus(fault: BaseException) -> BaseException:
    """The error of the house for an error of the database; anything else as it is."""
    for kind, told in WORDS.items():
        if isinstance(fault, kind):
            return told(fault)
    return fault


class Lengthy(Busy):
    """A read was given up that could not be answered at once."""


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raises the error of the house for each error of the database."""
    try:
        yield
    except tuple(WORDS) as fault:
        raise as_salus(fault) from fault


def damaged(reference: str, version: int) -> Damaged:
    """The fault of one stored body, by its name."""
    return Damaged(
        f"{reference} version {version} is damaged on disk, it does not match its checksum: {CURE}", path=reference
    )
