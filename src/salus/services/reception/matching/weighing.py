"""How probable it is that two people are one: Fellegi and Sunter's weights, learned from pairs of which it is known.

`weights.toml` has for each level of each field how often it is found among pairs of one person (m) and of two (u);
log2(m/u) are the bits that speak for it. How many people are known here decides what chance alone would find; how many
of them have this very name, this very telephone takes the place of u where it is more.
https://doi.org/10.1080/01621459.1969.10501049
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import log2

COUNTED = {"name": ("same", "sounds"), "phone": ("same",)}  # levels at which it counts how common it is here
BESIDES = {"born": ("same", "swapped", "near"), "phone": ("same", "near")}  # what a name needs beside it


@dataclass(frozen=True, slots=True)
class Weights:
    """`m`, `u`: field -> level -> share. `known`: of those who come, the share who are known here; `certain`,
    `possible`: the least probability of each grade."""

    m: Mapping[str, Mapping[str, float]]
    u: Mapping[str, Mapping[str, float]]
    known: float
    certain: float
    possible: float

    def bits(self, field: str, level: str, common: float = 0.0) -> float:
        """What one field says. `common`: the share of people here who agree in it."""
        chance = max(self.u[field][level], common if level in COUNTED.get(field, ()) else 0.0)
        return log2(self.m[field][level] / chance)

    def speaks(self, levels: Mapping[str, str], common: Mapping[str, float]) -> dict[str, float]:
        """Field -> bits, the most first."""
        found = {field: self.bits(field, level, common.get(field, 0.0)) for field, level in levels.items()}
        return dict(sorted(found.items(), key=lambda row: -row[1]))

    def probability(self, bits: Iterable[float], people: int) -> float:
        """That they are one, where so many people are known.

        >>> round(weights().probability([], 1000), 4)
        0.0005
        """
        odds = log2(self.known / max(1, people)) + sum(bits)
        return 1 / (1 + 2 ** -min(odds, 1000.0))

    def grade(self, probability: float, levels: Mapping[str, str]) -> str:
        """`same`, `perhaps` or `none`. `same` are only those of one number, or of one name and, as good as, one birth
        date or telephone, who have not two numbers: twins share the rest, which no sum of bits can tell from a slip,
        and how rare a name is elsewhere is not known here.

        >>> weights().grade(1.0, {"name": "same"}), weights().grade(1.0, {"name": "same", "born": "near"})
        ('perhaps', 'same')
        """
        number, name = levels.get("identifier"), levels.get("name")
        besides = any(levels.get(field) in alike for field, alike in BESIDES.items())
        sure = number == "same" or (number is None and name in COUNTED["name"] and besides)
        if probability >= self.certain and sure:
            return "same"
        return "perhaps" if probability >= self.possible else "none"


@cache
def weights() -> Weights:
    told = tomllib.loads((files(__package__) / "weights.toml").read_text("utf-8"))
    fields = told["fields"]
    shares = [{field: {row[0]: row[at] for row in rows} for field, rows in fields.items()} for at in (1, 2)]
    return Weights(shares[0], shares[1], told["known"], told["certain"], told["possible"])
