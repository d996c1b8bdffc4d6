"""Who listens to the records, and who comes round by the clock: charges, the waiting list, notices.

A listener hears each change once or more, in order. What it writes has ids that follow from what it heard, so that to
hear a thing twice is to hear it once. One change that cannot be heard is told of in the log, by its name alone, and
holds up nothing after it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from salus.base import clock
from salus.base.errors import Busy
from salus.base.settings import Settings
from salus.records import Store
from salus.records.shapes import Change

log = logging.getLogger(__name__)
BEGAN = "services-began"  # where it keeps when they began, in seconds of the epoch
CURSOR = "services"  # where the store keeps how far they have heard
LIMIT = 500  # changes heard before it is kept how far one has come
LOOK = 0.03  # seconds between two looks at what other processes have written
PATIENCE = 0.2  # seconds between two looks at whether to stop
PAUSE = 1.0  # seconds before a store that was busy is asked again


class Until(Protocol):
    def is_set(self) -> bool: ...

    def wait(self, timeout: float) -> object: ...


@dataclass(frozen=True, slots=True)
class House:
    """What a listener works with."""

    store: Store
    settings: Settings


@dataclass(frozen=True, slots=True)
class Listener:
    """`hear` is called for each change of a resource of `types`."""

    name: str
    types: frozenset[str]
    hear: Callable[[House, Change], None]


@dataclass(frozen=True, slots=True)
class Chore:
    """`do` is called every so often, whatever has changed; what it does twice must be as if it did it once."""

    name: str
    every: timedelta
    do: Callable[[House], None]


def began(store: Store) -> datetime:
    """When the services began to listen; the beginning of the epoch where that was not kept."""
    return datetime.fromtimestamp(store.cursor(BEGAN), UTC)


def begin(store: Store) -> int:
    """How far the services have heard. What was there before a house began to listen concerns none of them: a
    hospital's past is not billed again."""
    if not (at := store.cursor(CURSOR)):
        at = store.last_transaction() or -1  # 0 is a store that nobody listened to yet
        store.set_cursor(BEGAN, int(clock.now().timestamp()))
        store.set_cursor(CURSOR, at)
    return at


def catch_up(house: House, listeners: Sequence[Listener]) -> int:
    """Hear all that came since; how many changes it was. Raises Busy: then it is heard again from where one was."""
    heard, at = 0, begin(house.store)
    while changes := house.store.outbox(at, LIMIT):
        for change in changes:
            for listener in listeners:
                if change.type in listener.types:
                    hear(house, listener, change)
        at = changes[-1].t
        house.store.set_cursor(CURSOR, at)
        heard += len(changes)
    return heard


def hear(house: House, listener: Listener, change: Change) -> None:
    """Raises Busy and OSError, since what was not heard for those is heard later."""
    try:
        listener.hear(house, change)
    except (Busy, OSError):
        raise
    except Exception as fault:
        log.error("%s could not hear %s/%s: %s", listener.name, change.type, change.id, type(fault).__name__)


class Rounds:
    """All listeners and chores of a house, one after the other."""

    def __init__(self, house: House, listeners: Sequence[Listener], chores: Sequence[Chore]) -> None:
        self.house, self.listeners, self.chores = house, listeners, chores
        self.due: dict[str, datetime] = {}

    def go(self) -> None:
        """Everything that is due now, once."""
        catch_up(self.house, self.listeners)
        for chore in self.chores:
            if self.due.get(chore.name, clock.now()) <= clock.now():
                self.due[chore.name] = clock.now() + chore.every
                self.do(chore)

    def do(self, chore: Chore) -> None:
        try:
            chore.do(self.house)
        except (Busy, OSError):
            raise
        except Exception as fault:
            log.error("%s was not done: %s", chore.name, type(fault).__name__)

    def run(self, until: Until) -> None:
        """Go round until told to stop."""
        while not until.is_set():
            try:
                at = begin(self.house.store)
                self.go()
                self.house.store.wait(at, PATIENCE, LOOK)
            except (Busy, OSError) as fault:
                log.warning("The services are behind (%s): trying again", type(fault).__name__)
                until.wait(PAUSE)
