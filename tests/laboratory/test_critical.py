"""A result that cannot wait opens a Task with the result itself, is told, read back, acknowledged, or told to more."""

from datetime import timedelta

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid, Missing
from salus.services.laboratory.calling import acknowledge, call
from salus.services.laboratory.catalogue import limits
from salus.services.laboratory.critical import listed, waiting
from salus.services.laboratory.results import Typed
from salus.services.laboratory.verifying import correct

MINUTES = 15


def later(minutes: float):
    return clock.stopped_at(clock.now() + timedelta(minutes=minutes))


def test_a_critical_result_is_not_verified_without_its_task(lab):
    lab.potassium("6.8")
    (one,) = lab.told()

    assert ("critical-result", "6.8 mmol/L", "HH", "Practitioner/chen") == (one.kind, one.value, one.flag, one.owner)
    assert clock.instant(clock.now() + timedelta(minutes=MINUTES)) == one.due
    lab.listen()
    assert 1 == len(lab.told())


def test_a_call_is_noted_with_who_repeated_what_and_a_wrong_repetition_is_refused(lab):
    lab.potassium("6.8")
    (one,) = lab.told()
    with pytest.raises(Invalid, match=r"repeated '5\.8', but it is 6\.8"):
        call(lab.tech, one.task, "Dr Chen", "5.8")
    with pytest.raises(Invalid, match="who was told"):
        call(lab.tech, one.task, "", "6.8")
    with later(4):
        call(lab.tech, one.task, "Dr Chen, ward 3", "6.8 mmol/L")
        (told,) = lab.told()

    assert (4, "received") == (told.minutes("call"), told.status)
    assert ("Practitioner/tang", "Dr Chen, ward 3: 6.8 mmol/L") == (told.steps[1].by, told.steps[1].words)
    note = lab.doctor.records.search("Communication", [("subject", "Patient/li")]).versions[0].json()
    assert "Potassium 6.8 mmol/L" == note["payload"][0]["contentString"]


def test_a_doctor_acknowledges_once_and_nobody_else_can(lab):
    lab.potassium("2.5")
    (one,) = lab.told()
    for who in (lab.tech, lab.nurse):
        with pytest.raises(Forbidden, match="a doctor does"):
            acknowledge(who, one.task)
    with later(6):
        acknowledge(lab.doctor, one.task, "potassium by mouth")
    with pytest.raises(Conflict, match="is completed: only what is"):
        acknowledge(lab.doctor, one.task)
    with pytest.raises(Conflict, match="is completed"):
        call(lab.tech, one.task, "Dr Chen", "2.5")

    assert not lab.told()
    (told,) = listed(lab.doctor.records, clock.now() - timedelta(days=1))
    assert (6, ["open", "acknowledge"], "potassium by mouth") == (
        told.minutes("acknowledge"), [step.verb for step in told.steps], told.steps[1].words,
    )  # fmt: skip


def test_what_nobody_acknowledges_in_time_is_told_to_everybody_again_and_again(lab):
    lab.potassium("6.8")
    with later(MINUTES - 1):
        lab.watch()
        assert not waiting(lab.doctor.records, "Practitioner/other")
    with later(MINUTES):
        lab.watch()
        lab.watch()
        (one,) = waiting(lab.doctor.records, "Practitioner/other")
        assert (1, "in-progress") == (one.escalated, one.status)
        call(lab.tech, one.task, "Nurse Lin", "6.8")
    with later(2 * MINUTES):
        lab.watch()
        (one,) = lab.told()
        assert (2, "in-progress") == (one.escalated, one.status)
        acknowledge(lab.doctor, one.task)
    with later(10 * MINUTES):
        lab.watch()
    assert not lab.told()


def test_a_corrected_value_withdraws_the_alarm_and_tells_of_the_correction(lab):
    accession = lab.potassium("6.8")
    correct(lab.tech, "k", accession, {"2823-3": Typed("4.1")}, "haemolysed")

    assert ["corrected-result"] == [one.kind for one in lab.told()]
    (told,) = listed(lab.doctor.records, clock.now() - timedelta(days=1))
    assert ("cancelled", "withdraw") == (told.status, told.steps[-1].verb)


def test_a_correction_to_a_critical_value_opens_its_own_alarm(lab):
    accession = lab.potassium("4.1")
    correct(lab.tech, "k", accession, {"2823-3": Typed("6.6", again="6.6")}, "tubes exchanged")

    assert {"critical-result": "6.6 mmol/L", "corrected-result": "6.6 mmol/L"} == {
        one.kind: one.value for one in lab.told()
    }


def sent(value: float, when: str, **more):
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
        "subject": {"reference": "Patient/li"},
        "effectiveDateTime": when,
        "valueQuantity": {"value": value, "unit": "mmol/L", "code": "mmol/L", "system": "http://unitsofmeasure.org"},
    } | more


@pytest.mark.parametrize(
    ("value", "hours", "more", "count"),
    [(6.9, 1, {}, 1), (6.9, 30, {}, 0), (4.0, 1, {}, 0), (6.9, 1, {"status": "preliminary"}, 0)],
)
def test_a_critical_result_of_another_laboratory_is_heard_while_it_is_news(lab, value, hours, more, count):
    when = clock.instant(clock.now() - timedelta(hours=hours))
    lab.doctor.records.create("Observation", sent(value, when, **more))
    lab.listen()
    lab.listen()

    assert count == len(lab.told()) == len(waiting(lab.doctor.records, "Practitioner/anybody"))


def test_a_site_has_limits_of_its_own_and_says_who_approved_them(tmp_path):
    (tmp_path / "limits.toml").write_text(
        'minutes = 10\napproved = "Laboratory board, 2026-10-01"\n[critical]\n"2823-3" = { low = 3.0 }\n', "utf-8"
    )
    told = limits(tmp_path / "limits.toml")

    assert ((3.0, None), 10) == (told.critical["2823-3"], told.minutes) and "board" in told.approved
    assert (120, 158) == told.critical["2951-2"] and "" == limits(tmp_path / "none.toml").approved
    (tmp_path / "limits.toml").write_text('[critical]\n"1-1" = { low = 1 }\n', "utf-8")
    with pytest.raises(Invalid, match="no such test"):
        limits(tmp_path / "limits.toml")


def test_another_task_is_no_result(lab):
    lab.doctor.records.update("Task", "t", {"resourceType": "Task", "status": "requested", "intent": "order"})
    with pytest.raises(Missing, match="no result"):
        acknowledge(lab.doctor, "t")
