"""What is known of each code with its unit: form, units, bounds, sex. Asked once a pair, not once a row."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from salus.analytics.quality.check import Bound, read_bounds
from salus.base.errors import Invalid
from salus.codes import lab
from salus.codes.units import DEGREES, convert, parse

FORMS = {
    "LOINC": re.compile(r"\d{1,5}-\d|LP\d+-\d|LA\d+-\d"),
    "SNOMED": re.compile(r"[1-9]\d{5,17}"),
    "ICD10": re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Zx]{1,4}|[0-9A-Z]{1,4})?[+*†]?"),
    "ICD10CM": re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4}|[0-9A-Z]{1,4})?"),
    "ICD9CM": re.compile(r"(\d{2,3}|V\d{2})(\.\d{1,2})?|E\d{3}(\.\d)?"),  # procedures have two digits before
    "ATC": re.compile(r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?"),
    "RXNORM": re.compile(r"\d{1,8}"),
}
# atoms of UCUM that nothing here can be converted by, and so `codes.units` does not know
OTHER_ATOMS = re.compile(
    r"\[(?:arb'U|HPF|LPF|CFU|PFU|drp|GPL'U|MPL'U|APL'U|Ch|diop|FEU|D'ag'U|EID_50\.?)\]|[mu]?osm|[mk]?bar|dB"
)
LOCAL = ("LOCAL", "TEXT")
PEOPLE = ("SEX", "MEDS_BIRTH", "MEDS_DEATH", "SYNTHETIC", "ENCOUNTER", "ENCOUNTER_END")
TIMES = ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4))
# the dihedral group of order 10, by which Verhoeff's check digit multiplies
PRODUCT = [
    [((a + b) if a < 5 else (a - b)) % 5 + (5 if (a < 5) != (b < 5) else 0) for b in range(10)] for a in range(10)
]


class Known(NamedTuple):
    """A row of the table `known`; None is "not known", and no check is made of it."""

    code: str
    unit: str | None
    code_ok: bool | None
    local: bool | None
    unit_ok: bool | None
    kind_ok: bool | None
    low: float | None
    high: float | None
    only_sex: str | None


def known(code: str, unit: str | None, bounds: dict[str, Bound]) -> Known:
    """
    >>> known("LOINC//2823-3", "meq/L", {})[2:8]
    (True, False, True, True, 1.0, 12.0)
    """
    system, _, bare = code.partition("//")
    local = None if system in PEOPLE else system in LOCAL
    unit_ok = None if unit is None else is_unit(unit)
    kind_ok, low, high = within(code, unit, bounds)
    return Known(code, unit, is_formed(system, bare), local, unit_ok, kind_ok, low, high, only_sex(system, bare))


def is_formed(system: str, code: str) -> bool | None:
    """None for systems whose form we do not know. A form that only looks right is refused by its check digit.

    >>> is_formed("LOINC", "4548-4"), is_formed("LOINC", "4548-5"), is_formed("ICD10", "E11.9"), is_formed("WARD", "x")
    (True, False, True, None)
    """
    form = FORMS.get(system)
    if form is None:
        return None
    if not form.fullmatch(code):
        return False
    digit = {"LOINC": luhn, "SNOMED": verhoeff}.get(system)
    return digit(code) if digit else True


def luhn(code: str) -> bool:
    """LOINC's check digit, modulus 10 over the digits. https://loinc.org/kb/users-guide/

    >>> luhn("718-7"), luhn("718-8")
    (True, False)
    """
    digits, _, check = re.sub(r"^[A-Z]+", "", code).partition("-")
    total = sum(int(d) if i % 2 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(digits)))
    return (10 - total % 10) % 10 == int(check)


def verhoeff(code: str) -> bool:
    """SNOMED CT's check digit. https://confluence.ihtsdotools.org/display/DOCRELFMT/6.2+SCTID+Check-digit

    >>> verhoeff("44054006"), verhoeff("44054007")
    (True, False)
    """
    state = 0
    for place, digit in enumerate(reversed(code)):
        value = int(digit)
        for _ in range(place % 8):
            value = TIMES[1][value]
        state = PRODUCT[state][value]
    return state == 0


@cache
def is_unit(unit: str) -> bool:
    """Whether it is a UCUM unit.

    >>> is_unit("mmol/L"), is_unit("Cel"), is_unit("mosm/kg"), is_unit("/[HPF]"), is_unit("mg per dl")
    (True, True, True, True, False)
    """
    if unit in DEGREES:
        return True
    try:
        parse(OTHER_ATOMS.sub("U", unit))
    except Invalid:
        return False
    return True


def within(code: str, unit: str | None, bounds: dict[str, Bound]) -> tuple[bool | None, float | None, float | None]:
    """(whether the unit measures this kind of thing, low, high in that unit); None where it is not known.

    A site's bounds go before ours, ours before those of the tables of codes.
    """
    system, _, bare = code.partition("//")
    found = bounds.get(code) or read_own().get(code)
    measure = lab(bare) if system == "LOINC" else None
    usual = found.unit if found else measure.unit if measure else None
    limits = found.bounds if found else measure.limits if measure else None
    if usual is None or (unit or "") == "" != usual:
        return None, None, None
    if unit is None or unit == usual:
        said = None if unit is None else True
        return (said, *limits) if limits else (said, None, None)
    if not is_unit(unit) or not is_unit(usual):
        return None, None, None
    try:
        low, high = (convert(limit, usual, unit, bare) for limit in limits or (0.0, 1.0))
    except Invalid:
        return may_be(usual, unit), None, None
    return (True, low, high) if limits else (True, None, None)


def may_be(usual: str, unit: str) -> bool | None:
    """False when the two surely measure other things; None where mass, substance, charge or counts may be meant."""
    counted = {"g", "mol", "eq", "U", "[IU]"}
    if OTHER_ATOMS.search(unit) or OTHER_ATOMS.search(usual):
        return None
    if usual in DEGREES or unit in DEGREES:
        return False
    one, other = dict(parse(usual).powers), dict(parse(unit).powers)
    if not one or not other:
        return None
    rest = [{base: power for base, power in powers.items() if base not in counted} for powers in (one, other)]
    same = rest[0] == rest[1] and bool(counted & set(one)) and bool(counted & set(other))
    return None if same else False


@cache
def read_own() -> dict[str, Bound]:
    return read_bounds()


@cache
def ranges() -> list[dict[str, Any]]:
    text = files("salus.analytics.quality").joinpath("sexes.toml").read_text("utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)["ranges"]
    return rows


def only_sex(system: str, code: str) -> str | None:
    """The sex that a diagnosis or test belongs to, or None.

    >>> only_sex("ICD10", "O80.0"), only_sex("ICD10CM", "N40"), only_sex("ICD9CM", "185"), only_sex("ICD10", "E11")
    ('female', 'male', 'male', None)
    """
    exact = system in ("SNOMED", "LOINC")
    for row in ranges():
        if system in row["systems"]:
            for sex in ("female", "male"):
                if any(code == one if exact else is_in(code, one) for one in row[sex]):
                    return sex
    return None


def is_in(code: str, span: str) -> bool:
    """
    >>> is_in("C58.9", "C51..C58"), is_in("C59", "C51..C58")
    (True, False)
    """
    low, _, high = span.partition("..")
    return low <= code[: len(low)] and code[: len(high or low)] <= (high or low)
