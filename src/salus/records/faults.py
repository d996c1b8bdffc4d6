"""Faults of the database in the words of the house: what cannot be written, what can no longer be read."""

from collections.abc import Callable
from types import TracebackType

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


class InOurWords:
    """Raises the error of the house for each error of the database. It keeps nothing: one serves all."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if fault is not None and isinstance(fault, tuple(WORDS)):
            raise as_salus(fault) from fault


OURS = InOurWords()


def in_our_words() -> InOurWords:
    return OURS


def damaged(reference: str, version: int) -> Damaged:
    """The fault of one stored body, by its name."""
    return Damaged(
        f"{reference} version {version} is damaged on disk, it does not match its checksum: {CURE}", path=reference
    )
