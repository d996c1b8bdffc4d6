"""An order is drawn, received, measured and verified; what is wrong on the way is said, and nothing is half done."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from salus.base.errors import Conflict, Forbidden, Gone, Invalid, Missing, Stale
from salus.services.laboratory.orders import accession_of, worklist
from salus.services.laboratory.results import Typed, enter
from salus.services.laboratory.specimens import collect, receive, reject
from salus.services.laboratory.verifying import correct, mark, verify

COUNT = {"6690-2": "5.5", "770-8": "60", "789-8": "4.2", "718-7": "13", "4544-3": "39"}
COUNT |= {"787-2": "90", "785-6": "30", "786-4": "33", "777-3": "200"}


def test_an_order_goes_from_worklist_to_final_report(lab):
    lab.order("k", priority="stat")
    lab.order("na", "2951-2")
    assert ["k", "na"] == [one.id for one in worklist(lab.tech.records)]

    accession = accession_of(collect(lab.nurse, ["k"]))
    assert "collected" == lab.see("k").step
    receive(lab.tech, accession.lower())
    assert "received" == lab.see("k").step
    lab.measured("k", accession, _2823_3="4.2")
    assert "entered" == lab.see("k").step
    done = lab.verified("k")

    assert ("verified", "final", "completed") == (done.step, done.report["status"], done.order["status"])
    result = lab.results("k")["2823-3"]
    assert ("final", 4.2, "N") == (result["status"], result["valueQuantity"]["value"], sign(result))
    assert ["na"] == [one.id for one in worklist(lab.tech.records)] and not lab.told()


def sign(result) -> str:
    return result.get("interpretation", [{"coding": [{"code": ""}]}])[0]["coding"][0]["code"]


def test_a_group_of_tests_is_verified_when_each_has_a_result_or_was_not_done(lab):
    accession = lab.drawn(lab.order("fbc", "58410-2"))
    lab.measured("fbc", accession, **{f"_{code.replace('-', '_')}": value for code, value in list(COUNT.items())[:-1]})
    with pytest.raises(Conflict, match="no result yet of Platelet count"):
        lab.verified("fbc")
    enter(lab.tech, "fbc", accession, {"777-3": Typed("", absent=True)})

    assert "verified" == lab.verified("fbc").step
    assert "not-performed" == lab.results("fbc")["777-3"]["dataAbsentReason"]["coding"][0]["code"]


def test_one_tube_serves_several_orders_of_one_patient_alone(lab):
    for id, code, patient in (
        ("k", "2823-3", "li"),
        ("crp", "1988-5", "li"),
        ("hb", "718-7", "li"),
        ("w", "2823-3", "wang"),
    ):
        lab.order(id, code, patient)
    with pytest.raises(Invalid, match="several patients"):
        collect(lab.nurse, ["k", "w"])
    with pytest.raises(Invalid, match="several tubes"):
        collect(lab.nurse, ["k", "hb"])
    accession = lab.drawn("k", "crp")

    assert {accession} == {lab.see("k").accession, lab.see("crp").accession}


def test_a_number_is_on_one_specimen_only(lab):
    for id in ("a", "b"):
        lab.order(id)
    collect(lab.nurse, ["a"], "bar-001")
    with pytest.raises(Conflict, match="BAR-001 is on another specimen"):
        collect(lab.nurse, ["b"], "BAR-001")
    with pytest.raises(Invalid, match="no number of a specimen"):
        collect(lab.nurse, ["b"], "../x")
    with pytest.raises(Conflict, match="is collected: only what is ordered or rejected"):
        collect(lab.nurse, ["a"])


def test_two_windows_collect_an_order_once(lab):
    lab.order("k")

    def window(_: int) -> bool:
        try:
            return bool(collect(lab.nurse, ["k"]))
        except Conflict:
            return False

    with ThreadPoolExecutor(8) as windows:
        assert 1 == list(windows.map(window, range(16))).count(True)


def test_a_rejected_specimen_sends_its_orders_back_and_tells_the_patient(lab):
    accession = lab.drawn(lab.order("k"), lab.order("na", "2951-2"))
    lab.measured("k", accession, _2823_3="5.0")
    with pytest.raises(Invalid, match="is no reason"):
        reject(lab.tech, accession, "ugly")
    reject(lab.tech, accession, "haemolysed", "red")

    assert {"rejected"} == {lab.see("k").step, lab.see("na").step}
    notice = lab.doctor.records.search("Communication", [("subject", "Patient/li")]).versions[0].json()
    assert (
        "请再来采集一次" in notice["payload"][0]["contentString"]
        and "Patient/li" == notice["recipient"][0]["reference"]
    )
    with pytest.raises(Conflict, match="only what is"):
        lab.measured("k", accession, _2823_3="5.0")
    again = lab.drawn("k", "na")
    lab.measured("k", again, _2823_3="4.4")
    assert "verified" == lab.verified("k").step and 4.4 == lab.results("k")["2823-3"]["valueQuantity"]["value"]


@pytest.mark.parametrize("act", [receive, lambda who, number: reject(who, number, "clotted")])
def test_a_specimen_that_nobody_took_is_missing(lab, act):
    with pytest.raises(Missing, match="no specimen 261122-AAAAAA"):
        act(lab.tech, "261122-aaaaaa")


def test_a_specimen_is_received_once_and_measured_after_that(lab):
    accession = accession_of(collect(lab.nurse, [lab.order("k")]))
    with pytest.raises(Conflict, match="is collected: only what is"):
        lab.measured("k", accession, _2823_3="4")
    receive(lab.tech, accession)
    with pytest.raises(Conflict, match="is received: only what is collected"):
        receive(lab.tech, accession)


def test_a_result_for_another_specimen_is_refused_with_nothing_kept(lab):
    lab.drawn(lab.order("k"))
    other = lab.drawn(lab.order("w", "2823-3", "wang"))
    with pytest.raises(Conflict, match="is not the one of ServiceRequest/k"):
        lab.measured("k", other, _2823_3="4")

    assert "received" == lab.see("k").step and not lab.results("k")


def test_units_are_converted_and_what_cannot_be_is_refused(lab):
    accession = lab.drawn(lab.order("cr", "14682-9"))
    with pytest.raises(Invalid, match="cannot be turned into umol/L"):
        enter(lab.tech, "cr", accession, {"14682-9": Typed("1", "mm[Hg]")})
    with pytest.raises(Invalid, match="not a UCUM unit"):
        enter(lab.tech, "cr", accession, {"14682-9": Typed("1", "pints")})
    enter(lab.tech, "cr", accession, {"14682-9": Typed("1.0", "mg/dL")})

    result = lab.results("cr")["14682-9"]
    assert round(1.0 / 113.12 * 1e4, 4) == round(result["valueQuantity"]["value"], 4)
    assert ("mg/dL", 1, "H") == (
        result["extension"][0]["valueQuantity"]["code"],
        result["extension"][0]["valueQuantity"]["value"],
        sign(result),
    )


def test_every_value_that_is_wrong_is_named_and_none_is_kept(lab):
    accession = lab.drawn(lab.order("e", "24326-1"))
    with pytest.raises(Invalid) as told:
        lab.measured("e", accession, _2823_3="4,2", _2951_2="140", _2075_0="", _9999_9="1")

    assert ["2823-3", "2075-0", "9999-9"] == [one.path for one in told.value.issues] and not lab.results("e")


def test_what_cannot_be_or_changed_too_much_is_typed_twice(lab):
    accession = lab.drawn(lab.order("a"))
    with pytest.raises(Invalid, match=r"improbable \(limits\)"):
        enter(lab.tech, "a", accession, {"2823-3": Typed("14", again="13")})
    enter(lab.tech, "a", accession, {"2823-3": Typed("4.0")})
    lab.verified("a")
    accession = lab.drawn(lab.order("b"))
    with pytest.raises(Invalid, match=r"improbable \(delta\)"):
        lab.measured("b", accession, _2823_3="5.5")
    enter(lab.tech, "b", accession, {"2823-3": Typed("5.5", again="5.50")})

    assert "H" == sign(lab.results("b")["2823-3"])


@pytest.mark.parametrize(("patient", "value", "wanted"), [("li", "12", "N"), ("wang", "12", "L"), ("kid", "12", "")])
def test_the_interval_is_that_of_sex_and_age_or_none(lab, patient, value, wanted):
    accession = lab.drawn(lab.order("hb", "718-7", patient))
    lab.measured("hb", accession, _718_7=value)

    result = lab.results("hb")["718-7"]
    assert wanted == sign(result) and ("referenceRange" in result) is bool(wanted)


def test_words_are_kept_as_words_and_what_is_found_is_marked(lab):
    accession = lab.drawn(lab.order("u", "24356-8"))
    lab.measured("u", accession, _5799_2="negative", _5802_4="positive", _20454_5="2+", _5794_3="negative")

    found = lab.results("u")
    assert ["", "A", "A"] == [sign(found[code]) for code in ("5799-2", "5802-4", "20454-5")]
    assert "10828004" == found["5802-4"]["valueCodeableConcept"]["coding"][0]["code"]


def test_less_than_can_be_measured_is_kept_as_such(lab):
    accession = lab.drawn(lab.order("ti", "10839-9"))
    lab.measured("ti", accession, _10839_9="<0.01")

    assert ("<", 0.01) == (lab.results("ti")["10839-9"]["valueQuantity"]["comparator"], 0.01)


def test_nobody_verifies_what_they_have_not_seen_or_twice(lab):
    accession = lab.drawn(lab.order("k"))
    lab.measured("k", accession, _2823_3="4.0")
    seen = mark(lab.results("k"))
    lab.measured("k", accession, _2823_3="4.9")
    with pytest.raises(Stale, match="look again"):
        verify(lab.tech, "k", seen)
    lab.verified("k")
    with pytest.raises(Conflict, match="is verified: only what is entered can be verified"):
        lab.verified("k")
    with pytest.raises(Conflict, match="is verified: only what is"):
        lab.measured("k", accession, _2823_3="5.0")


def test_a_verified_result_is_changed_only_as_a_correction_that_is_told(lab):
    accession = lab.potassium("5.0")
    with pytest.raises(Invalid, match="Say why"):
        correct(lab.tech, "k", accession, {"2823-3": Typed("4.0")}, "")
    with pytest.raises(Invalid, match="Nothing is changed"):
        correct(lab.tech, "k", accession, {"2823-3": Typed("5.0")}, "checked")
    done = correct(lab.tech, "k", accession, {"2823-3": Typed("4.0")}, "tubes exchanged")

    result = lab.results("k")["2823-3"]
    assert ("corrected", "corrected", 4) == (done.step, result["status"], result["valueQuantity"]["value"])
    assert "5 mmol/L -> 4 mmol/L: tubes exchanged" == result["note"][0]["text"]
    assert ["preliminary", "final", "corrected"] == [
        one.json()["status"] for one in reversed(lab.tech.records.history("Observation", result["id"]).versions)
    ]
    (told,) = lab.told()
    assert ("corrected-result", "Practitioner/chen", "") == (told.kind, told.owner, told.due)


def test_an_order_that_was_taken_back_is_not_measured_and_its_report_is_cancelled(lab):
    accession = lab.drawn(lab.order("k"))
    lab.order("k", status="revoked")
    with pytest.raises(Conflict, match="is cancelled"):
        lab.measured("k", accession, _2823_3="4")
    lab.listen()

    assert "cancelled" == lab.see("k").report["status"] and not worklist(lab.tech.records)


def test_a_nurse_draws_and_does_not_measure_and_nobody_else_does_either(lab):
    accession = lab.drawn(lab.order("k"))
    for act in (
        lambda: enter(lab.nurse, "k", accession, {"2823-3": Typed("4")}),
        lambda: receive(lab.nurse, accession),
        lambda: verify(lab.nurse, "k", ""),
    ):
        with pytest.raises((Forbidden, Conflict)):
            act()


def test_an_order_that_is_gone_is_gone(lab):
    lab.order("k")
    lab.doctor.records.delete("ServiceRequest", "k")
    with pytest.raises(Gone):
        collect(lab.nurse, ["k"])
