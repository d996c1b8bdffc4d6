"""What those who work here are called, and the patients of a list."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from salus.assistants.answers import every
from salus.records import Records
from salus.web.accounts import ACCOUNTS
from salus.web.telling.person import Person, by_script, full, person

CHUNK = 100  # ids in one search


def patients(records: Records, ids: Iterable[str], language: str, today: date) -> dict[str, Person]:
    """The patients of a list by id, asked for together."""
    return {id: person(body, language, today) for id, body in read(records, "Patient", ids).items()}


def staff(records: Records, references: Iterable[str], language: str) -> dict[str, str]:
    """Reference -> name, of practitioners; of who has no record here the account's name, else the reference itself."""
    names = {one for one in references if one}
    known = {one.actor.reference: one.name(language) for one in ACCOUNTS.values()}
    ids = [one.partition("/")[2] for one in names - known.keys() if one.startswith("Practitioner/")]
    for id, body in read(records, "Practitioner", ids).items():
        spoken = by_script([full(one) for one in body.get("name", [])], language)[0]
        known[f"Practitioner/{id}"] = spoken or f"Practitioner/{id}"
    return {one: known.get(one, one) for one in names}


def read(records: Records, type: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Resources by id, of those that are there."""
    wanted = sorted(set(filter(None, ids)))
    made: dict[str, dict[str, Any]] = {}
    for at in range(0, len(wanted), CHUNK):
        asked = [("_id", ",".join(wanted[at : at + CHUNK])), ("_count", str(CHUNK))]
        made |= {one["id"]: one for one in every(records, type, asked)}
    return made
