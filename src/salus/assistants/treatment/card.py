"""The treatment card as CDS Hooks 2.0 cards: one for each cause that speaks against an order, one for each option that
an order in draft stands in, and one that says what was looked at and what was not.

https://cds-hooks.hl7.org/2.0/#card-attributes. The uuid of a finding's card is the id of its DetectedIssue: feedback
finds it again. Suggestions are whole: a client can apply their actions as they stand.
"""

from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from salus.assistants.diagnosis.card import escaped, short
from salus.assistants.treatment.options import answers
from salus.assistants.treatment.options.alternatives import Instead, better, estimates_of, instead, spoken_of
from salus.assistants.treatment.options.shape import Card, Medicine, Option
from salus.assistants.treatment.options.telling import sentence
from salus.assistants.treatment.overrides import REASON_SYSTEM, REASONS
from salus.assistants.treatment.prescribing import Told
from salus.assistants.treatment.screen import Finding
from salus.base.words import words_of

Json = dict[str, Any]
TOPIC = {"system": "https://salus.example/fhir/CodeSystem/assistant", "code": "treatment"}
SHOWN = 12  # lines of what was not checked


def _says(key: str, language: str, **slots: object) -> str:
    return words_of("salus.assistants.treatment")(key, language, **slots)


def cards(whole: Card, proposed: set[str], language: str, base: str, choosing: bool = False) -> list[Json]:
    """The cards, the gravest first; `proposed`: references of the orders that a client can still take back;
    `choosing`: whether the order is still being chosen, so that every alternative is worth a word."""
    made = [card(whole, finding, proposed, language, base) for finding in whole.told.screening.findings]
    options = [
        option_card(whole, option, draft, language, base, choosing) for option, draft in spoken_of(whole, proposed)
    ]
    return [*made, *options, coverage_card(whole, language, base)]


def card(whole: Card, finding: Finding, proposed: set[str], language: str, base: str) -> Json:
    """One finding. What was decided before is still said, but no longer interrupts."""
    told = whole.told
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
            "suggestions": [
                *(
                    replacing(told.id(finding), whole, each, language)
                    for one in offered
                    for each in instead(whole, one)
                ),
                *(without(told.id(finding), one, named, language) for one in offered),
            ],
            "selectionBehavior": "at-most-one",
        }
    return shown


def without(card_id: str, reference: str, named: str, language: str) -> Json:
    """The suggestion to take one proposed order back, which a client can apply."""
    kind, _, id = reference.partition("/")
    label = _says("card.without", language, named=named)
    action: Json = {"type": "delete", "description": label, "resourceId": f"{kind}/{id}"}
    return {"label": label, "uuid": str(uuid5(UUID(card_id), reference)), "actions": [action]}


def replacing(card_id: str, whole: Card, one: Instead, language: str) -> Json:
    """The suggestion to order another medicine of the same option instead, which a client can apply."""
    names = {"named": one.medicine.named.in_(language), "draft": one.draft.named.in_(language)}
    created = {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": one.medicine.choice.order["medicationCodeableConcept"],
        "subject": {"reference": f"Patient/{whole.patient.rpartition('/')[2]}"},
    }
    create: Json = {"type": "create", "description": _says("card.create", language, **names), "resource": created}
    delete: Json = {
        "type": "delete",
        "description": _says("card.without", language, named=names["draft"]),
        "resourceId": one.draft.draft,
    }
    return {
        "label": _says("card.instead", language, **names),
        "uuid": suggestion_id(card_id, one),
        "actions": [create, delete],
    }


def suggestion_id(card_id: str, one: Instead) -> str:
    return str(uuid5(UUID(card_id), f"{one.draft.draft}|{one.option.key}|{one.medicine.named.en}"))


def option_id(patient: str, option: Option) -> str:
    """The id of the card of one option for one patient: the same always."""
    return str(uuid5(NAMESPACE_URL, f"{patient}|{option.key}"))


def option_card(whole: Card, option: Option, draft: Medicine, language: str, base: str, choosing: bool) -> Json:
    """What a guideline and the estimates say of an order in draft. It informs, and never interrupts."""
    id = option_id(whole.patient, option)
    offered = instead(whole, draft.draft) if choosing else better(whole, draft.draft)
    named = draft.named.in_(language)
    shown: Json = {
        "uuid": id,
        "summary": short(_says("card.option", language, named=named, title=option.title.in_(language))),
        "indicator": "info",
        "detail": option_detail(whole, option, draft, language),
        "source": source(language, base, None),
        "overrideReasons": [
            {"system": answers.REASON_SYSTEM, "code": code, "display": _says(f"refusal.{code}", language)}
            for code in answers.REASONS
        ],
    }
    if "/" not in whole.patient:  # of a patient of ours there is a page
        url = f"{base}/patients/{whole.patient}/options#{option.mark}"
        shown["links"] = [{"label": _says("card.page", language), "url": url, "type": "absolute"}]
    if offered:
        made = [replacing(id, whole, one, language) for one in offered if one.compared or one.option.key == option.key]
        shown |= {"suggestions": made, "selectionBehavior": "at-most-one"} if made else {}
    return shown


def option_detail(whole: Card, option: Option, draft: Medicine, language: str) -> str:
    """Markdown: the line of the guideline with its grade, the estimates, and what else the option has."""
    parts = []
    if (line := option.line) is not None:
        cited = (
            _says("card.says", language, title=escaped(line.source.title), date=line.source.date) if line.source else ""
        )
        graded = ", ".join(filter(None, (line.strength, line.quality)))
        parts += [escaped(line.text.in_(language)), " ".join(filter(None, (cited, escaped(graded))))]
    parts += [escaped(sentence(one).in_(language)) for one in estimates_of(whole, option, draft)] or [
        _says("card.no.estimate", language)
    ]
    rest = [one.named.in_(language) for one in option.allowed if one is not draft]
    if rest:
        parts.append(_says("card.others", language, named=_says("card.and", language).join(map(escaped, rest))))
    return "\n\n".join(part for part in parts if part)


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


def coverage_card(whole: Card, language: str, base: str) -> Json:
    """What was looked at: how many medicines were recognised, what is absent, how old the rules are; and the layers
    that could not be asked."""
    screening = whole.told.screening
    unlooked = whole.told.open
    summary = _says(
        "coverage.summary",
        language,
        known=screening.recognised,
        all=screening.medicines,
        open=len(unlooked),
        dated=screening.dated,
    )
    lines = [f"- {escaped(one.in_(language))}" for one in unlooked[:SHOWN]]
    if len(unlooked) > SHOWN:
        lines.append(_says("coverage.more", language, count=len(unlooked) - SHOWN))
    faults = [one.in_(language) for one in whole.faults]
    said = _says("coverage.open" if lines else "coverage.whole", language)
    version = _says("coverage.version", language, version=screening.version, dated=screening.dated)
    return {
        "uuid": str(uuid5(UUID(int=0), f"{screening.version}|{summary}")),
        "summary": short(summary),
        "indicator": "warning" if screening.recognised < screening.medicines else "info",
        "detail": "\n\n".join(part for part in (*faults, said, "\n".join(lines), version) if part),
        "source": source(language, base, None),
    }


def source(language: str, base: str, finding: Finding | None) -> Json:
    url = finding.source.url if finding and finding.source else base
    return {"label": _says("card.source", language), "url": url, "topic": TOPIC}
