"""What every model must beat: the most frequent class, and a score of points that a person can add up."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from salus.learning.dictionary import Feature
from salus.learning.models.family import Matrix, Setting
from salus.learning.step4_train.calibrate import calibrate
from salus.learning.step4_train.calibration import Calibration
from salus.learning.task import Strict, Text

MOST_RULES, MOST_POINTS, MOST_LOOKED_AT = 8, 5, 400
CUTS = (0.1, 0.25, 0.5, 0.75, 0.9)


class Rule(Strict):
    """If the feature is at or above (or below) the cut, add the points."""

    feature: str
    label: Text
    value: str
    window_days: float
    j: int
    at_least: bool
    cut: float
    points: int


class Points(Strict):
    """The score: for each class foretold its rules, and the line from points to log-odds."""

    rules: list[list[Rule]]
    calibration: Calibration

    def totals(self, x: Matrix) -> Matrix:
        """Points of each row for each class foretold. What is not known adds nothing."""
        made = np.zeros((len(x), len(self.rules)))
        for k, rules in enumerate(self.rules):
            for rule in rules:
                made[:, k] += rule.points * holds(x[:, rule.j], rule.cut, rule.at_least)
        return made

    def probabilities(self, x: Matrix) -> Matrix:
        return self.calibration.probabilities(self.totals(x))

    def risks(self, x: Matrix) -> Matrix:
        """Of time to event: the risk by each time."""
        return self.calibration.risks(self.totals(x))


def holds(values: Matrix, cut: float, at_least: bool) -> npt.NDArray[np.bool_]:
    """Whether a rule holds; never for what is not known."""
    with np.errstate(invalid="ignore"):
        return values >= cut if at_least else values < cut


def frequent_probabilities(y: npt.NDArray[Any], classes: int, rows: int) -> Matrix:
    """The training shares of the classes, the same for every row."""
    shares = np.bincount(y, minlength=classes) / len(y)
    return np.tile(shares, (rows, 1))


def points_of(x: Matrix, y: npt.NDArray[Any], setting: Setting, features: Sequence[Feature]) -> Points:
    """Learn the score on training rows: the few strongest yes/no questions, one a thing, with whole points."""
    targets = [1] if setting.kind == "binary" else range(setting.classes)
    rules = [rules_of(x, y == c, features) for c in targets]
    draft = Points(rules=rules, calibration=Calibration(1.0, [0.0] * len(rules)))
    return Points(rules=rules, calibration=calibrate(draft.totals(x), y, setting))


def rules_of(x: Matrix, is_class: npt.NDArray[np.bool_], features: Sequence[Feature]) -> list[Rule]:
    """The rules of one class."""
    found = sorted(candidates(x, is_class), reverse=True)
    chosen: dict[str, tuple[int, float, bool]] = {}
    for _, j, cut, at_least in found:
        if len(chosen) < MOST_RULES:
            chosen.setdefault(features[j].source + (features[j].level or ""), (j, cut, at_least))
    if not chosen:
        return []
    flags = np.column_stack([holds(x[:, j], cut, up) for j, cut, up in chosen.values()])
    weights = LogisticRegression(C=1.0).fit(flags, is_class).coef_[0]
    unit = max(float(np.abs(weights).max()) / MOST_POINTS, 1e-9)
    made = []
    for (j, cut, at_least), weight in zip(chosen.values(), weights, strict=True):
        if points := round(float(weight) / unit):
            f = features[j]
            made.append(rule_of(f, j, cut, at_least, points))
    return made


def rule_of(feature: Feature, j: int, cut: float, at_least: bool, points: int) -> Rule:
    return Rule(
        feature=feature.name,
        label=feature.label,
        value=feature.value,
        window_days=feature.window_days,
        j=j,
        at_least=at_least,
        cut=cut,
        points=points,
    )


def candidates(x: Matrix, is_class: npt.NDArray[np.bool_]) -> list[tuple[float, int, float, bool]]:
    """(strength, feature, cut, at least?) of the best question of each feature. Strength: the chi-square of 2 x 2."""
    made = []
    for j in range(min(x.shape[1], MOST_LOOKED_AT)):
        known = x[:, j][~np.isnan(x[:, j])]
        if len(known) < 20:
            continue
        cuts = np.unique(np.append(np.quantile(known, CUTS), known.min() if len(known) < len(x) else known.max()))
        best = max(
            (strength(holds(x[:, j], cut, up), is_class), float(cut), up) for cut in cuts for up in (True, False)
        )
        made.append((best[0], j, best[1], best[2]))
    return made


def strength(flag: npt.NDArray[np.bool_], is_class: npt.NDArray[np.bool_]) -> float:
    """Chi-square of a yes/no question against a yes/no class; 0 when it splits nobody off."""
    n, said, yes = len(flag), int(flag.sum()), int(is_class.sum())
    if min(said, n - said) < 5 or yes in (0, n):
        return 0.0
    both = int((flag & is_class).sum())
    return (both * n - said * yes) ** 2 / (said * (n - said) * yes * (n - yes)) * n
