"""What is at hand: cash at the desk, and what we hold for a patient already. Nobody else has to be asked."""

from collections.abc import Iterable
from datetime import datetime

from salus.base.errors import Forbidden
from salus.services.billing.payments.port import Notice, Order, Row, State, Told


class AtHand:
    """A provider without anybody behind it."""

    at_hand = True

    def __init__(self, name: str) -> None:
        self.name = name

    def request(self, order: Order) -> Told:
        return Told(order.id, State.PAID, order.amount, order.currency, order.at)

    refund = request

    def look(self, order: str) -> Told:
        """Nothing of the desk ever waits."""
        raise Forbidden(f"{self.name} has no orders to look up")

    close = look

    def read(self, notice: Notice) -> Told:
        raise Forbidden(f"{self.name} sends no notices")

    def fetch(self) -> Iterable[Notice]:
        return ()

    def statement(self, begin: datetime, end: datetime) -> Iterable[Row]:
        return ()
