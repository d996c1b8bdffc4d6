import pytest

from salus import codes
from salus.codes import ACTS, ALLERGIES, CONDITIONS, FINDINGS, LABS, MEDICINES, PROCEDURES, SITES

TABLES = {
    "labs": LABS,
    "conditions": CONDITIONS,
    "medicines": MEDICINES,
    "findings": FINDINGS,
    "allergies": ALLERGIES,
    "acts": ACTS,
    "procedures": PROCEDURES,
    "sites": SITES,
}

NAMES = [
    ("http://loinc.org", "4548-4", "Haemoglobin A1c", "糖化血红蛋白"),
    ("LOINC", "8480-6", "Systolic blood pressure", "收缩压"),
    ("http://snomed.info/sct", "44054006", "Type 2 diabetes", "2型糖尿病"),
    ("http://hl7.org/fhir/sid/icd-10", "I10", "Essential hypertension", "原发性高血压"),
    ("http://hl7.org/fhir/sid/icd-10-cm", "E11", "Type 2 diabetes", "2型糖尿病"),
    ("http://www.whocc.no/atc", "A10BA02", "Metformin", "二甲双胍"),
    ("http://www.nlm.nih.gov/research/umls/rxnorm", "6809", "Metformin", "二甲双胍"),
    ("SNOMED", "386661006", "Fever", "发热"),
    ("SNOMED", "80146002", "Appendectomy", "阑尾切除术"),
    ("http://hl7.org/fhir/sid/icd-9-cm", "47.01", "Laparoscopic appendectomy", "腹腔镜阑尾切除术"),
    ("SNOMED", "7771000", "Left", "左侧"),
    ("LOINC", "11502-2", "Laboratory report", "检验报告"),
]


@pytest.mark.parametrize(("system", "code", "english", "chinese"), NAMES)
def test_a_code_has_a_name_in_both_languages(system: str, code: str, english: str, chinese: str) -> None:
    assert (english, chinese) == (codes.name(system, code, "en"), codes.name(system, code, "zh"))


@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_named_in_both_languages(table: str) -> None:
    unnamed = [code for code, row in TABLES[table].items() if not (row.en and row.zh and row.en != row.zh)]

    assert [] == unnamed


def test_an_unknown_code_has_no_name_and_no_guess() -> None:
    assert codes.name("LOINC", "0000-0", "en") is None
    assert codes.name("urn:nobody", "4548-4", "en") is None
    assert codes.lab("0000-0") is None


def test_every_place_that_a_procedure_asks_for_has_a_name() -> None:
    asked = {site for row in PROCEDURES.values() for site in row.more.get("sites", ())}

    assert set() == asked - SITES.keys()


def luhn(digits: str) -> int:
    """The mod 10 check digit that LOINC appends. https://loinc.org/kb/users-guide/"""
    doubled = [int(d) * 2 if i % 2 == 0 else int(d) for i, d in enumerate(reversed(digits))]
    return -sum(d // 10 + d % 10 for d in doubled) % 10


def test_every_loinc_code_ends_in_its_check_digit() -> None:
    codes_ = [*LABS, *(code for code in ACTS if "-" in code)]
    wrong = [code for code in codes_ if luhn(code.split("-")[0]) != int(code.split("-")[1])]

    assert [] == wrong


def dihedral(a: int, b: int) -> int:
    """Product in the dihedral group of order 10, for Verhoeff's check digit."""
    if a < 5:
        return (a + b) % 5 if b < 5 else (a + b) % 5 + 5
    return (a - b) % 5 + 5 if b < 5 else (a - b) % 5


def verhoeff_holds(code: str) -> bool:
    """https://confluence.ihtsdotools.org/display/DOCRELFMT/Appendix+B:+Check-Digit+Computation"""
    permute = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    check = 0
    for place, digit in enumerate(reversed(code)):
        moved = int(digit)
        for _ in range(place % 8):
            moved = permute[moved]
        check = dihedral(check, moved)
    return check == 0


def test_every_snomed_code_ends_in_its_check_digit() -> None:
    tables = (CONDITIONS, FINDINGS, ALLERGIES, ACTS, SITES)
    wrong = [code for table in tables for code in table if "-" not in code and not verhoeff_holds(code)]

    assert [] == wrong


def test_a_reference_interval_depends_on_sex_where_it_does() -> None:
    haemoglobin = LABS["718-7"]

    assert ((11.5, 15.0), (13.0, 17.5)) == (haemoglobin.reference("female"), haemoglobin.reference("male"))
    assert (None, 3.4) == LABS["22748-8"].reference()


def test_every_reference_interval_lies_within_what_is_possible() -> None:
    for entry in LABS.values():
        for sex in ("female", "male", None):
            low, high = entry.reference(sex)
            least, most = entry.limits or (low or 0, high or 0)
            assert (low is None or least <= low) and (high is None or high <= most), entry.code
