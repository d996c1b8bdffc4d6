"""`lowBoundary()` and `highBoundary()` by a table: expression, the lower bound, the upper bound.

https://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time
"""

from typing import Any

import pytest

from salus.base.errors import Invalid
from salus.fhir.fhirpath import compile

WEIGHT = {"resourceType": "Observation", "valueQuantity": {"value": 61.5, "unit": "kg", "code": "kg"}}
BOUNDS: list[tuple[str, str, Any, Any]] = [  # value, precision, low, high
    ("1", "", 0.5, 1.5),
    ("1.0", "", 0.95, 1.05),
    ("1.587", "8", 1.5865, 1.5875),
    ("1.587", "6", 1.5865, 1.5875),
    ("1.587", "2", 1.58, 1.59),
    ("1.587", "0", 1.0, 2.0),
    ("1.587", "-1", None, None),
    ("1.587", "32", None, None),
    ("(-1.587)", "2", -1.59, -1.58),
    ("0.0034", "1", 0.0, 0.1),
    ("1.587 'cm'", "", {"value": 1.5865, "unit": "cm"}, {"value": 1.5875, "unit": "cm"}),
    ("value", "", {"value": 61.45, "unit": "kg"}, {"value": 61.55, "unit": "kg"}),
    ("@2014", "", "2014-01-01", "2014-12-31"),
    ("@2014", "6", "2014-01", "2014-12"),
    ("@2024-02", "", "2024-02-01", "2024-02-29"),
    ("@1900-02", "", "1900-02-01", "1900-02-28"),
    ("@1994-05-18", "4", "1994", "1994"),
    ("@2014-01-01", "5", None, None),
    ("@2010-10-10T", "", "2010-10-10T00:00:00.000+14:00", "2010-10-10T23:59:59.999-12:00"),
    ("@2005T", "", "2005-01-01T00:00:00.000+14:00", "2005-12-31T23:59:59.999-12:00"),
    ("@2014-01-01T08", "17", "2014-01-01T08:00:00.000+14:00", "2014-01-01T08:59:59.999-12:00"),
    ("@2016-07-23T14:35Z", "", "2016-07-23T14:35:00.000Z", "2016-07-23T14:35:59.999Z"),
    ("@2018-03-15T21:43:07.5-05:00", "", "2018-03-15T21:43:07.500-05:00", "2018-03-15T21:43:07.500-05:00"),
    ("@2018-03-15T21:43:07.5-05:00", "8", "2018-03-15", "2018-03-15"),
    ("@T10:30", "", "10:30:00.000", "10:30:59.999"),
    ("@T10", "4", "10:00", "10:59"),
    ("@T10:30", "3", None, None),
    ("{}", "", None, None),
    ("issued", "", None, None),
]


@pytest.mark.parametrize(("value", "precision", "low", "high"), BOUNDS)
def test_a_value_lies_between_its_boundaries(value: str, precision: str, low: Any, high: Any):
    found = [compile(f"{value}.{name}({precision})")(WEIGHT) for name in ("lowBoundary", "highBoundary")]

    assert [[] if bound is None else [bound] for bound in (low, high)] == found


@pytest.mark.parametrize("expression", ["'a'.lowBoundary()", "true.highBoundary()", "(1 | 2).lowBoundary()"])
def test_what_has_no_boundary_is_told(expression: str):
    with pytest.raises(Invalid):
        compile(expression)(WEIGHT)
