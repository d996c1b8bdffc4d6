"""R4's types as a GraphQL schema, made once from the definitions (about a second, at the first query).

https://hl7.org/fhir/R4/graphql.html
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLFloat,
    GraphQLInt,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
)
from graphql.language import BooleanValueNode, EnumValueNode, FloatValueNode, IntValueNode, StringValueNode, ValueNode

from salus import fhir
from salus.api.fhir.graphql import resolving
from salus.fhir.definitions import Element, elements
from salus.fhir.primitives import PRIMITIVES

MANY = 30  # types that a reference may name: one that may name more is not followed backwards
PLAIN = {
    "boolean": GraphQLBoolean,
    "integer": GraphQLInt,
    "positiveInt": GraphQLInt,
    "unsignedInt": GraphQLInt,
    "decimal": GraphQLFloat,
}
SIMPLE = (StringValueNode, EnumValueNode, IntValueNode, FloatValueNode, BooleanValueNode)
Fields = dict[str, GraphQLField]
Arguments = dict[str, GraphQLArgument]


def literal(node: ValueNode, variables: Any = None) -> str:
    """A value as it would stand in an address: `official` or "official", 5, true. Raises ValueError."""
    if not isinstance(node, SIMPLE):
        raise ValueError("give a simple value")
    return str(node.value).lower() if isinstance(node, BooleanValueNode) else str(node.value)


def given(value: Any) -> str:
    """The same of a variable."""
    if not isinstance(value, str | int | float):
        raise ValueError("give a simple value")
    return str(value).lower() if isinstance(value, bool) else str(value)


VALUE = GraphQLScalarType("Value", parse_value=given, parse_literal=literal, description="A code, number or text")
VALUES = GraphQLArgument(GraphQLList(GraphQLNonNull(VALUE)))
ONE = GraphQLArgument(VALUE)
PART: Arguments = {  # of every list within a resource
    "fhirpath": GraphQLArgument(GraphQLString),
    "_offset": GraphQLArgument(GraphQLInt),
    "_count": GraphQLArgument(GraphQLInt),
}


def type_name(type: str) -> str:
    """
    >>> type_name("Observation.component.referenceRange")
    'ObservationComponentReferenceRange'
    """
    return "".join(part[0].upper() + part[1:] for part in type.split("."))


@cache
def object_of(type: str) -> GraphQLObjectType:
    return GraphQLObjectType(type_name(type), lambda: dict(fields_of(type)))


@cache
def resource() -> GraphQLUnionType:
    types = [object_of(name) for name in sorted(fhir.RESOURCE_TYPES)]
    return GraphQLUnionType("Resource", types, resolve_type=lambda value, *_: value["resourceType"])


def fields_of(type: str) -> Iterator[tuple[str, GraphQLField]]:
    for element in elements(type):
        for name, below in element.fields:
            yield name, field_of(element, below)
    if type == "Reference":
        arguments = {"optional": GraphQLArgument(GraphQLBoolean), "type": ONE}
        yield "resource", GraphQLField(resource(), arguments, resolving.referred)
    if type in fhir.RESOURCE_TYPES:
        yield "resourceType", GraphQLField(GraphQLNonNull(GraphQLString))
        yield from backwards(type)


def field_of(element: Element, below: str) -> GraphQLField:
    shape: GraphQLOutputType = kind_of(below)
    if not element.repeats:
        return GraphQLField(shape)
    if below in PRIMITIVES or below == "Resource":
        return GraphQLField(GraphQLList(shape))
    return GraphQLField(GraphQLList(shape), arguments_of(below), resolving.listed(below))


def kind_of(type: str) -> GraphQLOutputType:
    if type == "Resource":
        return resource()
    if type in PRIMITIVES:
        return PLAIN.get(type, GraphQLString)
    return object_of(type)


@cache
def arguments_of(type: str) -> Arguments:
    """By what a list of this datatype may be narrowed: each simple element, and FHIRPath."""
    simple = [name for one in elements(type) if not one.repeats for name, below in one.fields if below in PRIMITIVES]
    return dict.fromkeys(simple, ONE) | PART


# --- searches ---


@cache
def search_arguments(type: str) -> Arguments:
    names = [*fhir.parameters(type), "_text", "_content", "_list", "_filter"]
    return {argument(name): VALUES for name in names} | {"_count": ONE, "_sort": ONE, "_cursor": ONE}


def argument(name: str) -> str:
    """
    >>> argument("value-quantity")
    'value_quantity'
    """
    return name.replace("-", "_")


@cache
def connection(type: str) -> GraphQLObjectType:
    edge = GraphQLObjectType(
        f"{type}Edge", {"mode": GraphQLField(GraphQLString), "resource": GraphQLField(object_of(type))}
    )
    fields = {
        "count": GraphQLField(GraphQLInt, description="How many there are in all"),
        "pagesize": GraphQLField(GraphQLInt),
        "first": GraphQLField(GraphQLString),
        "next": GraphQLField(GraphQLString),
        "edges": GraphQLField(GraphQLList(edge)),
    }
    return GraphQLObjectType(f"{type}Connection", fields)


def searches(type: str, more: Arguments) -> Iterator[tuple[str, GraphQLField]]:
    """`TypeList` and `TypeConnection`."""
    arguments = {**search_arguments(type), **more}
    yield f"{type}List", GraphQLField(GraphQLList(object_of(type)), arguments, resolving.found(type))
    yield f"{type}Connection", GraphQLField(connection(type), arguments, resolving.paged(type))


@cache
def _sources() -> dict[str, list[str]]:
    """Type -> the types with a reference parameter that may name it, and not nearly all."""
    found: dict[str, list[str]] = {type: [] for type in fhir.RESOURCE_TYPES}
    for source in sorted(fhir.RESOURCE_TYPES):
        known = [one.targets for one in fhir.parameters(source).values() if one.kind == "reference"]
        for target in {target for targets in known if len(targets) <= MANY for target in targets}:
            found[target].append(source)
    return found


def backwards(type: str) -> Iterator[tuple[str, GraphQLField]]:
    """Searches for what refers to a resource, by the parameter named in `_reference`."""
    for source in _sources()[type]:
        yield from searches(source, {"_reference": GraphQLArgument(GraphQLNonNull(VALUE))})


def everywhere() -> Fields:
    """What may be asked of the whole server."""
    found: Fields = {}
    for type in sorted(fhir.RESOURCE_TYPES):
        id = {"id": GraphQLArgument(GraphQLNonNull(VALUE))}
        found[type] = GraphQLField(object_of(type), id, resolving.one(type))
        found |= dict(searches(type, {}))
    return found


@cache
def system() -> GraphQLSchema:
    return GraphQLSchema(GraphQLObjectType("Query", everywhere))


@cache
def instance(type: str) -> GraphQLSchema:
    """The schema of a query about one resource, which shares all other types with that of the whole."""
    known: list[GraphQLNamedType] = [object_of(name) for name in sorted(fhir.RESOURCE_TYPES)]
    return GraphQLSchema(object_of(type), types=known)
