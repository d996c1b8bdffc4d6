"""A site's own rules and prices lie beside those built in: looked through row by row, asked first, and explained on the
bill like any other."""

import os
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from salus.base.errors import Invalid, Missing
from salus.services.billing.local import Local, take, text_of

DAY = date(2026, 5, 4)
SUPPLEMENT = """
beside = "staff"

[[group]]
place = "cn"
insurance = "staff-supplement"
sex = ["female"]
age = 50
group = "staff-senior"

[[group]]
place = "cn"
insurance = "staff-supplement"
group = "staff"

[[rule]]
id = "staff-outpatient"
place = "cn"
group = "staff"
visit = ["outpatient"]
from = 2026-01-01
to = 2027-01-01
currency = "CNY"
title = { en = "Staff supplement", zh = "职工补充医疗" }
source = "Agreement 12 of 2026"
steps = ["none", "threshold", "bands", "cap"]
threshold = [{ first = 1000 }]
bands = [{ above = 0, share = 8000 }]
cap = 20000

[[rule]]
id = "staff-senior-outpatient"
place = "cn"
group = "staff-senior"
visit = ["outpatient"]
from = 2026-01-01
to = 2027-01-01
currency = "CNY"
title = { en = "Staff supplement, senior", zh = "职工补充医疗（高龄）" }
source = "Agreement 12 of 2026"
steps = ["bands"]
bands = [{ above = 0, share = 9000 }]
"""
PRICES = """
beside = "own"
place = "cn"
currency = "CNY"
zone = "Asia/Shanghai"
source = "List of the hospital, 2026"

[[list]]
system = "http://loinc.org"
kind = "laboratory"
unit = "1"
from = 2026-01-01
to = 2027-01-01
price = [{ code = "4548-4", en = "HbA1c", zh = "糖化血红蛋白", price = 8000 }]

[[list]]
system = "http://www.whocc.no/atc"
kind = "medicine"
unit = "{tbl}"
from = 2026-01-01
to = 2027-01-01
price = [{ code = "A10BA02", en = "Metformin", zh = "二甲双胍", price = 25 }]
"""


def test_rules_beside_those_built_in_are_asked_first_and_the_others_hold(tmp_path: Path):
    taken = take(SUPPLEMENT, tmp_path / "records.db")
    rules = Local(tmp_path).rules("cn")

    assert ("settlement", "cn", 2, "staff", "cn.staff.toml") == (
        taken.kind,
        taken.place,
        taken.rows,
        taken.beside,
        taken.file,
    )
    assert "staff-senior" == rules.group_of("staff-supplement", "female", 50, 50)
    assert ("staff", "working") == (
        rules.group_of("staff-supplement", "male", 60, 60),
        rules.group_of("employee", "male", 40, 40),
    )
    assert "staff-outpatient" == rules.rule("staff", "outpatient", DAY).id
    assert "cn-example-working-outpatient" == rules.rule("working", "outpatient", DAY).id


def test_where_a_site_has_said_anything_of_a_visit_no_example_settles_it_on_any_day(tmp_path: Path):
    own = SUPPLEMENT.replace('group = "staff"', 'group = "working"').replace("staff-outpatient", "ours")
    take(own, tmp_path / "records.db")
    rules = Local(tmp_path).rules("cn")

    assert "ours" == rules.rule("working", "outpatient", DAY).id
    assert "cn-example-working-inpatient" == rules.rule("working", "inpatient", DAY).id
    with pytest.raises(Missing, match="2026-01-01 to 2027-01-01"):
        rules.rule("working", "outpatient", date(2027, 1, 1))


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("share = 8000", "share = 80000", "rule[0].bands[0].share", "The row staff-outpatient says 80000"),
        ("cap = 20000", 'cap = "200"', "rule[0].cap", "says '200' at cap"),
        ("cap = 20000", "cap = 20000\nceiling = 1", "rule[0]", "does not fit: Object contains unknown"),
        ("age = 50", "age = -1", "group[0].age", "staff-senior says -1 at age"),
        ('sex = ["female"]', 'sex = ["woman"]', "group[0].sex[0]", "says 'woman' at sex[0]"),
        ('source = "Agreement 12 of 2026"\nsteps = ["none"', 'steps = ["none"', "rule[0]", "missing required field"),
        ('group = "staff"\nvisit', 'group = "stuff"\nvisit', "group.staff", "No rule settles the group 'staff'"),
        ('supplement"\ngroup', 'supplement"\nage = 18\ngroup', "group.staff-supplement", "belongs to no group"),
        ('beside = "staff"', 'beside = "../x"', "beside", "it names a file"),
        ('beside = "staff"', "besides = 1", "besides", "has no 'besides'"),
        ("[[rule]]\nid = \"staff-s", "[[rules]]\nid = \"staff-s", "rules", "has no 'rules'"),
        ("to = 2027-01-01", "to = 2025-01-01", "staff-outpatient.to", "before it begins"),
    ],
)  # fmt: skip
def test_a_row_with_a_fault_is_named_with_its_value_and_nothing_is_kept(
    tmp_path: Path, old: str, new: str, path: str, words: str
):
    assert old in SUPPLEMENT
    with pytest.raises(Invalid) as caught:
        take(SUPPLEMENT.replace(old, new, 1), tmp_path / "records.db")

    assert any(path == one.path and words in one.text for one in caught.value.issues), caught.value.issues
    assert [] == [*(tmp_path).rglob("*.toml")]


def test_every_row_with_a_fault_is_named_at_once():
    bad = SUPPLEMENT.replace("share = 8000", "share = 80000").replace("share = 9000", "share = -9000")
    with pytest.raises(Invalid) as caught:
        take(bad)

    assert ["rule[0].bands[0].share", "rule[1].bands[0].share"] == [one.path for one in caught.value.issues]


def test_two_files_of_a_site_cannot_speak_of_the_same(tmp_path: Path):
    store = tmp_path / "records.db"
    take(SUPPLEMENT, store)
    with pytest.raises(Invalid) as caught:
        take(SUPPLEMENT.replace('beside = "staff"', 'beside = "more"'), store)
    take(SUPPLEMENT.replace("cap = 20000", "cap = 30000"), store)

    assert any("by more and by staff" in one.text for one in caught.value.issues)
    assert ["cn.staff.toml"] == [one.name for one in (tmp_path / "settlement").iterdir()]
    assert 30000 == Local(tmp_path).rules("cn").rule("staff", "outpatient", DAY).cap


def test_prices_beside_those_built_in_lie_over_them(tmp_path: Path):
    base = Local(tmp_path).tariff("cn")
    take(PRICES, tmp_path / "records.db")
    made = Local(tmp_path).tariff("cn")

    assert base is not None and made is not None and base.version != made.version
    assert [8000, 25, 25, 5000] == [
        made.find(system, code, DAY).price  # type: ignore[union-attr]
        for system, code in (
            ("http://loinc.org", "4548-4"),
            ("http://www.whocc.no/atc", "A10BA02"),
            ("http://www.nlm.nih.gov/research/umls/rxnorm", "6809"),  # the same thing in the tariff below
            ("https://salus.example/fhir/CodeSystem/charge", "consultation"),
        )
    ]
    assert made.find("http://loinc.org", "4548-4", date(2027, 1, 1)) is None  # no example comes back
    assert len(base.prices) == len(made.prices)


def test_prices_in_another_currency_do_not_lie_over_these(tmp_path: Path):
    with pytest.raises(Invalid, match="The currency of 'own' is USD"):
        take(PRICES.replace('"CNY"', '"USD"'), tmp_path / "records.db")


def test_two_files_of_a_site_cannot_price_the_same(tmp_path: Path):
    store = tmp_path / "records.db"
    take(PRICES, store)
    with pytest.raises(Invalid, match="4548-4 is priced by more and by own"):
        take(PRICES.replace('beside = "own"', 'beside = "more"'), store)

    assert ["cn.own.toml"] == [one.name for one in (tmp_path / "tariffs").iterdir()]


def test_a_tariff_below_others_must_fit_with_them_too(tmp_path: Path):
    take(PRICES, tmp_path / "records.db")
    with pytest.raises(Invalid, match="The currency of 'own' is CNY"):
        take(PRICES.replace('beside = "own"\n', "").replace('"CNY"', '"USD"'), tmp_path / "records.db")

    assert Local(tmp_path).tariff("cn")


def test_a_thing_priced_by_another_of_its_codes_is_known_by_all_of_them(tmp_path: Path):
    rxnorm, atc = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc"
    take(PRICES.replace(atc, rxnorm).replace("A10BA02", "6809"), tmp_path / "records.db")
    made = Local(tmp_path).tariff("cn")

    assert made is not None
    assert [25, 25] == [found.price for one in ((atc, "A10BA02"), (rxnorm, "6809")) if (found := made.find(*one, DAY))]


def test_another_file_is_noticed_though_it_has_the_time_of_the_one_before(tmp_path: Path):
    store, file = tmp_path / "records.db", tmp_path / "tariffs" / "cn.own.toml"
    take(PRICES, store)
    before, was = Local(tmp_path).tariff("cn"), file.stat()
    take(PRICES.replace("8000", "9000"), store)
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))

    assert before != Local(tmp_path).tariff("cn")


@pytest.mark.parametrize(("kind", "text"), [("tariffs", PRICES), ("settlement", SUPPLEMENT)], ids=["prices", "rules"])
def test_a_file_that_was_spoiled_can_be_replaced_by_one_that_is_mended(tmp_path: Path, kind: str, text: str):
    file = tmp_path / kind / take(text, tmp_path / "records.db").file
    file.write_bytes("来源".encode("gbk"))
    with pytest.raises(Invalid, match="has faults"):
        Local(tmp_path).tariff("cn") if kind == "tariffs" else Local(tmp_path).rules("cn")
    take(text, tmp_path / "records.db")

    assert text == file.read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("[[list]]", "[list]", "list"),
        ("price = [{", "price = 1 #", "list[0].price"),
        ('source = "List of the hospital, 2026"', 'source = "x"\nsystems = 5', "systems"),
        ('system = "http://loinc.org"', "system = [1]", "list[0].price[0].system"),
    ],
)
def test_a_tariff_of_the_wrong_shape_is_refused_in_words(old: str, new: str, path: str):
    with pytest.raises(Invalid) as caught:
        take(PRICES.replace(old, new, 1) if old != "[[list]]" else PRICES.split("[[list]]\nsystem")[0] + "[list]")

    assert path in [one.path for one in caught.value.issues]


def test_a_file_with_the_mark_that_some_editors_put_first_is_taken(tmp_path: Path):
    file = tmp_path / "own.toml"
    file.write_text(PRICES, "utf-8-sig")

    assert "own" == take(text_of(file)).beside


def test_a_file_that_was_spoiled_by_hand_is_named(tmp_path: Path):
    take(SUPPLEMENT, tmp_path / "records.db")
    (tmp_path / "settlement" / "cn.staff.toml").write_text("[[rule]]\nid = 1", "utf-8")
    with pytest.raises(Invalid, match=r"settlement/cn\.staff\.toml has faults"):
        Local(tmp_path).rules("cn")


def test_the_file_of_the_how_to_can_be_put_in_force(tmp_path: Path):
    root = Path(__file__).resolve().parents[3]
    blocks = [
        (root / "docs" / "how-to" / name).read_text("utf-8").split("```toml\n")[1].split("```")[0]
        for name in ("bill-a-visit.md", "bill-a-visit.zh.md")
    ]

    assert blocks[0] == blocks[1]
    assert "staff" == take(blocks[0], tmp_path / "records.db").beside


def test_groups_of_stays_are_taken_in_too(tmp_path: Path):
    taken = take((files("salus.places.drg") / "cn.toml").read_text("utf-8"), tmp_path / "records.db")

    assert ("drg", "cn.toml", True) == (taken.kind, taken.file, (tmp_path / "drg" / "cn.toml").is_file())


def test_a_bill_is_settled_by_a_sites_own_supplement_and_told_line_by_line(file_ward: Any):
    take(SUPPLEMENT, file_ward.place)
    file_ward.person(birth="1970-01-02")
    file_ward.insured()
    more = {"order": 2, "payor": [{"reference": "Organization/mutual"}]}
    file_ward.insured("extra", "staff-supplement", **more)
    file_ward.see()
    file_ward.hear()
    bill = file_ward.bill()

    consultation, registration = 5000, 100
    assert (consultation + registration, (consultation + registration) * 9 // 10) == (bill.total, bill.insurer)
    told = [one.why for one in bill.explained("en")]
    assert any("¥51.00" in one and "90%" in one for one in told), told
