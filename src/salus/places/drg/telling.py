"""Why a stay is in its group, and what that pays, in words."""

from collections.abc import Callable

from salus.base.words import words_of
from salus.places.drg.grouping import Grouped
from salus.places.drg.paying import Payment
from salus.places.drg.tables import Table
from salus.places.settlement.telling import percent

PACKAGE = "salus.places.drg"


def why(grouped: Grouped, language: str) -> str:
    """
    >>> why(Grouped("", "", "unknown"), "en").split(":")[0]
    'Cannot be grouped'
    """
    return words_of(PACKAGE)(f"why.{grouped.why}", language, complication=grouped.complication)


def told(table: Table, payment: Payment, language: str, money: Callable[[int], str]) -> str:
    """What is paid, and by which part of the formula; `money` writes minor units."""
    amounts = {"standard": money(payment.standard), "cost": money(payment.cost)}
    edges = {"low": percent(table.low), "high": percent(table.high)}
    return words_of(PACKAGE)(f"paid.{payment.kind}", language, **amounts, **edges)
