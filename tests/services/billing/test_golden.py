"""Bills as a clerk would work them out by hand: what was done, for whom, and each share with its arithmetic, in fen."""

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.services.billing.invoices import replayed

NT_PRO_BNP = 22000
BED = 11000
READER = SYSTEM, Purpose.PAYMENT
LIMIT = 20000  # 限价 of NT-proBNP, of which 10 % is paid first
WORKING, RETIRED, RESIDENT = {}, {"birth": "1950-01-02"}, {"code": "resident"}

# name, who, level of the hospital, year before, tests, tablets of empagliflozin, the patient's, the insurer's, 大病
GOLDEN = [
    ("all below the threshold", WORKING, 3, {}, ["4548-4"], 0, "100 + 5000 + 7000", "0", "0"),
    ("the threshold ends within the visit", WORKING, 3, {"threshold": 175_000}, ["4548-4"], 0,
     "100 + 5000 + 7000*30/100", "7000*70/100", "0"),
    ("a hospital of level 1 pays more", WORKING, 1, {"threshold": 180_000}, ["4548-4"], 0,
     "100 + 12000*10/100", "12000*90/100", "0"),
    ("above the edge of the bands", WORKING, 3, {"threshold": 180_000, "counted": 1_990_000}, ["4548-4"], 0,
     "100 + 10000*30/100 + 2000*40/100", "10000*70/100 + 2000*60/100", "0"),
    ("限价 and 乙类", WORKING, 3, {"threshold": 180_000}, ["33762-6"], 14,
     "100 + (22000-20000) + 2000 + 602 + (5000+18000+5418)*30/100", "(5000+18000+5418)*70/100", "0"),
    ("a pensioner", RETIRED, 3, {"threshold": 130_000}, ["4548-4"], 0, "100 + 12000*15/100", "12000*85/100", "0"),
    ("a resident", RESIDENT, 2, {"threshold": 55_000}, ["4548-4"], 0, "100 + 12000*50/100", "12000*50/100", "0"),
    ("a resident at the cap", RESIDENT, 3, {"threshold": 55_000, "insurer": 449_000}, ["4548-4"], 0,
     "100 + 12000*50/100 + 5000", "1000", "0"),
    ("serious illness", WORKING, 3, {"threshold": 180_000, "own": 3_040_400}, ["4548-4"], 0,
     "100 + 3600 - 3600*60/100", "12000*70/100", "3600*60/100"),
    ("serious illness begins within the visit", WORKING, 3, {"threshold": 180_000, "own": 3_039_400}, ["4548-4"], 0,
     "100 + 3600 - 2600*60/100", "12000*70/100", "2600*60/100"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "who", "level", "year", "tests", "tablets", "insured", "insurer", "serious"), GOLDEN)
def test_a_bill_is_what_a_clerk_works_out(file_ward, name, who, level, year, tests, tablets, insured, insurer, serious):
    ward = file_ward
    link = "https://salus.example/fhir/StructureDefinition/hospital-level"
    ward.put("Organization", "h", active=True, name="H", extension=[{"url": link, "valueInteger": level}])
    ward.person(birth=who.get("birth", "1980-01-02"))
    ward.insured(code=who.get("code", "employee"))
    if year:
        ward.year(**year)
    ward.see()
    for number, loinc in enumerate(tests):
        ward.test(f"s{number}", loinc)
    if tablets:
        ward.give("d1", ward.empagliflozin, tablets)
    ward.hear()

    made = ward.bill().settlement
    by_hand = [int(eval(one) + 0.5) for one in (insured, insurer, serious)]
    assert by_hand == [made.pays(one) for one in ("insured", "insurer", "serious")], name
    assert ward.bill().total == sum(by_hand) == made.total


def test_a_stay_in_hospital_is_settled_by_the_stay_and_a_later_one_by_half_the_threshold(file_ward):
    ward = file_ward
    ward.insured()
    for visit, start in (("v1", "2026-04-10"), ("v2", "2026-04-20")):
        days = {"start": f"{start}T09:00:00+08:00", "end": f"{start[:-2]}{int(start[-2:]) + 8:02}T09:00:00+08:00"}
        ward.see(visit, act="IMP", period=days)
        for number in range(5):
            ward.test(f"{visit}-{number}", "33762-6")
    ward.hear()

    covered = 8 * BED + 5 * (LIMIT - LIMIT // 10)
    own = 5 * (NT_PRO_BNP - LIMIT) + 5 * LIMIT // 10
    expected = sorted(own + begin + (covered - begin) * 15 // 100 for begin in (130_000, 65_000))
    assert expected == sorted(one.insured for one in ward.bills())
    assert [8 * BED + 5 * NT_PRO_BNP] * 2 == [one.total for one in ward.bills()]
    assert 2 == ward.net("Coverage/card/2026/stays") and 0 == ward.net("Coverage/card/2026/threshold")
    records = ward.store.open(*READER)
    assert all(one.settlement == replayed(records.read("Invoice", one.id).json()) for one in ward.bills())
