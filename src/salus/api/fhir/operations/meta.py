"""`$meta`, `$meta-add`, `$meta-delete`: profiles, tags and security labels of a resource.

https://hl7.org/fhir/R4/resource-operation-meta.html  A change is a new version: history and audit show who labelled.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from salus.api.fhir.asking import Answer, Ask, stamps
from salus.api.fhir.operations import given, guard
from salus.base.errors import Conflict, Malformed, Stale
from salus.privacy.policy import Act
from salus.records import Records, Version
from salus.records.drafts import members

Meta = dict[str, Any]
LISTS = ("profile", "security", "tag")
TRIES = 10  # times to read again because somebody else changed it meanwhile


async def meta(records: Records, ask: Ask) -> Answer:
    """`GET /Type/id/$meta`."""
    given.given(ask)
    type, id, _ = ask.parts
    return told(await asyncio.to_thread(records.read, type, id))


async def meta_add(records: Records, ask: Ask) -> Answer:
    """`POST /Type/id/$meta-add` with a Parameters that has `meta`."""
    return await asyncio.to_thread(changed, records, ask, added)


async def meta_delete(records: Records, ask: Ask) -> Answer:
    """`POST /Type/id/$meta-delete` with a Parameters that has `meta`; what is not there is no fault."""
    return await asyncio.to_thread(changed, records, ask, taken)


def changed(records: Records, ask: Ask, change: Callable[[Meta, Meta], Meta]) -> Answer:
    """The current version with its meta changed, whoever else is writing. Raises Conflict after `TRIES` times."""
    type, id, _ = ask.parts
    named = read(ask)
    guard.check(records, Act.WRITE, type)
    for _ in range(TRIES):
        version = records.read(type, id)
        parts = members(version.body, compact=True)
        after = change(orjson.loads(bytes(parts["meta"])), named)
        parts["meta"] = msgspec.Raw(orjson.dumps(after))
        try:
            return told(records.update(type, id, msgspec.json.encode(parts), version.version))
        except Stale:
            continue
    raise Conflict(f"{type}/{id} is being changed by others all the time: try again")


def read(ask: Ask) -> Meta:
    """The `meta` that is given. Raises Malformed."""
    parts = given.parts(ask.body)
    if ask.query or [part["name"] for part in parts] != ["meta"] or "valueMeta" not in parts[0]:
        raise Malformed("Send a Parameters with one parameter 'meta' that has a valueMeta", path="meta")
    found: Meta = parts[0]["valueMeta"]
    return found


def told(version: Version) -> Answer:
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "return", "valueMeta": version.json()["meta"]}],
    }
    return Answer(200, orjson.dumps(body), stamps(version))


def same(item: Any) -> Any:
    """What makes a profile or a label that one: its address; system and code.

    >>> same({"system": "s", "code": "c", "display": "d"})
    ('s', 'c')
    """
    return (item.get("system"), item.get("code")) if isinstance(item, dict) else item


def added(meta: Meta, named: Meta) -> Meta:
    """
    >>> added({"tag": [{"code": "a"}]}, {"tag": [{"code": "a"}, {"code": "b"}]})
    {'tag': [{'code': 'a'}, {'code': 'b'}]}
    """
    made = dict(meta)
    for name in LISTS:
        known = {same(item) for item in meta.get(name, [])}
        if fresh := [item for item in named.get(name, []) if same(item) not in known]:
            made[name] = [*meta.get(name, []), *fresh]
    return made


def taken(meta: Meta, named: Meta) -> Meta:
    """
    >>> taken({"tag": [{"code": "a"}], "profile": ["p"]}, {"tag": [{"code": "a"}]})
    {'profile': ['p']}
    """
    made = dict(meta)
    for name in LISTS:
        gone = {same(item) for item in named.get(name, [])}
        made[name] = [item for item in meta.get(name, []) if same(item) not in gone]
    return {name: value for name, value in made.items() if value or name not in LISTS}
