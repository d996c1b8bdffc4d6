"""What the safety screen finds, and what it says that it did not look at."""

from pathlib import Path

import pytest
from prescribing import NOW, allergic, asked, condition, left_open, measured, order, patient, person, rules

from salus.assistants.treatment.screen import screen, shipped, summed
from salus.assistants.treatment.screen.orders import order_of
from salus.base.errors import Invalid
from salus.codes.drugs import ingredients_in

ONC = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "ddi-onc-public"
TORN = {frozenset(("citalopram", "sotalol")), frozenset(("escitalopram", "sotalol"))}  # the two lists disagree


def listed(name: str) -> list[tuple[str, str]]:
    if not ONC.is_dir():
        pytest.skip(f"{ONC} is not here: the published lists of interactions are read from it")
    lines = (ONC / name).read_text("utf-8-sig").splitlines()
    return [(cells[0].strip(), cells[2].strip()) for cells in (line.split("$") for line in lines)]


def tiers(one: str, other: str) -> set[str]:
    """How grave the screen is about two medicines by name; both must be known."""
    orders = [order_of(order(name, id=str(at)), True, NOW) for at, name in enumerate((one, other))]
    found = screen(orders, person(), shipped())
    assert all(each.named.known for each in orders), (one, other)
    return {each.tier for each in found.findings if each.kind == "interaction"}


def test_every_high_priority_pair_of_the_published_list_interrupts() -> None:
    silent = [pair for pair in sorted(set(listed("ONC_High_Priority_Mapped.csv"))) if "interrupt" not in tiers(*pair)]
    assert silent == []


def test_no_pair_of_the_published_list_of_what_should_not_interrupt_does_but_where_the_lists_disagree() -> None:
    loud = {
        frozenset(one.name for word in pair for one in ingredients_in({"text": word}).ingredients)
        for pair in set(listed("ONC_Non_Interuptive_Mapped.csv"))
        if "interrupt" in tiers(*pair)
    }
    assert loud == TORN


def test_an_interaction_with_what_is_already_taken_names_both_orders_the_proposed_first() -> None:
    found = asked([order("simvastatin 20 MG Oral Tablet")], [order("克拉霉素片 0.5g")])
    one = next(each for each in found.findings if each.rule == "statin-with-cyp3a4")
    assert one.tier == "interrupt"
    assert one.orders == ("MedicationRequest/simvastatin 20 MG Oral Tablet", "MedicationRequest/克拉霉素片 0.5g")
    assert [name.zh for name in one.medicines] == ["克拉霉素", "辛伐他汀"]
    assert one.source and one.source.date.year == 2012


def test_two_standing_orders_are_not_told_again_when_another_is_proposed() -> None:
    assert asked([order("paracetamol")], [order("simvastatin"), order("clarithromycin")]).findings == ()


def test_three_medicines_under_one_rule_are_one_finding() -> None:
    found = asked([order("sotalol"), order("haloperidol"), order("citalopram")])
    assert [len(one.medicines) for one in found.findings if one.rule == "qt-prolonging"] == [3]


def test_an_unknown_medicine_is_not_checked_and_never_passed_as_harmless() -> None:
    found = asked([order("Wundermittel 5 mg"), order("warfarin")])
    assert (found.recognised, found.medicines) == (1, 2)
    assert "Wundermittel 5 mg: not checked" in left_open(found)


def test_a_code_and_a_name_that_disagree_are_told_and_both_are_left_unbelieved() -> None:
    torn = order("Warfarin")
    torn["medicationCodeableConcept"]["coding"] = [{"system": "http://www.whocc.no/atc", "code": "C10AA01"}]
    found = asked([torn])
    assert "code and words name different medicines" in left_open(found)
    assert found.recognised == 0


def test_part_of_a_combination_that_is_unknown_is_told() -> None:
    found = asked([order("Acetaminophen 325 MG / Xyloquix 5 MG Oral Tablet")])
    assert "checked in part: not recognised is Xyloquix 5 MG Oral Tablet" in left_open(found)


@pytest.mark.parametrize(
    ("herbs", "rule"),
    [
        (("制川乌", "法半夏"), "eighteen-wutou"),
        (("炙甘草", "海藻"), "eighteen-gancao"),
        (("藜芦", "党参"), "eighteen-lilu"),
        (("丁香", "郁金"), "nineteen-clove"),
        (("人参", "五灵脂"), "nineteen-ginseng"),
        (("肉桂", "赤石脂"), "nineteen-cinnamon"),
        (("芒硝", "三棱"), "nineteen-mirabilite"),
    ],
)
def test_the_eighteen_incompatibilities_and_nineteen_antagonisms_interrupt(herbs: tuple[str, str], rule: str) -> None:
    found = asked([order(herb) for herb in herbs])
    assert [(one.rule, one.tier) for one in found.findings] == [(rule, "interrupt")]


def test_the_same_ingredient_twice_interrupts_and_two_of_a_class_are_told() -> None:
    twice = asked([order("ibuprofen 200 MG", id="1")], [order("布洛芬缓释胶囊", id="2")])
    assert ("same-ingredient", "interrupt") in {(one.rule, one.tier) for one in twice.findings}
    two = asked([order("ibuprofen")], [order("naproxen")])
    assert ("two-nsaids", "inform") in {(one.rule, one.tier) for one in two.findings}


def test_an_allergy_interrupts_and_says_how_it_showed() -> None:
    shown = allergic("Penicillin", "764146007", reaction=[{"manifestation": [{"text": "anaphylaxis"}]}])
    found = asked([order("amoxicillin 500 MG")], about=[patient(), shown])
    (one,) = [each for each in found.findings if each.kind == "allergy"]
    assert one.tier == "interrupt" and one.resources == ("AllergyIntolerance/a-Penicillin",)
    assert one.facts[0].zh == "青霉素：anaphylaxis"


def test_a_cross_allergy_is_graver_where_the_side_chain_is_the_same() -> None:
    of = {
        (to, drug): [(one.rule, one.tier) for one in asked([order(drug)], about=[patient(), allergic(to)]).findings]
        for to in ("Penicillin", "amoxicillin")
        for drug in ("cefazolin", "cefalexin")
    }
    assert of["Penicillin", "cefazolin"] == [("penicillins", "inform")]
    assert of["amoxicillin", "cefalexin"] == [("aminopenicillins", "interrupt")]


def test_contradictory_allergies_and_unreadable_ones_are_told_never_guessed() -> None:
    refuted = allergic("aspirin", verificationStatus={"coding": [{"code": "refuted"}]}) | {"id": "r"}
    about = [patient(), allergic("aspirin"), refuted, allergic("No known allergy", "716186003"), allergic("Blauwasser")]
    said = left_open(asked([order("ibuprofen")], about=about))
    assert "both as confirmed and as refuted" in said
    assert "'no known allergy' stands beside allergies" in said
    assert "Allergy to Blauwasser: not checked" in said


def test_food_and_dust_are_no_medicines_and_nothing_is_left_open_about_them() -> None:
    found = asked([order("paracetamol")], about=[patient(), allergic("Allergy to peanuts", "91935009")])
    assert "peanuts" not in left_open(found)


def test_the_kidney_is_judged_by_creatinine_in_any_unit() -> None:
    for value, unit in ((3.0, "mg/dL"), (265.2, "umol/L")):
        found = asked([order("metformin")], about=[patient(), measured("2160-0", value, unit)])
        (one,) = [each for each in found.findings if each.kind == "limit"]
        assert one.rule == "metformin-kidney" and "eGFR 2" in one.facts[0].en, (value, unit)


def test_of_two_limits_for_one_measure_the_gravest_is_said() -> None:
    found = asked([order("metformin")], about=[patient(), measured("2160-0", 4.0, "mg/dL")])
    assert rules(found) == {"metformin-kidney"}


@pytest.mark.parametrize(
    ("creatinine", "why"),
    [
        ([], "Creatinine is not recorded"),
        ([measured("2160-0", 1.0, "mg/dL", "2024-01-01")], "Creatinine is too old: the last is of 2024-01-01"),
        ([measured("2160-0", 1.0, "furlong")], "Creatinine is in 'furlong'"),
        ([measured("2160-0", 0.0, "mg/dL")], "Creatinine 0 mg/dL is impossible"),
        ([measured("2160-0", 88.0, "mg/dL")], "Creatinine 88 mg/dL is impossible"),
    ],
)
def test_a_missing_old_foreign_or_impossible_creatinine_is_told(creatinine: list[dict[str, object]], why: str) -> None:
    found = asked([order("metformin")], about=[patient(), *creatinine])
    assert "limit" not in {one.kind for one in found.findings}
    assert why in left_open(found)


@pytest.mark.parametrize(("born", "day"), [("2027-01-01", "2027-01-01"), ("1826-01-01", "1826-01-01")])
def test_a_birth_that_cannot_be_is_told_and_no_dose_goes_by_it(born: str, day: str) -> None:
    found = asked([order("ibuprofen", (400, "mg"), 3)], about=[patient() | {"birthDate": born}])
    assert rules(found) == set() and "for a child the dose goes by weight" in left_open(found)
    assert f"a birth on {day} is impossible" in left_open(
        asked([order("zolpidem", (5, "mg"), 1)], about=[patient() | {"birthDate": born}])
    )


def test_a_weight_that_nobody_has_is_told_and_never_counted_with() -> None:
    about = [patient(5), measured("29463-7", 2000, "kg")]
    found = asked([order("ibuprofen", (400, "mg"), 3)], about=about)
    assert rules(found) == set() and "for a child the dose goes by weight" in left_open(found)


def test_pregnancy_is_asked_of_women_who_may_be_and_of_nobody_else() -> None:
    assert "Pregnancy" in left_open(asked([order("ramipril")], about=[patient(30, "female")]))
    assert "Pregnancy" not in left_open(asked([order("ramipril")], about=[patient(30, "male")]))
    found = asked([order("ramipril")], about=[patient(30, "female"), condition("77386006")])
    assert "raas-pregnant" in rules(found)
    over = condition("77386006", clinicalStatus={"coding": [{"code": "resolved"}]})
    assert "raas-pregnant" not in rules(asked([order("ramipril")], about=[patient(30, "female"), over]))


def test_genes_speak_where_they_are_recorded() -> None:
    gene = {
        "resourceType": "Observation",
        "id": "g",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "53037-8"}]},
        "effectiveDateTime": "2020-01-01",
        "valueCodeableConcept": {"text": "Poor metabolizer"},
        "component": [{"code": {"coding": [{"code": "48018-6"}]}, "valueCodeableConcept": {"text": "CYP2C19"}}],
    }
    assert "clopidogrel-cyp2c19" in rules(asked([order("clopidogrel")], about=[patient(), gene]))
    assert "clopidogrel-cyp2c19" not in rules(asked([order("prasugrel")], about=[patient(), gene]))


def test_blood_liver_age_route_and_length_are_looked_at() -> None:
    about = [patient(70), measured("777-3", 30, "10*3/uL"), measured("1742-6", 400, "U/L")]
    found = asked([order("apixaban"), order("atorvastatin"), order("diazepam", days=60)], about=about)
    assert rules(found) >= {"antithrombotic-platelets", "statin-liver", "sedative-old", "sedative-days"}
    assert rules(asked([order("vincristine", route="intrathecal")])) == {"vincristine-route"}


def test_a_dose_is_added_up_over_all_orders_and_pieces_have_the_strength_of_their_name() -> None:
    tablets = order("Acetaminophen 500 MG Oral Tablet", (2, "{tbl}"), 3, id="1")
    syrup = order("paracetamol", (1, "g"), 2, id="2")
    found = asked([tablets], [syrup])
    assert "Paracetamol" not in rules(found)
    (one,) = [each for each in found.findings if each.kind == "dose"]
    assert one.text.en == "paracetamol: 5000 mg a day altogether, the most is 4000 mg."


def test_a_dose_at_the_most_is_allowed_and_methotrexate_every_day_is_not() -> None:
    assert asked([order("paracetamol", (1000, "mg"), 4)]).findings == ()
    found = asked([order("methotrexate", (10, "mg"), 1)])
    assert [one.rule for one in found.findings if one.kind == "dose"] == ["most-week"]
    assert "most-week" not in rules(asked([order("methotrexate", (10, "mg"), 1, every=(1, "wk"))]))


def test_a_childs_dose_goes_by_weight_and_is_left_open_without_one() -> None:
    child = [patient(5), measured("29463-7", 20, "kg")]
    found = asked([order("ibuprofen", (400, "mg"), 3)], about=child)
    assert [one.rule for one in found.findings if one.kind == "dose"] == ["most-child"]
    assert "for a child the dose goes by weight" in left_open(
        asked([order("ibuprofen", (100, "mg"), 3)], about=child[:1])
    )


def test_an_amount_that_cannot_be_added_up_is_left_open() -> None:
    for dose in (None, (2, "{tbl}"), (5, "mL")):
        assert "cannot be added up" not in left_open(asked([order("ibuprofen", (200, "mg"), 3)]))
        assert "so that it can be added up" in left_open(asked([order("ibuprofen", dose, 3)])), dose


def test_the_version_of_the_rules_changes_with_any_row() -> None:
    from salus.assistants.treatment.screen.knowledge import knowledge_of, shipped_table
    from salus.assistants.treatment.screen.rules import table_of

    own = table_of({"interactions": {"own": OWN}, "sources": {"house": HOUSE}})
    both = knowledge_of([shipped_table(), own])
    assert both.version != shipped().version == knowledge_of([shipped_table()]).version
    assert both.between("paracetamol", "warfarin")[-1] == "own"


OWN = {"between": ["warfarin"], "and": ["paracetamol"], "tier": "inform", "source": "house", "en": "INR", "zh": "INR"}
HOUSE = {"title": "House rules", "url": "https://hospital.example", "date": "2026-01-01"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tier": "shout"}, "shout"),
        ({"between": ["warfarine"]}, "'warfarine' is no ingredient"),
        ({"between": ["@nothing"]}, "'nothing' is no class"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_by_its_name(change: dict[str, object], words: str) -> None:
    from salus.assistants.treatment.screen.rules import table_of

    with pytest.raises(Invalid) as refused:
        table_of({"interactions": {"own": OWN | change}})
    assert refused.value.issues[0].path == "interactions.own" and words in refused.value.issues[0].text


def test_every_shipped_rule_speaks_both_languages_and_names_what_to_do() -> None:
    table = shipped().table
    for kind in ("interactions", "limits", "allergies"):
        for key, row in getattr(table, kind).items():
            assert row.en and row.zh and any("\u4e00" <= sign for sign in row.zh), key
            assert kind == "allergies" or (row.do_en and row.do_zh), key


def test_what_was_not_checked_of_several_medicines_is_one_sentence_for_each_fact_and_reason() -> None:
    found = asked([order("ramipril"), order("lisinopril"), order("Wundermittel 5 mg")], about=[patient(60, "male")])
    said = [one.en for one in summed(found.unchecked)]
    assert "Potassium is not recorded; it matters for lisinopril, ramipril." in said
    assert sum("highest dose of lisinopril, ramipril not checked" in one for one in said) == 1
    assert "Wundermittel 5 mg: not checked: this medicine is not in our tables." in said
    lacking = asked([order("metformin")], about=[patient(60, "male")]).unchecked
    assert "eGFR is not known (Creatinine is not recorded); it matters for metformin." in [
        one.en for one in summed(lacking)
    ]
    assert "没有血钾记录；与赖诺普利、雷米普利有关。" in [one.zh for one in summed(found.unchecked)]


def test_a_unit_is_said_as_it_stands_on_paper() -> None:
    known = person(patient(60, "male"), measured("777-3", 40, "10*3/uL"))
    assert "Platelets 40 ×10⁹/L (2026-05-20)" == known.facts["platelets"].said.en
