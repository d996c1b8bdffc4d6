"""What a GraphQL query may look like at most, judged before it is run."""

from collections.abc import Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from salus.base.errors import Unsupported

LONGEST = 20_000  # characters
MOST_WORDS = 2000
MOST_NESTED = 50  # brackets of any kind in each other
DEEPEST = 20  # fields within fields, fragments put in their places
MOST_FIELDS = 2000  # so too
Size = tuple[int, int]  # fields, depth


def check_text(text: str) -> None:
    """Raises Unsupported for what would not even be read."""
    if len(text) > LONGEST:
        raise Unsupported(f"The query has {len(text)} characters; {LONGEST} are the most: ask in parts", path="query")
    depth = 0
    for sign in text:
        depth += (sign in "{[(") - (sign in "}])")
        if depth > MOST_NESTED:
            raise Unsupported(f"More than {MOST_NESTED} brackets stand in each other: ask for less", path="query")


def check_size(document: DocumentNode) -> None:
    """Raises Unsupported for a query that is too deep or too wide, with its fragments in their places."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    measure = Measure(fragments)
    for one in document.definitions:
        if isinstance(one, OperationDefinitionNode | FragmentDefinitionNode):
            fields, depth = measure.of(one.selection_set)
            if depth > DEEPEST:
                raise Unsupported(f"The query is {depth} fields deep; {DEEPEST} are the most", path="query")
            if fields > MOST_FIELDS:
                raise Unsupported(f"The query has more than {MOST_FIELDS} fields: ask in parts", path="query")


class Measure:
    """Sizes; each fragment is measured once."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, Size] = {}

    def of(self, selections: SelectionSetNode | None) -> Size:
        fields, depth = 0, 0
        for one in selections.selections if selections else ():
            if isinstance(one, FragmentSpreadNode):
                size = self.spread(one.name.value)
            elif isinstance(one, FieldNode):
                below = self.of(one.selection_set)
                size = (below[0] + 1, below[1] + 1)
            else:
                size = self.of(getattr(one, "selection_set", None))
            fields, depth = fields + size[0], max(depth, size[1])
        return fields, depth

    def spread(self, name: str) -> Size:
        """Of one that is not there, or that spreads itself, nothing: the validation refuses it."""
        if name not in self._known:
            self._known[name] = (0, 0)
            fragment = self._fragments.get(name)
            self._known[name] = self.of(fragment.selection_set) if fragment else (0, 0)
        return self._known[name]
