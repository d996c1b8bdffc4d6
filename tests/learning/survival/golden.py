"""Writes golden.json: what scikit-survival says of a few made-up rows. Run where that is installed (it is GPL, so it is
no part of the project's environment): `python tests/learning/survival/golden.py`."""

import json
from pathlib import Path

import numpy as np

TIMES = [0.5, 1.0, 1.5, 2.0]


def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(time, event, foretold risk by each of the times)."""
    chance = np.random.default_rng(12)
    score = chance.normal(size=160)
    time, lost = chance.exponential(np.exp(0.5 - score)), chance.uniform(0.2, 4, size=160)
    told = np.exp(0.7 * (score + 0.8 * chance.normal(size=160)) - 0.6)
    risk = 1 - np.exp(-told[:, None] * np.array(TIMES))
    return np.minimum(time, lost), time <= lost, risk


def main() -> None:
    import sksurv
    from sksurv.metrics import brier_score, concordance_index_censored, concordance_index_ipcw, cumulative_dynamic_auc
    from sksurv.nonparametric import kaplan_meier_estimator
    from sksurv.util import Surv

    time, event, risk = rows()
    truth = Surv.from_arrays(event, time)
    when, free = kaplan_meier_estimator(event, time)
    made = {
        "scikit-survival": sksurv.__version__,
        "harrell": concordance_index_censored(event, time, risk[:, -1])[0],
        "uno": concordance_index_ipcw(truth, truth, risk[:, -1])[0],
        "auroc": cumulative_dynamic_auc(truth, truth, risk, TIMES)[0].tolist(),
        "brier": brier_score(truth, truth, 1 - risk, TIMES)[1].tolist(),
        "free": [float(free[when <= t][-1]) for t in TIMES],
    }
    Path(__file__).with_name("golden.json").write_text(json.dumps(made, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
