"""A prescription goes to the pharmacist, is let through or sent back, and comes again when it was changed."""

import pytest

from salus.base.errors import Conflict, Forbidden, Invalid, Missing, Stale
from salus.privacy import Actor, Purpose, Role
from salus.services.acting import Acting
from salus.services.pharmacy.deciding import Verdict, decide, seen
from salus.services.pharmacy.reviews import refused, review, worklist


def test_all_orders_of_a_signing_are_one_review_and_hearing_twice_is_once(ward, order_of):
    group = {"groupIdentifier": {"system": "urn:x", "value": "rx-1"}}
    task = ward.prescribe(order_of("a", **group), order_of("b", priority="stat", **group))
    ward.prescribe(order_of("c"))

    found = worklist(ward.pharmacist.records)
    assert [len(one["input"]) for one in found] == [2, 1] and found[0]["id"] == task and found[0]["priority"] == "stat"


def test_what_is_accepted_leaves_the_worklist_with_who_when_and_why(ward, order_of):
    task = ward.prescribe(order_of("a"))
    made = ward.decide(task, advice="Take it with meals")

    assert ("completed", "Practitioner/he") == (made["status"], made["owner"]["reference"])
    assert made["note"][0]["text"] == "Take it with meals" and not worklist(ward.pharmacist.records)
    signed = ward.doctor.search("Provenance", [("target", f"Task/{task}")]).versions[0].json()
    assert signed["agent"][0]["who"]["reference"] == "Practitioner/he" and signed["recorded"]


def test_a_refused_prescription_is_on_hold_and_the_doctor_hears_why(ward, order_of):
    task = ward.prescribe(order_of("a"))
    ward.decide(task, False, reason="dose", words="Twice the usual dose")

    assert "on-hold" == ward.doctor.read("MedicationRequest", "a").json()["status"]
    (told,) = refused(ward.doctor, "Practitioner/chen")
    assert (("a",), "dose", "Twice the usual dose", "li") == (told.orders, told.code, told.words, told.patient)
    assert not refused(ward.doctor, "Practitioner/other")


def test_a_corrected_order_comes_again_and_an_unchanged_one_that_was_accepted_does_not(ward, order_of):
    task = ward.prescribe(order_of("a"))
    ward.decide(task, False, reason="dose")
    ward.prescribe(order_of("a", note=[{"text": "10 days only"}]))

    assert [task] == [one["id"] for one in worklist(ward.pharmacist.records)] and not refused(ward.doctor)
    ward.decide(task)
    ward.prescribe(order_of("a", status="stopped", note=[{"text": "10 days only"}]))
    ward.prescribe(order_of("a", note=[{"text": "10 days only"}]))
    assert not worklist(ward.pharmacist.records)
    ward.prescribe(order_of("a", note=[{"text": "three times a day"}]))
    assert [task] == [one["id"] for one in worklist(ward.pharmacist.records)]


def test_an_order_added_to_a_signing_later_is_reviewed_alone(ward, order_of):
    group = {"groupIdentifier": {"system": "urn:x", "value": "rx-1"}}
    task = ward.prescribe(order_of("a", **group))
    ward.decide(task)
    ward.prescribe(order_of("b", **group))
    found = review(ward.pharmacist.records, task)

    assert (["b"], ["a"]) == ([one["id"] for one in found.pending], [one["id"] for one in found.settled])


def test_what_the_doctor_stops_need_not_be_reviewed(ward, order_of):
    ward.prescribe(order_of("a"))
    ward.prescribe(order_of("a", status="stopped"))

    assert not worklist(ward.pharmacist.records)


@pytest.mark.parametrize(
    "more", [{"authoredOn": "2020-01-01"}, {"intent": "plan"}, {"reportedBoolean": True}, {"status": "draft"}]
)
def test_what_is_old_or_no_prescription_is_not_put_to_the_pharmacist(ward, order_of, more):
    ward.prescribe(order_of("a", **more))

    assert not worklist(ward.pharmacist.records)


def test_nothing_is_decided_twice_or_on_what_has_changed_since_it_was_seen(ward, order_of):
    task = ward.prescribe(order_of("a"))
    before = review(ward.pharmacist.records, task)
    ward.prescribe(order_of("a", note=[{"text": "changed"}]))
    with pytest.raises(Stale, match="look at it again"):
        decide(ward.pharmacist, task, Verdict(True, before.version, seen(before)))
    ward.decide(task)
    with pytest.raises(Conflict, match="is completed: only what is requested can be accepted"):
        ward.decide(task)


def test_a_dangerous_prescription_is_not_accepted_without_a_reason(ward, order_of):
    task = ward.prescribe(order_of("a"))
    with pytest.raises(Invalid, match="say why it is accepted"):
        ward.decide(task, dangers=1)
    with pytest.raises(Invalid, match="is no reason"):
        ward.decide(task, False)
    with pytest.raises(Invalid, match="in words"):
        ward.decide(task, False, reason="other")

    assert "completed" == ward.decide(task, dangers=1, words="Agreed with Dr Chen by telephone")["status"]


@pytest.mark.parametrize("role", [Role.NURSE, Role.TECHNICIAN, Role.DESK])
def test_only_who_may_write_prescriptions_decides(ward, order_of, role):
    task = ward.prescribe(order_of("a"))
    found = review(ward.pharmacist.records, task)
    purpose = Purpose.OPERATIONS if role is Role.DESK else Purpose.TREATMENT
    with pytest.raises(Forbidden):
        decide(
            Acting(ward.store, Actor("Practitioner/x", role), purpose), task, Verdict(True, found.version, seen(found))
        )


def test_another_task_is_no_review(ward, order_of):
    ward.doctor.update("Task", "other", {"resourceType": "Task", "status": "requested", "intent": "order"})
    with pytest.raises(Missing, match="no review"):
        review(ward.pharmacist.records, "other")
