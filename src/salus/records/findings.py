"""What was found when a store was looked at."""

from collections.abc import Callable
from dataclasses import dataclass, field

OnProgress = Callable[[str, int, int], None]  # step, done, in all
MOST = 1000  # faults that are told


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with what: `kind` has its words in `salus.cli` under `verify.<kind>`."""

    kind: str
    what: str


@dataclass(slots=True)
class Findings:
    """What was looked at, and what was wrong with it (the first 1,000; `count` has all).

    `erased`: versions that were erased, by so many `erasures`, of which some may be `unfinished`.
    """

    transactions: int = 0
    resources: int = 0
    audited: int = 0
    erased: int = 0
    erasures: int = 0
    unfinished: int = 0
    count: int = 0
    faults: list[Fault] = field(default_factory=list)

    def add(self, kind: str, what: str) -> None:
        self.count += 1
        if len(self.faults) < MOST:
            self.faults.append(Fault(kind, what))
