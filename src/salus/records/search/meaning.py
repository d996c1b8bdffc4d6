"""A `_filter`'s tree to conditions on a type: each comparison becomes a term as of an ordinary parameter.

https://hl7.org/fhir/R4/search_filter.html
"""

from salus import fhir
from salus.base.errors import SalusError, Unsupported
from salus.records.search.filtering import Comparison, Joint, Node, Step, parse, wrong
from salus.records.search.terms import MOST_BRANCHES, MOST_HOPS, WORDS, Term, known

FILTER = fhir.Parameter("_filter", "special", (), (), (), "http://hl7.org/fhir/SearchParameter/filter", "")
MOST = 300  # comparisons, each counted for every type that it is asked of
OWN = "~"  # begins the modifiers that only a filter has
PREFIXES = dict.fromkeys(("eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb"), "")
TEXTS = {"eq": "~is", "ne": "~isnt", "co": "contains", "sw": "", "ew": "~ew"}
BY_KIND: dict[str, dict[str, str]] = {  # by operator: the modifier that says the same
    "string": TEXTS | {"gt": "~gt", "lt": "~lt", "ge": "~ge", "le": "~le"},
    "token": {"eq": "", "ne": "~ne", "ss": "below", "sb": "above", "in": "in", "ni": "not-in"},
    "uri": {"eq": "", "ne": "~ne", "ss": "below", "sb": "above"},
    "reference": {"eq": "", "re": "", "ne": "~ne"},
    "date": PREFIXES | {"po": "~po"},
    "number": PREFIXES,
    "quantity": PREFIXES,
    "composite": {"eq": ""},
    "special": {"eq": ""},
}
PREFIXED = ("date", "number", "quantity")


def conditions(type: str, text: str) -> list[Term]:
    """The conditions that a filter makes on a type, which must all hold.

    Raises Malformed or Unsupported with the place of what cannot be read or is not served.
    """
    made = Meaning().of(type, parse(text), 0)
    return list(made.parts) if made.joint == "and" else [joined("and", (made,))]


def joined(word: str, parts: tuple[Term, ...]) -> Term:
    return Term("_filter", "", (), FILTER, joint=word, parts=parts)


class Meaning:
    """Counts the comparisons, so that a filter over many types stays bounded."""

    def __init__(self) -> None:
        self.count = 0

    def of(self, type: str, node: Node, hops: int) -> Term:
        if isinstance(node, Comparison):
            return self.compared(type, node, hops)
        return self.together(type, node, hops)

    def together(self, type: str, node: Joint, hops: int) -> Term:
        parts = [self.of(type, part, hops) for part in node.parts]
        if node.word == "and":  # one list of all, so that the planner sees each
            flat = [one for part in parts for one in (part.parts if part.joint == "and" else (part,))]
            return joined("and", tuple(one if one.joint else joined("and", (one,)) for one in flat))
        return joined(node.word, tuple(parts))

    def compared(self, type: str, node: Comparison, hops: int) -> Term:
        self.count += 1
        if self.count > MOST:
            raise Unsupported(f"_filter has more than {MOST} conditions: search in parts", path="_filter")
        step, *rest = node.steps
        try:
            parameter = known(type, step.name.partition(":")[0])
            if rest:
                return self.chained(step, parameter, Comparison(tuple(rest), node.operator, node.value, node.at), hops)
        except Unsupported as fault:
            raise placed(step.at, fault) from None
        if ":" in step.name:
            raise wrong(step.at, f"'{step.name[:80]}': a modifier stands in no filter; use an operator")
        return leaf(parameter, node)

    def chained(self, step: Step, parameter: fhir.Parameter, rest: Comparison, hops: int) -> Term:
        """`subject.name co pet`, `subject:Patient[gender eq male].name co pet`."""
        if parameter.kind != "reference":
            raise Unsupported(f"'{parameter.name}' is a {parameter.kind}, no reference: nothing follows it")
        only = step.name.partition(":")[2]
        if only and only not in parameter.targets:
            raise Unsupported(f"{parameter.name} does not refer to {only[:40]}")
        if hops >= MOST_HOPS:
            raise Unsupported(f"it goes on after {MOST_HOPS} references: search in two steps")
        inner = self.branches([only] if only else list(parameter.targets), step, rest, hops + 1)
        if len(inner) > MOST_BRANCHES:
            raise Unsupported(f"it may mean {len(inner)} types: say which, as {parameter.name}:Patient")
        return Term(parameter.name, only, (), parameter, tuple(inner), at=step.at)

    def branches(self, types: list[str], step: Step, rest: Comparison, hops: int) -> list[tuple[str, Term]]:
        """What must hold of what is referred to, for each type that knows the names."""
        fault, found = Unsupported("it refers to nothing that is known"), []
        for type in types:
            try:
                parts = [self.of(type, node, hops) for node in (step.holds, rest) if node]
            except Unsupported as refused:
                if self.count > MOST:  # else this type would be left out in silence
                    raise
                fault = refused
            else:
                found.append((type, parts[0] if len(parts) == 1 else joined("and", tuple(parts))))
        if not found:
            raise fault
        return found


def placed(at: int, fault: SalusError) -> SalusError:
    """The same fault, with its place in the filter."""
    if str(fault).startswith("_filter"):
        return fault
    return fault.__class__(f"_filter at character {at}: {fault}", path="_filter")


def leaf(parameter: fhir.Parameter, node: Comparison) -> Term:
    """The term of one comparison. Raises Unsupported for an operator that its kind of parameter does not know."""
    operators = {"eq": ""} if parameter.name in WORDS else BY_KIND[parameter.kind] | {"pr": "missing"}
    if node.operator not in operators:
        why = f"'{node.operator}' is not served for {parameter.name} ({parameter.kind}): use {', '.join(operators)}"
        raise placed(node.at, Unsupported(why))
    if node.operator == "pr":
        if node.value not in ("true", "false"):
            raise wrong(node.at, f"{parameter.name} pr {node.value[:40]}: say true or false")
        missing = {"true": "false", "false": "true"}[node.value]
        return Term(parameter.name, "missing", (missing,), parameter, at=node.at)
    prefix = node.operator if parameter.kind in PREFIXED and node.operator != "po" else ""
    return Term(parameter.name, operators[node.operator], (f"{prefix}{node.value}",), parameter, at=node.at)
