"""Bulk data out: NDJSON of one moment, a file or more a type. https://hl7.org/fhir/uv/bulkdata/export.html

All is read in one snapshot, so that what refers to each other fits together whatever is written meanwhile. Writing
goes on beside it; the store's log only grows until the end.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

from salus import fhir
from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Unsupported
from salus.privacy import Purpose, Role, check_may
from salus.privacy.policy import Act
from salus.records import Records, Store, Version
from salus.records.compartments import patients
from salus.records.drafts import again
from salus.records.reading import Reader
from salus.records.search import parse
from salus.records.walks import bodies, members, walked

MAY = frozenset({Role.SYSTEM, Role.ADMINISTRATOR})
LARGEST = 64 << 20  # bytes of a file, or little more
Pairs = tuple[tuple[str, str], ...]
Progress = Callable[[int, int, str], None]
Batch = list[Version]
Bodies = list[bytes]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written: these types; of a type with `filters`, what any of them finds.

    `group`: the id of the Group to whose members it must belong. `patients`: it must belong to some patient.
    """

    types: tuple[str, ...]
    since: datetime | None = None
    filters: Mapping[str, tuple[Pairs, ...]] = field(default_factory=dict)
    patients: bool = False
    group: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """One file: what it holds, its name in the folder, how many resources."""

    type: str
    name: str
    count: int


class Written(NamedTuple):
    """`at`: a later export since then misses nothing."""

    at: datetime
    files: list[File]


def check_bulk(records: Records, act: Act = Act.READ) -> None:
    """Raises Forbidden, audited, unless this account may take everything out (or bring it in): nothing is masked."""
    actor, purpose = records.actor, records.purpose
    if actor.role not in MAY or actor.patient is not None or purpose is Purpose.RESEARCH:
        records.store.writer.note(actor, purpose, "refused", f"bulk {act}")
        raise Forbidden(f"A {actor.role} may not {act} in bulk for the purpose {purpose}: ask an administrator")


def check_wanted(records: Records, wanted: Wanted) -> None:
    """Raises Forbidden, Unsupported or Malformed for what cannot be written, before anything is."""
    check_bulk(records)
    for type in wanted.types:
        check_may(records.actor, records.purpose, Act.READ, type)
    for type, filters in wanted.filters.items():
        for pairs in filters:
            controls = {name.partition(":")[0] for name, _ in pairs if name[:1] == "_"}
            shows = controls - fhir.parameters(type).keys()
            if shows or set(parse(type, pairs).looks) != {type}:
                raise Unsupported(
                    f"_typeFilter of {type} chooses by {type}'s own search parameters only: leave out what shows, "
                    "sorts, includes or looks into other types",
                    path="_typeFilter",
                )


def types_of_patients() -> tuple[str, ...]:
    """The types of the patient compartment."""
    return tuple(sorted({"Patient", *(name for name in fhir.RESOURCE_TYPES if fhir.compartment(name))}))


def export(
    records: Records, wanted: Wanted, folder: Path, on_progress: Progress = lambda done, total, type: None
) -> Written:
    """Write `Type.N.ndjson` into an empty `folder`; `on_progress(resources written, in all at most, type)`.

    Raises Forbidden, Missing (the group), Conflict when the folder holds something, Busy when the store is closed.
    """
    check_wanted(records, wanted)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Conflict(f"{folder.name} is not empty: name an empty folder, or one that is not there yet")
    records.store.writer.note(records.actor, records.purpose, "export", said(wanted))
    total = sum(count for type, count in records.store.count().items() if type in wanted.types)
    at = latest(records.store)
    files: list[File] = []
    with records.store.readers.one() as reader, reader.snapshot():
        source = source_of(reader, wanted)
        for type in wanted.types:
            tell = teller(on_progress, sum(file.count for file in files), total, type)
            files += written(folder, type, checked(records.store, source(type), tell))
    return Written(at, files)


def said(wanted: Wanted) -> str:
    """For the audit."""
    level = f"Group/{wanted.group}" if wanted.group else "patients" if wanted.patients else "system"
    types = "all types" if len(wanted.types) == len(fhir.RESOURCE_TYPES) else ",".join(wanted.types)
    return f"{level}: {types}"[:2000]


def latest(store: Store) -> datetime:
    """The time of the latest transaction: whatever a snapshot begun after this misses is of that time or later."""
    t = store.last_transaction()
    change = next(iter(store.outbox(t - 1, 1)), None)
    if change is None:
        return clock.now()
    with store.readers.one() as reader:
        version = reader.at(change.type, change.id, change.version, None)
    return version.updated if version else clock.now()


def teller(on_progress: Progress, done: int, total: int, type: str) -> Callable[[int], None]:
    """Tells how many of a type are written as how many in all."""
    return lambda count: on_progress(done + count, total, type)


def checked(store: Store, found: Iterator[Bodies], tell: Callable[[int], None]) -> Iterator[Bodies]:
    """Pass on, telling before each batch how many there were; raises Busy when the store was closed meanwhile."""
    count = 0
    for batch in found:
        store.last_transaction()
        tell(count)
        count += len(batch)
        yield batch


# --- where they come from ---


def source_of(reader: Reader, wanted: Wanted) -> Callable[[str], Iterator[Bodies]]:
    """The resources of a type. Raises Missing for a group that is not here."""
    rows = None if wanted.group is None else members(reader, wanted.group)

    def source(type: str) -> Iterator[Bodies]:
        if rows is None and wanted.since is None and type not in wanted.filters:
            return bodies(reader, type, wanted.patients)
        chosen = of_all(reader, wanted, type) if rows is None else of_members(reader, wanted, type, rows)
        return ([version.body for version in batch] for batch in chosen)

    return source


def of_all(reader: Reader, wanted: Wanted, type: str) -> Iterator[Batch]:
    found = of_type(reader, wanted, type, None)
    return (list(filter(of_a_patient, batch)) for batch in found) if wanted.patients else found


def of_a_patient(version: Version) -> bool:
    """Whether it stands in any patient's compartment."""
    return version.type == "Patient" or any(True for _ in patients(version.type, again(version.type, version.body)))


def of_members(reader: Reader, wanted: Wanted, type: str, rows: list[int]) -> Iterator[Batch]:
    """What stands in the compartment of any of these patients, once."""
    return once(batch for row in rows for batch in of_type(reader, wanted, type, row))


def of_type(reader: Reader, wanted: Wanted, type: str, patient: int | None) -> Iterator[Batch]:
    """What any of the type's filters finds (in a patient's compartment), once, changed since then."""
    filters = wanted.filters.get(type, ((),))
    found = (batch for pairs in filters for batch in walked(reader, type, pairs, patient))
    if since := wanted.since:
        found = ([version for version in batch if version.updated >= since] for batch in found)
    return once(found) if len(filters) > 1 else found


def once(found: Iterator[Batch]) -> Iterator[Batch]:
    """Without what came before."""
    seen: set[str] = set()
    for batch in found:
        yield [version for version in batch if version.id not in seen]
        seen.update(version.id for version in batch)


# --- where they go ---


def written(folder: Path, type: str, found: Iterator[Bodies]) -> Iterator[File]:
    """Files of `LARGEST` bytes or little more, each on the disk before the next is begun; none of nothing."""
    waiting = (batch for batch in found if batch)
    number = 0
    while first := next(waiting, None):
        number += 1
        name = f"{type}.{number}.ndjson"
        with (folder / name).open("wb") as file:
            count = filled(file, chain([first], waiting))
            file.flush()
            os.fsync(file.fileno())
        yield File(type, name, count)


def filled(file: IO[bytes], found: Iterator[Bodies]) -> int:
    """How many went into the file."""
    count = size = 0
    for batch in found:
        size += file.write(b"\n".join(batch) + b"\n")
        count += len(batch)
        if size >= LARGEST:
            break
    return count


def manifest(done: Written, request: str, place: Callable[[str], str]) -> dict[str, Any]:
    """What the client is told of it. https://hl7.org/fhir/uv/bulkdata/export.html#response---output-manifest"""
    return {
        "transactionTime": clock.instant(done.at),
        "request": request,
        "requiresAccessToken": True,
        "output": [{"type": file.type, "url": place(file.name), "count": file.count} for file in done.files],
        "error": [],
    }
