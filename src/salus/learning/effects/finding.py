"""A study from beginning to end: the gate, and only behind it the effects, the people they hold for, the advice."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from salus.learning.effects.average import Estimate, Scores, effect, estimate, scores
from salus.learning.effects.gate import Check, checks
from salus.learning.effects.overlap import Overlap, overlap, widened
from salus.learning.effects.personal import Effects, Proof, effects, proof
from salus.learning.effects.policy import Verdict, judged
from salus.learning.effects.study import Matrix, Study


@dataclass(frozen=True)
class Contrast:
    """One option against the first: the average effect among those with overlap, everybody's own, and the proof that
    decides how these were made."""

    option: str
    average: Estimate
    proof: Proof
    effects: Effects


@dataclass(frozen=True)
class Findings:
    """What is known of a study. Where a check fails `contrasts` is empty and `verdict` None: results stay hidden.

    `means`: of each option the mean outcome, had everybody with overlap had it."""

    study: Study
    checks: list[Check]
    overlap: Overlap
    contrasts: tuple[Contrast, ...]
    verdict: Verdict | None
    means: tuple[Estimate, ...] = ()

    @property
    def passed(self) -> bool:
        return all(one.holds for one in self.checks)


def find(study: Study, controls: Mapping[str, Matrix] | None = None, seed: int = 7) -> Findings:
    """Answer a study. Randomised ones pass the same gate: chance can go wrong too."""
    return found_of(study, scores(study, seed=seed), controls)


def found_of(study: Study, found: Scores, controls: Mapping[str, Matrix] | None = None) -> Findings:
    """The same of scores that are there."""
    told, common = checks(study, found, controls), overlap(study, found)
    stands = replace(study, outcome=found.outcome)
    if not all(one.holds for one in told) or not common.kept.any():
        return Findings(study, told, common, (), None)
    contrasts = tuple(contrast(stands, found, common, option) for option in range(1, len(study.options)))
    means = tuple(estimate(found.aipw[common.kept, option]) for option in range(len(study.options)))
    return Findings(study, told, common, contrasts, judged(stands, found), means)


def contrast(study: Study, found: Scores, common: Overlap, option: int) -> Contrast:
    told = proof(study, found, option)
    made = effects(study, found, option, told)
    wide = widened(made.error, found.chance, study, option)
    nobody = np.where(common.kept, made.value, np.nan)  # outside overlap there is no number
    return Contrast(
        study.options[option],
        effect(found, option, kept=common.kept),
        told,
        Effects(nobody, np.where(common.kept, wide, np.nan), made.by),
    )
