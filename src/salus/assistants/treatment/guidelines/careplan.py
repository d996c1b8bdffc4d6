"""The answer of `$apply`: a CarePlan with a contained RequestGroup of what applies.

https://hl7.org/fhir/R4/plandefinition-operation-apply.html, https://hl7.org/fhir/R4/requestgroup.html. A medicine is a
proposed MedicationRequest, what the screen found about it its DetectedIssues; advice is a Task. What cannot be told is
a note of the CarePlan, with the fact that is missing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from salus.assistants.suggestion import Name
from salus.assistants.treatment.guidelines.applying import Applied, Clause, Weighed
from salus.assistants.treatment.guidelines.offers import Choice, Offered
from salus.assistants.treatment.overrides import issue
from salus.assistants.treatment.screen.person import says
from salus.base import clock

Json = dict[str, Any]
GROUP = "options"
KEPT = ("prefix", "priority", "code", "documentation", "groupingBehavior", "selectionBehavior", "requiredBehavior")


def care_plan(applied: Applied, found: list[Offered], patient: str, language: str, more: Mapping[str, Any]) -> Json:
    """The CarePlan in a language; `more`: elements of it that who asks has given, such as its author."""
    subject = {"reference": f"Patient/{patient}"}
    contained: list[Json] = []
    actions = [action(one, contained, applied, subject, language) for one in found]
    applying = [clause for one in applied.actions if one.state == "applies" for clause in one.clauses]
    canonical = canonical_of(applied.plan)
    group: Json = {
        "resourceType": "RequestGroup",
        "id": GROUP,
        **canonical,
        "status": "draft",
        "intent": "proposal",
        "subject": subject,
        "authoredOn": clock.instant(applied.at),
        **listed("reasonCode", [{"text": why(one, language)} for one in applying]),
        **listed("action", actions),
    }
    return {
        "resourceType": "CarePlan",
        "contained": [group, *contained],
        **canonical,
        "status": "draft",
        "intent": "proposal",
        **filled("title", applied.title.in_(language)),
        "description": says(described(applied)).in_(language),
        "subject": subject,
        "created": clock.instant(applied.at),
        **more,
        "activity": [{"reference": {"reference": f"#{GROUP}"}}],
        **listed("note", [{"text": text} for text in notes(applied, language)]),
    }


def described(applied: Applied) -> str:
    return "guideline.draft" if applied.draft else "guideline.approved"


def canonical_of(plan: Mapping[str, Any]) -> Json:
    url, version = plan.get("url"), plan.get("version")
    return {"instantiatesCanonical": [f"{url}|{version}" if version else url]} if url else {}


def listed(name: str, rows: list[Json]) -> Json:
    """FHIR has no empty lists."""
    return {name: rows} if rows else {}


def filled(name: str, text: str) -> Json:
    return {name: text} if text else {}


def action(offered: Offered, contained: list[Json], applied: Applied, subject: Json, language: str) -> Json:
    """An option as an action of the RequestGroup; what it points at goes to `contained`."""
    option = offered.option
    reasons = "; ".join(why(one, language) for one in option.clauses)
    made: Json = {
        **{name: option.action[name] for name in ("id", "extension", *KEPT) if name in option.action},
        **filled("title", option.title.in_(language)),
        **filled("description", option.text.in_(language)),
        **filled("textEquivalent", reasons),
        **listed("condition", [plain(one, language) for one in option.clauses]),
    }
    if not offered.choices:
        made["resource"] = pointed(task(option, contained, applied, subject, language), contained)
    elif option.medicine is not None:
        made["resource"] = pointed(proposal(offered.choices[0], contained, applied, language), contained)
    else:
        made["action"] = [
            {
                "title": one.named.in_(language),
                "resource": pointed(proposal(one, contained, applied, language), contained),
            }
            for one in offered.choices
        ]
    return made


def why(clause: Clause, language: str) -> str:
    """The words of a condition with the facts that it rests on."""
    facts = says("card.and").in_(language).join(one.in_(language) for one in clause.facts)
    return f"{clause.said.in_(language)} ({facts})" if facts else clause.said.in_(language)


def plain(clause: Clause, language: str) -> Json:
    said = {"language": "text/fhirpath", "expression": clause.expression}
    return {"kind": "applicability", "expression": {"description": clause.said.in_(language), **said}}


def pointed(resource: Json, contained: list[Json]) -> Json:
    contained.append(resource)
    return {"reference": f"#{resource['id']}"}


def task(option: Weighed, contained: list[Json], applied: Applied, subject: Json, language: str) -> Json:
    """Advice: something to do that is no order."""
    words = option.title.in_(language) or option.text.in_(language)
    return {
        "resourceType": "Task",
        "id": f"advice-{len(contained) + 1}",
        "status": "draft",
        "intent": "proposal",
        **filled("description", words),
        "for": subject,
        "authoredOn": clock.instant(applied.at),
    }


def proposal(choice: Choice, contained: list[Json], applied: Applied, language: str) -> Json:
    """The medicine as it is proposed, with what the screen found and what it did not look at."""
    patient = choice.told.patient
    issues = [
        issue(one, patient, applied.at)
        | {"id": f"{choice.order['id']}-issue-{place}", "detail": one.text.in_(language)}
        for place, one in enumerate(choice.findings, start=1)
    ]
    told = [{"text": f"{one.about.in_(language)}: {one.why.in_(language)}"} for one in choice.unchecked]
    pointers = [pointed(one, contained) for one in issues]
    return choice.order | listed("detectedIssue", pointers) | listed("note", told)


def notes(applied: Applied, language: str) -> Iterator[str]:
    """What cannot be told, what the scores are, and what nobody here could read."""
    for one in applied.of_state("unknown"):
        missing = joined(one.missing, language) or says("guideline.no-answer").in_(language)
        yield says("guideline.unknown", title=one.title, missing=missing).in_(language)
    for score in applied.scores:
        items = (f"{one.said.in_(language)}: {points(one.holds, one.points)}" for one in score.items)
        total = f"≥ {score.least}" if score.total is None else str(score.total)
        yield f"{score.said.in_(language)} {total}. {'; '.join(items)}. {says('guideline.absent').in_(language)}"
    if applied.unread:
        yield says("guideline.unread", names=joined(applied.unread, language)).in_(language)


def points(holds: bool | None, worth: int) -> str:
    return "?" if holds is None else str(worth if holds else 0)


def joined(names: Iterable[Name], language: str) -> str:
    return ("；" if language == "zh" else "; ").join(one.in_(language) for one in names)
