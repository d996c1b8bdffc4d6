"""What goes, when a patient or a resource is to be erased.

Of a patient: every version that stood in his compartment. A resource that stood in nobody else's goes with its name;
so do the Provenance, Task, AuditEvent and Binary that are about nothing else. What also stands in others'
compartments (a group, a shared appointment), or refers to him from outside, stays, and is rewritten without him.
"""

import re
from collections.abc import Callable
from typing import Any

import orjson

from salus.base.errors import Conflict
from salus.records.erasing.looking import Kept, Look
from salus.records.erasing.shapes import Doom, What, Wish

HOLD = ("https://salus.example/fhir/CodeSystem/flag", "legal-hold")
BINARY = re.compile(rb'"(?:url|reference)":"(?:[^"\\]{0,500}/)?Binary/([A-Za-z0-9\-.]{1,64})["/]')
REFERENCE = re.compile(rb'"reference":"(?:[^"\\]{0,500}/)?([A-Z][A-Za-z]{1,40}/[A-Za-z0-9\-.]{1,64})["/]')
# What is about others and has no meaning without them: where it says about whom.
ABOUT: dict[str, Callable[[Any], list[Any]]] = {
    "Provenance": lambda body: body.get("target", []),
    "Task": lambda body: [body["for"]] if "for" in body else [],  # in no compartment, and words about somebody
    "AuditEvent": lambda body: [entity["what"] for entity in body.get("entity", []) if "what" in entity],
}


def doomed(look: Look, wish: Wish) -> Doom:
    """What this wish comes to; nothing where there is nothing (any more).

    Raises Conflict for `deleted` of a resource that is not.
    """
    row = look.row(wish.type, wish.id)
    if row is None:
        return Doom()
    return SCOPES[wish.what](look, row)


def _patient(look: Look, row: int) -> Doom:
    """Whose record others were joined into goes with those: they are one person's.

    Raises Conflict for one that was itself joined into another.
    """
    if (leading := look.leading(row)) is not None:
        raise Conflict(
            f"{look.reference(row)} was joined into {look.reference(leading)}: erase that one, or part them first"
        )
    people = look.joined_into(row)
    doom = Doom(nameless=set(people), subjects={look.address(one)[1] for one in people})
    for found in people.union(*(look.compartment(one) for one in people)):
        _take(look, doom, people, found)
    for found in {each for one in people for each in written_by(look, one)}:
        doom.nameless.add(found)
        doom.versions[found] = {kept.version for kept in look.versions(found)}
    _follow(look, doom)
    rewrite_referrers(look, doom)
    doom.held = holds(look, people)
    return _without_empty(look, doom)


def written_by(look: Look, patient: int) -> set[int]:
    """Rows of the Subscriptions that a patient's own account has made: all that it may write."""
    sql = (
        "SELECT DISTINCT o.row FROM txn x JOIN outbox o ON o.t=x.t JOIN resource r ON r.row=o.row "
        "WHERE x.who=? AND r.type=?"
    )
    arguments = (look.reference(patient), look.kinds.numbers["Subscription"])
    return {row for (row,) in look.connection.execute(sql, arguments)}


def _take(look: Look, doom: Doom, people: set[int], row: int) -> None:
    """The versions of a row that stood with this person; all of it when they stood with no other."""
    whose = look.subjects(row)
    standing = {kept.version for kept in look.versions(row)}
    mine = {version for version in standing if not people.isdisjoint(whose.get(version, ()))}
    if row in people or not any(whose.get(version, set()) - people for version in standing):
        doom.versions[row] = standing
        doom.nameless.add(row)
        return
    doom.versions[row] = mine
    version, alive = look.current(row)
    if alive and version in mine and not whose[version] <= people:
        doom.rewritten.add(row)


def _follow(look: Look, doom: Doom) -> None:
    """Add what is about nothing but what goes, and the files that belong to it."""
    while True:
        names = {look.reference(row) for row in doom.nameless}
        more = {row for row in look.referrers(doom.nameless) - doom.nameless if about_only(look, row, names)}
        more |= _files(look, doom) - doom.nameless
        if not more:
            return
        for row in more:
            doom.nameless.add(row)
            doom.versions[row] = {kept.version for kept in look.versions(row)}


def about_only(look: Look, row: int, names: set[str]) -> bool:
    type, _ = look.address(row)
    if type not in ABOUT:
        return False
    bodies = [orjson.loads(kept.body) for kept in look.versions(row) if kept.body]
    told = [str(each.get("reference", "")) for body in bodies for each in ABOUT[type](body)]
    return bool(told) and all("/".join(text.split("/")[:2]) in names for text in told)


def _files(look: Look, doom: Doom) -> set[int]:
    """Rows of the Binary resources that what goes names."""
    bodies = (kept.body for row in doom.nameless for kept in look.versions(row))
    found = {look.row("Binary", id.decode()) for body in bodies for id in BINARY.findall(body)}
    return {row for row in found if row is not None}


def rewrite_referrers(look: Look, doom: Doom) -> None:
    """What stays, and refers from outside to what goes."""
    for row in look.referrers(doom.nameless) - doom.nameless - doom.versions.keys():
        _rewrite(look, doom, row)


def _rewrite(look: Look, doom: Doom, row: int) -> None:
    """A row that stays and names what goes: now, and in its old versions."""
    names = {look.reference(row) for row in doom.nameless}
    naming = {kept.version for kept in look.versions(row) if names & named(kept)}
    doom.versions[row] = doom.versions.get(row, set()) | naming
    if look.current(row)[0] in naming:
        doom.rewritten.add(row)


def named(kept: Kept) -> set[str]:
    """What a body refers to, as `Type/id`."""
    return {found.decode() for found in REFERENCE.findall(kept.body)}


def _resource(look: Look, row: int) -> Doom:
    versions = {kept.version for kept in look.versions(row)}
    return _one(look, row, versions)


def _deleted(look: Look, row: int) -> Doom:
    version, alive = look.current(row)
    if version and alive:
        raise Conflict(f"{look.reference(row)} is not deleted: delete it first, or ask for everything")
    return _resource(look, row)


def _previous(look: Look, row: int) -> Doom:
    now, _ = look.current(row)
    return _one(look, row, {kept.version for kept in look.versions(row)} - {now})


def _one(look: Look, row: int, versions: set[int]) -> Doom:
    patients = {subject for each in look.subjects(row).values() for subject in each}
    subjects = {look.address(patient)[1] for patient in patients}
    return _without_empty(look, Doom({row: versions}, subjects=subjects, held=holds(look, patients)))


def _without_empty(look: Look, doom: Doom) -> Doom:
    """Leave out rows of which nothing is left but that they were erased, or deleted without a trace of a body."""
    for row in list(doom.versions):
        if row in doom.nameless:
            continue
        kept = [each for each in look.versions(row) if each.version in doom.versions[row]]
        if not any(each.body for each in kept):
            del doom.versions[row]
    return doom


SCOPES: dict[What, Callable[[Look, int], Doom]] = {
    What.PATIENT: _patient,
    What.EVERYTHING: _resource,
    What.DELETED: _deleted,
    What.PREVIOUS: _previous,
}


def holds(look: Look, patients: set[int]) -> list[str]:
    """References of the active Flags that hold these patients' records for the law."""
    found = []
    for patient in patients:
        sql = "SELECT row FROM line WHERE subject=? AND type=?"
        for (row,) in look.connection.execute(sql, (patient, look.kinds.numbers["Flag"])).fetchall():
            body = next((kept.body for kept in reversed(look.versions(row))), b"")
            if body and holding(orjson.loads(body)):
                found.append(look.reference(row))
    return sorted(found)


def holding(flag: dict[str, Any]) -> bool:
    """
    >>> holding({"status": "active", "code": {"coding": [{"system": HOLD[0], "code": HOLD[1]}]}})
    True
    """
    codings = flag.get("code", {}).get("coding", [])
    return flag.get("status") == "active" and any((c.get("system"), c.get("code")) == HOLD for c in codings)
