"""The treatment card: layers beside each other, the order among what is allowed, and the answer to an option."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prescribing import Json, allergic, condition, measured, order, patient

from salus.assistants.suggestion import Name
from salus.assistants.treatment.benefit import Benefit, Risk
from salus.assistants.treatment.benefit import Option as Compared
from salus.assistants.treatment.benefit.shape import needed_to_treat
from salus.assistants.treatment.guidelines.plans import shipped
from salus.assistants.treatment.options import Card, Option, Said, Treatment, telling
from salus.assistants.treatment.options.alternatives import better, instead
from salus.assistants.treatment.options.service import Asked
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import Shelf
from salus.base import clock
from salus.base.errors import Forbidden, Invalid, Missing
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store

DOCTOR = Actor("Practitioner/1", Role.CLINICIAN)
TODAY = str(clock.now().date())
FAILING, BLOCKER = "salus-heart-failure", "salus-heart-failure/beta-blocker"
SUBJECT = {"subject": {"reference": "Patient/p"}}


def somebody() -> list[Json]:
    """Heart failure with a reduced ejection fraction, on an ACE inhibitor."""
    fraction = measured("10230-1", 30, "%", TODAY) | SUBJECT
    taken = order("enalapril", (10, "mg"), 2, id="old") | SUBJECT | {"intent": "order"}
    return [patient(70), condition("84114007", "heart failure") | SUBJECT, fraction, taken]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        for one in somebody():
            opened.open(SYSTEM, Purpose.OPERATIONS).update(one["resourceType"], one["id"], one)
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(DOCTOR, Purpose.TREATMENT)


@pytest.fixture
def treatment(store: Store, tmp_path: Path) -> Treatment:
    return Treatment(Prescribing(store, Shelf(tmp_path / "knowledge")), tmp_path / "models")


def compared(code: str, against: str, value: float, half: float, model: str = "one", **more: Any) -> Benefit:
    """An estimate on two medicines by their ATC codes; `value`: the difference of the risk of something bad."""
    gap = Risk(value, value - half, value + half)
    base = Risk(0.2, 0.15, 0.25)
    count, low, high = needed_to_treat(gap)
    sides = [Compared(each, Name(each, each), (f"ATC//{each}*",)) for each in (code, against)]
    said: Json = {
        "overlap": "good",
        "alike": 1412,
        "had_option": 300,
        "risk_with": Risk(0.2 + value, 0.1, 0.4),
        "risk_without": base,
        "difference": gap,
        "nnt": count,
        "nnt_low": low,
        "nnt_high": high,
    }
    return Benefit(
        option=sides[0],
        against=sides[1],
        outcome=Name("death", "死亡"),
        horizon_days=365,
        evidence="observational",
        model=model,
        card=f"/models/{model}/1",
        **said | more,
    )


REFUSED: Json = {
    "risk_with": None,
    "risk_without": None,
    "difference": None,
    "nnt": None,
    "nnt_low": None,
    "nnt_high": None,
    "refused": Name("Data do not support an estimate: too few.", "数据不支持估计：人数太少。"),
    "overlap": "none",
    "had_option": 3,
}
METOPROLOL, BISOPROLOL, CARVEDILOL = "C07AB02", "C07AB07", "C07AG02"


def card(treatment: Treatment, *benefits: Benefit, about: list[Json] = [], drafts: list[Json] = []) -> Card:  # noqa: B006
    known = [*somebody(), *about]
    return treatment.card(known, "p", drafts, list(shipped().values()), Asked(benefits), None)


def medicines(found: Card, key: str = BLOCKER) -> list[str]:
    option = found.option(key)
    assert option is not None, [one.key for one in found.options]
    return [one.named.en for one in option.medicines]


# the order


def test_without_an_estimate_the_guideline_speaks_alone(treatment: Treatment) -> None:
    found = card(treatment)
    assert BLOCKER in [one.key for one in found.options]
    assert {one.evidence for one in found.options} == {"guideline"} and found.others == ()
    assert found.pathways[0].id == FAILING


def test_of_the_medicines_of_one_line_the_one_that_is_surely_better_comes_first(treatment: Treatment) -> None:
    plain = medicines(card(treatment))
    assert plain.index("bisoprolol") < plain.index("metoprolol")
    found = card(treatment, compared(METOPROLOL, BISOPROLOL, -0.04, 0.02))
    assert medicines(found)[0] == "metoprolol"
    worse = card(treatment, compared(BISOPROLOL, METOPROLOL, 0.04, 0.02))
    assert medicines(worse)[-1] == "bisoprolol"


def test_an_estimate_whose_interval_holds_zero_or_that_is_refused_moves_nothing(treatment: Treatment) -> None:
    plain = medicines(card(treatment))
    assert plain == medicines(card(treatment, compared(METOPROLOL, BISOPROLOL, -0.04, 0.05)))
    assert plain == medicines(card(treatment, compared(METOPROLOL, BISOPROLOL, 0, 0, **REFUSED)))


def test_two_estimates_that_disagree_move_nothing(treatment: Treatment) -> None:
    torn = (
        compared(METOPROLOL, BISOPROLOL, -0.04, 0.01),
        compared(METOPROLOL, BISOPROLOL, 0.04, 0.01, model="other"),
    )
    assert medicines(card(treatment)) == medicines(card(treatment, *torn))


def test_no_benefit_brings_back_what_the_screen_sets_apart(treatment: Treatment) -> None:
    found = card(treatment, compared(METOPROLOL, BISOPROLOL, -0.1, 0.01), about=[allergic("metoprolol") | {"id": "m"}])
    option = found.option(BLOCKER)
    assert option is not None and [one.named.en for one in option.apart] == ["metoprolol"]
    assert medicines(found)[-1] == "metoprolol" and not option.held
    assert option.apart[0].benefits and option.apart[0].choice.findings[0].kind == "allergy"


def test_no_benefit_moves_a_line_before_another_line_of_the_guideline(treatment: Treatment) -> None:
    lines = [one.key for one in card(treatment).pathways[0].options]
    better = card(treatment, compared("C03DA01", "C03DA04", -0.09, 0.01))
    assert lines == [one.key for one in better.pathways[0].options]


def test_what_no_pathway_offers_stands_apart_screened_and_by_benefit(treatment: Treatment) -> None:
    found = card(treatment, compared("N06AB06", "N06AB04", -0.05, 0.01), compared("N02BE01", "N02BA01", 0.05, 0.01))
    assert [one.title.en for one in found.others] == ["N06AB06", "N06AB04", "N02BA01", "N02BE01"]
    assert [one.medicines[0].named.en for one in found.others][:2] == ["sertraline", "citalopram"]
    assert [one.evidence for one in found.others] == ["observational", "none", "none", "observational"]


def test_a_class_is_screened_medicine_by_medicine_and_the_estimate_stands_once(treatment: Treatment) -> None:
    found = card(treatment, compared("C10AA", "C10AB", -0.05, 0.01))
    statins = next(one for one in found.others if one.title.en == "C10AA")
    assert len(statins.medicines) > 4 and len(statins.benefits) == 1
    assert not any(one.benefits for one in statins.medicines)


def test_an_option_that_is_no_medicine_of_ours_is_told_as_not_screened(treatment: Treatment) -> None:
    surgery = compared("X", "Y", -0.05, 0.01)
    surgery = replace(surgery, option=replace(surgery.option, codes=("SNOMED//80146002",)))
    assert card(treatment, surgery).others[0].medicines == ()


# orders in draft


def test_a_draft_takes_the_place_of_its_medicine_with_what_was_found_for_its_dose(treatment: Treatment) -> None:
    draft = order("bisoprolol", (200, "mg"), 1, id="d1") | {"status": "draft"}
    found = card(treatment, drafts=[draft])
    option = found.option(BLOCKER)
    assert option is not None
    (mine,) = [one for one in option.medicines if one.draft]
    assert mine.draft == "MedicationRequest/d1" and mine.held
    assert {one.rule for one in mine.choice.findings} >= {"most-day"}


def test_a_draft_that_no_pathway_offers_is_an_option_of_its_own(treatment: Treatment) -> None:
    found = card(treatment, drafts=[order("Wundermittel", (1, "mg"), id="d2") | {"status": "draft"}])
    (mine,) = found.others
    assert mine.key == "draft/d2" and mine.evidence == "none"
    assert any("Wundermittel" in one.about.en for one in found.unchecked)


# bad input is said


@pytest.mark.parametrize(
    ("draft", "about", "words"),
    [
        (order("metformin", (500, "mg"), id="d"), [], "Creatinine is not recorded"),
        (order("ibuprofen", (400, "mg"), id="d"), [patient(5)], "for a child the dose goes by weight"),
        (order("ibuprofen", (400, "furlong"), id="d"), [], "the unit of '400 furlong' is not known"),
        (order("ibuprofen", (-4, "mg"), id="d"), [], "-4 mg is impossible"),
        (order("doxorubicin", (60, "mg/m2"), id="d"), [], "Height is not recorded"),
        (
            order("metformin", (500, "mg"), id="d"),
            [measured("2160-0", 88, "furlong", TODAY)],
            "Creatinine is in 'furlong', which cannot be turned into mg/dL",
        ),
    ],
)
def test_bad_input_is_said_on_the_card_and_never_guessed(
    treatment: Treatment, draft: Json, about: list[Json], words: str
) -> None:
    known = [one for one in somebody() if not (about and one["resourceType"] == about[0]["resourceType"] == "Patient")]
    found = treatment.card(
        [*known, *about], "p", [draft | {"status": "draft"}], list(shipped().values()), Asked(), None
    )
    said = "\n".join(f"{one.about.en}: {one.why.en}" for one in found.unchecked)
    assert words in said, said


def test_contradictory_allergies_are_said_above_all_options(treatment: Treatment) -> None:
    torn = [allergic("aspirin"), allergic("No known allergy", "716186003")]
    assert any("stands beside allergies" in one.why.en for one in card(treatment, about=torn).about)


# how it is said


def test_a_sure_estimate_says_difference_interval_and_number_needed() -> None:
    one = compared(METOPROLOL, BISOPROLOL, -0.04, 0.02)
    assert telling.difference(one) == Name(
        "4 fewer in 100 (95 % interval 2 to 6 fewer).", "每 100 人中少 4 人（95% 区间：少 2 至 6 人）。"
    )
    count = telling.needed(one)
    assert count is not None and "25 people" in count.en and "(17 to 50)" in count.en
    verdict = telling.verdict(one)
    assert verdict is not None and verdict.en == "Better with C07AB02."
    assert telling.overlap(one) == Name(
        "300 of 1,412 similar patients received C07AB02.", "1,412 名相似患者中 300 名使用了C07AB02。"
    )
    assert telling.overlap(compared(METOPROLOL, BISOPROLOL, -0.04, 0.02, alike=0, had_option=0)) is None


def test_an_interval_that_holds_zero_is_not_distinguishable_from_no_benefit() -> None:
    one = compared(METOPROLOL, BISOPROLOL, -0.04, 0.05)
    said, verdict = telling.difference(one), telling.verdict(one)
    assert said is not None and said.en == "Between 9 fewer and 1 more in 100 (95 % interval)."
    assert verdict is not None and verdict.zh == "与无获益无法区分。" and telling.needed(one) is None


def test_a_harm_is_said_as_number_needed_to_harm() -> None:
    one = compared(METOPROLOL, BISOPROLOL, 0.05, 0.01)
    count, verdict = telling.needed(one), telling.verdict(one)
    assert count is not None and count.en.startswith("Number needed to harm: of 20 people")
    assert verdict is not None and verdict.en == "Worse with C07AB02."


def test_a_refusal_says_why_and_how_many_were_alike() -> None:
    one = compared(METOPROLOL, BISOPROLOL, 0, 0, **REFUSED)
    said = telling.sentence(one)
    assert "Data do not support an estimate: too few." in said.en
    assert "3 of 1,412 similar patients received C07AB02." in said.en and "1,412 名相似患者中 3 名" in said.zh


def test_a_mean_outcome_has_its_unit_and_no_number_needed() -> None:
    one = compared(
        METOPROLOL,
        BISOPROLOL,
        0,
        0,
        difference=Risk(20.0, 5.0, 35.0),
        risk_with=Risk(420.0, 400.0, 440.0),
        risk_without=Risk(400.0, 390.0, 410.0),
        unit="cells/uL",
        higher=True,
    )
    said = telling.difference(one)
    assert said is not None and said.en == "Difference 20 cells/µL (95 % interval 5 to 35)."
    assert telling.needed(one) is None and telling.chances(one)[1].en.startswith("With C07AB02: 420 cells/µL")


# answers


def bodies(records: Records, type: str) -> list[Json]:
    return [one.json() for one in records.compartment("p", (type,))]


def test_accepting_writes_a_draft_and_signs_nothing(treatment: Treatment, records: Records) -> None:
    given = treatment.answer(records, "p", BLOCKER, Said("accepted", medicine="bisoprolol"))
    (draft,) = [one for one in bodies(records, "MedicationRequest") if one["id"] != "old"]
    assert (draft["status"], draft["intent"], given.order) == ("draft", "order", f"MedicationRequest/{draft['id']}")
    assert draft["requester"] == {"reference": "Practitioner/1"} and "dosageInstruction" not in draft
    (kept,) = bodies(records, "ClinicalImpression")
    assert "beta blocker" in kept["description"] and kept["protocol"][0].endswith(FAILING)
    option = treatment.options(records, "p").option(BLOCKER)
    assert option is not None and option.answer == given
    assert [one.named.en for one in option.medicines if one.draft] == ["bisoprolol"]


def test_changing_writes_a_draft_of_what_is_named_instead(treatment: Treatment, records: Records) -> None:
    treatment.answer(records, "p", BLOCKER, Said("changed", medicine="nebivolol 5 mg"))
    assert [one.named.en for one in treatment.options(records, "p").others or ()] in ([], ["nebivolol"])
    assert "nebivolol 5 mg" in {
        one["medicationCodeableConcept"]["text"] for one in bodies(records, "MedicationRequest")
    }


def test_a_refusal_needs_a_reason_and_orders_nothing(treatment: Treatment, records: Records) -> None:
    with pytest.raises(Invalid, match="refusal needs a reason"):
        Said("refused")
    treatment.answer(records, "p", BLOCKER, Said("refused", "tried-before", "bradycardia in 2020"))
    (kept,) = bodies(records, "ClinicalImpression")
    assert kept["statusReason"]["coding"][0]["code"] == "tried-before"
    assert len(bodies(records, "MedicationRequest")) == 1
    option = treatment.options(records, "p").option(BLOCKER)
    assert option is not None and option.answer is not None and option.answer.comment == "bradycardia in 2020"


def test_an_answer_is_taken_back_with_its_draft_and_a_signed_order_stays(
    treatment: Treatment, records: Records
) -> None:
    for signed in (False, True):
        given = treatment.answer(records, "p", BLOCKER, Said("accepted", medicine="bisoprolol"))
        id = given.order.partition("/")[2]
        if signed:
            records.update("MedicationRequest", id, records.read("MedicationRequest", id).json() | {"status": "active"})
        treatment.undo(records, "p", BLOCKER)
        expected = "active" if signed else "cancelled"
        assert expected == records.read("MedicationRequest", id).json()["status"]
    assert {one["status"] for one in bodies(records, "ClinicalImpression")} == {"entered-in-error"}
    with pytest.raises(Missing):
        treatment.undo(records, "p", BLOCKER)


def test_an_answer_to_what_is_no_longer_offered_is_kept_beside(treatment: Treatment, records: Records) -> None:
    given = treatment.answer(records, "p", BLOCKER, Said("accepted", medicine="bisoprolol"))
    id = given.order.partition("/")[2]
    records.update("MedicationRequest", id, records.read("MedicationRequest", id).json() | {"status": "active"})
    found = treatment.options(records, "p")
    assert found.option(BLOCKER) is None and found.earlier == (given,)


@pytest.mark.parametrize("key", ["salus-heart-failure/nothing", ""])
def test_an_option_that_is_not_offered_cannot_be_answered(treatment: Treatment, records: Records, key: str) -> None:
    with pytest.raises(Missing):
        treatment.answer(records, "p", key, Said("accepted"))


def test_a_medicine_that_is_not_of_the_option_is_refused_and_nothing_is_written(
    treatment: Treatment, records: Records
) -> None:
    with pytest.raises(Invalid, match="none of the medicines"):
        treatment.answer(records, "p", BLOCKER, Said("accepted", medicine="warfarin"))
    assert bodies(records, "ClinicalImpression") == [] and len(bodies(records, "MedicationRequest")) == 1


def test_a_nurse_sees_the_card_and_answers_nothing(treatment: Treatment, store: Store) -> None:
    nurse = store.open(Actor("Practitioner/2", Role.NURSE), Purpose.TREATMENT)
    assert treatment.options(nurse, "p").options
    with pytest.raises(Forbidden):
        treatment.answer(nurse, "p", BLOCKER, Said("refused", "other"))


def test_the_same_layers_stand_for_a_foreign_patient(treatment: Treatment) -> None:
    found = treatment.options_from(somebody(), "https://other.example/fhir/Patient/p", [])
    assert BLOCKER in [one.key for one in found.options]


def test_the_key_of_an_option_stays_the_same(treatment: Treatment) -> None:
    keys = [[one.key for one in card(treatment).options] for _ in range(2)]
    assert keys[0] == keys[1] and len(keys[0]) == len(set(keys[0]))
    assert all(isinstance(one, Option) and one.mark for one in card(treatment).options)


def test_two_drafts_of_one_medicine_are_both_told(treatment: Treatment) -> None:
    both = [order("bisoprolol", (5, "mg"), id=f"d{n}") | {"status": "draft"} for n in (1, 2)]
    found = card(treatment, drafts=both)
    drafts = [one.draft for one in found.medicines if one.draft]
    assert drafts == ["MedicationRequest/d1", "MedicationRequest/d2"]
    assert all("same-ingredient" in {each.rule for each in one.choice.findings} for one in found.medicines if one.draft)


@pytest.mark.parametrize(
    "odd",
    [
        {"medicationReference": {"display": "bisoprolol"}},
        {"medicationReference": {"reference": "#m"}, "contained": [{"resourceType": "Medication", "id": "m"}]},
        {"medicationCodeableConcept": {}},
        {"medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "C07AB07"}]}},
        {"medicationCodeableConcept": {"text": "bisoprolol"}, "dosageInstruction": [{}, {"doseAndRate": [{}]}]},
        {"medicationCodeableConcept": {"text": "bisoprolol"}, "dosageInstruction": []},
    ],
)
def test_a_draft_that_hardly_says_anything_is_on_the_card_all_the_same(treatment: Treatment, odd: Json) -> None:
    draft = {"resourceType": "MedicationRequest", "status": "draft", "intent": "order"} | odd
    found = card(treatment, drafts=[draft])
    assert [one.draft for one in found.medicines if one.draft] == ["MedicationRequest/draft-0"]


def test_what_is_surely_better_than_a_draft_is_offered_first_and_what_is_unsure_is_not(treatment: Treatment) -> None:
    draft = order("bisoprolol", (5, "mg"), id="d") | {"status": "draft"}
    sure = card(treatment, compared("N06AB06", BISOPROLOL, -0.04, 0.01), drafts=[draft])
    assert [one.medicine.named.en for one in better(sure, "MedicationRequest/d")] == ["sertraline"]
    assert [one.medicine.named.en for one in instead(sure, "MedicationRequest/d")][0] == "sertraline"  # noqa: RUF015
    unsure = card(treatment, compared("N06AB06", BISOPROLOL, -0.04, 0.05), drafts=[draft])
    assert better(unsure, "MedicationRequest/d") == []
    held = card(
        treatment,
        compared("N06AB06", BISOPROLOL, -0.04, 0.01),
        about=[allergic("sertraline") | {"id": "s"}],
        drafts=[draft],
    )
    assert better(held, "MedicationRequest/d") == []


def test_nothing_given_is_compared_with_and_never_offered(treatment: Treatment) -> None:
    nothing = Compared("none", Name("No sertraline", "不用舍曲林"))
    found = card(treatment, replace(compared("N06AB06", "N06AB04", -0.05, 0.01), against=nothing))
    assert [one.title.en for one in found.others] == ["N06AB06"]
    assert [one.against.name.en for one in found.benefits] == ["No sertraline"]


def test_medicines_of_which_nothing_is_said_stand_together(treatment: Treatment) -> None:
    option = card(treatment).option(BLOCKER)
    assert (
        option is not None and len(option.plain) > 1 and len(option.plain) + len(option.special) == len(option.allowed)
    )
    assert all(not one.choice.findings for one in option.plain) and option.plain_open
