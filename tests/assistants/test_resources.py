"""A suggestion goes into FHIR and comes back the same."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from salus.assistants.resources import device_id, exact, provenance, risk_assessment, suggestion_of
from salus.assistants.suggestion import Candidate, Claim, Gap, Model, Name, Reason, Suggestion

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
words = st.text("abc糖尿病 1%", min_size=1).filter(str.strip)
names = st.builds(Name, words, words)
shares = st.integers(0, 1_000_000).map(lambda millionths: exact(millionths / 1_000_000))
claims = st.builds(Claim, st.just("http://snomed.info/sct"), st.sampled_from(["44054006", "6142004"]), names)
references = st.sampled_from(["Observation/1", "Observation/2", "Condition/1"])
reasons = st.builds(
    Reason,
    feature=words,
    name=names,
    value=st.none() | st.floats(-1e6, 1e6) | words,
    unit=st.none(),
    weight=st.floats(-5, 5),
    sources=st.lists(references, unique=True).map(tuple),
)
suggestions = st.builds(
    Suggestion,
    id=st.just("0190a2b4-0000-7000-8000-000000000000"),
    patient=st.sampled_from(["7", "https://other.example/fhir/Patient/7"]),
    kind=st.sampled_from(["risk", "differential"]),
    candidates=st.lists(st.builds(Candidate, claims, shares, shares, shares), max_size=3).map(tuple),
    reasons=st.lists(reasons, max_size=4).map(tuple),
    missing=st.lists(st.builds(Gap, words, names), max_size=2).map(tuple),
    model=st.builds(Model, st.just("t2dm-12m"), st.just("3"), names),
    at=st.just(AT),
    question=names,
    abstained=st.none() | st.just("too-little-data"),
    answer=st.none(),
)


@given(suggestions)
def test_a_suggestion_comes_back_from_its_risk_assessment_as_it_went_in(suggestion: Suggestion):
    stored = json.loads(json.dumps(risk_assessment(suggestion, "f", timedelta(days=365))))

    assert suggestion == suggestion_of(stored)


@given(suggestions)
def test_basis_and_provenance_name_every_source_once(suggestion: Suggestion):
    sources = sorted({source for reason in suggestion.reasons for source in reason.sources})

    basis = risk_assessment(suggestion, "f", None).get("basis", [])
    entities = provenance(suggestion).get("entity", [])

    assert sources == sorted(one["reference"] for one in basis)
    assert sources == sorted(one["what"]["reference"] for one in entities)


def test_a_probability_is_stored_in_percent_with_its_interval_and_its_time():
    claim = Claim("http://snomed.info/sct", "44054006", Name("Type 2 diabetes", "2型糖尿病"))
    model = Model("t2dm-12m", "3", Name("Diabetes within a year?", "一年内会得糖尿病吗？"))
    spoken = Suggestion("s", "7", "risk", (Candidate(claim, 0.34, 0.25, 0.45),), (), (), model, AT, model.title)

    (prediction,) = risk_assessment(spoken, "f", timedelta(days=365))["prediction"]

    assert 34 == prediction["probabilityDecimal"]
    assert {"low": {"value": 25}, "high": {"value": 45}} == prediction["extension"][0]["valueRange"]
    assert {"start": "2026-03-01T08:30:00.000Z", "end": "2027-03-01T08:30:00.000Z"} == prediction["whenPeriod"]


def test_a_model_with_a_long_name_still_has_a_valid_id():
    assert 64 == len(device_id(Model("x" * 80, "1", Name("", ""))))
