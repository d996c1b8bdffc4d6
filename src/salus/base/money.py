"""Amounts between whole minor units (fen, cents), which the house counts in, and FHIR's Money, which has decimals.

https://hl7.org/fhir/R4/datatypes.html#Money, minor units: ISO 4217
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any
from unicodedata import normalize

from babel.numbers import get_currency_precision, is_currency

from salus.base.errors import Invalid

MOST = 10**12  # minor units that anybody types at once
TYPED = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")  # commas between thousands, and nowhere else


def amount(minor: int, currency: str) -> dict[str, Any]:
    """
    >>> amount(12345, "CNY"), amount(500, "JPY")
    ({'value': 123.45, 'currency': 'CNY'}, {'value': 500, 'currency': 'JPY'})
    """
    whole = Decimal(minor).scaleb(-get_currency_precision(currency))
    return {"value": int(whole) if whole == int(whole) else float(whole), "currency": currency}


def plain(minor: int, currency: str) -> str:
    """As it is typed, without the currency.

    >>> plain(1250, "CNY"), plain(500, "JPY"), plain(-5, "USD")
    ('12.50', '500', '-0.05')
    """
    return str(Decimal(minor).scaleb(-get_currency_precision(currency)))


def minor(money: dict[str, Any]) -> int:
    """Raises Invalid for an amount without currency, or with parts of a minor unit.

    >>> minor({"value": 123.45, "currency": "CNY"}), minor({"value": 0.3, "currency": "USD"})
    (12345, 30)
    """
    value, currency = money.get("value"), money.get("currency")
    if value is None or not currency:
        raise Invalid("An amount needs a value and a currency", path="value" if currency else "currency")
    counted = number_of(value).scaleb(get_currency_precision(currency))
    if counted != int(counted):
        raise Invalid(f"{value} {currency} has parts of a minor unit: round it first", path="value")
    return int(counted)


def number_of(value: object) -> Decimal:
    """Raises Invalid for what is no finite number."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or isinstance(value, bool):
        raise Invalid(f"{str(value)[:20]!r} is no amount", path="value")
    return found


def typed(text: str, currency: str, least: int = 0) -> int:
    """Minor units of what somebody typed in the currency's own. Raises Invalid for what is no amount, is below `least`
    or beyond `MOST`, or has parts of a minor unit: 12,50 is not guessed to be 1,250.

    >>> typed("12.5", "CNY"), typed(" 1，200 ", "CNY"), typed("５00", "JPY")
    (1250, 120000, 500)
    """
    plain = normalize("NFKC", text).strip()
    if TYPED.fullmatch(plain) and plain.isascii():
        minor = Decimal(plain.replace(",", "")).scaleb(get_currency_precision(currency))
        if least <= minor < MOST and minor == int(minor):
            return int(minor)
    raise Invalid(f"{text[:20]!r} is no amount of {currency}: write it as 12.34", path="amount")


def is_known(currency: str) -> bool:
    """Whether ISO 4217 has such a code.

    >>> is_known("CNY"), is_known("cny"), is_known("XXQ")
    (True, False, False)
    """
    return is_currency(currency)
