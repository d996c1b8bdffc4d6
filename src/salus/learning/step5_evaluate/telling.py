"""What is told of a model's promises, in words: how often its answers hold the truth, for whom they do not."""

from collections.abc import Callable, Sequence
from statistics import NormalDist

from salus.base.words import words_of
from salus.learning.step5_evaluate.bootstrap import Figure
from salus.learning.step5_evaluate.burden import needed
from salus.learning.step5_evaluate.figures import Coverage, Evaluation, Gap
from salus.learning.step5_evaluate.probes.look import Probe

Say = Callable[..., str]


def group_name(say: Say, by: str, name: str) -> str:
    """What people call a subgroup; of a declared one, the column or pattern with what it says."""
    key = f"sex.{name.lower()}"
    return say(key) if by == "sex" and key in words_of("salus.learning") else f"{by_name(say, by)} {name}"


def by_name(say: Say, by: str) -> str:
    """By what people are told apart: sex, age, or the column or pattern that a task declares."""
    return say(f"group.{by}") if f"group.{by}" in words_of("salus.learning") else by


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


def fairness_words(found: Evaluation, say: Say) -> list[str]:
    """What a reader should take from the differences between groups: those beyond chance, and those beyond a bound."""
    if not found.gaps:
        return []
    sure = [gap for gap in found.gaps if beyond_chance(gap, sum(one.by == gap.by for one in found.subgroups))]
    said = [gap_words("fairness.sure", gap, say) for gap in sure] or [say("fairness.none")]
    return said + barred_words(found.gaps, say)


def beyond_chance(gap: Gap, groups: int) -> bool:
    """Whether a difference is more than chance would explain, though its two were picked as the furthest apart of many.

    Each of the pairs might have been picked, so the doubt of one in forty is shared out among them (Bonferroni).
    """
    one, pairs = gap.difference, max(1, groups * (groups - 1) // 2)
    if one.value is None or one.low is None or one.high is None:
        return False
    deviation = (one.high - one.low) / (2 * NormalDist().inv_cdf(0.975))
    return one.low > 0 and one.value > NormalDist().inv_cdf(1 - 0.025 / pairs) * deviation


def barred_words(gaps: list[Gap], say: Say) -> list[str]:
    """Why a model is not promoted by itself: one sentence for each difference that passes its bound."""
    return [gap_words("fairness.too_wide", gap, say) for gap in gaps if gap.too_wide]


def gap_words(key: str, gap: Gap, say: Say) -> str:
    return say(
        key,
        measure=say(f"measure.{gap.measure}"),
        by=by_name(say, gap.by),
        least=group_name(say, gap.by, gap.least),
        most=group_name(say, gap.by, gap.most),
        difference=span_text(gap.difference),
        bound=f"{gap.bound or 0:g}",
    )


def removed_words(found: Evaluation, say: Say) -> str:
    """What it means that something else removes people before the event; nothing where nothing does."""
    one = found.removed
    if one is None:
        return ""
    shares = {"alone": one.alone, "beside": one.beside, "foretold": one.foretold}
    return say("lasting.removed", **{name: f"{100 * share:.1f} %" for name, share in shares.items()})


def span_text(one: Figure) -> str:
    """A figure with its interval.

    >>> span_text(Figure(value=0.1, low=0.05, high=0.15))
    '0.100 (0.050–0.150)'
    """
    span = "" if one.low is None or one.high is None else f" ({one.low:.3f}–{one.high:.3f})"
    return f"{one.value:.3f}{span}" if one.value is not None else "–"


def share_text(one: Figure) -> str:
    """A share in percent with its interval.

    >>> share_text(Figure(value=0.9041, low=0.89, high=0.92))
    '90.4 % (89.0–92.0 %)'
    """
    if one.value is None:
        return "–"
    span = "" if one.low is None or one.high is None else f" ({100 * one.low:.1f}–{100 * one.high:.1f} %)"
    return f"{100 * one.value:.1f} %{span}"


def probe_words(probes: Sequence[Probe], say: Say) -> list[str]:
    """What the leakage probes found, each with what to do; one sentence where they found nothing."""
    found = [one for one in probes if one.state == "found"]
    if not found:
        return [say("probe.none", looked=sum(one.state != "unlooked" for one in probes))]
    return [one_probe(one, say) for one in found]


def one_probe(one: Probe, say: Say) -> str:
    names = f" ({', '.join(one.names)})" if one.names else ""
    slots = {"found": one.found, "looked": one.looked, "names": names}
    return say("probe.one", what=say(f"probe.{one.key}"), do=say(f"probe.{one.key}.do"), **slots)


def burden_words(found: Evaluation, say: Say) -> list[str]:
    """The work that the chosen threshold makes, with intervals; nothing where no yes or no is said."""
    if not {"selected", "precision"} <= found.chosen.keys() or found.kind != "binary":
        return []
    said, right = found.chosen["selected"], found.chosen["precision"]
    lines = [say("burden", said=share_text(said), precision=share_text(right), needed=span_text(needed(right)))]
    if found.asked_a_day and said.value is not None:
        slots = {"asked": f"{found.asked_a_day:.1f}", "alerts": f"{found.asked_a_day * said.value:.1f}"}
        lines.append(say("burden.day", **slots))
    return lines
