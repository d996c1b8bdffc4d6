"""Amounts as they are typed."""

from decimal import Decimal, InvalidOperation

from babel.numbers import get_currency_precision

from salus.base.errors import Invalid

MOST = 10**12


def typed(text: str, currency: str, least: int = 1) -> int:
    """Minor units of what was typed in the currency's own. Raises Invalid for what is no amount, has parts of a fen, or
    is less than the least.

    >>> typed("12.5", "CNY"), typed(" 1,200 ", "CNY"), typed("500", "JPY")
    (1250, 120000, 500)
    """
    try:
        minor = Decimal(text.strip().replace(",", "").replace("，", "")).scaleb(get_currency_precision(currency))
        if minor == int(minor) and least <= minor < MOST:
            return int(minor)
    except (InvalidOperation, ValueError, OverflowError):
        pass
    raise Invalid(f"{text[:20]!r} is no amount of {currency}: write it as 12.34", path="amount")
