"""Lines of use added up: verdicts, reasons, months, bands of probability. Old lines can go: their sums stay."""

from datetime import datetime

import msgspec

from salus.assistants.suggestion import VERDICTS

BANDS = tuple((low / 10, (low + 1) / 10) for low in range(10))  # of probability, [low, high)
LATEST = 20  # refusals shown in full
UNANSWERED = "unanswered"


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One suggestion: when, the end of the time it speaks of, by which version, what was said; the answer that stands
    with its id and instant; `came`: whether a condition in time is known. `ours`: about a patient of this store."""

    at: str
    until: str
    version: str
    claim: str = ""
    said: float | None = None
    abstained: bool = False
    ours: bool = True
    verdict: str = ""
    reason: str = ""
    answer: str = ""
    answered: str = ""
    came: bool = False

    def outcome(self, now: datetime) -> bool | None:
        """Whether the leading claim came; None while it may still come, or for a patient who is not ours."""
        if self.said is None or not self.ours:
            return None
        return True if self.came else False if datetime.fromisoformat(self.until) < now else None


class Mean(msgspec.Struct):
    """Of suggestions whose outcome is known: how many, the sum of what was said, how many came."""

    count: int = 0
    said: float = 0.0
    came: int = 0

    def add(self, said: float, came: bool) -> None:
        self.count, self.said, self.came = self.count + 1, self.said + said, self.came + came


class Month(msgspec.Struct):
    suggestions: int = 0
    verdicts: dict[str, int] = msgspec.field(default_factory=dict)
    known: Mean = msgspec.field(default_factory=Mean)


class Refusal(msgspec.Struct, frozen=True):
    """A refusal by the ids of suggestion and answer; the words are read where they are kept."""

    answered: str
    answer: str
    suggestion: str
    version: str
    reason: str
    said: float | None


class Sums(msgspec.Struct):
    """Everything the monitoring page counts."""

    suggestions: int = 0
    abstained: int = 0
    versions: dict[str, int] = msgspec.field(default_factory=dict)
    verdicts: dict[str, int] = msgspec.field(default_factory=dict)
    reasons: dict[str, int] = msgspec.field(default_factory=dict)
    months: dict[str, Month] = msgspec.field(default_factory=dict)
    bands: list[Mean] = msgspec.field(default_factory=lambda: [Mean() for _ in BANDS])
    refusals: list[Refusal] = msgspec.field(default_factory=list)

    def add(self, identity: str, line: Line, now: datetime) -> None:
        """Add one line."""
        month, verdict = self.months.setdefault(line.at[:7], Month()), line.verdict or UNANSWERED
        self.suggestions, self.abstained = self.suggestions + 1, self.abstained + line.abstained
        month.suggestions += 1
        for counts, key in ((self.versions, line.version), (self.verdicts, verdict), (month.verdicts, verdict)):
            counts[key] = counts.get(key, 0) + 1
        if line.verdict == "refused":
            self.refuse(identity, line)
        came = line.outcome(now)
        if line.said is not None and came is not None:
            month.known.add(line.said, came)
            self.bands[band_of(line.said)].add(line.said, came)

    def refuse(self, identity: str, line: Line) -> None:
        self.reasons[line.reason] = self.reasons.get(line.reason, 0) + 1
        one = Refusal(line.answered, line.answer, identity, line.version, line.reason, line.said)
        self.refusals = sorted([*self.refusals, one], key=lambda r: (r.answered, r.answer), reverse=True)[:LATEST]

    def verdict_counts(self) -> dict[str, int]:
        """How many suggestions have each verdict as their standing answer, and how many none."""
        return {verdict: self.verdicts.get(verdict, 0) for verdict in (*VERDICTS, UNANSWERED)}


def band_of(said: float) -> int:
    """The band of a probability; 1 belongs to the last.

    >>> band_of(0.0), band_of(0.3), band_of(0.999), band_of(1.0)
    (0, 3, 9, 9)
    """
    return next((i for i, (low, high) in enumerate(BANDS) if low <= said < high), len(BANDS) - 1)
