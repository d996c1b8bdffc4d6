"""What was let through is handed out, never more than was ordered, never twice, and what comes back is counted."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Gone, Invalid, Missing, SalusError
from salus.privacy import Purpose
from salus.services.acting import Acting
from salus.services.pharmacy.amounts import PIECE, Amount
from salus.services.pharmacy.checking import Wish
from salus.services.pharmacy.dispensing import hand_over, mistake, prepare, put_back, take_back
from salus.services.pharmacy.filling import filled

TABLETS = 28


def tablets(count: float) -> Amount:
    return Amount(count, PIECE)


@pytest.fixture
def accepted(ward, order_of):
    ward.let_through(order_of("a"))
    return ward


def left(ward) -> float:
    return filled(ward.doctor, ward.doctor.read("MedicationRequest", "a").json()).left.value


def test_a_prescription_is_dispensed_in_parts_until_nothing_is_left(accepted):
    first = prepare(accepted.pharmacist, Wish("k1", "a", tablets(10), lot="B-77", expires=date(2028, 1, 31)))
    out = hand_over(accepted.pharmacist, first["id"])
    prepare(accepted.pharmacist, Wish("k2", "a", tablets(18)))

    assert (28 - 10 - 18, "completed", 10) == (left(accepted), out["status"], out["quantity"]["value"])
    assert {"B-77", "2028-01-31"} == {one.get("valueString") or one["valueDate"] for one in out["extension"]}
    with pytest.raises(Conflict, match="dispensed already"):
        prepare(accepted.pharmacist, Wish("k3", "a", tablets(1)))
    assert "active" == accepted.doctor.read("MedicationRequest", "a").json()["status"]


def test_the_same_request_again_is_the_same_dispensing(accepted):
    assert prepare(accepted.pharmacist, Wish("k", "a", tablets(28))) == prepare(
        accepted.pharmacist, Wish("k", "a", tablets(28))
    )
    with pytest.raises(Conflict, match="key 'k'"):
        prepare(accepted.pharmacist, Wish("k", "a", tablets(5)))


@pytest.mark.parametrize("count", [0, -1, float("nan"), float("inf"), 1e-9])
def test_nothing_is_no_amount(accepted, count):
    with pytest.raises(Invalid, match="no amount above 0"):
        prepare(accepted.pharmacist, Wish("k", "a", tablets(count)))


def test_more_than_is_left_is_refused_with_what_is_left(accepted):
    prepare(accepted.pharmacist, Wish("k1", "a", tablets(20)))
    with pytest.raises(Conflict, match=r"9 .* is more than the 8 that are left"):
        prepare(accepted.pharmacist, Wish("k2", "a", tablets(9)))


def test_two_windows_cannot_hand_out_the_same_tablets(accepted):
    def window(key: str) -> str:
        try:
            made = prepare(accepted.pharmacist, Wish(key, "a", tablets(TABLETS)))
            return hand_over(accepted.pharmacist, made["id"])["status"]
        except Conflict:
            return "refused"

    with ThreadPoolExecutor(8) as windows:
        told = list(windows.map(window, (f"k{n}" for n in range(16))))
    assert (1, 15) == (told.count("completed"), told.count("refused"))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"status": "stopped"}, Conflict),
        ({"status": "on-hold"}, Conflict),
        ({"note": [{"text": "another dose"}]}, Conflict),
    ],
)
def test_what_was_stopped_refused_or_changed_is_neither_prepared_nor_handed_over(accepted, order_of, change, fault):
    made = prepare(accepted.pharmacist, Wish("k", "a", tablets(5)))
    accepted.prescribe(order_of("a", **change))
    for act in (
        lambda: hand_over(accepted.pharmacist, made["id"]),
        lambda: prepare(accepted.pharmacist, Wish("k2", "a", tablets(5))),
    ):
        with pytest.raises(fault):
            act()
    assert "cancelled" == put_back(accepted.pharmacist, made["id"])["status"]


def test_what_no_pharmacist_saw_is_not_dispensed(ward, order_of):
    ward.prescribe(order_of("a"))
    with pytest.raises(Conflict, match="is waiting: only what a pharmacist accepted"):
        prepare(ward.pharmacist, Wish("k", "a", tablets(5)))


def test_a_prescription_that_is_too_old_is_not_dispensed_unless_it_says_so(ward, order_of):
    ward.let_through(order_of("a"))
    longer = {"dispenseRequest": order_of("b")["dispenseRequest"] | {"validityPeriod": {"end": "2026-12-31"}}}
    ward.let_through(order_of("b", **longer))
    with clock.stopped_at(clock.now() + timedelta(days=3)):
        with pytest.raises(Gone, match="was valid until"):
            prepare(ward.pharmacist, Wish("k", "a", tablets(5)))
        assert prepare(ward.pharmacist, Wish("k", "b", tablets(5)))["status"] == "preparation"


def test_another_product_of_the_same_substance_is_given_with_a_reason_and_counted_by_its_strength(accepted):
    with pytest.raises(Invalid, match="Say why another product"):
        prepare(accepted.pharmacist, Wish("k", "a", tablets(14), product="Metformin 1000 mg"))
    with pytest.raises(Invalid, match="same substance"):
        prepare(accepted.pharmacist, Wish("k", "a", tablets(14), product="Gliclazide 30 mg", why="none left"))
    made = prepare(accepted.pharmacist, Wish("k", "a", tablets(14), product="二甲双胍 1000 mg", why="none left"))

    assert made["substitution"]["wasSubstituted"] and 28 - 14 * 1000 / 500 == left(accepted)


def test_a_doctor_may_allow_no_substitution(ward, order_of):
    ward.let_through(order_of("a", substitution={"allowedBoolean": False}))
    with pytest.raises(Conflict, match="no substitution"):
        prepare(ward.pharmacist, Wish("k", "a", tablets(5), product="Metformin 850 mg", why="none left"))


def test_an_order_in_milligrams_is_dispensed_in_tablets_of_a_strength(ward, order_of):
    repeat = {"frequency": 2, "period": 1, "periodUnit": "d", "boundsDuration": {"value": 7, "code": "d"}}
    dose = [{"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": {"value": 500, "code": "mg"}}]}]
    more = {"dispenseRequest": {}, "dosageInstruction": dose, "medicationCodeableConcept": {"text": "Metformin"}}
    body = {key: value for key, value in order_of("a", **more).items() if value}
    ward.let_through(body)
    with pytest.raises(Invalid, match="name the product with its strength"):
        prepare(ward.pharmacist, Wish("k", "a", tablets(14)))
    made = prepare(ward.pharmacist, Wish("k", "a", tablets(10), product="Metformin 500 mg"))
    assert made["substitution"] == {"wasSubstituted": False}  # the order named the substance alone

    assert 500 * 2 * 7 - 10 * 500 == left(ward)


def test_an_order_that_does_not_say_how_much_is_not_guessed(ward, order_of):
    ward.let_through({key: value for key, value in order_of("a").items() if key != "dispenseRequest"})
    with pytest.raises(Invalid, match="does not say how much"):
        prepare(ward.pharmacist, Wish("k", "a", tablets(5)))


def test_an_expired_batch_is_refused(accepted):
    with pytest.raises(Invalid, match="expired on 2026-11-21"):
        prepare(accepted.pharmacist, Wish("k", "a", tablets(5), expires=date(2026, 11, 21)))


def test_what_comes_back_is_a_dispensing_of_its_own_and_makes_no_room(accepted):
    made = hand_over(accepted.pharmacist, prepare(accepted.pharmacist, Wish("k", "a", tablets(28)))["id"])
    back = take_back(accepted.pharmacist, made["id"], "r1", 8, "quality")

    assert ("completed", 8, "return") == (back["status"], back["quantity"]["value"], back["type"]["coding"][0]["code"])
    assert back == take_back(accepted.pharmacist, made["id"], "r1", 8, "quality")
    with pytest.raises(Conflict, match=r"21 .* is more than the 20 that are out"):
        take_back(accepted.pharmacist, made["id"], "r2", 21, "quality")
    with pytest.raises(Conflict, match="came back already"):
        mistake(accepted.pharmacist, made["id"], "typed wrongly")
    with pytest.raises(Missing, match="no dispensing"):
        take_back(accepted.pharmacist, back["id"], "r3", 1, "quality")
    assert 0 == left(accepted)


def test_a_mistake_makes_room_again(accepted):
    made = hand_over(accepted.pharmacist, prepare(accepted.pharmacist, Wish("k", "a", tablets(28)))["id"])
    mistake(accepted.pharmacist, made["id"], "it never left the counter")

    assert TABLETS == left(accepted)
    with pytest.raises(Conflict, match="entered-in-error: only what is completed"):
        mistake(accepted.pharmacist, made["id"], "again")


def test_nothing_is_handed_over_twice_or_by_who_may_not(accepted):
    made = prepare(accepted.pharmacist, Wish("k", "a", tablets(28)))
    with pytest.raises(Forbidden):
        hand_over(Acting(accepted.store, accepted.pharmacist.actor, Purpose.PAYMENT), made["id"])
    hand_over(accepted.pharmacist, made["id"])
    with pytest.raises(Conflict, match="only what is preparation"):
        hand_over(accepted.pharmacist, made["id"])


def test_a_fault_leaves_nothing_half_done(accepted):
    before = accepted.store.count()
    with pytest.raises(SalusError):
        prepare(accepted.pharmacist, Wish("k", "a", tablets(29)))
    assert before == accepted.store.count()
