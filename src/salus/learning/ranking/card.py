"""What someone must know before reading a ranking, in two languages: card.en.md and card.zh.md."""

from collections.abc import Iterator
from pathlib import Path

from salus.base.words import LANGUAGES, words_of
from salus.learning.ranking.kept import Bundle
from salus.learning.step5_evaluate.bootstrap import Figure

say = words_of("salus.learning.ranking")


def write_cards(bundle: Bundle, folder: Path, features: int) -> None:
    for language in LANGUAGES:
        (folder / f"card.{language}.md").write_text("\n".join(card_text(bundle, language, features)), "utf-8")


def card_text(bundle: Bundle, language: str, features: int) -> Iterator[str]:
    """The lines of a card; what it is not stands first."""
    found, ask = bundle.figures, bundle.task.ranking
    yield f"# {say('card.title', language, name=bundle.name)}\n"
    yield f"{bundle.task.question[language]}\n"
    if bundle.synthetic:
        yield f"**{say('card.synthetic', language)}**\n"
    yield f"**{say('card.behaviour', language)}**\n"
    counts = {"visits": bundle.visits, "people": bundle.people, "labels": len(bundle.names), "features": features}
    counts |= {"held": found.visits, "held_people": found.people, "alike": ask.alike}
    yield say("card.made", language, **counts, refused=f"{found.refused:.1%}") + "\n"
    yield say("card.methods", language)
    yield "|---|---|---|---|"
    for name, one in found.methods.items():
        figures = (span(one.jaccard), span(one.f1), span(one.first))
        yield f"| {say(f'method.{name}', language)} | {' | '.join(figures)} |"
    yield ""
    for name, gain in found.gains.items():
        told = say("card.leads" if beyond(gain) else "card.even", language)
        yield say("card.gain", language, other=say(f"method.{name}", language), gain=f"{span(gain)}, {told}") + "\n"
    yield say("card.apart", language, apart=f"{found.apart:.3f}") + "\n"
    yield say("card.privacy", language, least=ask.least) + "\n"


def beyond(gain: Figure) -> bool:
    """Whether the interval leaves out 0."""
    return gain.low is not None and gain.high is not None and (gain.low > 0 or gain.high < 0)


def span(figure: Figure) -> str:
    """
    >>> span(Figure(0.4162, 0.39, 0.441))
    '0.416 (0.390 to 0.441)'
    """
    if figure.value is None:
        return "–"
    return f"{figure.value:.3f}" + ("" if figure.low is None else f" ({figure.low:.3f} to {figure.high:.3f})")
