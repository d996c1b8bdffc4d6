"""What learning asks of a definition: can it be learned from, which codes are its answer, how far ahead it looks, and
whether a person is in a moment at which it may be asked."""

import pyarrow as pa

from salus.learning.cohorts.definition import Codes, Definition
from salus.learning.cohorts.extract import extract
from salus.learning.cohorts.plan import TRIGGER, Plan, inputs_of, plan_of
from salus.learning.cohorts.timeline import timeline_of

DAY_US = 86_400_000_000
Place = tuple[str, int]  # a moment of an event, and microseconds after it


def faults_of_task(definition: Definition) -> list[tuple[bool, str, str]]:
    """Rows of (is it wrong, which key, what to say) for a definition that a model is to be learned from."""
    plan = plan_of(definition)
    return [
        (plan.label is None, "windows", "no window has a label: say label: PREDICATE in the window that answers"),
        (
            plan.index is None,
            "windows",
            "no window has an index_timestamp: say index_timestamp: end in the window after which it is predicted",
        ),
    ]


def label_codes(definition: Definition) -> list[str]:
    """The codes that make the label, as far as they are named one by one."""
    plan = plan_of(definition)
    return codes_of(plan, plan.label[1]) if plan.label else []


def codes_of(plan: Plan, name: str) -> list[str]:
    """The codes of a predicate; of patterns, combinations by `and`, and values none."""
    predicate = plan.all_predicates.get(name)
    if predicate is None:
        return []
    if (predicate.expr or "").startswith("or("):
        return [code for one in inputs_of(predicate) for code in codes_of(plan, one)]
    if isinstance(predicate.code, Codes):
        return list(predicate.code.any or [])
    return [predicate.code] if predicate.code else []


def horizon_days(definition: Definition) -> float:
    """From the prediction time to the end of the label's window, where that is always the same; else 0."""
    plan = plan_of(definition)
    if plan.label is None or plan.index is None:
        return 0.0
    places = places_of(plan)
    (event, until), (asked, at) = places[f"{plan.label[0]}.end"], places[".".join(plan.index)]
    return max(0, until - at) / DAY_US if event == asked else 0.0


def places_of(plan: Plan) -> dict[str, Place]:
    """Where each side of each window lies, seen from the last event it is told from."""
    places: dict[str, Place] = {TRIGGER: (TRIGGER, 0)}
    for stretch in plan.stretches:
        first = f"{stretch.name}.{stretch.first}"
        told = (
            (first, stretch.outside, stretch.outside.of),
            (f"{stretch.name}.{stretch.second}", stretch.inside, first),
        )
        for name, boundary, source in told:
            event, shift = places[source]
            places[name] = (name, 0) if boundary.event else (event, shift + boundary.shift_us)
    return places


def is_asked(definition: Definition, events: pa.Table, at_us: int) -> bool:
    """Whether the trigger has come for the person of these events, so long ago as the task waits before it predicts."""
    plan = plan_of(definition)
    event, wait = places_of(plan)[".".join(plan.index)] if plan.index else (TRIGGER, 0)
    bare = Definition(
        trigger=definition.trigger,
        predicates=definition.predicates,
        patient_demographics=definition.patient_demographics,
    )
    triggers = extract(bare, timeline_of(events)).trigger_us
    return bool((triggers + (wait if event == TRIGGER else 0) <= at_us).any())
