"""What a deployed model says about one person."""

from dataclasses import dataclass, field

from salus.learning.task import Text


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one thing known adds to the log-odds of the claim. `source_ids`: resources it came from, newest first."""

    feature: str
    label: Text
    value: float | None
    unit: str | None
    weight: float
    source_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Prediction:
    """Probabilities with intervals, or why there are none.

    `claim` is the class the contributions speak about: of a yes/no question the class foretold, else the likeliest.
    `base` + the sum of all weights = the log-odds of the claim (of many classes: its log-probability less the mean of
    the others'; of a number: the value). `missing`: features that would matter most and are not known.
    `answers`: the classes that cannot be ruled out at `level`, the likeliest first; `undecided` says whether that says
    nothing. Of a number, `interval` is the range that holds the truth at `level`. Without bounds `level` is None.
    Of time to event, yes means by the horizon; `curve`: (time, risk by then), and weights add up to the log cumulative
    hazard by the horizon, of which the risk is 1 - exp(-exp(.)).
    `abstained`: too-little-data, not-in-cohort, out-of-range; then the rest is empty.
    """

    probabilities: dict[str, float] = field(default_factory=dict)
    interval: dict[str, tuple[float, float]] = field(default_factory=dict)
    contributions: list[Contribution] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    abstained: str | None = None
    claim: str = ""
    base: float = 0.0
    value: float | None = None
    answers: list[str] = field(default_factory=list)
    level: float | None = None
    curve: list[tuple[float, float]] = field(default_factory=list)

    @property
    def undecided(self) -> str | None:
        """Why the answers decide nothing: `all` classes are among them, or `none`; None where they decide."""
        if self.level is None or not self.probabilities:
            return None
        return {0: "none", len(self.probabilities): "all"}.get(len(self.answers))
