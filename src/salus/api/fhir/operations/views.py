"""`ViewDefinition/$run`: a view over the records, as a table. https://sql-on-fhir.org/ig/latest/operations.html

The view comes with the request, or is one of the site's (`views/*.json` beside the store, and those that come with
Salus): ViewDefinition is no R4 resource. The rows are streamed from one snapshot, and never masked: of all patients
for roles that study many, else of the one patient that is named; a patient's account sees its own compartment only.
"""

import asyncio
from collections.abc import Generator, Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

from salus import fhir
from salus.analytics.views import View, read_view
from salus.analytics.views.catalogue import library_of
from salus.analytics.views.source import Row, Scope, limited, rows
from salus.analytics.views.writing import FORMATS, Format
from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import given, guard
from salus.api.fhir.operations.bulk import since_of
from salus.base.errors import Forbidden, Invalid, Malformed, Unsupported
from salus.privacy import Role
from salus.privacy.policy import Act
from salus.records import Records
from salus.records.reading import Reader
from salus.records.walks import members

NAMES = ("viewReference", "patient", "group", "_since", "_limit", "_format", "header")
MANY = frozenset({Role.SYSTEM, Role.ADMINISTRATOR, Role.DATA_SCIENTIST})  # who may read all patients at once
MOST = 10_000_000  # rows
MEDIA = {
    **{name: name for name in FORMATS},
    "application/json": "json",
    "application/fhir+json": "json",
    "application/ndjson": "ndjson",
    "application/x-ndjson": "ndjson",
    "application/fhir+ndjson": "ndjson",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
}
Json = dict[str, Any]


class Wanted(NamedTuple):
    """`resources`: the ones that came with the request, to be read instead of the records."""

    view: View
    pairs: given.Pairs
    resources: list[Json]
    format: Format
    most: int | None


async def run_view(records: Records, ask: Ask) -> Answer:
    """`GET` or `POST /ViewDefinition/$run`, `/ViewDefinition/name/$run`; what fails at once is an OperationOutcome."""
    return await asyncio.to_thread(answer, records, ask)


def answer(records: Records, ask: Ask) -> Answer:
    wanted = wanted_of(records, ask)
    guard.check(records, Act.READ, wanted.view.resource)
    check_many(records, wanted)
    what = "&".join(f"{name}={value}" for name, value in wanted.pairs)
    guard.note(records, "view", f"{wanted.view.name} of {wanted.view.resource}?{what}")
    pieces = stream(records, wanted)
    if wanted.format is FORMATS["csv"] and given.only(wanted.pairs, "header") == "false":
        next(pieces, b"")  # it stands by itself
    first = next(pieces, b"") + next(pieces, b"")  # some rows, too: what is wrong with them can still be told in words
    media = wanted.format.media.encode()
    return Answer(200, first, [(b"content-type", media)], pieces)


def stream(records: Records, wanted: Wanted) -> Generator[bytes]:
    """The table, piece by piece."""
    if wanted.resources:
        own = iter([list(wanted.view.all_rows(wanted.resources))])
        yield from wanted.format.write(wanted.view, limited(own, wanted.most))
        return
    with records.store.readers.one() as reader, reader.snapshot():
        found: Iterator[list[Row]] = rows(reader, wanted.view, scope_of(records, reader, wanted.pairs))
        yield from wanted.format.write(wanted.view, limited(found, wanted.most))


# --- who may ---


def check_many(records: Records, wanted: Wanted) -> None:
    """Raises Forbidden, audited, where this account may not read many patients and names none."""
    named, group = given.listed(wanted.pairs, "patient"), given.only(wanted.pairs, "group")
    is_one = records.actor.patient is not None or (named and not group)
    if wanted.resources or is_one or records.actor.role in MANY:
        return
    guard.note(records, "refused", f"view {wanted.view.name} of all")
    raise Forbidden(f"A {records.actor.role} may not read all patients at once: name one with patient=Patient/id")


def scope_of(records: Records, reader: Reader, pairs: given.Pairs) -> Scope:
    """Raises Missing for a patient or group that is not here, or may not be seen."""
    named, group, mine = given.listed(pairs, "patient"), given.only(pairs, "group"), guard.own(records, reader)
    if named and group:
        raise Unsupported("patient and group are given: give one of them", path="group")
    patients: tuple[int, ...] | None = None if mine is None else (mine,)
    if named:
        patients = tuple(guard.subject(records, reader, one.removeprefix("Patient/")) for one in dict.fromkeys(named))
    if group and mine is None:
        guard.check(records, Act.READ, "Group")
        patients = tuple(members(reader, group.removeprefix("Group/")))
    return Scope(patients, since_of(pairs), mine)


# --- what is asked ---


def wanted_of(records: Records, ask: Ask) -> Wanted:
    """Raises Malformed, Invalid, Missing, Unsupported."""
    pairs = [pair for pair in parse_qsl(ask.query, keep_blank_values=True) if pair[0] != "_pretty"]
    view, resources = None, []
    for part in parts(ask.body):
        name = part.get("name")
        if name == "viewResource":
            view = read_view(part.get("resource", {}))
        elif name == "resource":
            resources.append(resource_of(part))
        elif name == "viewReference" and "valueReference" in part:
            pairs.append(("viewReference", part["valueReference"].get("reference", "")))
        elif name in ("patient", "group") and "valueReference" in part:
            pairs.append((name, part["valueReference"].get("reference", "")))
        else:
            pairs.append((str(name), given.text_of(part)))
    for name, _ in pairs:
        if name not in NAMES:
            raise Unsupported(f"'{name[:80]}' is not a parameter of $run: it has {', '.join(NAMES)}", path=name[:80])
    most = given.count(pairs, MOST, MOST, "_limit") if given.only(pairs, "_limit") else None
    return Wanted(view or named(records, ask, pairs), pairs, resources, format_of(ask, pairs), most)


def parts(body: bytes) -> list[Json]:
    """The parameters of the body; a ViewDefinition alone stands for itself. Raises Malformed.

    It is not decoded as R4 is: a ViewDefinition inside is no R4 resource.
    """
    if not body:
        return []
    try:
        plain = orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        raise Malformed(f"The body is not JSON: {fault}") from None
    if isinstance(plain, dict) and plain.get("resourceType") == "ViewDefinition":
        return [{"name": "viewResource", "resource": plain}]
    found = plain.get("parameter", []) if isinstance(plain, dict) else None
    is_right = isinstance(found, list) and all(
        isinstance(part, dict) and isinstance(part.get("name"), str) for part in found
    )
    if not is_right or plain.get("resourceType") != "Parameters":
        raise Malformed(
            "A Parameters with viewResource or viewReference belongs here, or a ViewDefinition", path="Parameters"
        )
    return list(found or [])


def resource_of(part: Json) -> Json:
    """A resource that came with the request, checked as if it were to be stored."""
    body: Json = part.get("resource") or {}
    fhir.decode(orjson.dumps(body), str(body.get("resourceType")))
    return body


def named(records: Records, ask: Ask, pairs: given.Pairs) -> View:
    library = library_of(records.store)
    if len(ask.parts) == 3:
        return library.view(ask.parts[1])
    reference = given.only(pairs, "viewReference")
    if not reference:
        raise Invalid(
            "There is no view: give viewResource, viewReference or its name in the address", path="viewResource"
        )
    return library.named(reference)


def format_of(ask: Ask, pairs: given.Pairs) -> Format:
    """As `_format` says, else the first that Accept names and we write, else JSON. Raises Unsupported."""
    asked = given.only(pairs, "_format")
    if asked is None:
        accepted = [part.partition(";")[0].strip() for part in (ask.header("accept") or "").split(",")]
        return FORMATS[next((MEDIA[part] for part in accepted if part in MEDIA), "json")]
    name = asked.partition(";")[0].strip().lower().replace(" ", "+")
    if name not in MEDIA:
        raise Unsupported(f"_format={asked[:60]} is not written: ask for {', '.join(FORMATS)}", path="_format")
    return FORMATS[MEDIA[name]]
