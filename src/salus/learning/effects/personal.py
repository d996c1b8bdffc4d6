"""The effect for one person. By default what everybody gains, scaled by the person's own baseline risk; a model of
effects only where it has proved itself on people it never saw.

Proof (both): predicted effects are calibrated, the slope's interval holds 1 and lies above 0; and they rank, RATE
z > 1.96 (Yadlowsky et al., https://doi.org/10.1080/01621459.2024.2393466).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from salus.learning.effects.average import Estimate, Scores, Z, effect
from salus.learning.effects.study import Matrix, Study

DRAWS = 200


@dataclass(frozen=True, slots=True)
class Proof:
    """Slope of observed on predicted effects with its interval, and the z of RATE; of one option against the first."""

    slope: Estimate
    rate: Estimate

    @property
    def holds(self) -> bool:
        return self.slope.low > 0 and self.slope.low <= 1 <= self.slope.high and self.rate.z > Z


@dataclass(frozen=True)
class Effects:
    """Effects of one option against the first for people, shape (n,), with standard errors; and how they were made."""

    value: Matrix
    error: Matrix
    by: Literal["baseline", "model"]


def proof(study: Study, found: Scores, option: int, seed: int = 7) -> Proof:
    """Whether the effect model may be used for this option: nobody's own outcome made their prediction."""
    gain = study.better(found.aipw[:, option] - found.aipw[:, 0])
    foretold = study.better(found.expected[:, option] - found.expected[:, 0])
    return Proof(slope(foretold, gain), rate(foretold, gain, seed))


def slope(foretold: Matrix, gain: Matrix) -> Estimate:
    """The slope of a straight line through (foretold, gain), with the robust standard error (HC0)."""
    centred = foretold - foretold.mean()
    power = float(centred @ centred)
    if power < 1e-12 * len(centred):
        return Estimate(0.0, float("inf"))
    value = float(centred @ gain) / power
    missed = gain - gain.mean() - value * centred
    return Estimate(value, float(np.sqrt((centred**2) @ (missed**2))) / power)


def rate(foretold: Matrix, gain: Matrix, seed: int = 7) -> Estimate:
    """AUTOC: how much more than the mean those gain who are ranked first, averaged over how many are taken."""
    draw = np.random.default_rng(seed)
    ranked = gain[np.argsort(-foretold, kind="stable")]
    counts = draw.multinomial(len(gain), np.full(len(gain), 1 / len(gain)), size=DRAWS)
    drawn = [autoc(np.repeat(ranked, one)) for one in counts]
    return Estimate(autoc(ranked), float(np.std(drawn)))


def autoc(ranked: Matrix) -> float:
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1)).mean() - ranked.mean())


def effects(study: Study, found: Scores, option: int, told: Proof) -> Effects:
    """The effect of an option against the first for everybody in the study."""
    if told.holds:
        value = found.expected[:, option] - found.expected[:, 0]
        return Effects(value, np.sqrt(found.doubt[:, option]), "model")
    return by_baseline(study, found, option)


def by_baseline(study: Study, found: Scores, option: int) -> Effects:
    """Baseline times the relative effect of everybody (outcomes that are never below 0), else the average effect.

    Kent et al. 2020, the PATH statement, https://doi.org/10.7326/M18-3667
    """
    whole = effect(found, option)
    baseline = found.expected[:, 0]
    mean = float(found.aipw[:, 0].mean())
    if study.is_binary and mean > 0:
        share = np.clip(baseline, 0, 1) / mean
        return Effects(whole.value * share, whole.error * share, "baseline")
    return Effects(np.full(len(baseline), whole.value), np.full(len(baseline), whole.error), "baseline")
