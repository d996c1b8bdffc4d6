"""An invoice is paid once, by whatever way, however often a request or a notice is sent."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from salus.base import clock
from salus.base.errors import Busy, Conflict, Forbidden, Invalid, Malformed, Missing, SalusError
from salus.base.settings import settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.services.billing.payments import (
    Order,
    State,
    Status,
    deposit,
    deposited,
    due_of,
    give_back,
    noticed,
    pay,
    payments_of,
    provider_of,
    providers_of,
    refund,
    signing,
    withdraw,
)
from salus.services.billing.payments.port import Notice, Told
from salus.services.billing.payments.simulated import FATES, LATE, Simulated
from salus.services.billing.payments.waiting import CLOSED, GIVEN_UP, LOOKED, fetch, pending, settle_or_let_go

House = Any  # the fixture's
NOW = clock.now()


def waited(house: House, time: timedelta) -> None:
    """So long passes, and the chore comes round."""
    with clock.stopped_at(clock.now() + time):
        fetch(house.store, house.bank)
        for one in pending(house.store):
            settle_or_let_go(house.store, one, house.bank)


def tasks(house: House) -> list[str]:
    found = house.store.open(SYSTEM, Purpose.OPERATIONS).search("Task", "").versions
    return [one.json()["description"] for one in found]


def test_cash_pays_an_invoice_whole_and_a_retry_is_the_same_payment(house: House):
    house.issue("i1", 12_000)
    made = pay(house.store, *house.cashier, "i1", house.cash, "k1")
    assert (made.status, made.amount, made.currency) == (Status.SETTLED, 12_000, "CNY")
    assert (house.net("money/cash"), house.net("Account/li/i1"), house.status("i1")) == (12_000, 0, "balanced")
    assert made == pay(house.store, *house.cashier, "i1", house.cash, "k1") and house.net("money/cash") == 12_000
    assert [made] == payments_of(house.store, *house.li, "i1")


def test_what_is_paid_in_parts_is_balanced_with_the_last_of_them(house: House):
    house.issue("i1", 12_000)
    assert pay(house.store, *house.cashier, "i1", house.cash, "k1", 5_000).amount == 5_000
    assert (house.status("i1"), house.net("Account/li/i1")) == ("issued", 7_000)
    with pytest.raises(Invalid, match="more than is left to be paid"):
        pay(house.store, *house.cashier, "i1", house.cash, "k2", 7_001)
    assert pay(house.store, *house.li, "i1", house.bank, "k3").amount == 7_000
    assert house.status("i1") == "balanced"
    with pytest.raises(Conflict, match="is paid"):
        pay(house.store, *house.cashier, "i1", house.cash, "k4")


@pytest.mark.parametrize("amount", [0, -5, 1.5, True, 10**101])
def test_what_is_no_amount_is_refused(house: House, amount: Any):
    house.issue("i1", 12_000)
    with pytest.raises(Invalid, match="is no amount"):
        pay(house.store, *house.cashier, "i1", house.cash, "k1", amount)


def test_a_key_that_was_used_for_another_amount_or_provider_is_refused(house: House):
    house.issue("i1", 12_000)
    pay(house.store, *house.cashier, "i1", house.cash, "k1", 5_000)
    for provider, amount in ((house.cash, 6_000), (house.bank, 5_000)):
        with pytest.raises(Conflict, match="'k1' was used"):
            pay(house.store, *house.cashier, "i1", provider, "k1", amount)
    with pytest.raises(Invalid, match="1 to 200"):
        pay(house.store, *house.cashier, "i1", house.cash, "")


def test_a_patient_pays_for_themselves_only_and_takes_no_cash(house: House):
    house.issue("i1", 12_000)
    with pytest.raises(Missing, match="no Invoice/i1"):
        pay(house.store, *house.wang, "i1", house.bank, "k1")
    with pytest.raises(Missing):
        payments_of(house.store, *house.wang, "i1")
    with pytest.raises(Forbidden, match="at the desk"):
        pay(house.store, *house.li, "i1", house.cash, "k1")
    with pytest.raises(Forbidden):
        pay(house.store, Actor("Practitioner/nurse", Role.NURSE), Purpose.TREATMENT, "i1", house.cash, "k1")
    assert pay(house.store, *house.li, "i1", house.bank, "k1").status is Status.SETTLED
    assert house.net("money/simulated") == 12_000


@pytest.mark.parametrize("status, said", [("draft", "not issued yet"), ("cancelled", "nothing is owed")])
def test_what_is_not_owed_cannot_be_paid_and_the_answer_says_why(house: House, status: str, said: str):
    house.issue("i1", 12_000, status=status)
    with pytest.raises(Conflict, match=said):
        pay(house.store, *house.cashier, "i1", house.cash, "k1")
    with pytest.raises(Missing):
        pay(house.store, *house.cashier, "never", house.cash, "k1")


def test_of_two_phones_that_pay_at_once_exactly_one_gets_through(house: House):
    house.issue("i1", 12_000)

    def phone(n: int) -> str:
        try:
            return pay(house.store, *house.li, "i1", house.bank, f"phone-{n}").status.name
        except Conflict as fault:
            return str(fault)

    with ThreadPoolExecutor(8) as phones:
        said = list(phones.map(phone, range(8)))
    assert said.count("SETTLED") == 1 and all(
        "is paid" in one or "is being paid" in one for one in said if one != "SETTLED"
    )
    assert (house.net("money/simulated"), house.net("Account/li/i1")) == (12_000, 0)


def test_while_one_waits_for_a_provider_the_other_is_told_so_until_it_is_withdrawn(house: House):
    house.issue("i1", 12_000)
    house.bank.chosen.append("left")
    first = pay(house.store, *house.li, "i1", house.bank, "phone-1")
    assert first.status is Status.PENDING
    with pytest.raises(Conflict, match="is being paid by another"):
        pay(house.store, *house.li, "i1", house.bank, "phone-2")
    with pytest.raises(Missing):
        withdraw(house.store, *house.wang, first.id, house.bank)
    assert withdraw(house.store, *house.li, first.id, house.bank).status is Status.VOIDED
    assert withdraw(house.store, *house.li, first.id, house.bank).status is Status.VOIDED
    assert pay(house.store, *house.li, "i1", house.bank, "phone-2").status is Status.SETTLED


@pytest.mark.parametrize("fate", sorted(FATES))
def test_whatever_becomes_of_notices_the_books_have_what_the_bank_has(house: House, fate: str):
    house.issue("i1", 12_000)
    house.bank.chosen.append(fate)
    pay(house.store, *house.li, "i1", house.bank, "k1")
    for time in (timedelta(seconds=2), LOOKED, CLOSED, LATE, GIVEN_UP):
        waited(house, time)
    begin = clock.now() - timedelta(days=1)
    moved = sum(row.amount for row in house.bank.statement(begin, begin + timedelta(days=2)))
    assert moved == house.net("money/simulated") == 12_000 - house.net("Account/li/i1") and not pending(house.store)
    assert house.status("i1") == ("balanced" if FATES[fate].pays else "issued")
    assert len(tasks(house)) == (fate == "altered")


def test_a_notice_in_time_settles_and_its_doubles_change_nothing(house: House):
    house.issue("i1", 12_000)
    house.bank.chosen.append("late")
    made = pay(house.store, *house.li, "i1", house.bank, "k1")
    notice = signing.signed(house.bank.secret, house.bank.look(made.id))
    settled = noticed(house.store, house.bank, notice)
    assert settled.status is Status.SETTLED and settled.reference.startswith("S") and made.status is Status.PENDING
    assert settled == noticed(house.store, house.bank, notice) and house.net("money/simulated") == 12_000
    found = house.store.open(SYSTEM, Purpose.PAYMENT).search("PaymentNotice", "request=Invoice/i1").versions
    assert [one.json()["payment"]["reference"] for one in found] == [f"PaymentReconciliation/{made.id}"]


def test_a_notice_that_was_altered_or_is_of_nothing_is_refused_and_told_of_once(house: House):
    house.issue("i1", 12_000)
    house.bank.chosen.append("late")
    made = pay(house.store, *house.li, "i1", house.bank, "k1")
    true = house.bank.look(made.id)
    forged = Notice(signing.signed(b"another secret", true).body, signing.signed(b"another secret", true).signature)
    more = signing.signed(house.bank.secret, replace(true, amount=1))
    strange = signing.signed(house.bank.secret, replace(true, order="0000"))
    words = Notice(b"paid!", signing.signature(house.bank.secret, b"paid!"))
    for kind, notice in ((Forbidden, forged), (Conflict, more), (Missing, strange), (Malformed, words)):
        for _ in range(2):
            with pytest.raises(kind):
                noticed(house.store, house.bank, notice)
    assert house.net("money/simulated") == 0 and len(tasks(house)) == 3  # what has no order is one a day


def test_what_is_paid_after_all_for_a_cancelled_invoice_is_held_for_the_patient(house: House):
    house.issue("i1", 12_000)
    house.bank.chosen.append("left")
    made = pay(house.store, *house.li, "i1", house.bank, "k1")
    withdraw(house.store, *house.li, made.id, house.bank)
    house.cancel("i1")
    paid = Told(made.id, State.PAID, 12_000, "CNY", clock.now(), "S1")
    landed = noticed(house.store, house.bank, signing.signed(house.bank.secret, paid))
    assert landed.landed and landed == noticed(house.store, house.bank, signing.signed(house.bank.secret, paid))
    assert deposited(house.store, *house.li, "li", "CNY") == 12_000 == house.net("money/simulated")
    assert refund(house.store, *house.cashier, landed.id, house.bank, "r1").status is Status.SETTLED
    assert deposited(house.store, *house.li, "li", "CNY") == 0 == house.net("money/simulated")


def test_what_is_paid_after_all_pays_the_invoice_if_it_is_still_owed_and_else_is_held(house: House):
    for id, again in (("i1", False), ("i2", True)):
        house.issue(id, 12_000)
        house.bank.chosen.append("left")
        made = pay(house.store, *house.li, id, house.bank, "k1")
        withdraw(house.store, *house.li, made.id, house.bank)
        if again:
            pay(house.store, *house.cashier, id, house.cash, "k2")
        paid = signing.signed(house.bank.secret, Told(made.id, State.PAID, 12_000, "CNY", clock.now(), "S1"))
        assert noticed(house.store, house.bank, paid).landed is again
        assert house.status(id) == "balanced"
    assert deposited(house.store, *house.li, "li", "CNY") == 12_000


def test_part_of_a_payment_is_given_back_never_more_than_was_paid(house: House):
    house.issue("i1", 12_000)
    made = pay(house.store, *house.cashier, "i1", house.cash, "k1")
    back = refund(house.store, *house.cashier, made.id, house.cash, "r1", 5_000, "priced twice")
    assert (back.status, back.of, back.reason) == (Status.SETTLED, made.id, "priced twice")
    assert back == refund(house.store, *house.cashier, made.id, house.cash, "r1", 5_000)
    assert (house.net("money/cash"), house.net("Account/li/i1"), house.status("i1")) == (7_000, 5_000, "issued")
    with pytest.raises(Invalid, match=r"70.01 is more than is left of what was paid \(70.00 of 120.00 CNY\)"):
        refund(house.store, *house.cashier, made.id, house.cash, "r2", 7_001)
    assert refund(house.store, *house.cashier, made.id, house.cash, "r3").amount == 7_000
    with pytest.raises(Conflict, match="given back already"):
        refund(house.store, *house.cashier, made.id, house.cash, "r4")
    assert house.net("money/cash") == 0 and len(payments_of(house.store, *house.li, "i1")) == 3


def test_a_refund_goes_the_way_the_payment_came_and_is_for_staff(house: House):
    house.issue("i1", 12_000)
    made = pay(house.store, *house.li, "i1", house.bank, "k1")
    for who, provider in ((house.cashier, house.cash), (house.li, house.bank)):
        with pytest.raises(Forbidden):
            refund(house.store, *who, made.id, provider, "r1")
    house.bank.chosen.append("refused")
    refused = refund(house.store, *house.cashier, made.id, house.bank, "r2")
    assert refused.status is Status.VOIDED and house.net("money/simulated") == 12_000
    with pytest.raises(Conflict, match="is voided"):
        refund(house.store, *house.cashier, refund_of_nothing(house), house.bank, "r3")
    house.bank.chosen.append("lost")
    waiting = refund(house.store, *house.cashier, made.id, house.bank, "r4", 2_000)
    with pytest.raises(Invalid, match=r"100\.00 of 120\.00"):
        refund(house.store, *house.cashier, made.id, house.bank, "r5", 10_001)
    waited(house, LOOKED)
    assert waiting.status is Status.PENDING and house.net("money/simulated") == 10_000


def refund_of_nothing(house: House) -> str:
    house.issue("i9", 100)
    house.bank.chosen.append("refused")
    return str(pay(house.store, *house.li, "i9", house.bank, "k1").id)


def test_a_deposit_is_placed_used_for_an_invoice_and_what_is_left_given_back(house: House):
    placed = deposit(house.store, *house.cashier, "li", house.cash, "d1", 20_000, "CNY")
    assert placed == deposit(house.store, *house.cashier, "li", house.cash, "d1", 20_000, "CNY")
    house.issue("i1", 12_000)
    with pytest.raises(Missing):
        pay(house.store, *house.wang, "i1", house.deposit, "k1")
    assert pay(house.store, *house.li, "i1", house.deposit, "k1").status is Status.SETTLED
    assert (deposited(house.store, *house.li, "li", "CNY"), house.net("money/cash")) == (8_000, 20_000)
    with pytest.raises(Conflict, match=r"80.01 is more than is held for Account/li \(80.00 CNY\)"):
        give_back(house.store, *house.cashier, "li", house.cash, "g1", 8_001, "CNY")
    with pytest.raises(Forbidden):
        give_back(house.store, *house.li, "li", house.bank, "g1", 8_000, "CNY")
    assert give_back(house.store, *house.cashier, "li", house.cash, "g1", 8_000, "CNY").amount == 8_000
    assert (deposited(house.store, *house.li, "li", "CNY"), house.net("money/cash")) == (0, 12_000)


def test_a_deposit_is_never_overdrawn_and_another_patients_is_not_touched(house: House):
    deposit(house.store, *house.wang, "wang", house.bank, "d1", 20_000, "CNY")
    with pytest.raises(Missing):
        deposit(house.store, *house.li, "wang", house.bank, "d1", 20_000, "CNY")
    house.issue("i1", 12_000)
    with pytest.raises(Conflict):
        pay(house.store, *house.li, "i1", house.deposit, "k1")
    assert house.net("deposit/Account/wang") == -20_000 and house.net("Account/li/i1") == 12_000


def test_a_payment_given_back_into_the_deposit_pays_another_invoice(house: House):
    house.issue("i1", 12_000)
    made = pay(house.store, *house.li, "i1", house.bank, "k1")
    assert refund(house.store, *house.cashier, made.id, house.deposit, "r1").status is Status.SETTLED
    assert (house.net("Account/li/i1"), house.net("deposit/Account/li")) == (12_000, -12_000)
    house.cancel("i1")
    house.issue("i2", 9_000)
    again = pay(house.store, *house.li, "i2", house.deposit, "k1")
    with pytest.raises(Forbidden, match="came by deposit"):
        refund(house.store, *house.cashier, again.id, house.cash, "r2")
    with pytest.raises(Conflict, match="given back already"):
        refund(house.store, *house.cashier, made.id, house.bank, "r3")
    assert house.net("money/simulated") == 12_000 == 9_000 - house.net("deposit/Account/li")


def test_what_is_due_is_what_the_books_say(house: House):
    house.issue("i1", 12_000, insured=30_000)
    house.bank.chosen.append("lost")
    pay(house.store, *house.li, "i1", house.bank, "k1", 2_000)
    told = house.store.open(SYSTEM, Purpose.PAYMENT).read("Invoice", "i1").json()
    with house.store.readers.one() as reader:
        due = due_of(reader, told)
    assert (due.amount, due.held, due.free) == (12_000, 2_000, 10_000)


def test_an_installation_has_the_providers_its_settings_name(tmp_path: Path):
    plain = settings({}, folder=tmp_path)
    assert ["deposit", "cash"] == list(providers_of(plain))
    told = settings({"SALUS_PAYMENTS": "cash, simulated?late=0.5&lost=0.5&seed=3"}, folder=tmp_path)
    made = providers_of(told)["simulated"]
    assert isinstance(made, Simulated) and (made.faults, made.seed) == ({"late": 0.5, "lost": 0.5}, 3)
    assert "simulated" in providers_of(settings({}, folder=tmp_path, demo=True))
    for wrong in ("gold", "simulated?late=often", "simulated?rainy=0.1"):
        with pytest.raises(Invalid):
            providers_of(settings({"SALUS_PAYMENTS": wrong}, folder=tmp_path))
    with pytest.raises(Missing):
        provider_of(plain, "simulated")


def test_the_simulated_bank_draws_the_same_fates_for_the_same_seed(tmp_path: Path):
    shares = {"late": 0.2, "lost": 0.2, "refused": 0.2, "duplicated": 0.1, "altered": 0.1, "silent": 0.1}

    def fates(folder: str, seed: int) -> list[str]:
        bank = Simulated(tmp_path / folder, b"s", shares, seed)
        return [outcome(bank, Order(f"o-{n}", 100, "CNY", clock.now())) for n in range(60)]

    assert fates("a", 1) == fates("b", 1) != fates("c", 2)
    assert {"paid", "pending", "refused", "Busy"} == set(fates("a", 1))


def outcome(bank: Simulated, order: Order) -> str:
    try:
        return bank.request(order).state.value
    except Busy:
        return "Busy"


def test_an_order_that_is_asked_for_again_is_one_and_another_under_its_id_is_refused(tmp_path: Path):
    bank = Simulated(tmp_path, b"s")
    order = Order("o-1", 100, "CNY", clock.now())
    assert bank.request(order) == bank.request(order) and bank.look("never").state is State.UNKNOWN
    with pytest.raises(Conflict):
        bank.request(replace(order, amount=200))
    with pytest.raises(SalusError):
        bank.look("../secret")


@pytest.mark.parametrize("type", ["PaymentReconciliation", "PaymentNotice"])
def test_a_payment_is_not_written_by_hand_nor_given_back_if_it_was(house: House, type: str):
    house.issue("i1", 12_000)
    made = pay(house.store, *house.li, "i1", house.bank, "k1")
    hand = house.store.open(*house.cashier)
    found = house.store.open(SYSTEM, Purpose.PAYMENT).search(type, "").versions[0]
    for change in ({"status": "cancelled"}, {"identifier": [{"value": "other"}]}):
        with pytest.raises(Conflict, match="not written by hand"):
            hand.update(type, found.id, found.json() | change)
    with pytest.raises(Conflict, match="not written by hand"):
        hand.create(type, {name: value for name, value in found.json().items() if name != "id"})
    if type == "PaymentReconciliation":
        forged = found.json() | {"id": "forged", "paymentAmount": {"value": 9_000, "currency": "CNY"}}
        forged["identifier"] = [one for one in forged["identifier"] if "billed" not in one["system"]]
        hand.update(type, "forged", forged)
        with pytest.raises(Missing):
            refund(house.store, *house.cashier, "forged", house.bank, "r1")
        assert [made] == payments_of(house.store, *house.li, "i1")
