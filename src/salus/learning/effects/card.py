"""The card of an effect model in both languages: what was asked, of whom, whether the data may answer, and what not."""

from pathlib import Path

from salus.base.words import LANGUAGES, words_of
from salus.learning.dictionary import write_json
from salus.learning.effects.bundle import EffectBundle, Number
from salus.learning.step5_evaluate.telling import Say
from salus.learning.step7_deploy.card import Card, Section, card_text

SECTIONS = ("use", "people", "zero", "outcome", "gate", "effects", "harms", "limits")


def write_card(bundle: EffectBundle, folder: Path) -> None:
    """card.json, card.en.md and card.zh.md."""
    made = card_of(bundle)
    write_json(folder / "card.json", made)
    for language in LANGUAGES:
        (folder / f"card.{language}.md").write_text(card_text(made, language), "utf-8")


def card_of(bundle: EffectBundle) -> Card:
    words = words_of("salus.learning.effects")
    both = {language: slots_of(bundle, language) for language in LANGUAGES}
    sections = [
        Section(
            key=key,
            title={language: words(f"card.{key}", language) for language in LANGUAGES},
            text={language: words(text_key(key, bundle), language, **both[language]) for language in LANGUAGES},
        )
        for key in SECTIONS
    ]
    return Card(name=bundle.name, family="effects", kind="effect", question=bundle.task.question, sections=sections)


def text_key(key: str, bundle: EffectBundle) -> str:
    """The sentences of a section: those of a refusal where there is no number."""
    return f"card.{key}.refused" if key in ("effects", "harms") and not bundle.passed else f"card.{key}.text"


def slots_of(bundle: EffectBundle, language: str) -> dict[str, object]:
    """What fills the sentences."""
    words, task = words_of("salus.learning.effects"), bundle.task
    names = [option.name[language] for option in task.options]

    def say(key: str, **slots: object) -> str:
        return words(key, language, **slots)

    checks = [
        f"{say(one.key)}: {one.found:.3g} ({one.bound:.3g}), {say('effects.holds' if one.holds else 'effects.fails')}"
        for one in bundle.checks
    ]
    return {
        "question": task.question[language],
        "made_up": say("card.made_up") if bundle.synthetic else "",
        "options": "; ".join(f"{name}: {count}" for name, count in zip(names, bundle.people, strict=True)),
        "left_out": "; ".join(f"{say(f'left_out.{why}')} {count}" for why, count in bundle.left_out.items()) or "–",
        "zero": say("card.zero.events" if task.time_zero.events else "card.zero.order"),
        "within": f"{task.time_zero.within_days:g}",
        "washout": f"{task.time_zero.washout_days:g}" if task.time_zero.washout_days else say("card.ever"),
        "estimand": say(f"card.estimand.{task.estimand}"),
        "design": say("effects.randomised" if task.randomised else "effects.observed"),
        "outcome": task.outcome.name[language],
        "days": f"{task.outcome.within_days:g}",
        "lost": bundle.lost,
        "checks": "; ".join(checks),
        "verdict": say("effects.passed" if bundle.passed else "effects.refused"),
        "effects": "; ".join(effect_lines(bundle, names, say)) or "–",
        "harms": "; ".join(harm_lines(bundle, names, language, say)) or say("card.no_harms"),
        "kept": bundle.kept,
        "all": sum(bundle.people),
    }


def effect_lines(bundle: EffectBundle, names: list[str], say: Say) -> list[str]:
    """Each option against the first, and the mean of each."""
    shown = [f"{name} {span(one)}" for name, one in zip(names, bundle.means, strict=True)] if bundle.means else []
    return shown + [
        say("card.against", option=names[k], first=names[0], effect=span(one.average), by=say(f"effects.by.{one.by}"))
        for k, one in enumerate(bundle.contrasts, 1)
    ]


def harm_lines(bundle: EffectBundle, names: list[str], language: str, say: Say) -> list[str]:
    told = []
    for one in bundle.harms:
        means = ", ".join(f"{name} {span(mean)}" for name, mean in zip(names, one.means, strict=False))
        told.append(f"{one.name[language]}: {means or say('card.too_few')}")
    return told


def span(one: Number) -> str:
    found = one.estimate
    places = 1 if abs(one.value) >= 10 else 3
    return f"{one.value:.{places}f} ({found.low:.{places}f} – {found.high:.{places}f})"
