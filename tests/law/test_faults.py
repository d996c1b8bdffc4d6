"""Every text of an error stands in Chinese in the `faults.toml` of the package that raises it, and is told by it."""

import re
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from spoken import CATALOGUE, ROOT, Site, rows, sites

from salus.base.faults import catalogue

TABLES = sorted(ROOT.glob(f"*/{CATALOGUE}"))
HAN = re.compile(r"[一-鿿]")
SLOT = re.compile(r"(?<!\{)\{(\d+)\}(?!\})")


@cache
def said() -> list[Site]:
    return sites()


@cache
def told(table: Path) -> dict[str, dict[str, str]]:
    return tomllib.loads(table.read_text("utf-8"))


@cache
def wanted() -> dict[Path, dict[str, list[Site]]]:
    return rows(said())


def named(site: Site) -> str:
    return f"{site.path.relative_to(ROOT)}:{site.line}"


def test_every_text_of_an_error_can_be_read_from_the_source():
    unseen = [f"{named(one)}: what this says cannot be seen; write above it `# told: its words`" for one in said()]

    assert [] == [line for line, one in zip(unseen, said(), strict=True) if one.unseen]


def test_every_text_of_an_error_has_a_row_in_chinese():
    missing = [
        f"{table.relative_to(ROOT)} lacks a row for {named(places[0])}: {text}"
        for table, texts in wanted().items()
        for text, places in texts.items()
        if not table.is_file() or text not in told(table)["texts"]
    ]

    assert [] == missing


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.parent.name)
def test_no_row_is_stale(table: Path):
    assert [] == [text for text in told(table)["texts"] if text not in wanted()[table]]


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.parent.name)
def test_a_row_has_the_same_slots_in_both_languages_and_a_value_stands_before_its_unit(table: Path):
    for english, chinese in told(table)["texts"].items():
        slots = SLOT.findall(english)

        assert [str(place) for place in range(len(slots))] == slots, english
        assert sorted(slots) == sorted(SLOT.findall(chinese)), english
        assert HAN.search(chinese), english
        for value, unit in pairwise(slots):
            close = f"{{{value}}} {{{unit}}}"
            assert close not in english or close in chinese, english


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.parent.name)
def test_a_text_as_it_is_raised_comes_back_as_its_chinese(table: Path):
    """So no row is taken for another, neither by its words nor by its slots."""
    for english, chinese in told(table)["texts"].items():
        values = [f"v{place}" for place in range(len(SLOT.findall(english)))]

        assert chinese.format(*values) == catalogue().chinese(english.format(*values)), english


def test_a_text_that_two_packages_say_is_the_same_in_chinese():
    first: dict[str, str] = {}
    for table in TABLES:
        for english, chinese in told(table)["texts"].items():
            assert chinese == first.setdefault(english, chinese), f"{table.relative_to(ROOT)}: {english}"


def test_a_word_of_a_slot_stands_in_the_source():
    source = "\n".join(path.read_text("utf-8") for path in ROOT.rglob("*.py"))
    words = [word for table in TABLES for word in told(table).get("slots", {})]

    assert [] == [word for word in words if not re.search(rf"""["'](?:[^"'\n]* )?{re.escape(word)}["' ]""", source)]


def test_a_page_tells_an_issue_in_the_readers_language():
    lines = [line.strip() for page in (ROOT / "web").rglob("*.py") for line in page.read_text("utf-8").splitlines()]

    assert [] == [line for line in lines if "issues[0].text" in line and "told(" not in line]
