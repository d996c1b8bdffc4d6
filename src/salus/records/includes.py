"""`_include` and `_revinclude`. https://hl7.org/fhir/R4/search.html#include"""

from collections.abc import Callable, Iterator

from salus import fhir
from salus.records import drafts
from salus.records.reading import Reader
from salus.records.search import find
from salus.records.search.query import Include, Query
from salus.records.search.setting import numbers
from salus.records.shapes import Page, Version

MOST = 2000  # included resources a page


def page(reader: Reader, query: Query, patient: int | None, may_read: Callable[[str], bool]) -> Page:
    """What a query finds, with what it includes. `patient`: the row of the only patient that may be seen."""
    found = find(reader.connection, reader.kinds, query, patient, may_read, reader.press)
    versions = reader.of_rows(found.rows, patient)
    included = gather(reader, query, found.rows, versions, patient, may_read)
    return Page(versions, found.total, query.after(found.anchor) if found.anchor else None, included)


def gather(
    reader: Reader,
    query: Query,
    rows: list[int],
    versions: list[Version],
    patient: int | None,
    may_read: Callable[[str], bool],
) -> list[Version]:
    """What the page's resources refer to, or are referred to by, as far as it may be seen; nothing twice."""
    wanted: dict[int, None] = {}
    for include in query.includes:
        found = _referring(reader, include, rows) if include.reverse else _referred(reader, include, versions)
        wanted.update(dict.fromkeys(found))
    fresh = [row for row in wanted if row not in set(rows)][:MOST]
    return [version for version in reader.of_rows(fresh, patient) if may_read(version.type)]


def _referring(reader: Reader, include: Include, rows: list[int]) -> Iterator[int]:
    paths = fhir.parameters(include.source)[include.name].paths
    sql = f"SELECT row FROM ref WHERE path IN ({numbers(paths)}) AND target IN ({numbers(rows)}) LIMIT {MOST}"
    return (row for (row,) in reader.connection.execute(sql))


def _referred(reader: Reader, include: Include, versions: list[Version]) -> Iterator[int]:
    parameter = fhir.parameters(include.source)[include.name]
    for version in versions:
        for path, kind, id in drafts.again(version.type, version.body).references:
            wanted = kind == include.target if include.target else kind in parameter.targets or not parameter.targets
            if path in parameter.paths and kind and wanted and (row := reader.row(kind, id)) is not None:
                yield row
