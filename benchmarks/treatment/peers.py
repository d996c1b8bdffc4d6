"""Peers on the same people and folds: econml's policy tree and causal forest, stochtree's Bayesian causal forest.

    SALUS_TREATMENT_PEER=/path/to/python python benchmarks/treatment/peers.py

The other Python (`pip install econml stochtree` in an environment of its own) is run once, beside nothing else. Without
it this says so and ends.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from effects import ACTG, DATA, Z, columns, made_up, table

from salus.learning.effects.average import scores, worth
from salus.learning.effects.policy import judged
from salus.learning.effects.study import Study
from salus.learning.effects.surfaces import fit_surfaces

SEEDS, POOR, REPLICATIONS = range(3), range(2), range(1, 11)


def trial() -> Study:
    rows = table(DATA / "actg175-rct" / "ACTG175.csv")
    option = columns(rows, ["arms"])[:, 0].astype(int)
    outcome = columns(rows, ["cd420"])[:, 0]
    return Study(columns(rows, ACTG), option, outcome, tuple(ACTG), ("0", "1", "2", "3"), randomised=True)


def replication(number: int) -> tuple[Study, np.ndarray]:
    rows = np.loadtxt(DATA / "ihdp-10" / f"ihdp_npci_{number}.csv", delimiter=",")
    x = rows[:, 5:]
    names = tuple(f"x{at}" for at in range(x.shape[1]))
    return Study(x, rows[:, 0].astype(int), rows[:, 1], names, ("0", "1")), rows[:, 4] - rows[:, 3]


def told(folder: Path, name: str, study: Study, **more: object) -> None:
    np.savez(folder / f"{name}.npz", x=study.x, option=study.option, outcome=study.outcome, **more)


def answers(folder: Path, name: str) -> dict[str, dict[str, np.ndarray]]:
    return {place.name.split(".")[1]: dict(np.load(place)) for place in sorted(folder.glob(f"{name}.*.out.npz"))}


def judge(truth: np.ndarray, effect: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """sqrt-PEHE, and the share of people whose interval holds their truth."""
    return float(np.sqrt(np.mean((effect - truth) ** 2))), float(np.mean((low <= truth) & (truth <= high)))


def ours(study: Study) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, doubt = fit_surfaces(study.x, study.option, study.outcome, 2).at(study.x)
    effect, wide = mean[:, 1] - mean[:, 0], Z * np.sqrt(doubt[:, 1])
    return effect, effect - wide, effect + wide


def compare(folder: Path, name: str, worlds: dict[str, tuple[Study, np.ndarray]]) -> None:
    """A line each: the mean over the worlds."""
    found: dict[str, list[tuple[float, float]]] = {"ours": []}
    for key, (study, truth) in worlds.items():
        found["ours"].append(judge(truth, *ours(study)))
        for peer, said in answers(folder, key).items():
            found.setdefault(peer, []).append(judge(truth, said["effect"].ravel(), said["low"], said["high"]))
    for who, each in found.items():
        error, inside = np.mean(each, axis=0)
        print(f"{name}, {who}: sqrt-PEHE {error:.3f}, coverage {inside:.3f} ({len(each)} worlds)")


def main(python: str) -> None:
    effects = {f"effect-ihdp{number}": replication(number) for number in REPLICATIONS}
    corners = {f"effect-poor{seed}": made_up(seed)[:2] for seed in POOR}
    with tempfile.TemporaryDirectory() as room:
        folder, study = Path(room), trial()
        found = {seed: scores(study, 5, seed) for seed in SEEDS}
        for seed, one in found.items():
            told(folder, f"policy-{seed}", study, fold=one.fold, seed=seed)
        for name, (world, _) in (effects | corners).items():
            told(folder, name, world)
        subprocess.run([python, str(Path(__file__).with_name("peer_side.py")), room], check=True)
        for seed, one in found.items():
            said = answers(folder, f"policy-{seed}")
            peers = ", ".join(f"{name} {worth(one, answer['choice']).value:.1f}" for name, answer in said.items())
            verdict = judged(study, one)
            print(f"actg seed {seed}: ours {verdict.advised.value:.1f}, our tree {verdict.worth.value:.1f}, {peers}")
        compare(folder, "ihdp", effects)
        compare(folder, "poor overlap", corners)


if __name__ == "__main__":
    if not (peer := os.environ.get("SALUS_TREATMENT_PEER")):
        sys.exit("No peer: SALUS_TREATMENT_PEER does not name a Python that has econml and stochtree")
    main(peer)
