"""What went wrong is told in the reader's language, exactly."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(
    "language, said",
    [("en", "There is no type of resource called Nonsense"), ("zh", "没有名为Nonsense的资源类型")],
)
def test_a_page_says_in_the_readers_language_what_exactly_was_wrong(
    someone: Callable[..., Any], language: str, said: str
):
    shown = someone("clinician", language).get("/resources/Nonsense/1")

    assert said in shown.text


def test_an_error_from_below_the_pages_is_told_in_chinese_too(someone: Callable[..., Any]):
    shown = someone("clinician", "zh").get("/patients/nobody")

    assert 404 == shown.status_code
    assert "没有Patient/nobody" in shown.text
