"""Whatever is written as FHIRPath gives values or an Invalid, soon. Nothing else."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from salus.base.errors import Invalid
from salus.fhir.fhirpath import compile
from salus.fhir.fhirpath.compiling import EAGER, LAZY
from salus.fhir.fhirpath.parsing import BINDS

BODY: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "a",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "1-8"}, {"code": "2"}], "text": "x"},
    "effectiveDateTime": "2026-03-01T08:30:00.25+08:00",
    "issued": "2026-03-01T00:30:00Z",
    "_valueString": {"extension": [{"url": "urn:a", "valueQuantity": {"value": 1.5, "code": "mg"}}]},
    "subject": {"reference": "#p"},
    "contained": [{"resourceType": "Patient", "id": "p", "active": True, "birthDate": "1988-02"}],
    "referenceRange": [{"low": {"value": 0, "unit": "kg"}, "high": {"value": 1e300, "code": "%"}}, {"text": "z"}],
}
ATOMS = st.sampled_from(
    ["{}", "true", "0", "-1", "2.50", "1e9", "99999999999999999999", "'a'", "''", "'1.5'", "'5 \\'mg\\''",
     "@2026", "@2026-02-30", "@2024-02-29T10:00:00Z", "@T10", "5 'mg'", "0 'kg'", "1 'nothing'", "3 days",
     "100000000 years", "$this", "$index", "$total", "%resource", "%context", "id", "code", "code.coding",
     "effective", "value", "subject", "contained", "contained.birthDate", "referenceRange",
     "referenceRange.low", "referenceRange.high.value", "Observation", "children()", "descendants()"]
)  # fmt: skip
FUNCTIONS = st.sampled_from(sorted([*EAGER, *LAZY, "ofType", "is", "as", "getReferenceKey"]))
TYPES = st.sampled_from(["Quantity", "string", "System.Integer", "Patient", "DomainResource"])


def calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner | TYPES, max_size=3).map(", ".join)
    return st.one_of(
        st.tuples(inner, FUNCTIONS, arguments).map(lambda part: f"({part[0]}).{part[1]}({part[2]})"),
        st.tuples(inner, st.sampled_from(sorted(BINDS)), inner).map(lambda part: f"({part[0]} {part[1]} {part[2]})"),
        st.tuples(inner, inner).map(lambda part: f"({part[0]})[{part[1]}]"),
        inner.map(lambda part: f"-{part}"),
    )


@settings(max_examples=600, deadline=None)
@given(st.recursive(ATOMS, calls, max_leaves=6))
def test_an_expression_gives_values_or_is_refused(expression: str) -> None:
    try:
        compile(expression)(BODY)
    except Invalid as error:
        assert "FHIRPath" in str(error)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.text("abc.()[]{}'`\"%@$T:-+*/&|<>=~! 0123,\\", max_size=40))
def test_any_text_is_an_expression_or_is_refused(text: str) -> None:
    try:
        compile(text)(BODY)
    except Invalid as error:
        assert "FHIRPath" in str(error)
