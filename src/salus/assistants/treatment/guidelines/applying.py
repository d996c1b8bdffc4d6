"""A PlanDefinition over one patient: what applies, what does not, and what cannot be told for lack of a fact."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Any, Literal

from salus.assistants.suggestion import Name
from salus.assistants.treatment.guidelines import bounds, sets
from salus.assistants.treatment.guidelines.background import SECONDS, Background, Score, names_in, once
from salus.assistants.treatment.guidelines.facts import members, standing
from salus.assistants.treatment.guidelines.plans import DATED, QUALITY, STRENGTH, TRANSLATION
from salus.base.errors import Invalid
from salus.codes.terminology import Terminology

Json = Mapping[str, Any]
State = Literal["applies", "unknown", "not"]


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition: its words, what is known of what it asks for, and what is missing where it cannot be told."""

    said: Name
    expression: str
    holds: bool | None
    facts: tuple[Name, ...]
    missing: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Cited:
    label: str
    title: str
    url: str
    date: str


@dataclass(frozen=True, slots=True)
class Weighed:
    """An action with its answer; `medicine` is its ActivityDefinition; `within` are its actions, where it applies."""

    action: Json
    title: Name
    text: Name
    source: Cited | None
    strength: str
    quality: str
    state: State
    clauses: tuple[Clause, ...]
    medicine: Json | None = None
    within: tuple["Weighed", ...] = ()

    @property
    def missing(self) -> tuple[Name, ...]:
        return once(why for one in self.clauses if one.holds is None for why in one.missing)

    @property
    def medicines(self) -> tuple["Weighed", ...]:
        """The medicines that it offers to choose from."""
        return tuple(one for one in self.within if one.medicine is not None)


@dataclass(frozen=True, slots=True)
class Applied:
    """A plan over one patient. `draft`: not yet approved here; `scores`: those that its conditions asked for."""

    plan: Json
    title: Name
    draft: bool
    actions: tuple[Weighed, ...]
    scores: tuple[Score, ...]
    unread: tuple[Name, ...]
    at: datetime

    def of_state(self, state: State) -> list[Weighed]:
        """The actions of a state, at any level, but for the medicines of an option."""
        return [one for one in flat(self.actions) if one.state == state and one.medicine is None]

    @property
    def state(self) -> State:
        """Whether the whole plan has anything to say: as its first level does."""
        states = {one.state for one in self.actions}
        return "applies" if "applies" in states else "unknown" if "unknown" in states else "not"


def flat(actions: tuple[Weighed, ...]) -> list[Weighed]:
    return [each for one in actions for each in (one, *flat(one.within))]


@dataclass
class Weighing:
    """One plan, one patient, one moment to end by; value sets are expanded once."""

    plan: Json
    background: Background
    terms: Terminology | None
    until: float
    asked: dict[str, None] = field(default_factory=dict)  # names that conditions asked for
    lists: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    stand: list[Json] = field(default_factory=list)

    def action(self, action: Json, path: str) -> Weighed:
        more = self.variables(action, path)
        clauses = tuple(
            self.clause(one["expression"], more, f"{path}.condition[{place}]")
            for place, one in enumerate(action.get("condition", []))
        )
        state = state_of(clauses)
        canonical = action.get("definitionCanonical")
        medicine = bounds.activity(self.plan, canonical, path) if canonical else None
        inner = [self.action(one, f"{path}.action[{place}]") for place, one in enumerate(action.get("action", []))]
        return Weighed(
            action,
            translated(action, "title"),
            translated(action, "description"),
            cited(action),
            extended(action, STRENGTH),
            extended(action, QUALITY),
            state,
            clauses,
            medicine,
            tuple(inner) if state == "applies" else (),
        )

    def clause(self, said: Json, more: dict[str, list[Json]], path: str) -> Clause:
        expression: str = said["expression"]
        try:
            holds = self.background.holds(expression, self.until, more)
            self.asked |= dict.fromkeys(names_in(expression))
        except Invalid as fault:
            raise Invalid(f"{path}: {fault}", path=path) from None
        words = translated(said, "description")
        return Clause(
            words if words.en else Name(expression, expression),
            expression,
            holds,
            self.background.told(expression),
            self.background.lacking(expression) if holds is None else (),
        )

    def variables(self, action: Json, path: str) -> dict[str, list[Json]]:
        """The inputs of an action that have an id, as %id: what of the patient's stands in their value sets."""
        found = {}
        for place, one in enumerate(action.get("input", [])):
            if one.get("id"):
                found[one["id"]] = self.input(one, f"{path}.input[{place}]")
        return found

    def input(self, data: Json, path: str) -> list[Json]:
        filters = data.get("codeFilter", [])
        if len(filters) != 1 or "valueSet" not in filters[0] or set(filters[0]) - {"path", "valueSet", "id"}:
            raise Invalid(f"{path}: give one codeFilter with a valueSet, or leave the id out", path=path)
        key = (data["type"], filters[0]["valueSet"])
        if key not in self.lists:
            codes = sets.at(filters[0]["valueSet"], self.terms)
            of_type = [one for one in self.every() if one["resourceType"] in TYPES.get(data["type"], (data["type"],))]
            self.lists[key] = members(of_type, codes, self.background.at)
        return self.lists[key]

    def every(self) -> list[Json]:
        """What of the patient's inputs may ask for: problems and medicines as far as they stand, and all the others."""
        if not self.stand:
            others = [one for one in self.background.resources if one["resourceType"] not in STANDING]
            self.stand.extend(standing(self.background.resources) + others)
        return self.stand


STANDING = ("Condition", "MedicationRequest", "MedicationStatement")
TYPES = {"MedicationRequest": ("MedicationRequest", "MedicationStatement")}


def apply(plan: Json, background: Background, terms: Terminology | None = None) -> Applied:
    """The plan over the patient. Raises Unsupported for a part that is not served, Invalid for a condition that cannot
    be evaluated or a value set that cannot be expanded."""
    bounds.check(plan)
    weighing = Weighing(plan, background, terms, perf_counter() + SECONDS)
    actions = tuple(
        weighing.action(one, f"PlanDefinition.action[{place}]") for place, one in enumerate(plan.get("action", []))
    )
    asked = {name.removesuffix("_least") for name in weighing.asked}
    scores = tuple(score for key, score in background.scores.items() if key in asked)
    title = translated(plan, "title")
    named = str(plan.get("title") or plan.get("name") or plan.get("id", ""))
    return Applied(
        plan,
        title if title.en else Name(named, named),
        plan.get("status") != "active",
        actions,
        scores,
        background.unread,
        background.at,
    )


def state_of(clauses: tuple[Clause, ...]) -> State:
    """All must hold; one that does not decides, one that is not known leaves it open."""
    held = {one.holds for one in clauses}
    return "not" if False in held else "unknown" if None in held else "applies"


def translated(part: Json, name: str) -> Name:
    """A text and its Chinese translation, the text itself where there is none."""
    text = str(part.get(name, ""))
    for one in part.get(f"_{name}", {}).get("extension", []):
        inner = {each["url"]: each for each in one.get("extension", [])} if one.get("url") == TRANSLATION else {}
        if inner.get("lang", {}).get("valueCode", "").startswith("zh"):
            return Name(text, inner.get("content", {}).get("valueString", text))
    return Name(text, text)


def extended(action: Json, url: str) -> str:
    found = (one.get("valueCodeableConcept", {}) for one in action.get("extension", []) if one.get("url") == url)
    concept: Json = next(found, {})
    coding: Json = next(iter(concept.get("coding", [])), {})
    return str(concept.get("text") or coding.get("display") or coding.get("code") or "")


def cited(action: Json) -> Cited | None:
    found = next((one for one in action.get("documentation", []) if one.get("type") == "citation"), None)
    if found is None:
        return None
    dated = next((one.get("valueDate", "") for one in found.get("extension", []) if one.get("url") == DATED), "")
    url = found.get("url", "")
    title = found.get("citation") or found.get("display") or url
    return Cited(found.get("label", ""), title, url if url.startswith(("https://", "http://")) else "", dated)
