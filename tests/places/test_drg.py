"""Groups of stays: each case with its arithmetic, tables with faults refused whole, nothing guessed."""

import pytest
from msgspec.structs import replace

from salus.base.errors import Invalid, Missing
from salus.places.drg import Stay, TableGrouper, payment, shipped, table_of
from salus.places.drg.telling import told, why

TABLE = shipped("cn")
GROUPER = TableGrouper(TABLE)

CASES = [
    (Stay("J18.9"), "ES25", "none"),
    (Stay("J18.9", ("I50.0",)), "ES23", "cc"),
    (Stay("J18.9", ("I50.0", "A41.9")), "ES21", "mcc"),  # the gravest counts, wherever it stands
    (Stay("J18.9", ("J18.0",)), "ES25", "none"),  # the main diagnosis again is no complication
    (Stay("I50.0", ("I50.9", "J81")), "FR25", "none"),  # excluded: it belongs to heart failure
    (Stay("K35.8", procedures=("47.01",)), "GD25", "none"),
    (Stay("K35.8", ("E11.9",), ("47.01",)), "GD23", "cc"),
    (Stay("K35.8"), "GZ19", "all"),  # not operated
    (Stay("K35.8", ("A41.9",)), "GZ19", "all"),  # a family that makes no difference
    (Stay("I21.4", procedures=("36.07",)), "FM15", "none"),
    (Stay("I21.4"), "FR45", "none"),
    (Stay("O82", ("E11.9",), ("74.1",), age=30), "OB15", "none"),  # only grave ones are told apart
    (Stay("O82", (), ("74.1",), age=5), "", "unfit"),
    (Stay("O82", age=30), "", "unfit"),
    (Stay("Z00"), "", "unknown"),
]


@pytest.mark.parametrize(("stay", "group", "kind"), CASES)
def test_a_stay_finds_its_group_or_none(stay: Stay, group: str, kind: str):
    found = GROUPER.group(stay)

    assert (group, kind) == (found.group, found.why)
    assert found.version == TABLE.version
    assert why(found, "en") and why(found, "zh")


# ES25 weighs 0.600; at level 3 a point pays 12,000.00: 0.600 x 12,000.00 = 7,200.00. Low below 40 % (2,880.00), high
# above 300 % (21,600.00).
PAID = [
    (287_999, 287_999, "low"),
    (288_000, 720_000, "usual"),
    (720_000, 720_000, "usual"),
    (2_160_000, 720_000, "usual"),
    (2_160_001, 720_001, "high"),
    (3_000_000, 720_000 + 840_000, "high"),
]


@pytest.mark.parametrize(("cost", "paid", "kind"), PAID)
def test_what_a_group_pays(cost: int, paid: int, kind: str):
    found = payment(TABLE, GROUPER.group(Stay("J18.9")), 3, cost)

    assert (720_000, paid, kind, paid - cost) == (found.standard, found.paid, found.kind, found.margin)
    assert all(told(TABLE, found, language, str) for language in ("en", "zh"))


def test_a_smaller_hospital_is_paid_by_its_own_rate():
    assert 510_000 == payment(TABLE, GROUPER.group(Stay("J18.9")), 1, 600_000).paid  # 0.600 x 8,500.00


def test_what_fits_in_no_group_is_paid_by_its_items():
    found = payment(TABLE, GROUPER.group(Stay("Z00")), 3, 12_345)

    assert ("none", 12_345, 0) == (found.kind, found.paid, found.margin)


def test_a_level_without_a_rate_is_told_with_those_there_are():
    with pytest.raises(Missing, match="level 9: there are 3, 2, 1"):
        payment(TABLE, GROUPER.group(Stay("J18.9")), 9, 1)


def test_a_stay_without_a_main_diagnosis_is_refused():
    with pytest.raises(Invalid, match="main diagnosis"):
        Stay("")


def test_the_version_changes_with_any_figure():
    assert replace(TABLE, low=4001).version != TABLE.version == replace(TABLE, low=4000).version


HEAD = """
id = "x"
place = "cn"
from = 2025-01-01
to = 2026-01-01
currency = "CNY"
title = { en = "x", zh = "x" }
source = "x"
low = 4000
high = 30000
level = [{ level = 3, rate = 1 }]
mcc = []
cc = []
"""


def family(groups: str, diagnoses: str = '["A"]') -> str:
    return f"""
[[family]]
code = "F"
title = {{ en = "x", zh = "x" }}
diagnoses = {diagnoses}
groups = [{groups}]
"""


WHOLE = '{ code = "F1", with = "mcc", weight = 2 }, { code = "F5", with = "none", weight = 1 }'
FAULTS = [
    (family('{ code = "F1", with = "mcc", weight = 2 }'), "There must be a group for all"),
    (family('{ code = "F1", with = "all", weight = 2 }, { code = "F5", with = "mcc", weight = 3 }'), "leaves none"),
    (family('{ code = "F1", with = "mcc", weight = 1 }, { code = "F5", with = "none", weight = 2 }'), "weighs less"),
    (family('{ code = "F1", with = "grave", weight = 1 }'), "'grave' is none of"),
    (family(WHOLE, "[]"), "No diagnosis leads here"),
    (family(WHOLE) + family(WHOLE), "stands 2 times"),
]


@pytest.mark.parametrize(("families", "said"), FAULTS)
def test_a_table_with_a_hole_is_refused_whole_and_says_where(families: str, said: str):
    with pytest.raises(Invalid) as refused:
        table_of(HEAD + families)

    assert said in " ".join(issue.text for issue in refused.value.issues)


@pytest.mark.parametrize("text", ["id = ", HEAD + "surprise = 1", HEAD.replace("low = 4000", "low = 40.5")])
def test_what_is_no_table_is_refused(text: str):
    with pytest.raises(Invalid, match="no table of groups"):
        table_of(text)
