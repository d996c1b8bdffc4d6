"""What is told of a model's promises, in words: how often its answers hold the truth, for whom they do not."""

from collections.abc import Callable

from salus.base.words import words_of
from salus.learning.step5_evaluate.bootstrap import Figure
from salus.learning.step5_evaluate.figures import Coverage, Evaluation

Say = Callable[..., str]


def group_name(say: Say, by: str, name: str) -> str:
    """What people call a subgroup; of a declared one, the column or pattern with what it says."""
    key, kind = f"sex.{name.lower()}", f"group.{by}"
    words = words_of("salus.learning")
    if by == "sex" and key in words:
        return say(key)
    return f"{say(kind) if kind in words else by} {name}"


def covered_name(one: Coverage, found: Evaluation, say: Say, language: str) -> str:
    """Whom a line of coverage is about."""
    if one.by == "all":
        return say("coverage.all")
    if one.by != "class":
        return group_name(say, one.by, one.name)
    labels = {known.name: known.label[language] for known in found.per_class}
    return say("coverage.class", name=labels.get(one.name, one.name))


def coverage_rows(found: Evaluation, say: Say, language: str) -> list[tuple[str, Coverage]]:
    """(whom it is about, the line)."""
    return [(covered_name(one, found, say, language), one) for one in found.coverage]


def coverage_words(found: Evaluation, say: Say, language: str) -> list[str]:
    """What a reader should take from the coverage: the promise, how much it decides, and where it fails."""
    if found.level is None:
        return []
    whole = next(one for one in found.coverage if one.by == "all")
    level, kind = f"{100 * found.level:g}", "number" if found.kind == "number" else "classes"
    said = [say(f"coverage.{kind}", level=level, covered=share_text(whole.figures["covered"]))]
    if kind == "classes":
        size, undecided = whole.figures["size"].value or 0, share_text(whole.figures["undecided"])
        said.append(say("coverage.size", size=f"{size:.2f}", undecided=undecided))
    short = [covered_name(one, found, say, language) for one in found.coverage if one.short]
    said.append(say("coverage.short", names=", ".join(short)) if short else say("coverage.kept"))
    if found.unbounded:
        said.append(say("coverage.unbounded", names=", ".join(found.unbounded)))
    return said


def share_text(one: Figure) -> str:
    """A share in percent with its interval.

    >>> share_text(Figure(value=0.9041, low=0.89, high=0.92))
    '90.4 % (89.0–92.0 %)'
    """
    if one.value is None:
        return "–"
    span = "" if one.low is None or one.high is None else f" ({100 * one.low:.1f}–{100 * one.high:.1f} %)"
    return f"{100 * one.value:.1f} %{span}"
