"""From the bench to the patient's own account: a result is theirs when it is verified, in the same moment, and a
correction when it is made; what the laboratory does meanwhile is not."""

from salus.privacy import Actor, Purpose, Role
from salus.services.laboratory.calling import call
from salus.services.laboratory.results import Typed, enter
from salus.services.laboratory.verifying import correct

LI = Actor("Patient/li", Role.PATIENT, "li")
TYPES = ("Observation", "DiagnosticReport", "Communication", "Task")


def told(lab) -> list[tuple[str, str, float | None]]:
    """Type, status and value of what the patient's account sees of the laboratory's work."""
    found = lab.store.open(LI, Purpose.PATIENT_REQUEST).compartment("li", TYPES)
    bodies = [one.json() for one in found]
    values = [body.get("valueQuantity", {}).get("value") for body in bodies]
    return sorted((body["resourceType"], body["status"], value) for body, value in zip(bodies, values, strict=True))


def test_a_result_is_the_patients_when_it_is_verified_and_so_is_its_correction(lab):
    accession = lab.drawn(lab.order("k"))
    enter(lab.tech, "k", accession, {"2823-3": Typed("6.8", again="6.8")})
    assert [] == told(lab)

    lab.verified("k")
    lab.listen()
    call(lab.tech, lab.told()[0].task, "Dr Chen", "6.8")
    assert [("DiagnosticReport", "final", None), ("Observation", "final", 6.8)] == told(lab)

    correct(lab.tech, "k", accession, {"2823-3": Typed("4.2")}, "another tube")
    assert [("DiagnosticReport", "corrected", None), ("Observation", "corrected", 4.2)] == told(lab)
