"""What a version in shadow said, set against what was shown: how far apart, and which came nearer to what came."""

from typing import Any

import msgspec
import numpy as np

from salus.assistants.shadow import Unseen, kept
from salus.assistants.use import Use, used
from salus.base import clock
from salus.base.errors import Gone, Missing
from salus.learning.step5_evaluate.paired import Paired, paired
from salus.learning.step7_deploy import Registry
from salus.records import Records

FEWEST = 30  # known outcomes, both kinds among them, to compare by what came


def compared(records: Records, registry: Registry, name: str, version: str | None = None) -> dict[str, Any] | None:
    """The version in shadow, or one that stood there, beside what was shown; None where nothing stands in shadow.

    `difference`: mean of shadow less shown; `apart`: share that differ by more than ten points; `outcome`: by what came
    (see `Paired`: before = shown, after = shadow), None while too little is known.
    """
    shadow = registry.shadow(name)
    wanted = version or (shadow.version if shadow else None)
    if wanted is None:
        return None
    lines = kept(registry.folder / name, wanted)
    both = [one for one in lines.values() if one.shown is not None and one.said is not None]
    gaps = np.array([one.said - one.shown for one in both if one.said is not None and one.shown is not None])
    outcome = by_outcome(records, used(records, registry.folder / name), both)
    return {
        "version": wanted,
        "since": shadow.at if shadow and shadow.version == wanted else None,
        "answers": len(lines),
        "silent": len(lines) - len(both),
        "difference": float(gaps.mean()) if len(gaps) else None,
        "apart": float((np.abs(gaps) > 0.1).mean()) if len(gaps) else None,
        "same": float(np.mean([one.same for one in both])) if both else None,
        "outcome": msgspec.to_builtins(outcome) | {"verdict": outcome.verdict} if outcome else None,
    }


def by_outcome(records: Records, use: Use, both: list[Unseen]) -> Paired | None:
    """Both over the suggestions whose outcome is known; whole patients are drawn. None where that is too few."""
    now = clock.now()
    known = [(one, line.outcome(now)) for one in both if (line := use.lines.get(one.suggestion)) is not None]
    told = [(one, came, whom(records, one)) for one, came in known if came is not None]
    y = np.array([came for _, came, _ in told], dtype=np.int64)
    if len(told) < FEWEST or y.min() == y.max():
        return None
    shown, said = (np.array([getattr(one, name) for one, _, _ in told]) for name in ("shown", "said"))
    before, after = (np.column_stack([1 - p, p]) for p in (shown, said))
    return paired(before, after, y, "binary", np.array([patient for _, _, patient in told]))


def whom(records: Records, one: Unseen) -> str:
    """The patient that a suggestion was about; of one that is gone, itself."""
    try:
        return str(records.read("RiskAssessment", one.suggestion).json()["subject"]["reference"])
    except (Missing, Gone):
        return one.suggestion
