import pytest

from salus.base.errors import Forbidden
from salus.privacy import SYSTEM, Actor, Purpose, Role, check_may, may
from salus.privacy.policy import Act

DOCTOR = Actor("Practitioner/1", Role.CLINICIAN)
NURSE = Actor("Practitioner/2", Role.NURSE)
ROWS = [
    (DOCTOR, Purpose.TREATMENT, Act.WRITE, "Condition", True),
    (DOCTOR, Purpose.RESEARCH, Act.READ, "Condition", False),
    (NURSE, Purpose.TREATMENT, Act.READ, "Condition", True),
    (NURSE, Purpose.TREATMENT, Act.WRITE, "Condition", False),
    (NURSE, Purpose.TREATMENT, Act.WRITE, "Observation", True),
    (Actor("Patient/9", Role.PATIENT, patient="9"), Purpose.PATIENT_REQUEST, Act.READ, "Observation", True),
    (Actor("Patient/9", Role.PATIENT), Purpose.PATIENT_REQUEST, Act.READ, "Observation", False),
    (Actor("Patient/9", Role.PATIENT, patient="9"), Purpose.PATIENT_REQUEST, Act.WRITE, "Subscription", True),
    (Actor("Patient/9", Role.PATIENT, patient="9"), Purpose.PATIENT_REQUEST, Act.WRITE, "Observation", False),
    (Actor("Person/3", Role.DATA_SCIENTIST), Purpose.RESEARCH, Act.WRITE, "Observation", False),
    (SYSTEM, Purpose.OPERATIONS, Act.WRITE, "RiskAssessment", True),
]


@pytest.mark.parametrize(("actor", "purpose", "act", "kind", "allowed"), ROWS)
def test_access_is_refused_unless_a_rule_allows_it(actor: Actor, purpose: Purpose, act: Act, kind: str, allowed: bool):
    assert allowed is may(actor, purpose, act, kind)


def test_a_refusal_names_role_act_type_and_purpose():
    with pytest.raises(Forbidden, match="nurse may not delete Patient for the purpose TREAT"):
        check_may(NURSE, Purpose.TREATMENT, Act.DELETE, "Patient")
