"""What things cost: the shipped lists have every test and medicine, quantities become amounts, faults are all named."""

from datetime import date
from fractions import Fraction
from importlib.resources import files

import pytest

from salus.base.errors import Invalid, Missing
from salus.base.money import amount, minor
from salus.codes import LABS, MEDICINES
from salus.places.tariffs import shipped, tariff_of

DAY = date(2026, 5, 4)
CHARGE, LOINC = "https://salus.example/fhir/CodeSystem/charge", "http://loinc.org"
SMALL = """
place = "cn"
currency = "CNY"
zone = "Asia/Shanghai"
source = "here"
[systems]
loinc = "http://loinc.org"
[[list]]
system = "loinc"
kind = "laboratory"
unit = "1"
from = 2026-01-01
to = 2027-01-01
price = [
    { code = "a", en = "A", zh = "甲", price = 100 },
    { code = "b", en = "B", zh = "乙", price = 200, cover = "part", own = 1000 },
]
"""


@pytest.mark.parametrize("place", ["cn", "us"])
def test_every_test_and_medicine_of_the_house_has_a_price(place: str):
    tariff = shipped(place)
    for lab in LABS.values():
        assert lab.kind != "lab" or tariff.find(lab.system, lab.code, DAY), lab.code
    for medicine in MEDICINES.values():
        found = tariff.find(medicine.system, medicine.code, DAY)
        assert found and found.kind == "medicine" and found.price > 0
        dose, unit = medicine.more["dose"]
        assert found.asks(found.counted(Fraction(str(dose)), unit)) > 0, medicine.code
    for code in ("registration", "consultation", "consultation-emergency", "consultation-virtual", "bed-day"):
        assert tariff.find(CHARGE, code, DAY)


def test_a_medicine_is_found_by_its_ingredient_too():
    assert shipped("us").find("http://www.nlm.nih.gov/research/umls/rxnorm", "6809", DAY).code == "A10BA02"


def test_a_quantity_is_turned_into_units_of_the_price_and_never_guessed():
    metformin = shipped("cn").find("http://www.whocc.no/atc", "A10BA02", DAY)

    assert metformin.price * 14 == metformin.asks(metformin.counted(Fraction(7000), "mg"))
    assert metformin.price * 14 == metformin.asks(metformin.counted(Fraction(14), "{tbl}"))
    with pytest.raises(Invalid, match="not priced by 'mL'"):
        metformin.counted(Fraction(3), "mL")


def test_a_price_holds_from_its_day_until_before_the_day_it_ends():
    tariff = tariff_of(SMALL)

    assert 100 == tariff.find(LOINC, "a", date(2026, 1, 1)).price == tariff.find(LOINC, "a", date(2026, 12, 31)).price
    assert None is tariff.find(LOINC, "a", date(2025, 12, 31)) is tariff.find(LOINC, "a", date(2027, 1, 1))
    assert tariff.version != tariff_of(SMALL.replace("100", "101")).version


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("price = 100", "price = -1", "a says -1 at price: Expected `int` >= 0"),
        ("price = 100", "price = 1.5", "a says 1.5 at price: Expected `int`"),
        ('code = "b"', 'code = "a"', "two prices from 2026-01-01"),
        ("to = 2027-01-01", "to = 2026-01-01", "before it begins"),
        ("own = 1000", "own = 0", "covered in part and its own share is 0"),
        ("price = 100", "price = 100, own = 5", "covered in full and its own share is 5"),
        ("price = 100", 'price = 100, units = { mg = "1/0" }', "no fraction above 0"),
        ("price = 100", "price = 100, colour = 1", "unknown field `colour`"),
        ("price = 100", "price = 100, to = 2026-02-01", ""),
        ('zone = "Asia/Shanghai"', 'zone = "Nowhere"', "no time zone"),
        ('source = "here"', "", "does not say its source"),
        ('currency = "CNY"', 'currency = "XXQ"', "'XXQ' is no currency"),
    ],
)
def test_a_tariff_with_a_fault_is_refused_and_the_fault_named(old: str, new: str, words: str):
    assert old in SMALL
    if not words:
        assert tariff_of(SMALL.replace(old, new, 1))
        return
    with pytest.raises(Invalid) as caught:
        tariff_of(SMALL.replace(old, new, 1))
    assert any(words in one.text for one in caught.value.issues), caught.value.issues


def test_all_faults_are_named_at_once_and_days_without_a_price_are_one():
    later = """
[[list]]
system = "loinc"
kind = "laboratory"
unit = "1"
from = 2027-02-01
to = 2028-01-01
price = [{ code = "a", en = "A", zh = "甲", price = 100 }, { code = "c", en = "C", price = -3 }]
"""
    with pytest.raises(Invalid) as caught:
        tariff_of(SMALL + later)
    assert 2 == len(caught.value.issues) and "has no price until 2027-02-01" in caught.value.issues[1].text
    with pytest.raises(Invalid):
        tariff_of("price = [")
    with pytest.raises(Missing):
        shipped("atlantis")


def test_the_codes_of_shipped_lists_are_written_in_both_languages():
    for place in ("cn", "us"):
        for one in shipped(place).prices:
            assert one.en.isascii() and not one.zh.isascii(), one.code
        assert "approval" in (files("salus.places.tariffs") / f"{place}.toml").read_text("utf-8")


def test_money_of_fhir_and_minor_units_are_the_same():
    for whole in (0, 1, 10, 99, 12345, 10**12 + 1):
        assert whole == minor(amount(whole, "CNY")) == minor(amount(whole, "JPY"))
    for wrong in ({"value": 1.005, "currency": "CNY"}, {"value": 1}, {"currency": "CNY"}):
        with pytest.raises(Invalid):
            minor(wrong)
