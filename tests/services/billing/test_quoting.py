"""What a visit costs is said before it is booked, and how the year stands whenever a patient asks."""

from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.services.billing.quoting import quote, year_so_far


def test_the_price_of_a_visit_is_said_before_it_is_booked(file_ward):
    own = {"coding": [{"system": "https://salus.example/fhir/CodeSystem/charge", "code": "consultation-specialist"}]}
    file_ward.put("HealthcareService", "plain", providedBy={"reference": "Organization/h"})
    file_ward.put("HealthcareService", "special", type=[own])

    assert 100 + 5000 == quote(file_ward.store, "plain").total
    assert 100 + 10000 == quote(file_ward.store, "special").total
    assert [5000] == [one.price for one in quote(file_ward.store, "plain", "VR").prices]


def test_where_the_tariff_says_nothing_no_price_is_said(file_ward):
    file_ward.put("Organization", "far", active=True, name="Far", address=[{"country": "FR"}])
    file_ward.put("HealthcareService", "far", providedBy={"reference": "Organization/far"})

    assert None is quote(file_ward.store, "far")


def test_a_patient_sees_how_their_year_stands(file_ward):
    file_ward.insured()
    file_ward.see()
    file_ward.hear()
    own = file_ward.store.open(Actor("Patient/li", Role.PATIENT, "li"), Purpose.PATIENT_REQUEST)
    (found,) = year_so_far(own, "li")

    assert ("Coverage/card", "Organization/fund", 2026) == (found.coverage, found.insurance, found.number)
    assert 5000 == found.year.threshold and 180_000 - 5000 == found.threshold_left()
    assert [] == year_so_far(file_ward.store.open(SYSTEM, Purpose.PAYMENT), "nobody")
