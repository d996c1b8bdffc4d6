"""What stays and names what goes: its next version, without the names."""

import re
from collections.abc import Iterator
from typing import Any

from salus.base.errors import Conflict, SalusError
from salus.records import chain, drafts
from salus.records.desk import Desk
from salus.records.erasing.looking import Look
from salus.records.erasing.striking import NAMED
from salus.records.patches.text import read, written

GONE = {"display": "erased"}  # in the place of a reference to what is no more
WORD = re.compile(r"[A-Za-z0-9\-]+")


def rewrite(desk: Desk, look: Look, row: int, names: set[str]) -> None:
    """The next version of what stays, without the names. Raises Conflict where that can be no resource."""
    type, id = look.address(row)
    body = without(without_entries(read(desk.current(type, id).body), names), names)
    body.pop("text", None)  # a narrative may name anybody
    try:
        desk.update(drafts.addressed(written(body), type, id, True))
    except SalusError as fault:
        raise Conflict(f"{type}/{id} names what is to be erased and cannot be rewritten: {fault}") from None


def without_entries(body: Any, names: set[str]) -> Any:
    """A document or a message without the records of nobody else that are in it."""
    if body["resourceType"] != "Bundle" or "entry" not in body:
        return body
    kept = [entry for entry in body["entry"] if not only_about(entry, names)]
    return {**{name: value for name, value in body.items() if name != "entry"}, **({"entry": kept} if kept else {})}


def only_about(value: Any, names: set[str]) -> bool:
    """Whether a JSON value has or names these patients, and no others.

    >>> only_about({"resource": {"resourceType": "Patient", "id": "li"}}, {"Patient/li"})
    True
    """
    found = set(patients_in(value))
    return bool(found) and found <= names


def patients_in(value: Any) -> Iterator[str]:
    """`Patient/id` of each patient that a JSON value has or refers to."""
    if isinstance(value, list):
        for each in value:
            yield from patients_in(each)
    elif isinstance(value, dict):
        if value.get("resourceType") == "Patient" and "id" in value:
            yield f"Patient/{value['id']}"
        if isinstance(value.get("reference"), str):
            yield from (piece for piece in pieces(value["reference"]) if chain.own(piece))
        for each in value.values():
            yield from patients_in(each)


def without(value: Any, names: set[str]) -> Any:
    """A JSON value, each reference to any of these replaced, and each word of a text that names them.

    >>> without({"entity": {"reference": "Patient/li", "display": "Li"}}, {"Patient/li"})
    {'entity': {'display': 'erased'}}
    >>> without({"url": "https://a.example/Patient/li?x=Patient/lin"}, {"Patient/li"})
    {'url': 'https://a.example/erased?x=Patient/lin'}
    """
    if isinstance(value, str):
        return WORD.sub(lambda found: "erased" if found[0] in names else found[0], struck(value, names))
    if isinstance(value, list):
        return [without(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("reference")
    if isinstance(reference, str) and names & pieces(reference):
        return dict(GONE)
    return {name: without(each, names) for name, each in value.items()}


def struck(text: str, names: set[str]) -> str:
    return NAMED.sub(lambda found: "erased" if found[0] in names else found[0], text)


def pieces(reference: str) -> set[str]:
    """What a reference may name: `Type/id`, out of an address or of one of its versions."""
    steps = reference.split("/")
    return {"/".join(steps[n : n + 2]) for n in range(len(steps) - 1)}
