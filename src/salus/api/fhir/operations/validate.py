"""`$validate`: would this be taken? Nothing is stored. https://hl7.org/fhir/R4/resource-operation-validate.html"""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from salus import fhir
from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import given, guard
from salus.api.fhir.operations.terminology import profiles
from salus.base.errors import Gone, Invalid, Issue, Malformed, Missing, SalusError, Unsupported
from salus.codes.terminology.shapes import Json
from salus.privacy.policy import Act
from salus.records import Records

NAMES = ("mode", "profile")
MOST = 50  # stored resources that references of one resource are followed to
ORDER = ("fatal", "error", "warning", "information")
NEEDS = {None: Act.READ, "create": Act.WRITE, "update": Act.WRITE, "delete": Act.DELETE}


class Question(NamedTuple):
    """What is to be validated, as what, and for what: `resource` is None where only an address was given."""

    type: str
    id: str | None
    mode: str | None
    resource: bytes | None
    profile: str | None


async def validate(records: Records, ask: Ask) -> Answer:
    """`POST /Type/$validate` or `/Type/id/$validate` with a resource, or with a Parameters that has one.

    Structure, then bindings, invariants, and profiles (the one that `profile` names, those that resources claim, those
    of extensions): more than storing asks, which is the structure alone.
    200 with an OperationOutcome, whatever is found; other answers mean that nothing could be validated.
    """
    return await asyncio.to_thread(answer, records, ask)


def answer(records: Records, ask: Ask) -> Answer:
    question = read(ask)
    guard.check(records, NEEDS[question.mode], question.type)
    found = sorted(issues(records, question), key=lambda issue: ORDER.index(issue.severity))
    guard.note(records, "validate", "/".join(ask.parts[:-1]))
    if not found or found[0].severity not in ORDER[:2]:
        found.append(Issue("informational", "", f"No error was found in this {question.type}", "information"))
    return Answer(200, orjson.dumps(fhir.outcome(found)))


def read(ask: Ask) -> Question:
    """Raises Malformed, Unsupported for what is not a question."""
    wrapped = unwrapped(ask)
    query = Ask(ask.method, ask.parts, ask.query, ask.headers, ask.base, wrapped[1])
    pairs = given.given(query, *NAMES)
    mode = given.only(pairs, "mode")
    if mode not in NEEDS:
        raise Unsupported(f"mode={str(mode)[:40]} is not served: use create, update or delete", path="mode")
    id = ask.parts[1] if len(ask.parts) == 3 else None
    if id is None and (mode == "delete" or not wrapped[0]):
        raise Malformed(f"There is nothing to validate: send a {ask.parts[0]}, or name one by its address")
    return Question(ask.parts[0], id, mode, wrapped[0], given.only(pairs, "profile"))


def unwrapped(ask: Ask) -> tuple[bytes | None, bytes]:
    """The resource, and the Parameters without it; a resource that stands by itself is not wrapped."""
    try:
        body = orjson.loads(ask.body) if ask.body else None
    except orjson.JSONDecodeError:
        return ask.body, b""
    if not isinstance(body, dict) or body.get("resourceType") != "Parameters" or ask.parts[0] == "Parameters":
        return ask.body or None, b""
    all = body.pop("parameter", [])
    if not isinstance(all, list):
        return None, ask.body  # whoever reads it next says what is wrong with it
    found = [part for part in all if is_resource(part)]
    if len(found) > 1:
        raise Malformed(f"{len(found)} resources are given: validate one at a time", path="Parameters.parameter")
    rest = [part for part in all if not is_resource(part)]
    more = orjson.dumps({**body, "parameter": rest} if rest else body)
    return orjson.dumps(found[0]["resource"]) if found else None, more


def is_resource(part: Any) -> bool:
    return isinstance(part, dict) and part.get("name") == "resource" and part.keys() == {"name", "resource"}


def issues(records: Records, question: Question) -> Iterator[Issue]:
    """What is wrong with the resource, and with what is meant to be done with it."""
    stored = standing(records, question) if question.id else None
    if isinstance(stored, Issue):
        yield stored
    body = question.resource or (stored if isinstance(stored, bytes) else None)
    if body is None or question.mode == "delete":
        return
    known = profiles(records)
    named = [question.profile] if question.profile else []
    try:
        for url in named:
            known.rule(url)
        found = fhir.validate(
            body, expected=question.type, profiles=known, named=named, resolve=Finder(records).resource
        )
    except Malformed as fault:
        yield from fault.issues
        return
    except (Missing, Invalid) as fault:
        raise Unsupported(str(fault), path="profile") from None
    yield from found
    yield from of_mode(question, orjson.loads(body).get("id"))


class Finder:
    """Finds stored resources that references name, as far as this account may read them, up to `MOST` of them."""

    def __init__(self, records: Records) -> None:
        self._records, self._known = records, dict[str, Json | None]()

    def resource(self, reference: str) -> Json | None:
        if reference not in self._known:
            self._known[reference] = self._read(reference) if len(self._known) < MOST else None
        return self._known[reference]

    def _read(self, reference: str) -> Json | None:
        kind, _, id = reference.partition("/_history/")[0].partition("/")
        if kind not in fhir.RESOURCE_TYPES or not id:
            return None
        try:
            found: Json = json.loads(self._records.read(kind, id).body, parse_float=Decimal)
        except SalusError:
            return None
        return found


def standing(records: Records, question: Question) -> bytes | Issue | None:
    """The body that stands at the address, or the issue that nothing does; None where that does not matter.

    Raises Missing or Gone where there is nothing else to validate.
    """
    assert question.id
    try:
        return records.read(question.type, question.id).body
    except (Missing, Gone) as fault:
        if question.resource is None or question.mode == "delete":
            raise
        words = f"{fault}: an update makes it"
        return Issue(fault.code, "", words, "information") if question.mode == "update" else None


def of_mode(question: Question, id: str | None) -> Iterator[Issue]:
    """Whether the id fits what is to be done. https://hl7.org/fhir/R4/http.html#update"""
    path = f"{question.type}.id"
    if question.mode == "create" and id is not None:
        yield Issue("informational", path, f"{path} is '{id}': a create gives a new id", "information")
    if question.mode == "update" and id is None:
        yield Issue("required", path, f"{path} is missing: an update names the id that it replaces")
    if question.mode == "update" and id is not None and question.id not in (None, id):
        yield Issue("value", path, f"{path} is '{id}', and the address says '{question.id}': make them the same")
