"""Functions on collections: existence, filtering, parts, joins, the tree. https://hl7.org/fhirpath/N1/#functions"""

from collections.abc import Callable

from salus.fhir.fhirpath.nodes import Node, children, plain, system
from salus.fhir.fhirpath.scope import Code, Nodes, Scope, each, number, single, told, truth
from salus.fhir.fhirpath.values import decimal, key

Eager = Callable[..., Nodes]


def empty(scope: Scope, items: Nodes) -> Nodes:
    return told(not items)


def exists(scope: Scope, items: Nodes, criterion: Code | None = None) -> Nodes:
    return told(bool(items) if criterion is None else any(truth(got) for _, got in each(scope, items, criterion)))


def every(scope: Scope, items: Nodes, criterion: Code) -> Nodes:
    return told(all(truth(got) for _, got in each(scope, items, criterion)))


def all_are(wanted: bool) -> Eager:
    return lambda scope, items: told(all(truth([node]) is wanted for node in items))


def any_is(wanted: bool) -> Eager:
    return lambda scope, items: told(any(truth([node]) is wanted for node in items))


def count(scope: Scope, items: Nodes) -> Nodes:
    return number(len(items))


def distinct(scope: Scope, items: Nodes) -> Nodes:
    scope.spend(len(items))
    found: dict[object, Node] = {}
    for node in items:
        found.setdefault(key(node), node)
    return list(found.values())


def is_distinct(scope: Scope, items: Nodes) -> Nodes:
    return told(len(distinct(scope, items)) == len(items))


def subset_of(scope: Scope, items: Nodes, other: Nodes) -> Nodes:
    return told({key(node) for node in items} <= {key(node) for node in other})


def superset_of(scope: Scope, items: Nodes, other: Nodes) -> Nodes:
    return subset_of(scope, other, items)


def where(scope: Scope, items: Nodes, criterion: Code) -> Nodes:
    before, index, found = scope.this, scope.index, []
    scope.spend(len(items))
    try:
        for place, node in enumerate(items):  # as `each`, without its generator: nothing is asked so often
            scope.this = this = [node]
            scope.index = place
            if truth(criterion(scope, this)):
                found.append(node)
    finally:
        scope.this, scope.index = before, index
    return found


def select(scope: Scope, items: Nodes, projection: Code) -> Nodes:
    return [found for _, got in each(scope, items, projection) for found in got]


def repeat(scope: Scope, items: Nodes, projection: Code) -> Nodes:
    """What the projection gives, again and again, until nothing new comes."""
    found: dict[object, Node] = {}
    while items:
        fresh = {key(node): node for node in select(scope, items, projection)}
        items = [node for name, node in fresh.items() if name not in found]
        found |= {name: node for name, node in fresh.items() if name not in found}
    return list(found.values())


def aggregate(scope: Scope, items: Nodes, aggregator: Code, start: Code | None = None) -> Nodes:
    before = scope.total
    scope.total = start(scope, scope.this) if start else []
    for _, got in each(scope, items, aggregator):
        scope.total = got
    found, scope.total = scope.total, before
    return found


def one(scope: Scope, items: Nodes) -> Nodes:
    single(items)
    return items


def first(scope: Scope, items: Nodes) -> Nodes:
    return items[:1]


def last(scope: Scope, items: Nodes) -> Nodes:
    return items[-1:]


def tail(scope: Scope, items: Nodes) -> Nodes:
    return items[1:]


def whole(items: Nodes) -> int:
    """The whole number that an argument is. Raises TypeError for anything else."""
    node = single(items)
    if node is None or type(node.value) is not int:
        raise TypeError("a whole number belongs here")
    return node.value


def skip(scope: Scope, items: Nodes, amount: Nodes) -> Nodes:
    return items[max(0, whole(amount)) :]


def take(scope: Scope, items: Nodes, amount: Nodes) -> Nodes:
    return items[: max(0, whole(amount))]


def at(items: Nodes, place: Nodes) -> Nodes:
    index = whole(place) if place else -1
    return items[index : index + 1] if index >= 0 else []


def intersect(scope: Scope, items: Nodes, other: Nodes) -> Nodes:
    known = {key(node) for node in other}
    return [node for node in distinct(scope, items) if key(node) in known]


def exclude(scope: Scope, items: Nodes, other: Nodes) -> Nodes:
    known = {key(node) for node in other}
    return [node for node in items if key(node) not in known]


def union(scope: Scope, items: Nodes, other: Nodes) -> Nodes:
    return distinct(scope, items + other)


def combine(scope: Scope, items: Nodes, other: Nodes) -> Nodes:
    scope.spend(len(items) + len(other))
    return items + other


def iif(scope: Scope, items: Nodes, criterion: Code, then: Code, otherwise: Code | None = None) -> Nodes:
    before = scope.this
    scope.this = items
    chosen = then if truth(criterion(scope, items)) else otherwise
    found = chosen(scope, items) if chosen else []
    scope.this = before
    return found


def children_of(scope: Scope, items: Nodes) -> Nodes:
    found: Nodes = []
    for node in items:
        if type(node.value) is dict or node.more:
            children(node, found)
    scope.spend(len(found))
    return found


def descendants(scope: Scope, items: Nodes) -> Nodes:
    found, rest = [], children_of(scope, items)
    while rest:
        found += rest
        rest = children_of(scope, rest)
    return found


def trace(scope: Scope, items: Nodes, name: Code, projection: Code | None = None) -> Nodes:
    if scope.trace:
        title = single(name(scope, scope.this))
        shown = select(scope, items, projection) if projection else items
        scope.trace(str(title.value) if title else "", [plain(node) for node in shown])
    return items


def total(scope: Scope, items: Nodes) -> Nodes:
    """`sum()` of numbers; 0 of none. Raises TypeError for anything else."""
    if any(system(node) not in ("Integer", "Decimal") or node.value is None for node in items):
        raise TypeError("numbers belong here")
    kind = "System.Integer" if all(type(node.value) is int for node in items) else "System.Decimal"
    amount = sum((decimal(node.value) for node in items), decimal(0))
    return [Node(kind, int(amount) if kind == "System.Integer" else amount)]


def negated(scope: Scope, items: Nodes) -> Nodes:
    value = truth(items)
    return told(None if value is None else not value)


EAGER: dict[str, tuple[Eager, int, int]] = {  # the function, and how many arguments it takes: from, to
    "empty": (empty, 0, 0),
    "allTrue": (all_are(True), 0, 0),
    "allFalse": (all_are(False), 0, 0),
    "anyTrue": (any_is(True), 0, 0),
    "anyFalse": (any_is(False), 0, 0),
    "count": (count, 0, 0),
    "distinct": (distinct, 0, 0),
    "isDistinct": (is_distinct, 0, 0),
    "subsetOf": (subset_of, 1, 1),
    "supersetOf": (superset_of, 1, 1),
    "single": (one, 0, 0),
    "first": (first, 0, 0),
    "last": (last, 0, 0),
    "tail": (tail, 0, 0),
    "skip": (skip, 1, 1),
    "take": (take, 1, 1),
    "intersect": (intersect, 1, 1),
    "exclude": (exclude, 1, 1),
    "union": (union, 1, 1),
    "combine": (combine, 1, 1),
    "children": (children_of, 0, 0),
    "descendants": (descendants, 0, 0),
    "sum": (total, 0, 0),
    "not": (negated, 0, 0),
}
LAZY: dict[str, tuple[Eager, int, int]] = {  # arguments that are evaluated for each item
    "exists": (exists, 0, 1),
    "any": (exists, 0, 1),
    "all": (every, 1, 1),
    "where": (where, 1, 1),
    "select": (select, 1, 1),
    "repeat": (repeat, 1, 1),
    "aggregate": (aggregate, 1, 2),
    "iif": (iif, 2, 3),
    "trace": (trace, 1, 2),
}
