"""Which parts of a PlanDefinition are served. https://hl7.org/fhir/R4/plandefinition.html

What is not is refused by its name: a plan that loses a part on the way is another plan.
"""

from collections.abc import Mapping
from typing import Any

from salus.base.errors import Unsupported

Json = Mapping[str, Any]
DEEPEST, MOST = 8, 500  # levels, actions
LANGUAGES = ("text/fhirpath",)
MEDICINE = "MedicationRequest"

IGNORED = {  # about the plan itself; they change nothing in what it says
    "resourceType", "id", "meta", "implicitRules", "language", "text", "contained", "extension", "url", "identifier",
    "version", "name", "title", "subtitle", "type", "status", "experimental", "date", "publisher", "contact",
    "description", "useContext", "jurisdiction", "purpose", "usage", "copyright", "approvalDate", "lastReviewDate",
    "effectivePeriod", "topic", "author", "editor", "reviewer", "endorser", "relatedArtifact", "action",
    "subjectCodeableConcept",
}  # fmt: skip
ACTION = {
    "id", "extension", "prefix", "title", "description", "textEquivalent", "priority", "code", "reason",
    "documentation", "condition", "input", "groupingBehavior", "selectionBehavior", "requiredBehavior",
    "precheckBehavior", "cardinalityBehavior", "definitionCanonical", "action", "type",
}  # fmt: skip
ACTIVITY = {*IGNORED, "kind", "intent", "productCodeableConcept", "dosage", "profile", "library"} - {"action"}


def check(plan: Json) -> None:
    """Raises Unsupported with the path of the first part that is not served."""
    only(plan, IGNORED, "PlanDefinition")
    if plan.get("status") == "retired":
        raise Unsupported("This PlanDefinition is retired: apply the one that took its place", path="status")
    coded = plan.get("subjectCodeableConcept", {}).get("coding", [])
    if coded and all(one.get("code") != "Patient" for one in coded):
        raise Unsupported("Only plans about a Patient are served", path="PlanDefinition.subjectCodeableConcept")
    left = MOST
    for place, action in enumerate(plan.get("action", [])):
        left = check_action(action, f"PlanDefinition.action[{place}]", left, 1)


def check_action(action: Json, path: str, left: int, depth: int) -> int:
    """How many more actions there may be."""
    if depth > DEEPEST or left <= 0:
        raise Unsupported(f"More than {DEEPEST} levels or {MOST} actions are not served", path=path)
    only(action, ACTION, path)
    for place, one in enumerate(action.get("condition", [])):
        check_condition(one, f"{path}.condition[{place}]")
    if action.get("definitionCanonical") and action.get("action"):
        raise Unsupported("An action with both a definition and actions is not served", path=path)
    left -= 1
    for place, one in enumerate(action.get("action", [])):
        left = check_action(one, f"{path}.action[{place}]", left, depth + 1)
    return left


def check_condition(condition: Json, path: str) -> None:
    said = condition.get("expression", {})
    if condition.get("kind") != "applicability":
        raise Unsupported(f"A condition of kind '{condition.get('kind')}' is not served: applicability is", path=path)
    if said.get("language") not in LANGUAGES or "expression" not in said:
        told = said.get("reference") or said.get("language")
        raise Unsupported(f"'{str(told)[:80]}' is not evaluated here: write the condition in text/fhirpath", path=path)


def only(part: Json, allowed: set[str], path: str) -> None:
    for name in part:
        if name.removeprefix("_") not in allowed:
            raise Unsupported(f"{path}.{name} is not served by $apply: leave it out", path=f"{path}.{name}")


def activity(plan: Json, canonical: str, path: str) -> Json:
    """The contained ActivityDefinition that an action names. Raises Unsupported for any other."""
    inside = plan.get("contained", [])
    found: Json | None = next((one for one in inside if canonical == f"#{one.get('id')}"), None)
    if found is None or found.get("resourceType") != "ActivityDefinition":
        raise Unsupported(f"{canonical[:200]}: only contained ActivityDefinitions are served", path=path)
    only(found, ACTIVITY, path)
    if found.get("kind") != MEDICINE or "productCodeableConcept" not in found:
        raise Unsupported(f"{canonical[:200]}: only a {MEDICINE} of a productCodeableConcept is served", path=path)
    return found
