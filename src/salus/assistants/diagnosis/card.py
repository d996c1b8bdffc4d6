"""A suggestion as a CDS Hooks 2.0 card. https://cds-hooks.hl7.org/2.0/#card-attributes

The card's uuid is the suggestion's id, and each offered choice's uuid follows from it: feedback finds both again.
"""

from typing import Any
from uuid import UUID, uuid5

from salus.assistants.answers import REASON_SYSTEM, REASONS
from salus.assistants.resources import coding, subject
from salus.assistants.suggestion import Candidate, Claim, Reason, Suggestion, percent, why_not
from salus.base.words import words_of

SUMMARY = 139  # "<140-character summary message"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
OFFERED = 3  # choices of a differential that one click can take

Json = dict[str, Any]


def _says(key: str, language: str, **slots: object) -> str:
    return words_of("salus.assistants")(key, language, **slots)


def short(text: str, most: int = SUMMARY) -> str:
    """The text, cut with an ellipsis where it is longer than `most` characters.

    >>> short("Type 2 diabetes", 10)
    'Type 2 di…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


def share(candidate: Candidate, language: str) -> str:
    return _says(
        "card.share",
        language,
        name=candidate.claim.name.in_(language),
        probability=percent(candidate.probability),
        low=percent(candidate.low),
        high=percent(candidate.high),
    )


def summary(suggestion: Suggestion, language: str) -> str:
    """The one sentence of the card, under 140 characters."""
    if suggestion.abstained:
        said = why_not(suggestion.abstained, language)
        return short(_says("card.cannot", language, question=short(suggestion.question.in_(language), 60), said=said))
    shown = suggestion.candidates[:OFFERED] if suggestion.kind == "differential" else suggestion.candidates[:1]
    listed = [
        _says("card.one", language, name=one.claim.name.in_(language), probability=percent(one.probability))
        for one in shown
    ]
    said = _says("card.and", language).join(listed)
    return short(_says(f"card.{suggestion.kind}", language, said=said))


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: a value from a record must not become a link, a picture or a tag.

    >>> escaped("<b>[x](http://a)")
    '&lt;b>\\\\[x\\\\](http://a)'
    """
    for sign in ("\\", "`", "*", "_", "[", "]", "|", "#", "!"):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("<", "&lt;").replace("\n", " ")


def reason_line(reason: Reason, language: str) -> str:
    direction = _says("card.for" if reason.weight > 0 else "card.against", language)
    line = f"- {escaped(reason.said(language))} · {direction} ({reason.weight:+.2f})"
    return line + (f" · {escaped(reason.sources[0])}" if reason.sources else "")


def why(suggestion: Suggestion, language: str) -> str:
    """The heading of the reasons: they speak of the leading candidate only."""
    leading = suggestion.leading
    return _says("card.why", language, name=leading.claim.name.in_(language) if leading else "")


def detail(suggestion: Suggestion, language: str) -> str:
    """Markdown: the candidates with intervals, why, what is missing, and which model said so."""
    parts = [suggestion.question.in_(language)]
    parts += ["\n".join(f"- **{escaped(share(one, language))}**" for one in suggestion.candidates)]
    parts += [escaped(suggestion.certain.said(language)) if suggestion.certain else ""]
    if suggestion.reasons:
        lines = "\n".join(reason_line(one, language) for one in suggestion.reasons)
        parts += [f"{why(suggestion, language)}\n\n{lines}"]
    if suggestion.missing:
        named = _says("card.and", language).join(escaped(one.name.in_(language)) for one in suggestion.missing)
        parts += [_says("card.missing", language, named=named)]
    parts += [_says("card.model", language, name=escaped(suggestion.model.name), version=suggestion.model.version)]
    return "\n\n".join(part for part in parts if part)


def choice_id(suggestion: str, code: str) -> str:
    """The uuid of one choice that a card offers."""
    return str(uuid5(UUID(suggestion), code))


def condition(suggestion: Suggestion, claim: Claim) -> Json:
    """The Condition that taking a choice would create: provisional, until the clinician confirms it."""
    return {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}]},
        "verificationStatus": {"coding": [{"system": VERIFICATION, "code": "provisional"}]},
        "code": {"coding": [coding(claim)]},
        "subject": {"reference": subject(suggestion.patient)},
    }


def offered(suggestion: Suggestion) -> tuple[Claim, ...]:
    """The claims that a card offers to take with one click."""
    most = OFFERED if suggestion.kind == "differential" else 1
    return tuple(one.claim for one in suggestion.candidates[:most])


def _choice(suggestion: Suggestion, claim: Claim, language: str) -> Json:
    named = claim.name.in_(language)
    label = _says(f"card.take.{suggestion.kind}", language, name=named)
    choice: Json = {"label": label, "uuid": choice_id(suggestion.id, claim.code)}
    if suggestion.kind == "risk":  # a risk is agreed with; nothing has come that could be written down
        return choice
    described = _says("card.create", language, name=named)
    action = {"type": "create", "description": described, "resource": condition(suggestion, claim)}
    return choice | {"actions": [action]}


def card(suggestion: Suggestion, language: str, base: str) -> Json:
    """The card; `base` is this installation's public address, for links (`https://salus.example`)."""
    shown: Json = {
        "uuid": suggestion.id,
        "summary": summary(suggestion, language),
        "indicator": suggestion.indicator,
        "detail": detail(suggestion, language),
        "source": {
            "label": _says("card.source", language),
            "url": base + suggestion.model.card,
            "topic": {"system": "https://salus.example/fhir/CodeSystem/assistant", "code": "diagnosis"},
        },
        "links": [{"label": _says("card.link", language), "url": base + suggestion.model.card, "type": "absolute"}],
    }
    choices = [_choice(suggestion, claim, language) for claim in offered(suggestion)]
    if choices:
        shown |= {"suggestions": choices, "selectionBehavior": "at-most-one"}
        shown["overrideReasons"] = [
            {"system": REASON_SYSTEM, "code": code, "display": _says(f"reason.{code}", language)} for code in REASONS
        ]
    return shown
