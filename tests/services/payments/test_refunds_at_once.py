"""A payment is given back in parts by two servers at once: never more than was paid."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from salus.base import clock
from salus.base.errors import Conflict, Invalid
from salus.records import Store
from salus.services.billing.payments import pay, payments_of, refund

PART, PARTS = 3_000, 8  # of 10,000 three such parts can be given back


def test_of_many_parts_at_once_no_more_is_given_back_than_was_paid(
    new_place: Callable[[], str], house_of: Any, tmp_path: Path
) -> None:
    place = new_place()
    with clock.stopped_at(clock.now()), Store(place) as here, Store(place) as there:
        house = house_of(here, tmp_path / "bank")
        house.issue("i1", 10_000)
        paid = pay(here, *house.cashier, "i1", house.cash, "k")

        def back(n: int) -> str:
            try:
                refund(there if n % 2 else here, *house.cashier, paid.id, house.cash, f"part-{n}", PART, "in parts")
            except (Invalid, Conflict) as fault:
                return type(fault).__name__
            return "given"

        with ThreadPoolExecutor(PARTS) as desks:
            said = Counter(desks.map(back, range(PARTS)))
        assert {"given": 3, "Invalid": PARTS - 3} == said
        assert (house.net("money/cash"), house.net("Account/li/i1")) == (10_000 - 3 * PART, 3 * PART)
        assert refund(here, *house.cashier, paid.id, house.cash, "rest").amount == 10_000 - 3 * PART
        assert house.net("money/cash") == 0 and house.status("i1") == "issued" and house.balanced()
        assert 5 == len(payments_of(here, *house.cashier, "i1"))
