"""Amounts as they are typed."""

from salus.base import money
from salus.base.errors import Invalid


def typed(text: str, currency: str, least: int = 1) -> int:
    """Minor units of what was typed in the currency's own. Raises Invalid for what is no amount, has parts of a fen, or
    is less than the least.

    >>> typed("12.5", "CNY"), typed(" 1,200 ", "CNY"), typed("500", "JPY")
    (1250, 120000, 500)
    """
    found = money.typed(text, currency)
    if found < least:
        raise Invalid(f"{text[:20]!r} is no amount of {currency}: write it as 12.34", path="amount")
    return found
