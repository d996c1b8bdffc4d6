"""Amounts between whole minor units (fen, cents), which the house counts in, and FHIR's Money, which has decimals.

https://hl7.org/fhir/R4/datatypes.html#Money, minor units: ISO 4217
"""

from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision

from salus.base.errors import Invalid


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
    counted = Decimal(str(value)).scaleb(get_currency_precision(currency))
    if counted != int(counted):
        raise Invalid(f"{value} {currency} has parts of a minor unit: round it first", path="value")
    return int(counted)
