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
