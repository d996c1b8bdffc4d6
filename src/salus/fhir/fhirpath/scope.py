"""What an evaluation knows besides its focus: variables, $this, the moment, and how much work is left."""

from collections.abc import Callable, Iterator
from datetime import datetime
from time import perf_counter
from typing import Any

from salus.base import clock
from salus.base.errors import Invalid
from salus.fhir.fhirpath.nodes import Json, Node

Nodes = list[Node]
MOST = 500_000  # items looked at in one evaluation
SECONDS = 5.0  # of one evaluation
KNOWN = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}


class Scope:
    """One evaluation of one expression."""

    __slots__ = (
        "context",
        "index",
        "left",
        "moment",
        "resolve",
        "resource",
        "root",
        "this",
        "total",
        "trace",
        "until",
        "variables",
    )

    def __init__(
        self,
        context: Node,
        resource: Node,
        root: Node,
        variables: dict[str, Any],
        resolve: Callable[[str], Json | None] | None,
        trace: Callable[[str, list[Any]], None] | None,
    ) -> None:
        self.context, self.resource, self.root = context, resource, root
        self.variables, self.resolve, self.trace = variables, resolve, trace
        self.this: Nodes = [context]
        self.total: Nodes = []
        self.index, self.left, self.until = 0, MOST, 0.0
        self.moment: datetime | None = None

    def spend(self, items: int) -> None:
        """Count the items looked at, and look at the clock. Raises Invalid over `MOST` and `SECONDS`."""
        self.left -= items + 1
        if self.left < 0:
            raise Invalid(f"FHIRPath: the expression looks at more than {MOST:,} items: make it narrower")
        now = perf_counter()
        if not self.until:
            self.until = now + SECONDS
        elif now > self.until:
            raise Invalid("FHIRPath: the expression takes too long: make it narrower")

    def now(self) -> datetime:
        """The moment of the evaluation, the same throughout."""
        self.moment = self.moment or clock.now()
        return self.moment


Code = Callable[[Scope, Nodes], Nodes]


def each(scope: Scope, items: Nodes, code: Code) -> Iterator[tuple[Node, Nodes]]:
    """Every item with what the code gives for it as $this."""
    before, index = scope.this, scope.index
    scope.spend(len(items))
    try:
        for place, node in enumerate(items):
            scope.this, scope.index = [node], place
            yield node, code(scope, scope.this)
    finally:
        scope.this, scope.index = before, index


def truth(items: Nodes) -> bool | None:
    """A collection as a condition: a single item that is no boolean is true. Raises TypeError for several items."""
    if not items:
        return None
    if len(items) > 1:
        raise TypeError(f"{len(items)} items stand where one belongs: add .exists(), .first() or .all(...)")
    value = items[0].value
    return value if type(value) is bool else None if value is None else True


def single(items: Nodes) -> Node | None:
    """The one item, or None. Raises TypeError for several."""
    if len(items) > 1:
        raise TypeError(f"{len(items)} items stand where one belongs: add .first()")
    return items[0] if items else None


def told(value: bool | None) -> Nodes:
    """A boolean as a collection; None as the empty one."""
    return [] if value is None else [Node("System.Boolean", value)]


def number(value: int) -> Nodes:
    return [Node("System.Integer", value)]


def text(value: str) -> Nodes:
    return [Node("System.String", value)]
