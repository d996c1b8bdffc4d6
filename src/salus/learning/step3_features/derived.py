"""Features that a task derives from others by a formula: a shock index, a ratio, a change. Made after the windows, from
the same numbers in training and at the bedside."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from salus.learning.dictionary import Concept, EventRecipe, Feature, Formula
from salus.learning.formulas import Expression
from salus.learning.step3_features.concepts import person_features, span
from salus.learning.step3_features.windows import MEASURED
from salus.learning.task import Derived, Task, matches

PERSON = ("age", "sex")


def with_derived(recipe: EventRecipe, task: Task) -> tuple[EventRecipe, list[str]]:
    """The recipe with the features that the task derives, what they need, and the names of those that cannot be made:
    their codes are not among the concepts."""
    making = Making(recipe, task)
    lacking = [name for name, one in task.features.derived.items() if not making.add(name, one)]
    features = list(making.features.values())
    return msgspec.structs.replace(recipe, features=features, derived=making.formulas), lacking


class Making:
    """The features so far, by name, and the formulas of those that are derived."""

    def __init__(self, recipe: EventRecipe, task: Task) -> None:
        self.task = task
        self.concepts = {concept.code: concept for concept in recipe.concepts if concept.text is None}
        self.features = {feature.name: feature for feature in recipe.features}
        self.labels = {feature.source: feature.label for feature in recipe.features}
        self.measured = {feature.source for feature in recipe.features if feature.value in MEASURED}
        self.formulas = dict[str, Formula]()

    def add(self, name: str, one: Derived) -> bool:
        """Whether any feature came of it: one a value and window, for each code where a pattern stands."""
        expression, before = Expression(one.formula), len(self.formulas)
        for label_of, of in self._choices(name, one):
            if all(of[root] or root in PERSON for root in map(root_of, expression.names)):
                self._make(name, one, expression, of, label_of)
        return len(self.formulas) > before

    def _choices(self, name: str, one: Derived) -> Iterator[tuple[Concept | None, dict[str, list[Concept]]]]:
        """What the names of a formula stand for: concepts, the first known of which counts."""
        fixed = {key: [self.concepts[code] for code in codes_of(said) if code in self.concepts] for key, said in
                 one.of.items() if not is_pattern(said)} | {key: [] for key in PERSON}  # fmt: skip
        each = next(((key, codes_of(said)) for key, said in one.of.items() if is_pattern(said)), None)
        if each is None:
            yield None, fixed
            return
        for code in sorted(code for code in self.concepts if matches(code, each[1])):
            yield self.concepts[code], fixed | {each[0]: [self.concepts[code]]}

    def _make(
        self, name: str, one: Derived, expression: Expression, of: Mapping[str, list[Concept]], each: Concept | None
    ) -> None:
        is_open = any("." not in said and said not in PERSON for said in expression.names)
        source = name if each is None else each.key
        for value in one.values if is_open else [None]:
            for days in self.task.features.windows_days:
                inputs = {said: self._inputs(said, value, days, of) for said in expression.names}
                if not all(inputs.values()):
                    continue
                parts = [
                    source,
                    *([name] if each else []),
                    *([value] if value else []),
                    *([span(days)] if days else []),
                ]
                made = Feature(
                    name=".".join(parts),
                    source=source,
                    value="derived",
                    window_days=days,
                    unit=one.unit,
                    label=self.labels[each.key] if each else one.label or dict.fromkeys(("en", "zh"), name),
                )
                self.features[made.name] = made
                self.formulas[made.name] = Formula(text=one.formula, of=inputs)

    def _inputs(self, said: str, value: str | None, days: float, of: Mapping[str, list[Concept]]) -> list[str]:
        """The names of the features that a name of a formula stands for; they are made where they are not yet."""
        if said in PERSON:
            self.features.setdefault(said, next(one for one in person_features() if one.name == said))
            return [said]
        wanted = said.partition(".")[2] or value or "last"
        found = (self._base(concept, wanted, 0.0 if wanted == "since" else days) for concept in of[root_of(said)])
        return [one for one in found if one]

    def _base(self, concept: Concept, value: str, days: float) -> str | None:
        """The name of the feature of a concept; None for numbers of what was never measured."""
        if value in MEASURED and concept.key not in self.measured:
            return None
        name = f"{concept.key}.{value}" + (f".{span(days)}" if days else "")
        unit = {"count": None, "since": "d"}.get(value, concept.unit)
        self.features.setdefault(
            name,
            Feature(
                name=name, source=concept.key, value=value, window_days=days, unit=unit, label=self.labels[concept.key]
            ),
        )
        return name


def root_of(said: str) -> str:
    """
    >>> root_of("rate.last"), root_of("rate")
    ('rate', 'rate')
    """
    return said.partition(".")[0]


def codes_of(said: str | Sequence[str]) -> list[str]:
    return [said] if isinstance(said, str) else list(said)


def is_pattern(said: str | Sequence[str]) -> bool:
    return any(code.endswith("*") for code in codes_of(said))


def with_inputs(recipe: EventRecipe, kept: Sequence[int]) -> list[int]:
    """The places of these features and of those that they are derived from, in the order of the recipe."""
    names = {recipe.features[j].name for j in kept}
    names |= {name for one in list(names) for found in inputs_of(recipe, one) for name in found}
    return [j for j, feature in enumerate(recipe.features) if feature.name in names]


def inputs_of(recipe: EventRecipe, name: str) -> Iterator[list[str]]:
    formula = recipe.derived.get(name)
    return iter(formula.of.values() if formula else ())
