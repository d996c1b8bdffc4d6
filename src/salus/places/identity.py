"""Identity numbers of countries, which say something of who has them. No number is kept here.

China: GB 11643-1999: six digits of a region, the birth date, three digits of which the last is odd for men, a check
digit by ISO 7064 MOD 11-2. http://www.gb688.cn (GB 11643-1999)
"""

import re
from dataclasses import dataclass
from datetime import date

from salus.base.errors import Invalid

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
LAST = "10X98765432"
FORM = re.compile(r"\d{17}[\dX]$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Resident:
    """What a Chinese resident's number says; `sex` as FHIR says it."""

    number: str
    born: date
    sex: str


def check_digit(first: str) -> str:
    """The last digit of a number that begins with these 17.

    >>> check_digit("11010519491231002")
    'X'
    """
    return LAST[sum(int(digit) * weight for digit, weight in zip(first, WEIGHTS, strict=True)) % 11]


def resident(text: str, today: date) -> Resident:
    """What a number says. Raises Invalid, saying which part of it cannot be.

    >>> one = resident("11010519491231002x", date(2026, 1, 1))
    >>> one.number, one.born.isoformat(), one.sex
    ('11010519491231002X', '1949-12-31', 'female')
    """
    number = re.sub(r"[\s-]", "", text).upper()
    if not FORM.match(number):
        raise Invalid(
            f"An identity number has 17 digits and a digit or X, this one {len(number)}: read it again", path=PATH
        )
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise Invalid(f"{number[6:14]} in the identity number is no day: read it again", path=PATH) from None
    if not date(1880, 1, 1) <= born <= today:
        raise Invalid(f"Nobody living was born on {born}, as the identity number says: read it again", path=PATH)
    if number[17] != check_digit(number[:17]):
        raise Invalid("The last digit of the identity number does not fit the others: read it again", path=PATH)
    return Resident(number, born, "male" if int(number[16]) % 2 else "female")


PATH = "identity"
