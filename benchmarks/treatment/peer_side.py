"""The peers' side of `peers.py`, run by their own Python: econml and stochtree. Reads what it is told, writes answers.

PYTHON peer_side.py FOLDER      (FOLDER/*.npz: x, option, outcome and, of policies, fold)
"""

import sys
import time
import warnings
from pathlib import Path

import numpy as np

warnings.filterwarnings("ignore")


def policy_tree(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """econml's doubly robust policy tree of two questions: of each fold the choice by a tree of the others."""
    from econml.policy import DRPolicyTree

    choice = np.empty(len(given["option"]), dtype=int)
    for k in np.unique(given["fold"]):
        seen, held = given["fold"] != k, given["fold"] == k
        tree = DRPolicyTree(max_depth=2, min_samples_leaf=40, random_state=int(given["seed"]))
        tree.fit(given["outcome"][seen], given["option"][seen], X=given["x"][seen])
        choice[held] = tree.predict(given["x"][held])
    return {"choice": choice}


def causal_forest(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """econml's causal forest with its usual settings: everybody's effect with its 95 % interval."""
    from econml.dml import CausalForestDML

    forest = CausalForestDML(discrete_treatment=True, random_state=1, n_jobs=1)
    forest.fit(given["outcome"], given["option"], X=given["x"])
    low, high = forest.effect_interval(given["x"], alpha=0.05)
    return {"effect": forest.effect(given["x"]), "low": low, "high": high}


def bayesian_forest(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """stochtree's Bayesian causal forest, 100 draws after 10 of warm start."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler
    from stochtree import BCFModel

    x, option = given["x"].astype(float), given["option"].astype(float)
    scaled = StandardScaler().fit_transform(x)
    chance = LogisticRegression(max_iter=500).fit(scaled, option).predict_proba(scaled)[:, 1]
    model = BCFModel()
    model.sample(
        X_train=x,
        Z_train=option,
        y_train=given["outcome"].astype(float),
        propensity_train=chance,
        num_gfr=10,
        num_mcmc=100,
        general_params={"random_seed": 1},
    )
    draws = np.asarray(model.tau_hat_train).reshape(len(x), -1)
    low, high = np.quantile(draws, (0.025, 0.975), axis=1)
    return {"effect": draws.mean(1), "low": low, "high": high}


ASKED = {"policy": {"DRPolicyTree": policy_tree}}
ASKED["effect"] = {"CausalForestDML": causal_forest, "BCF": bayesian_forest}


def main(folder: Path) -> None:
    for place in sorted(folder.glob("*.npz")):
        given = dict(np.load(place))
        for name, answer in ASKED[place.stem.split("-")[0]].items():
            began = time.process_time()
            try:
                made = answer(given)
            except Exception as error:  # a peer that fails says so in the table
                print(f"{place.stem} {name}: {type(error).__name__}: {error}", file=sys.stderr)
                continue
            np.savez(folder / f"{place.stem}.{name}.out", seconds=time.process_time() - began, **made)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
