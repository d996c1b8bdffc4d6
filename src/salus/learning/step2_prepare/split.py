"""Who is held out and who learns: by subject, by time, or both; never by row. The same subjects every time."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from salus.base.errors import Invalid
from salus.learning.task import Split

Whole = npt.NDArray[np.int64]
FEW_ROWS = 20_000  # below: five folds; above: three, for the time they take


def shuffled(subjects: Mapping[str, str], seed: int) -> list[str]:
    """Subjects by label, and within a label in an order that depends on nothing but the seed and their name."""

    def place(subject: str) -> tuple[str, bytes]:
        return subjects[subject], hashlib.sha256(f"{seed}/{subject}".encode()).digest()

    return sorted(subjects, key=place)


def strata(subject: Sequence[str], label: Sequence[str]) -> dict[str, str]:
    """One label a subject: the greatest of its rows', so that a subject with any "yes" counts as yes."""
    found: dict[str, str] = defaultdict(str)
    for one, its_label in zip(subject, label, strict=True):
        found[one] = max(found[one], its_label)
    return found


def held_out(subject: Sequence[str], label: Sequence[str], share: float, seed: int) -> set[str]:
    """About `share` of the subjects, as many of each label: every time the running share passes a whole number."""
    order = shuffled(strata(subject, label), seed)
    return {one for i, one in enumerate(order) if int((i + 1) * share) > int(i * share)}


def folds(subject: Sequence[str], label: Sequence[str], seed: int) -> Whole:
    """A fold number for each row; all rows of a subject in one fold."""
    count = 5 if len(subject) <= FEW_ROWS else 3
    fold_of = {one: i % count for i, one in enumerate(shuffled(strata(subject, label), seed + 1))}
    return np.array([fold_of[one] for one in subject], dtype=np.int64)


def fold_of(labels: Mapping[str, str], count: int, seed: int) -> dict[str, int]:
    """The fold in which each subject is held out, as many of each label in every fold."""
    return {one: i % count for i, one in enumerate(shuffled(labels, seed + 2))}


def parts(split: Split, subject: Sequence[str], label: Sequence[str], at_us: Whole, known_us: Whole) -> list[str]:
    """train, test, or "" (in neither) for each row. `known_us`: when its label was known.

    By time: test is what comes at or after the moment that leaves `split.test` of the rows behind it; training rows
    must know their label before that moment. Both: test rows also belong to subjects that training never saw.
    """
    if split.fold is not None:
        own = fold_of(strata(subject, label), split.folds, split.seed)
        return ["test" if own[one] == split.fold else "train" for one in subject]
    if split.by == "subject":
        out = held_out(subject, label, split.test, split.seed)
        return ["test" if one in out else "train" for one in subject]
    cutoff = np.quantile(at_us, 1 - split.test)
    out = set(subject) if split.by == "time" else held_out(subject, label, 0.5, split.seed)
    told = zip(at_us, known_us, subject, strict=True)
    return [place(at, known, cutoff, one in out, split.by) for at, known, one in told]


def by_site(site: Sequence[str | None], subject: Sequence[str], share: float, seed: int) -> list[str]:
    """train, test, or "" for each row: whole sites are held out, until about `share` of the rows are, at least one.

    Rows of no known site are in neither; who was seen at a held-out site never learns. Raises Invalid below two sites.
    """
    rows = Counter(one for one in site if one is not None)
    order = sorted(rows, key=lambda one: hashlib.sha256(f"{seed}/{one}".encode()).digest())
    if len(order) < 2:
        raise Invalid(
            f"The rows name {len(order)} site: to hold out whole sites there must be two or more (split.site)"
        )
    held, enough = {order[0]}, share * sum(rows.values())
    for one in order[1:-1]:
        if sum(rows[name] for name in held) + rows[one] / 2 < enough:
            held.add(one)
    seen = {who for who, where in zip(subject, site, strict=True) if where in held}
    return [
        "test" if where in held else "" if where is None or who in seen else "train"
        for who, where in zip(subject, site, strict=True)
    ]


def place(at: int, known: int, cutoff: float, is_out: bool, by: str) -> str:
    """Where one row goes when time decides."""
    if at >= cutoff:
        return "test" if is_out else ""
    return "train" if known < cutoff and (by == "time" or not is_out) else ""
