"""Which number to call, in which country."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

USUAL = "CN"


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number and what answers there; `source`: who says so."""

    kind: str  # ambulance | crisis
    dial: str
    en: str
    zh: str
    source: str

    def named(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


@cache
def table() -> dict[str, dict[str, Number]]:
    rows = tomllib.loads((files("salus.places") / "emergency.toml").read_text("utf-8"))
    return {
        country: {kind: Number(kind, row["dial"], row["en"], row["zh"], row["source"]) for kind, row in kinds.items()}
        for country, kinds in rows.items()
    }


def numbers(country: str | None = None) -> dict[str, Number]:
    """kind -> number. A country without a row has those of `USUAL`, the country the product ships for.

    >>> numbers("CN")["ambulance"].dial, numbers("us")["crisis"].dial, numbers(None)["ambulance"].dial
    ('120', '988', '120')
    """
    return table().get((country or USUAL).upper(), table()[USUAL])
