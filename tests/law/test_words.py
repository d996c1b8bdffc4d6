"""Every word a person sees exists in English and Chinese, with the same slots."""

import tomllib
from pathlib import Path
from string import Formatter

import pytest

import salus
from salus.base.words import LANGUAGES

TABLES = sorted(Path(salus.__file__).parent.rglob("words.toml"))


def slots(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.parent.name)
def test_each_word_stands_in_both_languages_with_the_same_slots(table: Path):
    for key, row in tomllib.loads(table.read_text("utf-8")).items():
        assert set(LANGUAGES) == set(row), key
        assert slots(row["en"]) == slots(row["zh"]), key
        assert all(row.values()), key
