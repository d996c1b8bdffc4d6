"""The model card, in English and Chinese, under the headings of TRIPOD+AI. https://doi.org/10.1136/bmj-2023-078378"""

from pathlib import Path

from salus.base.words import LANGUAGES, words_of
from salus.learning.dictionary import write_json
from salus.learning.run import MADE_UP
from salus.learning.step5_evaluate.reading import Reading
from salus.learning.step5_evaluate.report import HEADLINE, SHOWN, figure_text
from salus.learning.step5_evaluate.telling import Say, coverage_words, fairness_words, group_name, removed_words
from salus.learning.step7_deploy.bundle import Bundle
from salus.learning.task import Strict, Text

SECTIONS = (
    "use", "data", "participants", "outcome", "predictors", "missing", "model", "performance", "certainty", "fairness",
    "limits", "open",
)  # fmt: skip


class Section(Strict):
    key: str
    title: Text
    text: Text


class Card(Strict):
    """What someone must know before using a model."""

    name: str
    family: str
    kind: str
    question: Text
    sections: list[Section]


def write_card(reading: Reading, bundle: Bundle, folder: Path) -> None:
    """card.json, card.en.md and card.zh.md."""
    card = card_of(reading, bundle)
    write_json(folder / "card.json", card)
    for language in LANGUAGES:
        (folder / f"card.{language}.md").write_text(card_text(card, language), "utf-8")


def card_of(reading: Reading, bundle: Bundle) -> Card:
    """The card from what the report says."""
    both = {language: slots_of(reading, bundle, language) for language in LANGUAGES}
    words = words_of("salus.learning")
    sections = [
        Section(
            key=key,
            title={language: words(f"card.{key}", language) for language in LANGUAGES},
            text={language: words(text_key(key, reading), language, **both[language]) for language in LANGUAGES},
        )
        for key in SECTIONS
    ]
    kind = bundle.labels.kind
    return Card(name=bundle.name, family=bundle.family, kind=kind, question=bundle.task.question, sections=sections)


def text_key(key: str, reading: Reading) -> str:
    """The sentences of a section: those for this kind of question, where it has its own."""
    own = f"card.{key}.text.{reading.evaluation.kind}"
    return own if own in words_of("salus.learning") else f"card.{key}.text"


def slots_of(reading: Reading, bundle: Bundle, language: str) -> dict[str, object]:
    """What fills the sentences of the card."""
    words, found, task = words_of("salus.learning"), reading.evaluation, bundle.task

    def say(key: str, **slots: object) -> str:
        return words(key, language, **slots)

    if task.label.names:
        classes = [task.label.names.get(name, {language: name})[language] for name in found.classes]
    else:
        classes = found.classes
    return {
        "question": task.question[language],
        "data": reading.data,
        "made_up": "".join(f"{say(note.key, **note.slots)} " for note in reading.notes if note.key == MADE_UP),
        "sha": str(bundle.fingerprint["data_sha256"])[:16],
        "rows": found.rows,
        "subjects": found.subjects,
        "training_rows": found.training_rows,
        "training_subjects": found.training_subjects,
        "classes": ", ".join(classes) or say("card.number"),
        "days": f"{task.label.within_days:g}",
        "horizon": f"{found.horizon or 0:g}",
        "unit": found.unit,
        "followed": " ".join(say(n.key, **n.slots) for n in reading.notes if n.key == "note.followed"),
        "removed": removed_words(found, say),
        "family": say(f"family.{bundle.family}"),
        "among": among(list(found.first), say),
        "things": ", ".join(label[language] for label, _ in reading.importance[:12]) or "–",
        "count": len(reading.importance),
        "fewest": bundle.fewest_known,
        "figures": figures_line(reading, say),
        "certainty": " ".join(coverage_words(found, say, language)) or "–",
        "groups": " ".join([groups_line(reading, say) + ".", *fairness_words(found, say)]),
        "left_out": "; ".join(f"{say(f'left_out.{key}')} {n}" for key, n in reading.left_out) or "–",
    }


def among(families: list[str], say: Say) -> str:
    """What the deployed family was chosen from; nothing to say where it was the only one."""
    return say("card.among", families=", ".join(say(f"family.{one}") for one in families)) if families[1:] else ""


def figures_line(reading: Reading, say: Say) -> str:
    """All shown measures of the deployed model, then the headline of the baselines."""
    found = reading.evaluation
    own = [f"{say(f'measure.{key}')} {figure_text(found.chosen[key])}" for key in SHOWN[found.kind]]
    head = HEADLINE[found.kind]
    others = [f"{say(f'baseline.{name}')} {figure_text(figures[head])}" for name, figures in found.baselines.items()]
    return "; ".join(own) + ". " + say(f"measure.{head}") + ": " + "; ".join(others)


def groups_line(reading: Reading, say: Say) -> str:
    """The headline measure by sex and age."""
    found = reading.evaluation
    head = HEADLINE[found.kind]
    spans = [f"{group_name(say, g.by, g.name)} {figure_text(g.figures[head])} (n = {g.rows})" for g in found.subgroups]
    return f"{say(f'measure.{head}')}: " + "; ".join(spans) if spans else say("card.no_groups")


def card_text(card: Card, language: str) -> str:
    """The card as Markdown."""
    parts = [f"# {card.question[language]}", f"`{card.name}`"]
    for section in card.sections:
        parts += [f"## {section.title[language]}", section.text[language]]
    return "\n\n".join(parts) + "\n"
