"""Effects of treatment: trials, records and made-up worlds whose truth is known.

    python benchmarks/treatment/effects.py [actg ihdp lalonde poor permuted]

Data: ../shared/data/actg175-rct, ihdp-10, treatment-small. `poor` and `permuted` take the people of ACTG 175 and make
up treatment and outcome (the generator is below), with 20 % of the people in corners where nearly everybody, or
nearly nobody, was treated.
"""

import csv
import gzip
import sys
import time
from pathlib import Path

import numpy as np

from salus.learning.effects.average import best_single, effect, estimate, scores, worth
from salus.learning.effects.gate import checks
from salus.learning.effects.overlap import overlap, widened
from salus.learning.effects.personal import proof
from salus.learning.effects.policy import judged
from salus.learning.effects.study import Study
from salus.learning.effects.surfaces import fit_surfaces

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
ACTG = [
    "age",
    "wtkg",
    "hemo",
    "homo",
    "drugs",
    "karnof",
    "z30",
    "preanti",
    "race",
    "gender",
    "str2",
    "symptom",
    "cd40",
    "cd80",
]
POOR = [
    "age",
    "wtkg",
    "karnof",
    "preanti",
    "cd40",
    "cd80",
    "hemo",
    "homo",
    "drugs",
    "z30",
    "race",
    "gender",
    "str2",
    "symptom",
]
LALONDE = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]
Z = 1.959964


def table(path: Path) -> list[dict[str, str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def columns(rows: list[dict[str, str]], names: list[str]) -> np.ndarray:
    return np.array([[float(row[name]) for name in names] for row in rows])


def actg() -> None:
    """The mean CD4 count at 20 weeks if everybody were treated as advised; three times five folds."""
    rows = table(DATA / "actg175-rct" / "ACTG175.csv")
    arms = ("zidovudine", "zidovudine + didanosine", "zidovudine + zalcitabine", "didanosine")
    study = Study(
        columns(rows, ACTG),
        columns(rows, ["arms"])[:, 0].astype(int),
        columns(rows, ["cd420"])[:, 0],
        tuple(ACTG),
        arms,
        randomised=True,
    )
    for seed in range(3):
        found = scores(study, 5, seed)
        verdict, greedy = judged(study, found), found.expected.argmax(1)
        print(
            f"actg seed {seed}: advised {verdict.advised.value:.1f} (a tree: {verdict.earned}), "
            f"best single arm {arms[best_single(study, found)]} {verdict.single.value:.1f}, "
            f"tree {verdict.worth.value:.1f}, highest prediction {worth(found, greedy).value:.1f} "
            f"(standard error {verdict.single.error:.1f})"
        )
        told = [proof(study, found, option) for option in (1, 2, 3)]
        print("  effect model proved:", [one.holds for one in told], [round(one.slope.value, 2) for one in told])


def ihdp() -> None:
    """sqrt-PEHE and coverage of 95 % intervals of everybody's effect, ten replications."""
    errors, covered, cpu = [], [], time.process_time()
    for number in range(1, 11):
        rows = np.loadtxt(DATA / "ihdp-10" / f"ihdp_npci_{number}.csv", delimiter=",")
        option, outcome, truth, x = rows[:, 0].astype(int), rows[:, 1], rows[:, 4] - rows[:, 3], rows[:, 5:]
        mean, doubt = fit_surfaces(x, option, outcome, 2).at(x)
        told, wide = mean[:, 1] - mean[:, 0], Z * np.sqrt(doubt[:, 1])
        errors.append(float(np.sqrt(np.mean((told - truth) ** 2))))
        covered.append(float(np.mean(np.abs(told - truth) < wide)))
    seconds = (time.process_time() - cpu) / 10
    print(
        f"ihdp: sqrt-PEHE {np.mean(errors):.3f} (each {', '.join(f'{one:.2f}' for one in errors)}), "
        f"coverage {np.mean(covered):.3f}, {seconds:.1f} CPU-s a replication"
    )


def lalonde() -> None:
    """Earnings in 1978 of trainees against people of another survey: the experiment says 1,794, or the gate refuses."""
    trial = table(DATA / "treatment-small" / "causaldata__nsw_mixtape.csv.gz")
    survey = table(DATA / "treatment-small" / "causaldata__cps_mixtape.csv.gz")
    rows = [row for row in trial if float(row["treat"]) == 1] + survey
    study = Study(
        columns(rows, LALONDE),
        columns(rows, ["treat"])[:, 0].astype(int),
        columns(rows, ["re78"])[:, 0],
        tuple(LALONDE),
        ("none", "training"),
    )
    found = scores(study)
    refused = [f"{one.key} {one.found:.2f} (bound {one.bound:.2f})" for one in checks(study, found) if not one.holds]
    told = effect(found, 1, 0, overlap(study, found).kept)
    print(f"lalonde: refused by {refused}; behind the gate {told.value:.0f} ({told.low:.0f} to {told.high:.0f})")


def made_up(seed: int, sharp: bool = True) -> tuple[Study, np.ndarray, np.ndarray]:
    """People of ACTG 175, treatment and outcome made up: the study, true effects, who stands where overlap is poor.

    Noise has the standard deviation 1. Where overlap is poor 2 % or 98 % were treated, and the effect is less.
    """
    x = columns(table(DATA / "actg175-rct" / "ACTG175.csv"), POOR)
    draw, z = np.random.default_rng(seed), (x - x.mean(0)) / x.std(0)
    age, weight, cd4, cd8, older, ill = z[:, 0], z[:, 1], z[:, 4], z[:, 5], x[:, 12], x[:, 13]
    corner = (weight + age) / np.sqrt(2)
    low, high = np.quantile(corner, (0.1, 0.9))
    poor = (corner <= low) | (corner >= high)
    baseline = 0.5 * cd4 - 0.3 * ill + 0.3 * np.tanh(cd8) + 0.2 * age
    truth = 0.5 + 0.4 * np.tanh(cd4) - 0.3 * older - 0.3 * poor
    chance = np.clip(1 / (1 + np.exp(-(0.5 * cd4 - 0.3 * cd8 + 0.3 * ill))), 0.15, 0.85)
    chance = np.where(corner <= low, 0.02, np.where(corner >= high, 0.98, chance)) if sharp else chance
    option = (draw.random(len(x)) < chance).astype(int)
    outcome = baseline + truth * option + draw.normal(size=len(x))
    return Study(x, option, outcome, tuple(POOR), ("usual", "new")), truth, poor


def poor(seeds: range = range(5)) -> None:
    """Effects where a fifth of the people have nobody to be compared with."""
    for seed in seeds:
        study, truth, corner = made_up(seed)
        began = time.process_time()
        mean, doubt = fit_surfaces(study.x, study.option, study.outcome, 2).at(study.x)
        seconds = time.process_time() - began
        told, found = mean[:, 1] - mean[:, 0], scores(study)
        wide = Z * widened(np.sqrt(doubt[:, 1]), found.chance, study, 1)
        kept, inside = overlap(study, found).kept, np.abs(told - truth) < wide
        wrong = np.sign(told) != np.sign(truth)
        rates = [float(wrong[rows].mean()) if rows.any() else float("nan") for rows in (~kept, kept)]
        print(
            f"poor seed {seed}: PEHE {np.sqrt(np.mean((told - truth) ** 2)):.3f} in {seconds:.1f} CPU-s; coverage "
            f"{inside[~corner].mean():.3f} inside, {inside[corner].mean():.3f} outside overlap; refused "
            f"{np.mean(~kept[corner]):.2f} of the corners, {np.mean(~kept[~corner]):.3f} of the others; wrong "
            f"way {rates[0]:.2f} of the refused, {rates[1]:.2f} of the kept: {rates[0] / rates[1]:.1f} times"
        )


def permuted() -> None:
    """Treatment shuffled: how often an average effect is supported (the interval leaves out 0) that is not there."""
    study, _, _ = made_up(0, sharp=False)
    draw, supported, rounds = np.random.default_rng(5), 0, 20
    for _ in range(rounds):
        shuffled = Study(study.x, draw.permutation(study.option), study.outcome, study.names, study.options)
        found = scores(shuffled, 2)
        supported += abs(estimate(found.aipw[:, 1] - found.aipw[:, 0]).z) > Z or proof(shuffled, found, 1).holds
    print(f"permuted: {supported} of {rounds} shufflings falsely supported")


if __name__ == "__main__":
    known = {"actg": actg, "ihdp": ihdp, "lalonde": lalonde, "poor": poor, "permuted": permuted}
    for name in sys.argv[1:] or known:
        known[name]()
