"""Units of measure by UCUM, as far as medicine here needs them. https://ucum.org/ucum

A unit is read into a factor to base units and a dimension. Amounts of substance become masses only with the molar mass
of the test named by its LOINC code; what is not known is refused, never guessed.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from salus.base.errors import Invalid
from salus.codes.tables import LABS

Powers = tuple[tuple[str, int], ...]

PREFIXES = {
    "k": 1e3,
    "h": 1e2,
    "da": 1e1,
    "d": 1e-1,
    "c": 1e-2,
    "m": 1e-3,
    "u": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
    "f": 1e-15,
}
PREFIXES |= {"M": 1e6, "G": 1e9}

# atom -> factor, base dimensions. g, m, s, mol are bases; so are U and [IU]: no factor leads out of them.
ATOMS: dict[str, tuple[float, dict[str, int]]] = {
    "g": (1.0, {"g": 1}),
    "m": (1.0, {"m": 1}),
    "L": (1e-3, {"m": 3}),
    "l": (1e-3, {"m": 3}),
    "s": (1.0, {"s": 1}),
    "min": (60.0, {"s": 1}),
    "h": (3600.0, {"s": 1}),
    "d": (86400.0, {"s": 1}),
    "wk": (604800.0, {"s": 1}),
    "mo": (2629800.0, {"s": 1}),
    "a": (31557600.0, {"s": 1}),
    "mol": (1.0, {"mol": 1}),
    "eq": (1.0, {"eq": 1}),
    "U": (1.0, {"U": 1}),
    "kat": (6e7, {"U": 1}),
    "[IU]": (1.0, {"[IU]": 1}),
    "[iU]": (1.0, {"[IU]": 1}),
    "Pa": (1000.0, {"g": 1, "m": -1, "s": -2}),
    "m[Hg]": (133322.387415 * 1000, {"g": 1, "m": -1, "s": -2}),
    "m[H2O]": (9806.65 * 1000, {"g": 1, "m": -1, "s": -2}),
    "%": (0.01, {}),
    "[ppth]": (1e-3, {}),
    "1": (1.0, {}),
    "[lb_av]": (453.59237, {"g": 1}),
    "[oz_av]": (28.349523125, {"g": 1}),
    "[in_i]": (0.0254, {"m": 1}),
    "[ft_i]": (0.3048, {"m": 1}),
    "[yd_i]": (0.9144, {"m": 1}),
    "[mi_i]": (1609.344, {"m": 1}),
    "[nmi_i]": (1852.0, {"m": 1}),
    "[pH]": (1.0, {"[pH]": 1}),
    "cal": (4184.0, {"g": 1, "m": 2, "s": -2}),
    "K": (1.0, {"K": 1}),
}
METRIC = {"g", "m", "L", "l", "s", "mol", "eq", "U", "kat", "[IU]", "[iU]", "Pa", "m[Hg]", "m[H2O]", "cal", "K"}

# degrees start elsewhere: value in K = value * factor + start
DEGREES = {"Cel": (1.0, 273.15), "[degF]": (5 / 9, 459.67 * 5 / 9), "K": (1.0, 0.0)}

TERM = re.compile(r"(?P<op>^|[./])(?:10(?:\*|\^)(?P<ten>-?\d+)|(?P<atom>(?:[A-Za-z%]|\[[^\]]*\])+|1)(?P<power>-?\d+)?)")
ANNOTATION = re.compile(r"\{[^}]*\}")
ALONE = re.compile(r"(?<![^./])\{[^}]*\}")  # an annotation without a unit counts as 1

HBA1C = {"4548-4", "17856-6", "59261-8", "4549-2"}
# words that stand on reports for the unit that is meant; each is unambiguous
SAME = {
    "x10^9/L": "10*9/L",
    "K/uL": "10*3/uL",
    "mmHg": "mm[Hg]",
    "bpm": "/min",
    "mcg": "ug",
    "IU/L": "[IU]/L",
    "°C": "Cel",
}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as a number of base units: `factor` and powers of the bases, without those that are zero."""

    factor: float
    powers: Powers

    def power(self, base: str) -> int:
        return dict(self.powers).get(base, 0)


@cache
def parse(text: str) -> Unit:
    """Read a UCUM unit. Raises Invalid for one that we do not know.

    >>> parse("mmol/L").powers, round(parse("mmol/L").factor, 9)
    ((('m', -3), ('mol', 1)), 1.0)
    """
    bare = ANNOTATION.sub("", ALONE.sub("1", SAME.get(text, text))) or "1"
    bare = "1" + bare if bare.startswith("/") else bare
    factor, powers, end = 1.0, Counter[str](), 0
    for match in TERM.finditer(bare):
        if match.start() != end:
            break
        end = match.end()
        sign = -1 if match["op"] == "/" else 1
        one, dimension = (10.0 ** int(match["ten"]), {}) if match["ten"] else _atom(match["atom"], text)
        times = sign * int(match["power"] or 1)
        factor *= one**times
        powers.update({base: power * times for base, power in dimension.items()})
    if end != len(bare):
        raise _unknown(text)
    return Unit(factor, tuple(sorted((base, power) for base, power in powers.items() if power)))


def _atom(text: str, whole: str) -> tuple[float, dict[str, int]]:
    """A unit with or without a metric prefix; the unit itself goes first, so that `min` is a minute."""
    if text in ATOMS:
        return ATOMS[text]
    for size in (1, 2):
        prefix, rest = text[:size], text[size:]
        if prefix in PREFIXES and rest in METRIC:
            return PREFIXES[prefix] * ATOMS[rest][0], ATOMS[rest][1]
    raise _unknown(whole)


def _unknown(text: str) -> Invalid:
    return Invalid(f"{text!r} is not a UCUM unit that we know: write it as UCUM, such as mmol/L or 10*9/L")


def convert(value: float, source: str, target: str, loinc: str | None = None) -> float:
    """The value in another unit. `loinc` names the test where substance is turned into mass or charge, and for HbA1c.

    Raises Invalid for an unknown unit, for units of different kinds, and where the molar mass or valence is not known.

    >>> round(convert(7.0, "mmol/L", "mg/dL", "14771-0"), 1), round(convert(48, "mmol/mol", "%", "4548-4"), 1)
    (126.1, 6.5)
    """
    if source == target:
        return value
    if source in DEGREES and target in DEGREES:
        (factor, start), (other, offset) = DEGREES[source], DEGREES[target]
        return (value * factor + start - offset) / other
    if loinc in HBA1C and {source, target} == {"%", "mmol/mol"}:
        return ngsp(value) if target == "%" else ifcc(value)
    one, other_unit = parse(source), parse(target)
    return value * one.factor * _bridge(one, other_unit, loinc, source, target) / other_unit.factor


def ngsp(value: float) -> float:
    """HbA1c in % (NGSP) from mmol/mol (IFCC), the master equation. https://ngsp.org/ifcc.asp"""
    return 0.09148 * value + 2.152


def ifcc(value: float) -> float:
    """HbA1c in mmol/mol (IFCC) from % (NGSP), the master equation turned round."""
    return (value - 2.152) / 0.09148


def _bridge(one: Unit, other: Unit, loinc: str | None, source: str, target: str) -> float:
    """What a base unit of the one is in base units of the other: 1, or by molar mass and valence of the test."""
    steps = {base: other.power(base) - one.power(base) for base in {*dict(one.powers), *dict(other.powers)}}
    steps = {base: step for base, step in steps.items() if step}
    if not steps:
        return 1.0
    lab = LABS.get(loinc or "")
    molar, valence = (lab.molar, lab.valence) if lab else (None, None)
    if set(steps) == {"g", "mol"} and steps["g"] == -steps["mol"] and molar:
        return float(molar ** steps["g"])
    if set(steps) == {"eq", "mol"} and steps["eq"] == -steps["mol"] and valence:
        return float(valence ** steps["eq"])
    if set(steps) == {"eq", "g"} and steps["eq"] == -steps["g"] and molar and valence:
        return float((molar / valence) ** steps["g"])
    why = f" for {loinc}" if loinc else " without a LOINC code"
    raise Invalid(
        f"{source} cannot be turned into {target}{why}: they measure different things, or no molar mass is known"
    )
