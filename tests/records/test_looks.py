"""A patient learns who looked at their record, and nothing of who looked at another's."""

from collections.abc import Callable

import pytest

from salus.base.errors import Forbidden
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store

DOCTOR = Actor("Practitioner/wu", Role.CLINICIAN)


def test_lines_that_name_the_patient_or_what_is_theirs_are_told(new_place: Callable[[], str], eventually):
    with Store(new_place()) as store:
        house = store.open(SYSTEM, Purpose.OPERATIONS)
        for who in ("li", "lin"):
            house.update("Patient", who, {"resourceType": "Patient"})
            body = {"resourceType": "Condition", "subject": {"reference": f"Patient/{who}"}}
            house.update("Condition", f"c-{who}", body)
        doctor = store.open(DOCTOR, Purpose.TREATMENT)
        doctor.read("Condition", "c-li")
        doctor.search("Condition", "patient=Patient/li")
        for other in (lambda: doctor.read("Condition", "c-lin"), lambda: doctor.compartment("lin")):
            other()
        own = store.open(Actor("Patient/li", Role.PATIENT, "li"), Purpose.PATIENT_REQUEST)

        def told() -> list[tuple[str, str]]:
            return [(one.act, one.what) for one in own.looks() if one.who == DOCTOR.reference]

        eventually(lambda: len(told()) >= 2)  # reads are audited a moment later

        assert told() == [("search", "Condition?patient=Patient/li"), ("read", "Condition/c-li")]
        assert ("update", "Condition/c-li") in [(one.act, one.what) for one in own.looks()]
        with pytest.raises(Forbidden, match="the patient may"):
            doctor.looks()
