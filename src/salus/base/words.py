"""Words in English and Chinese, side by side in a `words.toml` in each package that speaks to people.

["chart.title"]
en = "Chart of {name}"
zh = "{name}的病历"
"""

import tomllib
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "zh")


class Words:
    """The words of one package. `words("chart.title", "zh", name="李梅")` fills the slots.

    Raises KeyError for a key or a language that is not in the table: a missing word is a fault of ours.
    """

    def __init__(self, table: dict[str, dict[str, str]]) -> None:
        self.table = table

    def __call__(self, key: str, language: str, /, **slots: object) -> str:
        return self.table[key][language].format(**slots)

    def __contains__(self, key: str) -> bool:
        return key in self.table


@cache
def words_of(package: str) -> Words:
    """The words that stand in `words.toml` of a package such as `salus.web`."""
    return Words(tomllib.loads((files(package) / "words.toml").read_text("utf-8")))
