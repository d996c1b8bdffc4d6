"""The administrator finds what was erased by law: a line for each, by whom, when and why, without the name."""

from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store, erasing

OFFICER = Actor("Practitioner/officer", Role.ADMINISTRATOR)


def test_the_audit_can_be_narrowed_to_erasures(house_of, browser_of, settings, tmp_path):
    with Store(tmp_path / "salus.db") as store:
        app = house_of(store, settings)
        patient = {"resourceType": "Patient", "id": "li", "name": [{"family": "Li"}]}
        store.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "li", patient)
        browser_of(app).sign_in("nurse").get("/patients/li")
        records = store.open(OFFICER, Purpose.ADMINISTRATION)
        erasing.erase(records, erasing.Wish("Patient", "li", erasing.What.PATIENT), "case 2026/17")
        erasing.finish(store)
        administrator = browser_of(app).sign_in("administrator")
        page, whole = administrator.get("/audit?act=erase").text, administrator.get("/audit").text

        assert "Practitioner/officer" in page
        assert "case 2026/17" in page
        assert "erase for ever" in page
        assert "demo-nurse" not in page
        assert "Only erasures by law" in whole
        assert "demo-nurse" in whole
        assert "Patient/li<" not in whole
        assert 403 == browser_of(app).sign_in("nurse").get("/audit?act=erase").status_code
