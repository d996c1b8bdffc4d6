"""`$graphql`: reads by GraphQL, of the whole server or of one resource. https://hl7.org/fhir/R4/graphql.html"""

import asyncio
from typing import Any

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.graphql.question import Question
from salus.base.errors import Malformed, WrongMedia
from salus.records import Records

JSON = (b"content-type", b"application/json; charset=utf-8")
TEXT = "application/graphql"
MEDIA = (TEXT, "application/json", "application/fhir+json")


async def graphql(records: Records, ask: Ask) -> Answer:
    """`GET ...?query=` (with `variables`, `operationName`), or POST of a JSON or of the bare query."""
    return Answer(200, await asyncio.to_thread(answered, records, question(ask)), [JSON])


def answered(records: Records, asked: Question) -> bytes:
    from salus.api.fhir.graphql.answering import answer  # a quarter of a second and 16 MB, which few servers need

    return orjson.dumps(answer(records, asked))


def question(ask: Ask) -> Question:
    """Raises Malformed, WrongMedia."""
    about = (ask.parts[0], ask.parts[1]) if len(ask.parts) == 3 else None
    said = asked(ask)
    text, variables, operation = said.get("query"), said.get("variables"), said.get("operationName")
    if not isinstance(text, str) or not text.strip():
        raise Malformed("There is no query: give it as `query`", path="query")
    if not isinstance(variables or {}, dict):
        raise Malformed("The variables are not an object by their names", path="variables")
    if not isinstance(operation, str | None):
        raise Malformed("operationName is not a text", path="operationName")
    return Question(text, variables or {}, operation or None, about)


def asked(ask: Ask) -> dict[str, Any]:
    if ask.method == "GET":
        ask.only("query", "variables", "operationName")
        return {
            "query": ask.option("query"),
            "operationName": ask.option("operationName"),
            "variables": parsed((ask.option("variables") or "{}").encode(), "variables"),
        }
    ask.only()
    media = (ask.header("content-type") or MEDIA[1]).partition(";")[0].strip().lower()
    if media not in MEDIA:
        raise WrongMedia(f"Content-Type {media[:80]} is not read: send application/json or {TEXT}")
    if media == TEXT:
        return {"query": ask.body.decode("utf-8", "replace")}
    found = parsed(ask.body, "body")
    if not isinstance(found, dict):
        raise Malformed("The body is not an object with a `query`", path="query")
    return found


def parsed(data: bytes, path: str) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as fault:
        raise Malformed(f"The {path} is no JSON: {fault}", path=path) from None
