"""Whatever is paid, given back, told twice, late, never or wrongly, in any order: the books balance, no invoice is paid
twice, and all money is either for an invoice or held for the patient."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid
from salus.records import Store
from salus.records.books import Books
from salus.services.billing.closing import close
from salus.services.billing.payments import (
    Kind,
    Payment,
    Status,
    deposit,
    give_back,
    noticed,
    pay,
    refund,
    signing,
    withdraw,
)
from salus.services.billing.payments.desk import about
from salus.services.billing.payments.port import Notice, State
from salus.services.billing.payments.simulated import FATES
from salus.services.billing.payments.simulated import told as told_of
from salus.services.billing.payments.waiting import GIVEN_UP, fetch, pending, settle_or_let_go

PICK = st.integers(0, 9)
PART = st.one_of(st.none(), st.integers(1, 600))
FATE = st.sampled_from(sorted(FATES))
REFUSED = (Conflict, Invalid, Forbidden)


class Desk(RuleBasedStateMachine):
    """What people and a bank do, with nothing but refusals in words between them."""

    place: Callable[[], str]
    house_of: Any
    folder: Path
    made = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).made += 1
        self.now = clock.now()
        self.store = Store(type(self).place())
        self.house = type(self).house_of(self.store, self.folder / str(self.made))
        self.invoices: dict[str, int] = {}
        self.asked: list[tuple[Callable[..., Payment], tuple[Any, ...], Payment]] = []
        self.keys = 0

    def teardown(self) -> None:
        """Once nobody waits any more, the books have what the bank has."""
        try:
            self.pass_time(GIVEN_UP)
            assert not pending(self.store)
            moved = sum(self.signed(row) for row in self.statement())
            assert moved == self.house.net("money/simulated")
            self.all_money_is_somewhere()
        finally:
            self.store.close()

    # --- what is done ---

    def do(self, act: Callable[..., Payment], *given: Any) -> None:
        """Ask for something, and keep what came of it, to be asked again."""
        self.keys += 1
        try:
            with clock.stopped_at(self.now):
                self.asked.append((act, given, act(self.store, *given)))
        except REFUSED:
            pass

    def key(self) -> str:
        return f"k{self.keys}"

    @property
    def payments(self) -> list[Payment]:
        return [self.current(made) for _, _, made in self.asked]

    def current(self, payment: Payment) -> Payment:
        return next(one for one in about(self.store, payment.about) if one.id == payment.id)

    @rule(minor=st.integers(1, 900))
    def issue(self, minor: int) -> None:
        id = f"i{len(self.invoices)}"
        with clock.stopped_at(self.now):
            self.house.issue(id, minor)
        self.invoices[id] = minor

    @precondition(lambda self: self.invoices)
    @rule(which=PICK, how=st.sampled_from(["cash", "bank", "bank", "deposit"]), part=PART, fate=FATE)
    def pay(self, which: int, how: str, part: int | None, fate: str) -> None:
        self.house.bank.chosen[:] = [fate]
        invoice = sorted(self.invoices)[which % len(self.invoices)]
        self.do(pay, *self.house.cashier, invoice, getattr(self.house, how), self.key(), part)

    @precondition(lambda self: self.asked)
    @rule(which=PICK)
    def ask_again(self, which: int) -> None:
        act, given, before = self.asked[which % len(self.asked)]
        with clock.stopped_at(self.now):
            assert before.id == act(self.store, *given).id

    @precondition(lambda self: self.asked)
    @rule(which=PICK, part=PART, into=st.sampled_from(["same", "deposit"]), fate=FATE)
    def refund(self, which: int, part: int | None, into: str, fate: str) -> None:
        self.house.bank.chosen[:] = [fate]
        paid = self.payments[which % len(self.asked)]
        names = {"cash": self.house.cash, "simulated": self.house.bank, "deposit": self.house.deposit}
        self.do(
            refund, *self.house.cashier, paid.id, names[paid.provider if into == "same" else into], self.key(), part
        )

    @rule(minor=st.integers(1, 900), how=st.sampled_from(["cash", "bank"]), fate=FATE)
    def deposit(self, minor: int, how: str, fate: str) -> None:
        self.house.bank.chosen[:] = [fate]
        self.do(deposit, *self.house.cashier, "li", getattr(self.house, how), self.key(), minor, "CNY")

    @rule(minor=st.integers(1, 900))
    def give_back(self, minor: int) -> None:
        self.do(give_back, *self.house.cashier, "li", self.house.cash, self.key(), minor, "CNY")

    @precondition(lambda self: self.asked)
    @rule(which=PICK)
    def withdraw(self, which: int) -> None:
        paid = self.payments[which % len(self.asked)]
        if paid.provider == "simulated" and paid.status is Status.PENDING:
            try:
                with clock.stopped_at(self.now):
                    withdraw(self.store, *self.house.cashier, paid.id, self.house.bank)
            except Exception as fault:  # nobody answers
                assert "does not answer" in str(fault)

    @precondition(lambda self: self.asked)
    @rule(which=PICK, altered=st.booleans())
    def notice_comes(self, which: int, altered: bool) -> None:
        """Once more, or for the first time, or with another amount."""
        kept = self.house.bank._read(self.asked[which % len(self.asked)][2].id)
        if kept is None or kept.state is not State.PAID:
            return
        told = signing.signed(self.house.bank.secret, told_of(kept))
        notice = Notice(told.body.replace(b'"amount":', b'"amount":9'), told.signature) if altered else told
        try:
            with clock.stopped_at(self.now):
                noticed(self.store, self.house.bank, notice)
            assert not altered
        except Forbidden:
            assert altered

    @precondition(lambda self: self.invoices)
    @rule(which=PICK)
    def cancel(self, which: int) -> None:
        """As the charges do: only where nothing is paid, nor on its way."""
        id = sorted(self.invoices)[which % len(self.invoices)]
        held = Books(self.store).balance(f"Account/li/{id}", "CNY")
        if held.net == held.free == self.invoices[id] and self.house.status(id) == "issued":
            with clock.stopped_at(self.now):
                self.house.cancel(id)
            self.invoices[id] = 0

    @rule(hours=st.sampled_from([0.02, 0.6, 3, 26]))
    def wait(self, hours: float) -> None:
        self.pass_time(timedelta(hours=hours))

    @rule()
    def close_the_day(self) -> None:
        with clock.stopped_at(self.now):
            day = self.now.astimezone(ZONE).date()
            close(self.store, *self.house.cashier, "cash", "CNY", day, ZONE)

    def pass_time(self, time: timedelta) -> None:
        self.now += time
        with clock.stopped_at(self.now):
            fetch(self.store, self.house.bank)
            for one in pending(self.store):
                settle_or_let_go(self.store, one, self.house.bank)

    # --- what always holds ---

    def statement(self) -> list[Any]:
        return list(self.house.bank.statement(self.now - timedelta(days=999), self.now + timedelta(days=1)))

    def signed(self, row: Any) -> int:
        return int(row.amount if row.kind == "payment" else -row.amount)

    @invariant()
    def the_books_balance(self) -> None:
        assert self.house.balanced()

    @invariant()
    def no_invoice_is_paid_more_than_it_was(self) -> None:
        for id, minor in self.invoices.items():
            held = Books(self.store).balance(f"Account/li/{id}", "CNY")
            assert 0 <= held.free <= held.net <= minor
            status = self.house.status(id)
            assert status == "cancelled" or (status == "balanced") == (held.net == 0)

    @invariant()
    def all_money_is_somewhere(self) -> None:
        paid = sum(minor - self.house.net(f"Account/li/{id}") for id, minor in self.invoices.items())
        held = -self.house.net("deposit/Account/li")
        assert held >= 0 and self.house.net("money/cash") + self.house.net("money/simulated") == paid + held

    @invariant()
    def what_is_settled_stands_in_the_books(self) -> None:
        for one in self.payments:
            posted = Books(self.store).posting(one.key)
            assert (posted is not None) == (one.status is Status.SETTLED)
            assert one.kind is not Kind.PAYMENT or one.landed or one.invoice


ZONE = ZoneInfo("Asia/Shanghai")
FEW = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def test_no_money_is_lost_whatever_is_done(new_place: Callable[[], str], house_of: Any, tmp_path: Path):
    machine = type("Machine", (Desk,), {"place": staticmethod(new_place), "house_of": house_of, "folder": tmp_path})

    run_state_machine_as_test(machine, settings=FEW)
