"""A screening as CDS Hooks 2.0 cards: one for each cause, and one that says what was looked at and what was not.

https://cds-hooks.hl7.org/2.0/#card-attributes. The card's uuid is the id of its DetectedIssue: feedback finds it again.
"""

from typing import Any
from uuid import UUID, uuid5

from salus.assistants.diagnosis.card import escaped, short
from salus.assistants.treatment.overrides import REASON_SYSTEM, REASONS
from salus.assistants.treatment.prescribing import Told
from salus.assistants.treatment.screen import Finding, Screening
from salus.base.words import words_of

Json = dict[str, Any]
TOPIC = {"system": "https://salus.example/fhir/CodeSystem/assistant", "code": "treatment"}
SHOWN = 12  # lines of what was not checked


def _says(key: str, language: str, **slots: object) -> str:
    return words_of("salus.assistants.treatment")(key, language, **slots)


def cards(told: Told, proposed: set[str], language: str, base: str) -> list[Json]:
    """The cards, the gravest first; `proposed`: references of the orders that a client can still take back."""
    made = [card(told, finding, proposed, language, base) for finding in told.screening.findings]
    return [*made, coverage_card(told.screening, language, base)]


def card(told: Told, finding: Finding, proposed: set[str], language: str, base: str) -> Json:
    """One finding. What was decided before is still said, but no longer interrupts."""
    named = _says("card.and", language).join(one.in_(language) for one in finding.medicines)
    shown: Json = {
        "uuid": told.id(finding),
        "summary": short(_says("card.summary", language, named=named, text=finding.text.in_(language))),
        "indicator": "critical" if told.interrupts(finding) else "info",
        "detail": detail(told, finding, language),
        "source": source(language, base, finding),
        "overrideReasons": [
            {"system": REASON_SYSTEM, "code": code, "display": _says(f"override.{code}", language)} for code in REASONS
        ],
    }
    offered = [one for one in finding.orders if one in proposed]
    if offered and told.interrupts(finding):
        shown |= {
            "suggestions": [without(told.id(finding), one, named, language) for one in offered],
            "selectionBehavior": "at-most-one",
        }
    return shown


def without(card_id: str, reference: str, named: str, language: str) -> Json:
    """The suggestion to take one proposed order back, which a client can apply."""
    kind, _, id = reference.partition("/")
    label = _says("card.without", language, named=named)
    action: Json = {"type": "delete", "description": label, "resourceId": f"{kind}/{id}"}
    return {"label": label, "uuid": str(uuid5(UUID(card_id), reference)), "actions": [action]}


def detail(told: Told, finding: Finding, language: str) -> str:
    """Markdown: what is wrong, what it rests on, what to do, who said so, and an earlier override."""
    facts = "\n".join(f"- {escaped(one.in_(language))}" for one in finding.facts)
    parts = [finding.text.in_(language), facts, f"**{finding.todo.in_(language)}**"]
    if finding.source:
        parts.append(_says("card.says", language, title=escaped(finding.source.title), date=finding.source.date))
    if (before := told.overridden(finding)) is not None:
        reason = _says(f"override.{before.reason}", language)
        said = "; ".join(filter(None, (reason, escaped(before.comment))))
        parts.append(_says("card.before", language, day=f"{before.at:%Y-%m-%d}", said=said))
    return "\n\n".join(part for part in parts if part)


def coverage_card(screening: Screening, language: str, base: str) -> Json:
    """What was looked at: how many medicines were recognised, what is absent, how old the rules are."""
    summary = _says(
        "coverage.summary",
        language,
        known=screening.recognised,
        all=screening.medicines,
        open=len(screening.unchecked),
        dated=screening.dated,
    )
    lines = [f"- {escaped(one.about.in_(language))}: {one.why.in_(language)}" for one in screening.unchecked[:SHOWN]]
    if len(screening.unchecked) > SHOWN:
        lines.append(_says("coverage.more", language, count=len(screening.unchecked) - SHOWN))
    said = _says("coverage.open" if lines else "coverage.whole", language)
    version = _says("coverage.version", language, version=screening.version, dated=screening.dated)
    return {
        "uuid": str(uuid5(UUID(int=0), f"{screening.version}|{summary}")),
        "summary": short(summary),
        "indicator": "warning" if screening.recognised < screening.medicines else "info",
        "detail": "\n\n".join(part for part in (said, "\n".join(lines), version) if part),
        "source": source(language, base, None),
    }


def source(language: str, base: str, finding: Finding | None) -> Json:
    url = finding.source.url if finding and finding.source else base
    return {"label": _says("card.source", language), "url": url, "topic": TOPIC}
