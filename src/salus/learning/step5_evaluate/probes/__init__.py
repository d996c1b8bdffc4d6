"""Leakage probes: does the model know what it could not have known? Each looks, and says how much it found.

A probe that finds nothing proves nothing; one that finds something names it, and what to do stands in words.toml.
"""

from collections.abc import Callable, Mapping

from salus.learning.step5_evaluate.probes.alone import alone, known_alone, target_columns
from salus.learning.step5_evaluate.probes.copies import copies, people
from salus.learning.step5_evaluate.probes.look import Look, Probe
from salus.learning.step5_evaluate.probes.names import identifiers, label_codes
from salus.learning.step5_evaluate.probes.times import after, future, unrecorded

PROBES: Mapping[str, Callable[[Look], Probe]] = {
    "alone": alone,
    "known_alone": known_alone,
    "target_columns": target_columns,
    "label_codes": label_codes,
    "after": after,
    "unrecorded": unrecorded,
    "future": future,
    "copies": copies,
    "people": people,
    "identifiers": identifiers,
}


def probes_of(look: Look) -> list[Probe]:
    """Every probe over a run, in one order."""
    return [probe(look) for probe in PROBES.values()]


__all__ = ["PROBES", "Look", "Probe", "probes_of"]
