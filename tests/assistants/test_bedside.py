"""The assistants beside one patient: real records, models really trained, answers that stay."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from salus.assistants.answers import REASONS, Said
from salus.assistants.diagnosis.question import claim
from salus.base import clock
from salus.base.errors import Forbidden, Invalid, Missing
from salus.privacy import Role

HEALTHY = {"resourceType": "Patient", "id": "new", "gender": "female", "birthDate": "1980-01-01"}


def counts(ward) -> dict[str, int]:
    """How many resources of ours the store holds."""
    records = ward.as_(Role.SYSTEM, "Device/test")
    kinds = ("RiskAssessment", "Provenance", "Device", "ClinicalImpression")
    return {kind: records.search(kind, [("_total", "accurate")]).total or 0 for kind in kinds}


def high_and_low(ward) -> tuple[str, str]:
    """Ids of the people with the highest and the lowest last HbA1c who have no diabetes yet."""
    records = ward.clinician
    known = {
        one.json()["subject"]["reference"]
        for one in records.search("Condition", [("code", "44054006"), ("_count", "500")]).versions
    }
    last: dict[str, float] = {}
    for number in range(120):
        if f"Patient/p{number}" not in known:
            (found,) = records.search(
                "Observation", [("patient", f"p{number}"), ("code", "4548-4"), ("_sort", "-date"), ("_count", "1")]
            ).versions
            last[f"p{number}"] = found.json()["valueQuantity"]["value"]
    return max(last, key=last.__getitem__), min(last, key=last.__getitem__)


def risk_of(ward, patient: str):
    return next(one for one in ward.bedside.suggestions(ward.clinician, patient) if one.kind == "risk")


def test_the_person_nearer_to_diabetes_has_the_higher_risk(ward):
    high, low = high_and_low(ward)

    assert risk_of(ward, high).leading.probability > risk_of(ward, low).leading.probability + 0.2


def test_a_suggestion_names_its_reasons_and_where_they_come_from(ward):
    high, _ = high_and_low(ward)

    said = risk_of(ward, high)

    assert "2型糖尿病" == said.leading.claim.name.in_("zh")
    assert 0 <= said.leading.low <= said.leading.probability <= said.leading.high <= 1
    (heaviest, *_) = said.reasons
    assert heaviest.weight > 0
    assert heaviest.sources and all(ward.clinician.read(*source.split("/")) for source in said.sources)


def test_an_unchanged_patient_is_told_the_same_and_nothing_is_written(ward):
    first = ward.bedside.suggestions(ward.clinician, "p1")
    before = ward.store.last_transaction()

    again = ward.bedside.suggestions(ward.clinician, "p1")

    assert first == again
    assert before == ward.store.last_transaction()


def test_a_new_result_makes_a_new_suggestion_and_keeps_the_old(ward):
    _, low = high_and_low(ward)
    before = risk_of(ward, low)
    lab = (
        ward.clinician.search("Observation", [("patient", low), ("code", "4548-4"), ("_sort", "-date")])
        .versions[0]
        .json()
    )
    moment = clock.instant(clock.now())
    ward.clinician.create(
        "Observation",
        {
            **{k: v for k, v in lab.items() if k not in ("id", "meta")},
            "effectiveDateTime": moment,
            "issued": moment,
            "valueQuantity": lab["valueQuantity"] | {"value": 6.4},
        },
    )

    after = risk_of(ward, low)

    assert before.id != after.id
    assert after.leading.probability > before.leading.probability
    assert ward.clinician.read("RiskAssessment", before.id)


def test_the_same_inputs_a_day_later_stay_the_same_suggestion_with_its_answer(ward):
    said = risk_of(ward, "p1")
    ward.bedside.answer(ward.clinician, said.id, Said("accepted"))

    with clock.stopped_at(clock.now() + timedelta(days=2)):
        later = risk_of(ward, "p1")

    assert said.id == later.id
    assert "accepted" == later.answer.verdict


def test_each_answer_is_kept_and_shown_and_can_be_taken_back(ward):
    said = risk_of(ward, "p1")

    ward.bedside.answer(ward.clinician, said.id, Said("accepted"))
    ward.bedside.answer(ward.clinician, said.id, Said("refused", "not-present", "Glucose tolerance test was normal"))

    assert ("refused", "not-present") == (risk_of(ward, "p1").answer.verdict, risk_of(ward, "p1").answer.reason)
    assert "accepted" == ward.bedside.undo(ward.clinician, said.id).verdict
    assert ward.bedside.undo(ward.clinician, said.id) is None
    assert risk_of(ward, "p1").answer is None
    with pytest.raises(Missing, match="no answer"):
        ward.bedside.undo(ward.clinician, said.id)


def test_saying_the_same_twice_is_one_answer(ward):
    said = risk_of(ward, "p1")

    answers = {ward.bedside.answer(ward.clinician, said.id, Said("refused", "not-now")).id for _ in range(3)}

    assert 1 == len(answers) == counts(ward)["ClinicalImpression"]


def test_own_words_are_a_reason_too(ward):
    said = risk_of(ward, "p1")

    given = ward.bedside.answer(ward.clinician, said.id, Said("refused", "The sample was somebody else's"))

    assert ("other", "The sample was somebody else's") == (given.reason, given.comment)


@pytest.mark.parametrize(
    "verdict, reason, says",
    [("refused", "", "needs a reason"), ("changed", "", "changed to"), ("agreed", "", "none of accepted")],
)
def test_an_answer_that_says_too_little_is_refused_and_nothing_is_stored(ward, verdict, reason, says):
    said, before = risk_of(ward, "p1"), ward.store.last_transaction()

    with pytest.raises(Invalid, match=says):
        ward.bedside.answer(ward.clinician, said.id, Said(verdict, reason))

    assert before == ward.store.last_transaction()


def test_answering_what_was_never_said_is_missing(ward):
    with pytest.raises(Missing):
        ward.bedside.answer(ward.clinician, "0190a2b4-0000-7000-8000-000000000000", Said("accepted"))


def test_a_nurse_sees_suggestions_but_may_not_answer_them(ward):
    (said, *_) = ward.bedside.suggestions(ward.as_(Role.NURSE), "p1")

    with pytest.raises(Forbidden):
        ward.bedside.answer(ward.as_(Role.NURSE), said.id, Said("accepted"))


def test_a_patient_cannot_have_suggestions_on_somebody_else(ward):
    someone = ward.as_(Role.PATIENT, "Patient/p2", "p2")

    with pytest.raises((Forbidden, Missing)):
        ward.bedside.suggestions(someone, "p1")


def test_who_is_not_there_is_missing(ward):
    with pytest.raises(Missing):
        ward.bedside.suggestions(ward.clinician, "nobody")


def test_of_a_person_without_data_it_says_that_it_cannot_tell_and_that_is_a_record_too(ward):
    ward.clinician.update("Patient", "new", HEALTHY)

    said = ward.bedside.suggestions(ward.clinician, "new")

    assert said and all(one.abstained and not one.candidates for one in said)
    assert "prediction" not in ward.clinician.read("RiskAssessment", said[0].id).json()


def test_a_differential_puts_the_right_disease_first_for_most(ward):
    right = 0
    for number in range(20, 40):
        patient = f"p{number}"
        (visit,) = [
            one
            for one in ward.clinician.search("Condition", [("patient", patient)]).versions
            if "acute" in one.json()["encounter"]["reference"]
        ]
        when = ward.clinician.read("Encounter", f"{patient}-acute").json()["period"]["start"]
        at = clock.datetime.fromisoformat(when) + timedelta(minutes=30)
        with clock.stopped_at(at):
            said = next(one for one in ward.bedside.suggestions(ward.clinician, patient) if one.kind == "differential")
        right += said.leading.claim.code == visit.json()["code"]["coding"][0]["code"]

    assert right >= 16


def test_what_is_it_is_asked_only_of_somebody_who_is_here(ward):
    assert ["risk", "differential"] == [one.kind for one in ward.bedside.suggestions(ward.clinician, "p1")]
    assert ["risk"] == [one.kind for one in ward.bedside.suggestions(ward.clinician, "p2")]


def test_every_reason_code_has_words(ward):
    from salus.base.words import words_of

    assert all(f"reason.{code}" in words_of("salus.assistants") for code in REASONS)


def test_changing_a_differential_says_to_what(ward):
    said = next(one for one in ward.bedside.suggestions(ward.clinician, "p1") if one.kind == "differential")

    ward.bedside.answer(ward.clinician, said.id, Said("changed", comment="X-ray", to=claim("SNOMED//385093006")))

    shown = next(one for one in ward.bedside.suggestions(ward.clinician, "p1") if one.kind == "differential")
    assert ("changed", "385093006", "X-ray") == (shown.answer.verdict, shown.answer.to.code, shown.answer.comment)


def test_a_newly_promoted_version_speaks_at_once_and_its_predecessor_after_a_roll_back(ward):
    registry = ward.bedside.registry
    first = risk_of(ward, "p1")
    shutil.copytree(ward.registry / "t2dm-12m" / "1", made := ward.registry.parent / "made")
    (made / "checksums.json").unlink()
    registry.promote("t2dm-12m", registry.add("t2dm-12m", made))

    second = risk_of(ward, "p1")
    registry.roll_back("t2dm-12m")

    assert ("1", "2") == (first.model.version, second.model.version)
    assert first == risk_of(ward, "p1")


def test_many_who_look_at_once_make_one_suggestion(ward):
    before = counts(ward)["RiskAssessment"]

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: ward.bedside.suggestions(ward.clinician, "p3"), range(16)))

    assert all(said == seen[0] for said in seen)
    assert before + len(seen[0]) == counts(ward)["RiskAssessment"]


def test_the_list_of_models_says_which_speaks_and_shows_its_card(ward):
    found = {one["name"]: one for one in ward.bedside.models()}

    assert {"t2dm-12m", "differential"} == found.keys()
    assert all(one["promoted"] and one["card"] and one["metrics"] for one in found.values())
