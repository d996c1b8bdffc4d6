"""From what age on somebody decides for themselves, and how old one is for whom others decide.

People's Republic of China. Civil Code art. 17: of full age at 18. Personal Information Protection Law art. 31: the
information of those under 14 is handled with their guardians' consent; from 14 on it is their own.
https://www.gov.cn/xinwen/2020-06/01/content_5516649.htm, http://www.npc.gov.cn/npc/c30834/202108/a8c4e3672c74491a80b53a172bb753fe.shtml
"""

from datetime import date

OWN_INFORMATION, FULL_AGE = 14, 18  # years
YEAR, MONTH = len("2012"), len("2012-02")


def age(born: str, on: date) -> int | None:
    """Whole years on a day, from a FHIR date; the most that they can be where only a year or a month is known: who may
    decide alone is not decided for. None for nothing.

    >>> [age(born, date(2026, 11, 23)) for born in ("2012-11-23", "2012-11-24", "2012-11", "2012-12", "2012", "")]
    [14, 13, 14, 13, 14, None]
    """
    if not born:
        return None
    month = int(born[YEAR + 1 : MONTH]) if len(born) >= MONTH else 1
    day = int(born[MONTH + 1 :]) if len(born) > MONTH else 1
    return on.year - int(born[:YEAR]) - ((on.month, on.day) < (month, day))
