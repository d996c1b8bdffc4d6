"""What the benchmarks of this folder print of a run that held everyone out once, and what is aimed at."""

import os
import platform
import time
from collections.abc import Mapping

from salus.learning.learn import Learned
from salus.learning.run import Run
from salus.learning.step5_evaluate.bootstrap import Figure
from salus.learning.step5_evaluate.figures import Evaluation, Rotation

SHOWN = ("auroc", "auprc", "brier", "slope", "intercept", "o_e", "ece", "precision", "recall", "specificity")
SLACK, LARGE = 0.02, 500


def machine() -> str:
    load = os.getloadavg()[0]
    return f"{platform.machine()}, {os.cpu_count()} CPUs, load {load:.1f}, Python {platform.python_version()}"


def spoken(one: Figure) -> str:
    return f"{one.value:.4f} ({one.low:.4f} to {one.high:.4f})"


def told(made: Learned, started: float) -> dict[str, float]:
    """Print what came of it; gives the figures that have an aim. `started`: of `time.perf_counter`."""
    run = Run(made.run)
    found = run.read("step5_evaluate", "rotation.json", Rotation)
    split = run.read("step5_evaluate", "figures.json", Evaluation)
    print(f"{found.rows} rows of {found.subjects} subjects, {found.folds} folds; chosen: {', '.join(found.families)}")
    for name in SHOWN:
        each = ", ".join(f"{one[name].value:.3f}" for one in found.each)
        print(f"  {name}: {spoken(found.figures[name])}; folds {each}")
    print(f"  ece by chance alone, were the model perfect: {found.chance['ece']:.4f}")
    both = min(found.figures["precision"].value or 0, found.figures["recall"].value or 0)
    print(f"  min(sensitivity, PPV), each fold at the threshold set on its training rows: {both:.3f}")
    shorts = [one for one in found.coverage if one.by == "class" or one.rows >= LARGE]
    for one in shorts:
        print(f"  covered {one.by} {one.name}: {spoken(one.figures['covered'])}, {one.rows} rows")
    short = min((one.figures["covered"].value or 0) - (found.level or 0) for one in shorts)
    print(f"  least coverage beyond the level {found.level}: {short:+.3f} (aim: at least -{SLACK})")
    print(f"one held-out quarter: {split.family} AUROC {spoken(split.chosen['auroc'])}, {split.rows} rows")
    print(
        f"took {time.perf_counter() - started:.0f} s, {time.process_time():.0f} s of CPU time without tuning's process"
    )
    print(f"  and {sum(os.times()[2:4]):.0f} s of CPU time there")
    values = {name: figure.value or 0.0 for name, figure in found.figures.items()}
    return {**values, "both": both, "coverage": short}


def reached(figures: Mapping[str, float], aims: Mapping[str, tuple[float, float]]) -> bool:
    """Print each aim (from, to) and whether it is reached."""
    for name, (low, high) in aims.items():
        print(
            f"aim {name} {low} to {high}: {figures[name]:.4f} {'reached' if low <= figures[name] <= high else 'MISSED'}"
        )
    return all(low <= figures[name] <= high for name, (low, high) in aims.items())
