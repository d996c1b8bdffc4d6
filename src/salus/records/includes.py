"""`_include` and `_revinclude`. https://hl7.org/fhir/R4/search.html#include"""

from collections.abc import Callable, Iterable, Iterator

from salus.base.errors import Unsupported
from salus.records.reading import Reader
from salus.records.search import find, links, near
from salus.records.search.query import ANY, Include, Query, reference_paths
from salus.records.search.setting import filled, numbers
from salus.records.search.shortening import shortened
from salus.records.shapes import Page, Version

MOST = 10_000  # included resources a page
MOST_ROUNDS = 5  # of `:iterate`
MayRead = Callable[[str], bool]
Found = dict[int, Version]  # by row


def page(reader: Reader, query: Query, patient: int | None, may_read: MayRead) -> Page:
    """What a query finds, with what it includes. `patient`: the row of the only patient that may be seen."""
    found = find(reader.connection, reader.kinds, query, patient, may_read, reader.press)
    versions = reader.of_rows(found.rows, patient)
    included = gather(reader, query, found.rows, versions, patient, may_read) if query.includes else []
    far = distances(query, versions)
    if query.shown or query.elements:
        versions = [shown(query, version, found=True) for version in versions]
        included = [shown(query, version, found=False) for version in included]
    return Page(versions, found.total, query.after(found.anchor) if found.anchor else None, included, far)


def distances(query: Query, versions: list[Version]) -> dict[str, float]:
    """How far what was found by `near` is, in km."""
    term = next((term for term in query.terms if term.name == "near" and not term.modifier and not term.inner), None)
    if term is None:
        return {}
    positions = {version.reference: version.json()["position"] for version in versions}
    return {name: near.distance(term, at["latitude"], at["longitude"]) for name, at in positions.items()}


def shown(query: Query, version: Version, found: bool) -> Version:
    names = query.names(version.type, found)
    return version if names is None else shortened(version, names)


def gather(
    reader: Reader, query: Query, rows: list[int], versions: list[Version], patient: int | None, may_read: MayRead
) -> list[Version]:
    """What the page's resources refer to, or are referred to by, as far as it may be seen; nothing twice.

    Only what may be seen itself leads on. Raises Unsupported when it is more than a page holds.
    """
    includes = query.includes
    included: Found = {}
    fresh = dict(zip(rows, versions, strict=False)) if includes else {}
    known = set(rows)
    for _ in range(MOST_ROUNDS):
        wanted = dict.fromkeys(row for include in includes for row in led_to(reader, include, fresh))
        fresh = seen(reader, [row for row in wanted if row not in known], patient, may_read)
        known.update(wanted)
        included |= fresh
        includes = [include for include in includes if include.iterate]
        if not fresh or not includes:
            break
        if len(included) > MOST:
            raise too_many()
    return list(included.values())


def seen(reader: Reader, rows: list[int], patient: int | None, may_read: MayRead) -> Found:
    if len(rows) > MOST:
        raise too_many()
    return {row: version for row, version in reader.by_row(rows, patient).items() if may_read(version.type)}


def too_many() -> Unsupported:
    return Unsupported(f"This page would include more than {MOST} resources: ask for fewer a page, by _count")


def led_to(reader: Reader, include: Include, fresh: Found) -> Iterable[int]:
    return _referring(reader, include, fresh) if include.reverse else _referred(reader, include, fresh)


def _referring(reader: Reader, include: Include, fresh: Found) -> list[int]:
    rows = [row for row, version in fresh.items() if include.target in ("", version.type)]
    sql = (
        f"SELECT f.row FROM ref f JOIN resource r ON r.row=f.row WHERE f.path IN ({numbers(sorted(include.paths))}) "
        f"AND f.target IN ({numbers(rows)}) AND r.type={reader.kinds.numbers[include.source]} LIMIT {MOST + 1}"
    )
    return [row for (row,) in reader.connection.execute(sql)]


def _referred(reader: Reader, include: Include, fresh: Found) -> Iterator[int]:
    """The index is asked which of the references stand at the include's paths."""
    kinds = (include.target,) if include.target else include.targets
    named: dict[tuple[str, str], list[int]] = {}
    for here, version in fresh.items():
        if include.source in (ANY, version.type):
            for name in links.named(version.type, version.body, kinds):
                named.setdefault(name, []).append(here)
    paths = numbers(sorted(include.paths or every_path(fresh)))
    for kind, id in sorted(named):
        row = reader.row(kind, id) if kind in reader.kinds.numbers and _wanted(include, kind) else None
        if row is not None and _refers(reader, paths, row, named[kind, id]):
            yield row


def every_path(fresh: Found) -> set[int]:
    return {path for type in {version.type for version in fresh.values()} for path in reference_paths(type)}


def _refers(reader: Reader, paths: str, row: int, rows: list[int]) -> bool:
    """Whether one of the rows refers to `row` at these paths."""
    marks, given = filled(rows)
    sql = f"SELECT 1 FROM ref WHERE path IN ({paths}) AND target=? AND row IN ({marks}) LIMIT 1"
    return reader.connection.execute(sql, (row, *given)).fetchone() is not None


def _wanted(include: Include, kind: str) -> bool:
    return kind == include.target if include.target else kind in include.targets or not include.targets
