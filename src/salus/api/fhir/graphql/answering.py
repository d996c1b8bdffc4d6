"""A GraphQL query to its answer.

What cannot be read, is not of the schema or wants too much is refused as a whole, with an OperationOutcome. A field
that cannot be filled is told in `errors`, with its own. https://spec.graphql.org/October2021/#sec-Response
"""

import logging
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    execute_sync,
    parse,
    specified_rules,
    validate,
)

from salus import fhir
from salus.api.fhir.graphql import bounds, schema
from salus.api.fhir.graphql.question import Question
from salus.api.fhir.graphql.resolving import Reading
from salus.base.errors import Issue, Malformed, SalusError, TooLarge, Unsupported
from salus.records import Records

LOG = logging.getLogger(__name__)
MOST_SHOWN = 32 << 20  # characters of an answer
MOST_ERRORS = 5
REMEMBERED, SHORT = 128, 2000  # queries, and characters of one
# The schema does not tell of itself: all of it would be 15 MB. `GET /fhir/metadata` tells types and parameters.
RULES = [*specified_rules, NoSchemaIntrospectionCustomRule]
WORDS = {"Validation aborted.": "There is too much in this query to be compared: ask in parts"}
Json = dict[str, Any]


def answer(records: Records, question: Question) -> Json:
    """The response. Raises Malformed, Unsupported, TooLarge; Missing, Gone, Forbidden for the one resource."""
    bounds.check_text(question.text)
    reading = Reading(records)
    root = reading.read(*question.about) if question.about else None
    try:
        type = question.about[0] if question.about else ""
        known = schema_of(type)
        document = (remembered if len(question.text) <= SHORT else understood)(type, question.text)
        made = execute_sync(
            known, document, root, reading, variable_values=question.variables, operation_name=question.operation
        )
    except RecursionError:
        raise Unsupported("The query stands too deep in itself: ask in parts", path="query") from None
    if reading.fault:
        raise reading.fault
    if weight(made.data) > MOST_SHOWN:
        raise TooLarge(f"The answer would have more than {MOST_SHOWN} characters: ask for less")
    errors = [told(error) for error in made.errors or []]
    return {"data": made.data, **({"errors": errors} if errors else {})}


def schema_of(type: str) -> GraphQLSchema:
    """What may be asked of one resource of a type; of "", of the whole server."""
    return schema.instance(type) if type else schema.system()


def understood(type: str, text: str) -> DocumentNode:
    """Raises Malformed for what is no query of the schema, with the place of each fault."""
    try:
        document = parse(text, max_tokens=bounds.MOST_WORDS)
    except GraphQLSyntaxError as fault:
        raise refused([fault]) from None
    bounds.check_size(document)
    if faults := validate(schema_of(type), document, RULES, max_errors=MOST_ERRORS):
        raise refused(faults)
    return document


remembered = lru_cache(REMEMBERED)(understood)  # to read and judge a query takes longer than to answer it


def refused(faults: list[Any]) -> Malformed:
    # carries: what the library says of a query
    issues = [Issue("structure", place(fault), WORDS.get(fault.message, fault.message[:500])) for fault in faults]
    return Malformed(issues[0].text, issues=issues)


def place(fault: GraphQLError) -> str:
    at = fault.locations[0] if fault.locations else None
    return f"query line {at.line} column {at.column}" if at else "query"


def told(error: GraphQLError) -> Json:
    """An error of one field, with an OperationOutcome; a fault of ours says no more than that it is one."""
    fault = error.original_error
    if fault is not None and not isinstance(fault, SalusError):
        LOG.error("graphql failed: %s", type(fault).__name__)
        text, issues = "Something here is broken", [Issue("exception", "", "Something here is broken")]
    else:
        text = error.message
        # carries: what the library says of a field
        issues = fault.issues if isinstance(fault, SalusError) else [Issue("invalid", "", text[:500])]
    at = [{"line": one.line, "column": one.column} for one in error.locations or []]
    return {
        "message": text[:500],
        **({"locations": at} if at else {}),
        **({"path": list(error.path)} if error.path else {}),
        "extensions": {"resource": fhir.outcome(issues)},
    }


def weight(value: Any) -> int:
    """About how many characters an answer has; the same text under several names counts each time."""
    if isinstance(value, dict):
        return sum(len(name) + weight(inner) for name, inner in value.items())
    if isinstance(value, list):
        return sum(map(weight, value)) + len(value)
    return len(value) if isinstance(value, str) else 8
