"""Scores by lifelines and scikit-survival, in their own environment: python survival_peers.py ROWS.npz SCORES.npz.

Prints the CPU-seconds of fitting, peer -> one a cut. What is not known becomes the median of the rows to learn from.
"""

import json
import sys
import time
import warnings

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from sksurv.ensemble import GradientBoostingSurvivalAnalysis, RandomSurvivalForest
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv


class Lifelines:
    """Cox regression with a ridge like ours."""

    def fit(self, x, y):
        frame = pd.DataFrame(x).assign(time=y["time"], event=y["event"])
        self.model = CoxPHFitter(penalizer=0.01).fit(frame, "time", "event")
        return self

    def predict(self, x):
        return np.asarray(self.model.predict_log_partial_hazard(pd.DataFrame(x)))


PEERS = {
    "lifelines Cox": Lifelines,
    "scikit-survival Cox": lambda: CoxPHSurvivalAnalysis(alpha=1.0, ties="efron"),
    "scikit-survival forest": lambda: RandomSurvivalForest(
        80, min_samples_leaf=15, max_features=0.3, low_memory=True, n_jobs=2, random_state=7
    ),
    "scikit-survival boosting": lambda: GradientBoostingSurvivalAnalysis(n_estimators=80, random_state=7),
}


def main() -> None:
    warnings.simplefilter("ignore")
    rows, scores, seconds = np.load(sys.argv[1]), {}, {name: [] for name in PEERS}
    for i in range(sum(name.startswith("train") for name in rows.files)):
        train, test = rows[f"train{i}"], rows[f"test{i}"]
        middle, spread = np.nanmedian(rows["x"][train], axis=0), np.nanstd(rows["x"][train], axis=0)
        x = (np.where(np.isnan(rows["x"]), middle, rows["x"]) - middle) / np.where(spread > 0, spread, 1)
        y = Surv.from_arrays(rows["y"][:, 1] == 1, rows["y"][:, 0])
        for name, make in PEERS.items():
            start = time.process_time()
            model = make().fit(x[train], y[train])
            seconds[name].append(time.process_time() - start)
            scores[f"{name}{i}"] = model.predict(x[test])
    np.savez(sys.argv[2], **scores)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
