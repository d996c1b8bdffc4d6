"""What came of the checks: for machines as JSON, for people through `report`."""

from typing import Literal

import msgspec

Status = Literal["passed", "failed", "not applicable", "not run"]
STATUSES: tuple[Status, ...] = ("failed", "passed", "not applicable", "not run")


class Share(msgspec.Struct, frozen=True):
    """Of `among` rows `failing` were at fault; `name`: a month (2026-03; "" where no time is told), a source."""

    name: str
    among: int
    failing: int

    @property
    def share(self) -> float:
        return self.failing / self.among if self.among else 0.0


class Result(msgspec.Struct, kw_only=True):
    """One check of one source (or one table of it). `examples`: ids of rows at fault, the first of them in their order.

    `reason`: why it was not applicable or not run, in English and Chinese. `months`, `origins`: where any was at fault.
    """

    id: str
    category: str
    level: str
    table: str
    status: Status
    threshold: float
    among: int = 0
    failing: int = 0
    reason: dict[str, str] = {}
    examples: list[str] = []
    months: list[Share] = []
    origins: list[Share] = []

    @property
    def name(self) -> str:
        return f"{self.id}@{self.table}" if self.table else self.id

    @property
    def share(self) -> float:
        return self.failing / self.among if self.among else 0.0


class Outcome(msgspec.Struct, kw_only=True):
    """All checks of a source. `kind`: events or omop; `made_up`: people who are synthetic; `seconds` it took."""

    source: str
    kind: str
    made: str
    rows: int
    people: int
    made_up: int
    results: list[Result]
    seconds: float = 0.0

    def count(self, status: Status) -> int:
        return sum(result.status == status for result in self.results)

    @property
    def failed(self) -> list[Result]:
        return [result for result in self.results if result.status == "failed"]
