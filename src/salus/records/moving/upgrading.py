"""The layout of a store brought to today's by word of command, with what was done; opening it does the same."""

from contextlib import closing
from dataclasses import dataclass

from salus.records import faults, reindexing, upgrades
from salus.records.engines import engine_of
from salus.records.moving.copying import OnProgress, silent
from salus.records.store import Store
from salus.records.upgrades import Step


@dataclass(frozen=True, slots=True)
class Upgraded:
    """From which layout, by which steps; whether everything was indexed anew, and how many resources there are."""

    found: int
    steps: list[Step]
    indexed: bool
    resources: int


def upgrade_in_place(place: str, on_progress: OnProgress = silent) -> Upgraded:
    """Bring a store to today's layout; `on_progress` hears when "lay" begins, then "index".

    Raises Missing when there is none, Conflict for a layout that no step leads on from, or a newer one.
    """
    engine = engine_of(place)
    engine.check_whole()
    with faults.in_our_words():
        with closing(engine.looker()) as connection:
            found = int(connection.execute(upgrades.FOUND).fetchone()[0])
            index = connection.execute("SELECT value FROM meta WHERE name='index'").fetchone()
        upgrades.check(found, engine.name)
        on_progress("lay", 0, 2)
        with closing(engine.gate()) as gate, gate.held(), closing(engine.founder()) as connection:
            steps = upgrades.upgrade(connection, engine.name)
    on_progress("index", 1, 2)
    with Store(place) as store:
        count = sum(store.count().values())
    return Upgraded(found, steps, index is None or index[0] != reindexing.fingerprint(), count)
