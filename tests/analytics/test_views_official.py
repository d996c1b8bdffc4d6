"""The official tests of SQL on FHIR, where they are: no package registry has them, so they are read from a checkout.

https://github.com/FHIR/sql-on-fhir.js/tree/main/tests  `SQL_ON_FHIR_TESTS` names its folder `tests`. What each of
them asks, our own tables in `test_views.py` ask too.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from salus.analytics.views import read_view
from salus.base.errors import SalusError

FOLDER = Path(os.environ.get("SQL_ON_FHIR_TESTS", "sql-on-fhir-tests"))
AGAINST = {  # cases that say otherwise than the specification itself
    "string join": "FHIRPath: if the input of join() is empty, the result is empty",
    "string join: default separator": "FHIRPath: if the input of join() is empty, the result is empty",
}
ABSENT = "the official tests are not here: set SQL_ON_FHIR_TESTS to the folder `tests` of a checkout"


def cases() -> Iterator[Any]:
    for file in sorted(FOLDER.glob("*.json")):
        told = orjson.loads(file.read_bytes())
        for case in told.get("tests", ()):
            marks = [pytest.mark.xfail(reason=AGAINST[case["title"]])] if case["title"] in AGAINST else []
            yield pytest.param(told["resources"], case, id=f"{file.stem}: {case['title']}", marks=marks)


@pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)
@pytest.mark.parametrize(("resources", "case"), list(cases()) or [pytest.param([], {}, id="none")])
def test_the_official_case(resources: list[dict[str, Any]], case: dict[str, Any]):
    if case.get("expectError"):
        with pytest.raises(SalusError):
            list(read_view(case["view"]).all_rows(resources))
        return
    found = read_view(case["view"])
    rows = [dict(zip(found.names, row, strict=True)) for row in found.all_rows(resources)]

    assert in_order(case["expect"]) == in_order(rows)
    if columns := case.get("expectColumns"):
        assert columns == found.names


def in_order(rows: list[dict[str, Any]]) -> list[bytes]:
    return sorted(orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in rows)
