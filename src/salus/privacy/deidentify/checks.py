"""Numbers that prove themselves: the last digit of a resident id, of a bank card."""

from datetime import date

from salus.places.identity import check_digit


def is_resident_id(text: str) -> bool:
    """Whether 18 characters are a resident id by its date and its check digit (GB 11643-1999, ISO 7064 MOD 11-2).

    >>> is_resident_id("11010519491231002X"), is_resident_id("110105194912310021")
    (True, False)
    """
    if len(text) != 18 or not text[:17].isdecimal() or not is_day(text[6:14]):
        return False
    return check_digit(text[:17]) == text[17].upper()


def looks_like_resident_id(text: str) -> bool:
    """Whether 15 or 18 characters have a birth date where a resident id has one: a wrong check digit is a slip of the
    pen, and the number names somebody all the same."""
    text = text.replace(" ", "").replace("-", "")
    return is_day(text[6:14]) if len(text) == 18 else len(text) == 15 and is_day("19" + text[6:12])


def is_day(text: str) -> bool:
    """
    >>> is_day("19491231"), is_day("19490231"), is_day("17001231")
    (True, False, False)
    """
    try:
        return 1880 <= date(int(text[:4]), int(text[4:6]), int(text[6:8])).year <= 2100
    except ValueError:
        return False


def is_card(text: str) -> bool:
    """Whether 13 to 19 digits have the check digit of a card (Luhn, ISO/IEC 7812-1).

    >>> is_card("4111 1111 1111 1111"), is_card("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(one) for one in text if one.isdecimal()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * one, 10)) if at % 2 else one for at, one in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def is_address(text: str) -> bool:
    """Whether four numbers with points are an address of the Internet and no version of something.

    >>> is_address("10.2.33.4"), is_address("10.2.33.400")
    (True, False)
    """
    return all(int(part) < 256 for part in text.split("."))


def long_enough(text: str) -> bool:
    """Whether there are three digits: fewer name nobody."""
    return sum(one.isdecimal() for one in text) >= 3
