"""Slots about the model and how it did on held-out people."""

from collections.abc import Mapping

from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step5_evaluate.report import COMPARED, HEADLINE, SHOWN, figure_text, number_text
from salus.learning.step5_evaluate.telling import burden_words, coverage_words, fairness_words, group_name
from salus.learning.step7_deploy.dossier.of_data import Slot
from salus.learning.step7_deploy.dossier.told import Told

WEIGHTIEST = 12


def family(told: Told) -> str:
    return told.say(f"family.{told.known.bundle.family}")


def among(told: Told) -> str:
    tried = list(told.known.found.first)
    names = told.comma.join(told.say(f"family.{one}") for one in tried)
    return told.say("card.among", families=names) if tried[1:] else ""


def weightiest(told: Told) -> str:
    ranked = sorted(told.known.bundle.importance.items(), key=lambda item: -item[1])[:WEIGHTIEST]
    return told.listed(
        told.known.labels[source][told.language] for source, size in ranked if source in told.known.labels
    )


def measures(told: Told) -> str:
    kind = told.known.found.kind
    return told.listed(dict.fromkeys(told.say(f"measure.{key}") for key in (*SHOWN[kind], *COMPARED[kind])))


def baselines(told: Told) -> str:
    return told.listed(told.say(f"baseline.{name}") for name in told.known.found.baselines)


def figures_line(told: Told, found: Evaluation) -> str:
    """Every shown measure of the deployed model, with its interval."""
    shown = [key for key in SHOWN[found.kind] if key in found.chosen]
    return told.semicolon.join(f"{told.say(f'measure.{key}')} {figure_text(found.chosen[key])}" for key in shown)


def compared(told: Told) -> str:
    found = told.known.found
    key = HEADLINE[found.kind]
    others = [f"{told.say(f'baseline.{name}')} {figure_text(one[key])}" for name, one in found.baselines.items()]
    own = f"{told.say(f'measure.{key}')} {figure_text(found.chosen[key])}"
    return told.semicolon.join([own, *others])


def decision(told: Told) -> str:
    curve = told.known.found.curves.decision
    if not curve:
        return told.say("decision.none")
    better = sum((one.low or 0) > 0 for one in curve)
    low, high = (number_text(one.threshold) for one in (curve[0], curve[-1]))
    return told.say("decision", low=low, high=high, better=better, of=len(curve))


def alert(told: Told) -> str:
    chosen = next((one for one in told.known.found.thresholds if one.chosen), None)
    if chosen is None:
        return told.say("alert.none")
    shares = {"said": chosen.said, "precision": chosen.precision, "recall": chosen.recall}
    said = {key: "–" if value is None else f"{100 * value:.1f}" for key, value in shares.items()}
    work = " ".join(burden_words(told.known.found, told.say))
    return told.say("alert", threshold=number_text(chosen.threshold), **said) + " " + work


def subgroups_line(told: Told, found: Evaluation) -> str:
    """The headline measure of every group."""
    key = HEADLINE[found.kind]
    spans = [
        f"{group_name(told.say, one.by, one.name)} {figure_text(one.figures[key])} (n = {one.rows})"
        for one in found.subgroups
    ]
    return f"{told.say(f'measure.{key}')}: {told.semicolon.join(spans)}" if spans else told.say("gap.absent")


def bounds(told: Told) -> str:
    found = told.known.bundle.task.trust.bounds
    if not found:
        return told.say("bounds.none")
    return told.say("bounds", bounds=told.listed(f"{told.say(f'measure.{k}')} {v:g}" for k, v in found.items()))


def certainty(told: Told) -> str:
    return " ".join(coverage_words(told.known.found, told.say, told.language)) or told.say("page.none")


def answer(told: Told) -> str:
    bundle = told.known.bundle
    where = told.say(f"call.{bundle.task.models.call}")
    return told.say(f"answer.{told.known.found.kind}", threshold=number_text(bundle.threshold), where=where)


def params(told: Told) -> str:
    return told.listed(f"{name} {value:.4g}" for name, value in told.known.facts.params.items())


SLOTS: Mapping[str, Slot] = {
    "name": lambda told: told.known.bundle.name,
    "version": lambda told: told.known.bundle.version,
    "made": lambda told: told.known.bundle.made[:10],
    "year": lambda told: told.known.bundle.made[:4],
    "question": lambda told: told.known.bundle.task.question[told.language],
    "kind": lambda told: told.say(f"kind.{told.known.found.kind}"),
    "family": family,
    "among": among,
    "trials": lambda told: told.known.facts.trials,
    "seconds": lambda told: f"{told.known.bundle.task.budget.seconds:g}",
    "loss": lambda told: number_text(told.known.facts.loss),
    "params": params,
    "features": lambda told: told.known.facts.features,
    "things": lambda told: len(told.known.labels),
    "weightiest": weightiest,
    "fewest": lambda told: told.known.bundle.fewest_known,
    "level": lambda told: f"{100 * told.known.bundle.task.trust.level:g}",
    "threshold": lambda told: number_text(told.known.bundle.threshold),
    "answer": answer,
    "measures": measures,
    "headline_measure": lambda told: told.say(f"measure.{HEADLINE[told.known.found.kind]}"),
    "baselines": baselines,
    "compared": compared,
    "figures": lambda told: figures_line(told, told.known.found),
    "decision": decision,
    "alert": alert,
    "subgroups": lambda told: subgroups_line(told, told.known.found),
    "fairness": lambda told: " ".join(fairness_words(told.known.found, told.say)),
    "bounds": bounds,
    "certainty": certainty,
    "weights": lambda told: told.say(f"weights.{told.known.bundle.task.models.weights}"),
    "software": lambda told: told.listed(f"{name} {number}" for name, number in told.known.facts.software.items()),
}
