"""The compiled expression, and the one door to it."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from salus.base.errors import Invalid
from salus.fhir.fhirpath.compiling import Compiler
from salus.fhir.fhirpath.nodes import Json, Node, plain, resource
from salus.fhir.fhirpath.parsing import parse
from salus.fhir.fhirpath.scope import Code, Nodes, Scope, truth

REMEMBERED = 4096  # expressions compiled once


class Expression:
    """A compiled expression. Calling it with a resource gives the values that it finds, as plain JSON values."""

    __slots__ = ("code", "text")

    def __init__(self, text: str, code: Code) -> None:
        self.text, self.code = text, code

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __call__(self, focus: Json | Node, **options: Any) -> list[Any]:
        """The values found from a resource or a node; options as of `nodes`. Raises Invalid."""
        return [value for node in self.nodes(focus, **options) if (value := plain(node)) is not None]

    def nodes(
        self,
        focus: Json | Node,
        *,
        whole: Node | None = None,
        root: Node | None = None,
        variables: Mapping[str, Any] | None = None,
        resolve: Callable[[str], Json | None] | None = None,
        trace: Callable[[str, list[Any]], None] | None = None,
        until: float = 0.0,
    ) -> Nodes:
        """The nodes found from a resource or a node.

        `whole` and `root` are %resource and %rootResource where the focus is a part of them; `variables` are other
        %names; `resolve` gives the resource of a literal reference or None; `trace` hears name and values; `until` is a
        moment (perf_counter) to end by, where it is not the usual. Raises Invalid where the expression cannot be
        applied, looks at too much or takes too long.
        """
        context = focus if isinstance(focus, Node) else resource(focus)
        around = whole or context
        scope = Scope(context, around, root or around, dict(variables or {}), resolve, trace)
        scope.until = until
        try:
            return self.code(scope, scope.this)
        except RecursionError:
            raise Invalid(f"FHIRPath: {self.text[:100]!r} nests too deeply") from None

    def holds(self, focus: Json | Node, **options: Any) -> bool | None:
        """The expression as a condition; None where it cannot be known. Raises Invalid."""
        try:
            return truth(self.nodes(focus, **options))
        except TypeError as error:
            raise Invalid(f"FHIRPath: {self.text[:100]!r}: {error}") from None


@lru_cache(REMEMBERED)
def compile(expression: str) -> Expression:
    """Compile a FHIRPath expression. Raises Invalid with the place of the fault.

    >>> compile("name.where(use = 'official').given.first()")(
    ...     {"resourceType": "Patient", "name": [{"use": "official", "given": ["Mei", "Lan"]}]}
    ... )
    ['Mei']
    """
    try:
        return Expression(expression, Compiler(expression).code(parse(expression)))
    except RecursionError:
        raise Invalid(f"FHIRPath: {expression[:100]!r} nests too deeply") from None
