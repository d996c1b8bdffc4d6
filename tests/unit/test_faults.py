"""An error that was raised in English is told in Chinese."""

import pytest

from salus.base import faults
from salus.base.errors import Invalid, Issue
from salus.base.faults import Catalogue, Table

WARD = Catalogue(
    (
        Table(
            {
                "There is no {0}": "没有{0}",
                "There is no {0}: ask with {1}": "没有{0}：请用{1}查询",
                "{0} is {1}: only what is {2} can be freed": "{0}的状态为{1}：只有{2}的才能腾空",
                "Nothing of {0} fits: {1}": "{0}无一符合：{1}",
                "Braces {{{0}}} stay": "括号{{{0}}}保留",
            },
            {"taken": "已占用", "held": "保留中"},
        ),
        Table({"write one of {0}": "请写{0}之一"}),
    )
)


@pytest.mark.parametrize(
    "english, chinese",
    [
        ("There is no bed", "没有bed"),
        ("There is no bed: ask with kind=bed", "没有bed：请用kind=bed查询"),
        (
            "Bed/3 is taken: only what is held or taken can be freed",
            "Bed/3的状态为已占用：只有保留中或已占用的才能腾空",
        ),
        ("Nothing of W3 fits: There is no bed", "W3无一符合：没有bed"),
        ("bed: There is no bed", "bed：没有bed"),
        ("There is no bed; There is no chair", "没有bed；没有chair"),
        ("Braces {x} stay", "括号{x}保留"),
        ("write one of taken, held", "请写taken, held之一"),
        ("A word of nobody: here", "A word of nobody: here"),
        ("", ""),
    ],
)
def test_a_text_is_told_in_chinese_as_far_as_it_is_known(english: str, chinese: str):
    assert chinese == WARD.chinese(english)


def test_a_value_with_braces_is_told_as_it_was_given():
    assert "没有{0} {name}" == WARD.chinese("There is no {0} {name}")


def test_the_template_that_says_most_is_taken():
    both = Catalogue((Table({"{0} is {1}": "{0}是{1}", "{0} is closed": "{0}已关闭"}),))

    assert "W3已关闭" == both.chinese("W3 is closed")


def test_a_long_text_of_nobody_is_looked_up_at_once():
    text = "is taken: only what is " * 20_000

    assert text == WARD.chinese(text)


def test_each_issue_of_an_error_is_told_and_keeps_its_place():
    fault = Invalid("two", issues=[Issue("value", "a", "'x' is no whole number"), Issue("value", "b", "of nobody")])

    assert [Issue("value", "a", "“x”不是整数"), Issue("value", "b", "of nobody")] == faults.issues_of(fault, "zh")
    assert fault.issues == faults.issues_of(fault, "en")
