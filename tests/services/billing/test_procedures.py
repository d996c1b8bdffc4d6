"""A procedure from its order to its charge: once, whatever is pressed twice or taken back; and what it does to the
group of a stay."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid, Missing
from salus.codes.tables import ICD9, ICD10
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.services.acting import Acting
from salus.services.billing.completeness import missing, outstanding
from salus.services.billing.foretelling import foretold, ordered_too
from salus.services.billing.staying import expected
from salus.services.procedures import doing, ordering, worklist
from salus.services.procedures.orders import Asked, procedure_id

DOCTOR = Actor("Practitioner/chen", Role.CLINICIAN)
NURSE = Actor("Practitioner/lin", Role.NURSE)
TECHNICIAN = Actor("Practitioner/tang", Role.TECHNICIAN)
APPENDIX = Asked("47.01", "腹腔镜阑尾切除术")  # 2,600 yuan


def at_work(ward, who: Actor = DOCTOR) -> Acting:
    return Acting(ward.store, who, Purpose.TREATMENT)


@pytest.fixture
def stay(ward):
    """A stay for an appendicitis, in which an operation is ordered; its id."""
    ward.see("s1", "in-progress", "IMP", period={"start": "2026-05-04T09:00:00+08:00"})
    told = {"subject": {"reference": "Patient/li"}, "encounter": {"reference": "Encounter/s1"}}
    ward.put("Condition", "a", code={"coding": [{"system": ICD10, "code": "K35.8"}]}, **told)
    return ordering.order(at_work(ward), "s1", APPENDIX, "1")["id"]


def charged(ward) -> dict[str, str]:
    ward.hear()
    return {name: state for name, state in ward.charge_states().items() if name.startswith("ServiceRequest")}


def now() -> datetime:
    return clock.now()


def test_what_is_ordered_is_charged_once_it_is_done_and_only_once(ward, stay):
    assert {} == charged(ward)

    doing.carry_out(at_work(ward), stay, now())
    doing.carry_out(at_work(ward), stay, now())

    assert {f"ServiceRequest/{stay} 47.01": "billable"} == charged(ward) == charged(ward)


def test_what_was_taken_back_is_not_charged_and_done_again_it_is_the_same_charge(ward, stay):
    doing.carry_out(at_work(ward), stay, now())
    charged(ward)
    doing.take_back(at_work(ward), stay)
    assert ["aborted"] == list(charged(ward).values())

    doing.carry_out(at_work(ward), stay, now())

    assert ["billable"] == list(charged(ward).values())


def test_a_bill_that_was_issued_is_cancelled_when_the_operation_was_a_mistake(ward, stay):
    doing.carry_out(at_work(ward), stay, now())
    charged(ward)
    ward.see("s1", act="IMP")
    ward.hear()
    assert "issued" == ward.bill().status

    doing.take_back(at_work(ward), stay)
    ordering.cancel(at_work(ward), stay)
    ward.hear()

    assert ["cancelled", "issued"] == sorted(one.status for one in ward.bills())
    assert 260_000 == sum(one.total * (1 if one.status == "cancelled" else -1) for one in ward.bills())


def test_the_bill_waits_for_what_is_ordered_and_not_for_what_was_left_undone(ward, stay):
    records = ward.store.open(SYSTEM, Purpose.OPERATIONS)
    assert [f"ServiceRequest/{stay}"] == list(outstanding(records, "s1"))

    doing.leave(at_work(ward), stay, "refused")

    assert [] == list(outstanding(records, "s1"))
    assert {} == charged(ward)


def test_a_procedure_that_was_not_heard_of_is_missed_at_the_close_of_the_day(ward, stay):
    doing.carry_out(at_work(ward), stay, now())
    records = ward.store.open(SYSTEM, Purpose.OPERATIONS)
    day = now().date()
    assert [f"ServiceRequest/{stay}"] == [one.reference for one in missing(records, day)]

    ward.hear()

    assert [] == missing(records, day)


def test_a_procedure_that_nobody_ordered_here_is_charged_by_nobody(ward, stay):
    told = {"subject": {"reference": "Patient/li"}, "encounter": {"reference": "Encounter/s1"}}
    ward.put("Procedure", "p", status="completed", code={"coding": [{"system": ICD9, "code": "47.01"}]}, **told)

    assert {} == charged(ward)


# --- the group of the stay ---


def test_the_group_of_a_finished_stay_is_by_what_was_done(ward, stay):
    def group() -> str:
        found = expected(ward.store.open(SYSTEM, Purpose.OPERATIONS), "s1")
        return found.payment.grouped.group if found else ""

    assert "GZ19" == group()

    doing.carry_out(at_work(ward), stay, now())
    ward.see("s1", act="IMP")
    assert "GD25" == group()

    doing.take_back(at_work(ward), stay)
    assert "GZ19" == group()


def test_what_is_ordered_and_not_done_yet_is_foretold_beside_the_group_so_far(ward, stay):
    records = ward.store.open(SYSTEM, Purpose.OPERATIONS)
    found = expected(records, "s1")
    assert found

    told = ordered_too(records, found)
    assert told and ("GZ19", "GD25") == (found.payment.grouped.group, told.grouped.group)
    assert 260_000 == told.cost

    another = foretold(records, found, {"resourceType": "ServiceRequest", "code": {"coding": [{"code": "x"}]}})
    assert "GD25" == another.after.grouped.group and not another.regroups

    doing.carry_out(at_work(ward), stay, now())
    assert ordered_too(records, expected(records, "s1")) is None


# --- who, when, and twice at once ---


def test_two_rooms_that_press_at_once_carry_it_out_once(ward, stay):
    def press(who: Actor) -> str:
        try:
            return str(doing.carry_out(at_work(ward, who), stay, now())["performer"][0]["actor"]["reference"])
        except Conflict:
            return ""

    with ThreadPoolExecutor(4) as pool:
        done = sorted(pool.map(press, [DOCTOR, NURSE, TECHNICIAN, DOCTOR]))

    stands = ward.store.open(SYSTEM, Purpose.OPERATIONS).read("Procedure", procedure_id(stay))
    by = stands.json()["performer"][0]["actor"]["reference"]
    assert {"", by} == set(done) and 1 == stands.version
    assert 1 == len(charged(ward))


def test_done_and_cancelled_at_once_only_one_of_them_stands(ward, stay):
    def tried(act) -> bool:
        try:
            act()
        except Conflict:
            return False
        return True

    acts = [
        lambda: doing.carry_out(at_work(ward, NURSE), stay, now()),
        lambda: ordering.cancel(at_work(ward), stay),
    ]
    with ThreadPoolExecutor(2) as pool:
        stood = list(pool.map(tried, acts))

    assert [False, True] == sorted(stood)
    assert stood[0] == bool(charged(ward))


def test_what_was_cancelled_can_be_ordered_again_but_not_what_was_never_signed(ward, stay):
    ordering.cancel(at_work(ward), stay)
    with pytest.raises(Conflict, match="only what is ordered can be carried out"):
        doing.carry_out(at_work(ward), stay, now())

    ordering.again(at_work(ward), stay)
    assert [stay] == [one.id for one in worklist.waiting(ward.store.open(SYSTEM, Purpose.OPERATIONS))]

    body = ward.store.open(SYSTEM, Purpose.OPERATIONS).read("ServiceRequest", stay).json()
    ward.put("ServiceRequest", "draft", **{**{k: v for k, v in body.items() if k not in DROPPED}, "status": "revoked"})
    with pytest.raises(Conflict, match="never signed"):
        ordering.again(at_work(ward), "draft")


DROPPED = ("resourceType", "id", "meta", "requisition")


def test_a_form_that_is_sent_twice_orders_once_and_nothing_is_ordered_in_a_stay_that_is_over(ward, stay):
    assert stay == ordering.order(at_work(ward), "s1", APPENDIX, "1")["id"]
    assert stay != ordering.order(at_work(ward), "s1", APPENDIX, "2")["id"]

    ward.see("s1", act="IMP")
    with pytest.raises(Conflict, match="nothing is ordered in it any more"):
        ordering.order(at_work(ward), "s1", APPENDIX, "3")


def test_a_form_that_asks_for_something_else_by_then_is_not_taken_for_what_it_ordered_before(ward, stay):
    with pytest.raises(Conflict, match="used for another order"):
        ordering.order(at_work(ward), "s1", Asked("51.23", "腹腔镜胆囊切除术"), "1")


def test_what_was_cancelled_is_not_ordered_again_in_a_stay_that_is_over(ward, stay):
    ordering.cancel(at_work(ward), stay)
    ward.see("s1", act="IMP")
    with pytest.raises(Conflict, match="nothing is ordered in it any more"):
        ordering.again(at_work(ward), stay)


def test_what_another_system_has_done_is_not_foretold_as_to_come(ward, stay):
    told = {"subject": {"reference": "Patient/li"}, "encounter": {"reference": "Encounter/s1"}}
    by = [{"reference": f"ServiceRequest/{stay}"}]
    code = {"coding": [{"system": ICD9, "code": "47.01"}]}
    ward.put("Procedure", "p", status="completed", code=code, basedOn=by, **told)
    assert {f"ServiceRequest/{stay} 47.01": "billable"} == charged(ward)
    records = ward.store.open(SYSTEM, Purpose.OPERATIONS)

    assert ordered_too(records, expected(records, "s1")) is None


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"code": "13.41"}, "side"),
        ({"code": "13.41", "side": "69536005"}, "side"),
        ({"code": "47.01", "side": "7771000"}, "side"),
        ({"code": "86.22"}, "site"),
        ({"code": "86.22", "site": "72696002"}, "site"),
        ({"priority": "soon"}, "priority"),
        ({"reason": "x" * 501}, "reason"),
        ({"planned": timedelta(days=400)}, "planned"),
        ({"planned": -timedelta(days=1)}, "planned"),
    ],
)
def test_what_a_code_asks_for_must_be_said_and_nothing_else(ward, told, field):
    if "planned" in told:
        told = {"planned": now() + told["planned"]}
    with pytest.raises(Invalid) as refused:
        Asked(**{"code": "47.01", "name": "x", **told})

    assert field == refused.value.issues[0].path


def test_only_doctors_order_and_only_rooms_carry_out(ward, stay):
    desk = Acting(ward.store, Actor("Practitioner/liu", Role.DESK), Purpose.OPERATIONS)
    with pytest.raises(Forbidden):
        ordering.order(at_work(ward, NURSE), "s1", APPENDIX, "9")
    with pytest.raises(Forbidden):
        ordering.cancel(at_work(ward, TECHNICIAN), stay)
    with pytest.raises(Forbidden):
        doing.carry_out(desk, stay, now())


def test_when_it_was_done_is_no_time_to_come_nor_long_before_it_was_ordered(ward, stay):
    for at in (now() + timedelta(minutes=1), now() - timedelta(days=2)):
        with pytest.raises(Invalid) as refused:
            doing.carry_out(at_work(ward), stay, at)
        assert "performed" == refused.value.issues[0].path


def test_why_it_was_not_done_is_said_and_a_laboratory_order_is_none_of_these(ward, stay):
    for why, words in (("", ""), ("other", ""), ("tired", "x")):
        with pytest.raises(Invalid):
            doing.leave(at_work(ward), stay, why, words)
    made = doing.leave(at_work(ward), stay, "other", "fever")
    assert ("not-done", "fever") == (made["status"], made["statusReason"]["text"])

    ward.order("o1")
    with pytest.raises(Missing):
        doing.carry_out(at_work(ward), "o1", now())


def test_what_another_system_writes_of_an_order_hides_nothing_that_was_done_here(ward, stay):
    doing.carry_out(at_work(ward), stay, now())
    done = ward.store.open(SYSTEM, Purpose.OPERATIONS).read("Procedure", procedure_id(stay)).json()
    ward.put("Procedure", "zz", **{key: done[key] for key in ("status", "category", "code", "subject", "basedOn")})

    assert [stay] == [one.id for one in worklist.lately(ward.store.open(SYSTEM, Purpose.OPERATIONS))]


def test_what_is_deleted_or_put_to_another_order_is_charged_no_more(ward, stay):
    records = ward.store.open(SYSTEM, Purpose.OPERATIONS)
    other = ordering.order(at_work(ward), "s1", APPENDIX, "2")["id"]
    done = doing.carry_out(at_work(ward), stay, now())
    assert {f"ServiceRequest/{stay} 47.01": "billable"} == charged(ward)

    kept = {key: value for key, value in done.items() if key not in ("resourceType", "id", "meta")}
    ward.put("Procedure", done["id"], **(kept | {"basedOn": [{"reference": f"ServiceRequest/{other}"}]}))
    assert {f"ServiceRequest/{stay} 47.01": "aborted", f"ServiceRequest/{other} 47.01": "billable"} == charged(ward)

    records.delete("Procedure", done["id"])
    assert {"aborted"} == set(charged(ward).values())
