"""Names in the place of measurements: identifiers as features, and the label's own codes among them."""

import numpy as np

from salus.learning.dictionary import EventRecipe
from salus.learning.models.family import Matrix
from salus.learning.step5_evaluate.probes.look import Look, Probe, probe
from salus.learning.task import matches

FEWEST, NEARLY_ALL, LONG = 50, 0.95, 1000  # known rows; share that is different; how far whole numbers reach


def identifiers(look: Look) -> Probe:
    """Features that name a row or a person: whole numbers nearly all different, or counting up with the rows."""
    names = [look.name(j) for j in range(look.x.shape[1]) if names_a_row(look.x[:, j])]
    if names:
        return probe("identifiers", look.x.shape[1], names)
    left = [note.slots["column"] for note in look.run.notes() if note.key == "note.identity"]
    return probe("identifiers", look.x.shape[1] + len(left), left, "mended")


def names_a_row(column: Matrix) -> bool:
    """
    >>> names_a_row(np.arange(100.0) * 70 + 20_000), names_a_row(np.linspace(0, 9, 100))
    (True, False)
    """
    known = column[~np.isnan(column)]
    if len(known) < FEWEST or np.ptp(known) < LONG or (known != np.floor(known)).any():
        return False
    return len(np.unique(known)) >= NEARLY_ALL * len(known)


def overlap(one: str, other: str) -> bool:
    """Whether some code may fit both patterns.

    >>> overlap("ICD10//E11*", "ICD10//E11.9"), overlap("ICD10//E1*", "ICD10//E11*"), overlap("A", "B*")
    (True, True, False)
    """
    return matches(one.rstrip("*"), [other]) or matches(other.rstrip("*"), [one])


def label_codes(look: Look) -> Probe:
    """Of events: the label's own codes among the things that features are made of.

    A fault where the label is what shares the visit and nothing hides it; else it is what was known before, on purpose.
    """
    if not look.of_events:
        return Probe(key="label_codes", state="unlooked")
    recipe = look.run.read("step3_features", "recipe.json", EventRecipe)
    answers = look.task.label.all_codes()
    own = [one for one in recipe.concepts if any(overlap(p, a) for p in (one.code, *one.members) for a in answers)]
    bare = [one.key for one in own if not (one.blind and recipe.blind_hours)]
    embedding = recipe.embedding
    if embedding is not None and not recipe.blind_hours:
        bare += [code for code in embedding.codes if matches(code, answers) and code not in bare]
    if bare and look.task.label.same_encounter:
        return probe("label_codes", len(recipe.concepts), bare)
    return probe("label_codes", len(recipe.concepts), [one.key for one in own], "note")
