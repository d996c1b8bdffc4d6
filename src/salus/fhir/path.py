"""The FHIRPath subset of R4's search parameters, as plain steps. https://hl7.org/fhir/R4/fhirpath.html

A step is a text: a name (`code`), `:Type` (as, ofType), `[0]`, `?type=value` (where),
`@Type` (where resolve() is Type) or `=deceased` (exists and not false).
"""

import re

_EXISTS = re.compile(r"(\w+)\.(\w+)\.exists\(\) and \1\.\2 != false")
_STEPS = (
    (re.compile(r"\.?(?:as|ofType)\((\w+)\)"), ":{}"),
    (re.compile(r"\.?where\(resolve\(\) is (\w+)\)"), "@{}"),
    (re.compile(r"\.?where\((\w+)='([^']*)'\)"), "?{}={}"),
    (re.compile(r"\[(\d+)\]"), "[{}]"),
    (re.compile(r"\s+as (\w+)"), ":{}"),
    (re.compile(r"\.?(\w+)"), "{}"),
)


def split_union(expression: str) -> list[str]:
    """The parts of a union.

    >>> split_union("Goal.target | (Goal.start as date)")
    ['Goal.target', '(Goal.start as date)']
    """
    return [part.strip() for part in expression.split("|")]


def steps_of(part: str) -> list[str]:
    """The steps of one part of a union. Raises ValueError for FHIRPath outside the subset.

    >>> steps_of("(Observation.value as Quantity)")
    ['Observation', 'value', ':Quantity']
    >>> steps_of("Patient.telecom.where(system='email')")
    ['Patient', 'telecom', '?system=email']
    """
    if found := _EXISTS.fullmatch(part):
        return [found[1], f"={found[2]}"]
    steps, rest = [], re.sub(r"\((\w+(?:\.\w+)* as \w+)\)", r"\1", part)
    while rest:
        step, rest = _first(rest)
        steps.append(step)
    return steps


def path_key(steps: list[str]) -> str:
    """The name that a path is numbered by: its steps without `where(resolve() is ...)`, which filters by target.

    >>> path_key(["Flag", "subject", "@Patient"])
    'Flag.subject'
    """
    return ".".join(step for step in steps if step[0] != "@")


def _first(text: str) -> tuple[str, str]:
    for pattern, shape in _STEPS:
        if found := pattern.match(text):
            return shape.format(*found.groups()), text[found.end() :]
    raise ValueError(f"FHIRPath outside the subset: {text!r}")
