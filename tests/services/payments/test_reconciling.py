"""A day is compared with what the bank says of it: every difference is found, repaired once, and written down."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid, Malformed, Missing
from salus.privacy import Purpose
from salus.records.books import Books
from salus.services.billing.payments import deposit, deposited, pay, payments_of, refund, withdraw
from salus.services.billing.payments.port import Row, State
from salus.services.billing.reconciling import Difference, Fault, Reconciled, bank, insurer, reconcile, reconciled
from salus.services.billing.reconciling.bank import write
from salus.services.billing.reconciling.reading import Bad, Item, minor, read
from salus.services.billing.reconciling.repairing import Round
from salus.services.billing.reconciling.running import Count, repaired, suspected

House = Any
ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 23)
BANK = bank("simulated")
HEAD = "order,reference,kind,amount,currency,time,status"


@pytest.fixture
def paid(house: House) -> list[str]:
    """Three invoices paid through the bank, each of 100.00: the ids of the payments."""
    return [one(house, f"i{n}").id for n in range(3)]


def one(house: House, id: str, minor: int = 10_000) -> Any:
    house.issue(id, minor)
    return pay(house.store, *house.li, id, house.bank, "k")


def rows(house: House, day: date = DAY) -> list[Row]:
    """What the bank itself has of a day, in the order of the payments."""
    begin = clock.now() - timedelta(days=5)
    all = house.bank.statement(begin, begin + timedelta(days=9))
    return sorted((row for row in all if row.at.astimezone(ZONE).date() == day), key=lambda row: (row.at, row.order))


def file(tmp_path: Path, told: Iterable[Row], name: str = "day.csv") -> Path:
    out = StringIO()
    write(told, out)
    (tmp_path / name).write_text(out.getvalue(), "utf-8")
    return tmp_path / name


def run(house: House, path: Path, day: date = DAY, later: int = 1, **more: Any) -> Reconciled:
    """Reconcile a day on the morning of a later one."""
    with clock.stopped_at(clock.now() + timedelta(days=(day - DAY).days + later)):
        return reconcile(house.store, *house.cashier, path, BANK, day, ZONE, **more)


def faults(made: Reconciled) -> list[tuple[Fault, str]]:
    return [(one.fault, one.id) for one in made.differences]


def changed(told: list[Row], n: int, **to: Any) -> list[Row]:
    return [replace(row, **to) if place == n else row for place, row in enumerate(told)]


def test_a_day_that_agrees_is_written_down_and_nothing_is_posted(house: House, paid: list[str], tmp_path: Path):
    before = Books(house.store).trial()
    made = run(house, file(tmp_path, rows(house)))
    assert (made.rows, made.agreed, made.differences, made.ours, made.theirs) == (3, 3, (), 30_000, 30_000)
    assert before == Books(house.store).trial()
    assert made == reconciled(house.store.open(house.cashier[0], Purpose.PAYMENT), "simulated", "CNY", DAY)


def test_what_the_bank_has_and_we_never_heard_of_stands_apart_until_it_is_explained(
    house: House, paid: list[str], tmp_path: Path
):
    strange = replace(rows(house)[0], order="strange", reference="S-1", amount=700)
    made = run(house, file(tmp_path, [*rows(house), strange]))
    assert faults(made) == [(Fault.MISSING_HERE, "strange")] and made.differences[0].line == 5
    assert (house.net("money/simulated"), house.net("difference/simulated")) == (30_700, -700)


def test_what_waited_here_and_was_paid_there_is_settled(house: House, tmp_path: Path):
    for fate, id in (("lost", "i1"), ("left", "i2")):
        house.bank.chosen.append(fate)
        one(house, id)
    told = [replace(row) for row in rows(house)]
    left = payments_of(house.store, *house.li, "i2")[0]
    withdraw(house.store, *house.li, left.id, house.bank)
    told.append(Row(left.id, "S-2", "payment", 10_000, "CNY", clock.now(), State.PAID))
    made = run(house, file(tmp_path, told))
    assert {fault for fault, _ in faults(made)} == {Fault.STATUS} and len(made.differences) == 2
    assert (house.status("i1"), house.status("i2")) == ("balanced", "balanced")
    # settled on the next day, which the bank does not list it on: that is known then
    assert house.net("transit/simulated") == -20_000
    second = run(house, file(tmp_path, [], "next.csv"), DAY + timedelta(days=1))
    assert second.differences == () and house.net("transit/simulated") == 0 and house.net("money/simulated") == 20_000


def test_what_never_reaches_the_bank_is_on_its_way_for_a_day_and_then_owed_again(
    house: House, paid: list[str], tmp_path: Path
):
    told = rows(house)
    gone = told.pop(1).order
    first = run(house, file(tmp_path, told))
    assert faults(first) == [(Fault.NOT_THERE_YET, gone)]
    assert (house.net("money/simulated"), house.net("transit/simulated")) == (20_000, 10_000)
    second = run(house, file(tmp_path, [], "next.csv"), DAY + timedelta(days=1))
    assert faults(second) == [(Fault.MISSING_THERE, gone)] and second.differences[0].ours == 10_000
    assert (house.net("money/simulated"), house.net("transit/simulated")) == (20_000, 0)
    assert sorted(house.status(f"i{n}") for n in range(3)) == ["balanced", "balanced", "issued"]
    # and when it comes after all, it pays what is still owed
    late = Row(gone, "S-9", "payment", 10_000, "CNY", clock.now(), State.PAID)
    third = run(house, file(tmp_path, [late], "third.csv"), DAY + timedelta(days=2))
    assert faults(third) == [(Fault.STATUS, gone)]
    assert house.net("money/simulated") + house.net("transit/simulated") == 30_000
    assert run(house, file(tmp_path, [], "fourth.csv"), DAY + timedelta(days=3)).differences == ()
    assert {house.status(f"i{n}") for n in range(3)} == {"balanced"} and house.net("transit/simulated") == 0


def test_what_reaches_the_bank_a_day_later_is_a_wrong_day(house: House, paid: list[str], tmp_path: Path):
    told = rows(house)
    late = told.pop(1)
    run(house, file(tmp_path, told))
    second = run(house, file(tmp_path, [late], "next.csv"), DAY + timedelta(days=1))
    assert faults(second) == [(Fault.WRONG_DAY, late.order)]
    assert (house.net("money/simulated"), house.net("transit/simulated")) == (30_000, 0)


def test_what_the_bank_had_a_day_before_us_is_a_wrong_day_and_met_on_ours(house: House, tmp_path: Path):
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        early = one(house, "i1")
    told = [Row(early.id, "S-1", "payment", 10_000, "CNY", clock.now(), State.PAID)]
    first = run(house, file(tmp_path, told), later=2)
    assert faults(first) == [(Fault.WRONG_DAY, early.id)] and house.net("money/simulated") == 20_000
    assert house.net("transit/simulated") == -10_000
    assert run(house, file(tmp_path, [], "next.csv"), DAY + timedelta(days=1)).differences == ()
    assert (house.net("money/simulated"), house.net("transit/simulated")) == (10_000, 0)


@pytest.mark.parametrize("theirs, owed, held, left", [(9_000, 1_000, 0, "90.00"), (12_500, 0, 2_500, "100.00")])
def test_where_the_amount_differs_less_is_owed_again_and_more_is_held(
    house: House, paid: list[str], tmp_path: Path, theirs: int, owed: int, held: int, left: str
):
    made = run(house, file(tmp_path, changed(rows(house), 0, amount=theirs)))
    (found,) = made.differences
    assert (found.fault, found.ours, found.theirs, found.amount) == (Fault.AMOUNT, 10_000, theirs, theirs - 10_000)
    assert house.net("money/simulated") == 20_000 + theirs
    assert sum(house.net(f"Account/li/i{n}") for n in range(3)) == owed
    assert deposited(house.store, *house.li, "li", "CNY") == held
    with pytest.raises(Invalid, match=rf"left of what was paid \({left} of 100.00 CNY\)"):
        refund(house.store, *house.cashier, found.id, house.bank, "r", 10_001)


def test_what_moved_twice_is_held_and_what_is_only_listed_twice_is_not(house: House, paid: list[str], tmp_path: Path):
    told = rows(house)
    told += [replace(told[0], reference="S-again"), told[1]]
    made = run(house, file(tmp_path, told))
    assert sorted(faults(made)) == sorted([(Fault.TWICE, told[0].order), (Fault.REPEATED, told[1].order)])
    assert house.net("money/simulated") == 40_000 and deposited(house.store, *house.li, "li", "CNY") == 10_000


def test_what_was_listed_on_its_day_and_comes_again_on_the_next_is_seen(house: House, paid: list[str], tmp_path: Path):
    told = rows(house)
    run(house, file(tmp_path, told))
    again = [replace(told[0], reference="S-again"), told[1]]
    made = run(house, file(tmp_path, again, "next.csv"), DAY + timedelta(days=1))
    assert sorted(faults(made)) == sorted([(Fault.TWICE, told[0].order), (Fault.REPEATED, told[1].order)])
    assert house.net("money/simulated") == 40_000 and deposited(house.store, *house.li, "li", "CNY") == 10_000
    assert house.net("transit/simulated") == 0


def test_what_was_refused_there_is_reversed_here(house: House, paid: list[str], tmp_path: Path):
    made = run(house, file(tmp_path, changed(rows(house), 2, state=State.REFUSED)))
    assert [fault for fault, _ in faults(made)] == [Fault.STATUS] and house.net("money/simulated") == 20_000
    assert sorted(house.status(f"i{n}") for n in range(3)) == ["balanced", "balanced", "issued"]
    with pytest.raises(Conflict, match="is voided"):
        refund(house.store, *house.cashier, made.differences[0].id, house.bank, "r")


def test_a_refund_that_never_left_is_put_back_and_one_we_know_nothing_of_stands_apart(
    house: House, paid: list[str], tmp_path: Path
):
    back = refund(house.store, *house.cashier, paid[0], house.bank, "r", 4_000)
    told = [row for row in rows(house) if row.kind == "payment"]
    told += [Row(back.id, "", "refund", 4_000, "CNY", clock.now(), State.REFUSED)]
    told += [Row("strange", "S-1", "refund", 300, "CNY", clock.now(), State.PAID)]
    made = run(house, file(tmp_path, told))
    assert {(one.id, one.fault, one.ours, one.theirs) for one in made.differences} == {
        (back.id, Fault.STATUS, -4_000, None),
        ("strange", Fault.MISSING_HERE, None, -300),
    }
    assert (house.net("money/simulated"), house.net("difference/simulated")) == (29_700, 300)
    assert {house.status(f"i{n}") for n in range(3)} == {"balanced"}


def test_what_was_paid_for_a_cancelled_invoice_and_never_came_is_taken_from_what_is_held(
    house: House, paid: list[str], tmp_path: Path
):
    refund(house.store, *house.cashier, paid[0], house.deposit, "r")
    house.cancel("i0")
    told = [row for row in rows(house) if row.order != paid[0]]
    told.append(Row(paid[0], "", "payment", 10_000, "CNY", clock.now(), State.CLOSED))
    run(house, file(tmp_path, told))
    assert deposited(house.store, *house.li, "li", "CNY") == 0 == house.net("Account/li/i0")
    assert house.net("money/simulated") == 20_000


def test_what_was_spent_already_stands_apart_since_nobody_has_it(house: House, tmp_path: Path):
    made = deposit(house.store, *house.cashier, "li", house.bank, "d", 10_000, "CNY")
    house.issue("i1", 10_000)
    pay(house.store, *house.li, "i1", house.deposit, "k")
    told = [Row(made.id, "", "payment", 10_000, "CNY", clock.now(), State.REFUSED)]
    run(house, file(tmp_path, told))
    assert (house.net("money/simulated"), house.net("difference/simulated")) == (0, 10_000)


def test_the_same_file_again_repairs_nothing_twice_and_another_is_refused(
    house: House, paid: list[str], tmp_path: Path
):
    path = file(tmp_path, changed(rows(house), 0, amount=9_000))
    first, before = run(house, path), Books(house.store).accounts()
    assert first == run(house, path) and before == Books(house.store).accounts()
    with pytest.raises(Conflict, match="reconciled with another file"):
        run(house, file(tmp_path, rows(house), "other.csv"))


@pytest.mark.parametrize("done", [1, 3, 6])
def test_a_run_that_was_cut_short_is_done_again_and_comes_to_the_same(
    house: House, paid: list[str], tmp_path: Path, done: int
):
    house.bank.chosen.append("lost")
    waiting = one(house, "i3").id
    first, second, _ = (row for row in rows(house) if row.order != waiting)
    told = [replace(first, amount=9_000), second, *(row for row in rows(house) if row.order == waiting)]
    told += [replace(first, order="strange"), replace(second, reference="S-again"), second]
    path = file(tmp_path, told)
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        begin, end = (datetime(2026, 11, day, tzinfo=ZONE) for day in (23, 24))
        round = Round(BANK, "CNY", begin, end, ZONE)
        cases = suspected(house.store, path, round, frozenset(), tmp_path, Count(), print)
        list(repaired(house.store, *house.cashier, round, cases[:done]))  # and no further
    made = run(house, path)
    expected = [Fault.AMOUNT, Fault.STATUS, Fault.MISSING_HERE, Fault.TWICE, Fault.REPEATED, Fault.NOT_THERE_YET]
    assert sorted(expected) == sorted(fault for fault, _ in faults(made))
    listed_twice, settled_today = 10_000, 10_000
    assert house.net("money/simulated") - settled_today == made.theirs - listed_twice == 9_000 + 4 * 10_000
    assert run(house, file(tmp_path, [], "next.csv"), DAY + timedelta(days=1)).of(Fault.MISSING_THERE)
    assert house.net("money/simulated") == 9_000 + 4 * 10_000 and house.net("transit/simulated") == 0


def test_three_bad_lines_of_a_thousand_are_named_and_the_others_read(house: House, tmp_path: Path):
    lines = [f"o-{n},S-{n},payment,1.00,CNY,2026-11-23T10:00:00+08:00,paid" for n in range(1000)]
    lines[10], lines[500], lines[999] = "o-10,S-10", "o-500,S,payment,1.234,CNY,2026-11-23T10:00:00+08:00,paid", "\x00"
    path = tmp_path / "day.csv"
    path.write_text("\n".join([HEAD, *lines]), "utf-8")
    read_of = list(read(path, BANK.form, "CNY"))
    assert 997 == sum(isinstance(one, Item) for one in read_of)
    assert [12, 502, 1001] == [one.line for one in read_of if isinstance(one, Bad)]
    made = run(house, path, sure=True)
    assert (made.rows, made.unread, [one.line for one in made.bad]) == (997, 3, [12, 502, 1001])
    assert "amount '1.234'" in made.bad[1].text and house.net("money/simulated") == 99_700


GOOD = {"order": "o", "reference": "S", "kind": "payment", "amount": "1", "currency": "CNY"}
GOOD |= {"time": "2026-11-23T10:00:00Z", "status": "paid"}


@pytest.mark.parametrize(
    "change, said",
    [({"kind": "gift"}, "kind 'gift'"), ({"amount": "0"}, "nothing"), ({"amount": "-1"}, "no decimal"),
     ({"amount": "1e3"}, "no decimal"), ({"amount": "1.005"}, "no decimal"), ({"amount": ""}, "no decimal"),
     ({"currency": "USD"}, "currency 'USD'"), ({"time": "2026-11-23"}, "time"), ({"time": "yesterday"}, "time"),
     ({"status": "gone"}, "status 'gone'"), ({"order": " "}, "no id"), ({"order": "o\t1"}, "no id"),
     ({"order": "o" * 81}, "no id"), ({"reference": "a b"}, "no id"), ({"order": '"o'}, "cells")],
)  # fmt: skip
def test_a_line_that_cannot_be_read_says_why(tmp_path: Path, change: dict[str, str], said: str):
    path = tmp_path / "day.csv"
    path.write_text(f"{HEAD}\n{','.join((GOOD | change).values())}\n", "utf-8")
    (found,) = read(path, BANK.form, "CNY")
    assert isinstance(found, Bad) and said in found.text


def test_a_file_that_is_none_and_a_day_that_is_not_over_are_refused(house: House, tmp_path: Path):
    for content, said in (
        (b"order,amount\n", "no column"),
        (b"", "no column"),
        (HEAD.encode() + b"\n\xff\xfe", "UTF-8"),
    ):
        (tmp_path / "day.csv").write_bytes(content)
        with pytest.raises(Malformed, match=said):
            run(house, tmp_path / "day.csv")
    with pytest.raises(Missing):
        run(house, tmp_path / "never.csv")
    with pytest.raises(Invalid, match="is not over"):
        run(house, file(tmp_path, []), later=0)
    with pytest.raises(Forbidden):
        reconcile(house.store, *house.li, file(tmp_path, []), BANK, DAY, ZONE)


def test_the_file_of_another_day_is_refused_before_anything_is_posted(house: House, tmp_path: Path):
    strangers = [Row(f"o-{n}", f"S-{n}", "payment", 100, "CNY", clock.now(), State.PAID) for n in range(101)]
    with pytest.raises(Conflict, match="101 of 101 differ"):
        run(house, file(tmp_path, strangers))
    assert Books(house.store).trial() == {}


CLAIMS = "invoice,reference,kind,amount,currency,time,status"


def claims(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "claims.csv"
    path.write_text("\n".join([CLAIMS, *lines]), "utf-8")
    return path


def test_an_insurers_file_is_compared_with_what_it_owes(house: House, tmp_path: Path):
    for n in range(5):
        house.issue(f"i{n}", 1_000, insured=30_000)
    at = "CNY,2026-11-23T10:00:00+08:00"
    path = claims(
        tmp_path,
        f"i0,Y-0,claim,300.00,{at},accepted",
        f"i1,Y-1,claim,280.00,{at},accepted",
        f"i2,Y-2,claim,300.00,{at},rejected",
        f"strange,Y-3,claim,50.00,{at},accepted",
        f"i4,Y-4,claim,300.00,{at},accepted",
        f"i4,Y-5,claim,300.00,{at},accepted",
    )
    side = insurer("insurer")
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        made = reconcile(house.store, *house.cashier, path, side, DAY, ZONE)
        assert made == reconcile(house.store, *house.cashier, path, side, DAY, ZONE)
    assert {one.id: one.fault for one in made.differences} == {
        "i1": Fault.AMOUNT,
        "i2": Fault.STATUS,
        "i3": Fault.NOT_THERE_YET,
        "strange": Fault.MISSING_HERE,
        "i4": Fault.TWICE,
    }
    assert house.net("Organization/insurer") == 30_000 + 28_000 + 5_000 + 2 * 30_000 == made.theirs
    with clock.stopped_at(clock.now() + timedelta(days=2)):
        second = reconcile(house.store, *house.cashier, claims(tmp_path), side, DAY + timedelta(days=1), ZONE)
    assert [(one.id, one.fault) for one in second.differences] == [("i3", Fault.MISSING_THERE)]
    assert house.net("transit/Organization/insurer") == 0


@pytest.mark.parametrize("text, fen", [("120.5", 12_050), ("7", 700), ("0.10", 10), ("3.1000", 310)])
def test_amounts_are_read_to_the_fen(text: str, fen: int):
    assert fen == minor(text, 2)


def test_a_difference_says_by_how_much(house: House):
    assert Difference(Fault.AMOUNT, "a", 100, 90).amount == 90 - 100
