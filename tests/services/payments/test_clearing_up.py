"""A reconciliation is looked at before it is done; what it did about each difference is found again, explained by a
person, or taken back by a reversal."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid, Missing
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import books
from salus.records.books import Books, Entry
from salus.services.billing import tasks
from salus.services.billing.payments import deposit, deposited, pay
from salus.services.billing.payments.port import Row, State
from salus.services.billing.reconciling import Fault, Reconciled, bank, clearing, insurer, reconcile, traces
from salus.services.billing.reconciling.bank import write
from salus.services.billing.reconciling.foreseeing import foresee
from salus.services.billing.reconciling.parties import parties, side_of

House = Any
ZONE, DAY, BANK = ZoneInfo("Asia/Shanghai"), date(2026, 11, 23), bank("simulated")
AUDITOR = Actor("Practitioner/auditor", Role.AUDITOR), Purpose.PAYMENT


def one(house: House, id: str, minor: int = 10_000) -> Any:
    house.issue(id, minor)
    return pay(house.store, *house.li, id, house.bank, "k")


@pytest.fixture
def told(house: House) -> list[Row]:
    """Three payments of 100.00 as the bank has them, in the order they were made."""
    order = [one(house, f"i{n}").id for n in range(3)]
    begin = clock.now() - timedelta(days=1)
    rows = {row.order: row for row in house.bank.statement(begin, begin + timedelta(days=2))}
    return [rows[id] for id in order]


def file(tmp_path: Path, rows: list[Row]) -> Path:
    out = StringIO()
    write(rows, out)
    (tmp_path / "day.csv").write_text(out.getvalue(), "utf-8")
    return tmp_path / "day.csv"


def on_the_next_day(act: Any, house: House, path: Path, who: Any = None, **more: Any) -> Any:
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        return act(house.store, *(who or house.cashier), path, BANK, DAY, ZONE, **more)


def run(house: House, path: Path) -> Reconciled:
    made = on_the_next_day(reconcile, house, path)
    assert isinstance(made, Reconciled)
    return made


def state(house: House, made: Reconciled, n: int = 0) -> str:
    with house.store.readers.one() as reader:
        posted = traces.postings(reader, side_of(made.side), made.differences[n])
    seen = clearing.taken(house.store.open(SYSTEM, Purpose.PAYMENT), made.id, n)
    return traces.state_of(posted, seen.explained).value


def asked(house: House, made: Reconciled) -> bool:
    records = house.store.open(SYSTEM, Purpose.PAYMENT)
    return tasks.is_open(records, traces.ASKED, f"PaymentReconciliation/{made.id}")


def strange(told: list[Row]) -> list[Row]:
    return [*told, replace(told[0], order="strange", reference="S-1", amount=700)]


def test_a_dry_look_finds_what_the_run_finds_and_leaves_nothing(house: House, told: list[Row], tmp_path: Path):
    rows = [replace(told[0], amount=9_000), *told[1:], replace(told[1], reference="S-again")]
    path = file(tmp_path, strange(rows))
    before = Books(house.store).accounts()

    seen = on_the_next_day(foresee, house, path)
    after = Books(house.store).accounts()
    made = run(house, path)

    assert before == after
    assert made.differences == seen.made.differences and 3 == len(made.differences)
    assert made.theirs == seen.made.theirs and 0 == seen.beyond
    with house.store.readers.one() as reader:
        real = [traces.postings(reader, BANK, one) for one in made.differences]
    assert [[(p.key, p.entries) for p in own] for own in real] == [
        [(p.key, p.entries) for p in own] for own in seen.postings
    ]


def test_a_dry_look_parks_what_cannot_be_mended_as_the_run_does(house: House, tmp_path: Path):
    made = deposit(house.store, *house.cashier, "li", house.bank, "d", 10_000, "CNY")
    house.issue("i1", 10_000)
    pay(house.store, *house.li, "i1", house.deposit, "k")
    path = file(tmp_path, [Row(made.id, "", "payment", 10_000, "CNY", clock.now(), State.REFUSED)])

    seen = on_the_next_day(foresee, house, path)
    assert {"difference/simulated", "money/simulated"} == {
        name for p in seen.postings[0] for entry in p.entries for name in (entry.debit, entry.credit)
    }
    assert seen.made.differences == run(house, path).differences


def test_a_day_that_was_reconciled_is_not_looked_at_again(house: House, told: list[Row], tmp_path: Path):
    path = file(tmp_path, told)
    run(house, path)
    with pytest.raises(Conflict, match="already"):
        on_the_next_day(foresee, house, path)
    with pytest.raises(Invalid, match="is not over"):
        foresee(house.store, *house.cashier, path, BANK, DAY, ZONE)
    with pytest.raises(Forbidden):
        on_the_next_day(foresee, house, path, house.li)


def test_each_difference_says_where_it_has_come_to(house: House, told: list[Row], tmp_path: Path):
    rows = [replace(told[0], amount=12_500), told[2], replace(told[2], reference="S-again"), told[2]]
    made = run(house, file(tmp_path, [*rows, strange(told)[-1]]))
    states = {one.fault: state(house, made, n) for n, one in enumerate(made.differences)}

    assert states == {
        Fault.AMOUNT: "done",
        Fault.NOT_THERE_YET: "waiting",
        Fault.TWICE: "done",
        Fault.REPEATED: "nothing",
        Fault.MISSING_HERE: "person",
    }
    assert asked(house, made)


def test_what_agrees_asks_nobody(house: House, told: list[Row], tmp_path: Path):
    assert not asked(house, run(house, file(tmp_path, told)))


def test_somebody_takes_a_difference_writes_a_note_and_explains_it(house: House, told: list[Row], tmp_path: Path):
    made = run(house, file(tmp_path, strange(told)))
    clearing.take(house.store, *AUDITOR, made.id, 0)
    with pytest.raises(Conflict, match="has taken it"):
        clearing.take(house.store, *house.cashier, made.id, 0)
    clearing.take(house.store, *house.cashier, made.id, 0, before="Practitioner/auditor")
    clearing.note(house.store, *AUDITOR, made.id, 0, "asked the bank")
    assert asked(house, made)
    clearing.explain(house.store, *house.cashier, made.id, 0, "a payment of the canteen")

    seen = clearing.taken(house.store.open(SYSTEM, Purpose.PAYMENT), made.id, 0)
    assert ("Practitioner/cashier", True) == (seen.who, seen.explained)
    assert [("Practitioner/auditor", "asked the bank"), ("Practitioner/cashier", "a payment of the canteen")] == [
        (one.who, one.text) for one in seen.notes
    ]
    assert "explained" == state(house, made) and not asked(house, made)


@pytest.mark.parametrize("text", ["", "x" * 1001])
def test_a_note_is_some_words(house: House, told: list[Row], tmp_path: Path, text: str):
    made = run(house, file(tmp_path, strange(told)))
    for verb in (clearing.note, clearing.explain):
        with pytest.raises(Invalid):
            verb(house.store, *house.cashier, made.id, 0, text)
    with pytest.raises(Missing):
        clearing.note(house.store, *house.cashier, made.id, 1, "there is but one")
    with pytest.raises(Forbidden):
        clearing.note(house.store, *house.li, made.id, 0, "mine")


def test_a_repair_is_taken_back_by_a_reversal_and_needs_a_person_then(house: House, told: list[Row], tmp_path: Path):
    made = run(house, file(tmp_path, [replace(told[0], amount=12_500), *told[1:]]))
    assert (32_500, 2_500) == (house.net("money/simulated"), deposited(house.store, *house.li, "li", "CNY"))

    clearing.undo(house.store, *house.cashier, BANK, made.id, 0, "the bank has corrected its list")

    assert (30_000, 0) == (house.net("money/simulated"), deposited(house.store, *house.li, "li", "CNY"))
    assert "undone" == state(house, made) and asked(house, made)
    with pytest.raises(Conflict, match="reversed"):
        clearing.undo(house.store, *house.cashier, BANK, made.id, 0, "again")
    assert 30_000 == house.net("money/simulated")
    assert made == run(house, tmp_path / "day.csv")


def test_what_is_owed_again_is_owed_no_more_when_that_is_taken_back(house: House, told: list[Row], tmp_path: Path):
    made = run(house, file(tmp_path, [replace(told[0], amount=9_000), *told[1:]]))
    assert "issued" == house.status("i0")
    clearing.undo(house.store, *house.cashier, BANK, made.id, 0, "the fee was ours")

    assert ("balanced", 30_000, 0) == (house.status("i0"), house.net("money/simulated"), house.net("Account/li/i0"))


def test_what_was_used_meanwhile_cannot_be_taken_back(house: House, told: list[Row], tmp_path: Path):
    made = run(house, file(tmp_path, [replace(told[0], amount=12_500), *told[1:]]))
    house.issue("i9", 2_500)
    pay(house.store, *house.li, "i9", house.deposit, "used")
    before = Books(house.store).trial()
    with pytest.raises((Conflict, Invalid)):
        clearing.undo(house.store, *house.cashier, BANK, made.id, 0, "too late")

    assert before == Books(house.store).trial() and "done" == state(house, made)


def test_a_payment_that_was_settled_or_reversed_is_not_taken_back_by_itself(
    house: House, told: list[Row], tmp_path: Path
):
    made = run(house, file(tmp_path, [replace(told[0], state=State.REFUSED), *told[1:]]))
    assert "done" == state(house, made)
    with pytest.raises(Conflict, match="cannot be reversed"):
        clearing.undo(house.store, *house.cashier, BANK, made.id, 0, "no")


def test_what_an_insurer_differs_by_is_reversed_and_explained_too(house: House, tmp_path: Path):
    house.issue("i0", 1_000, insured=30_000)
    path = tmp_path / "claims.csv"
    head = "invoice,reference,kind,amount,currency,time,status"
    path.write_text(f"{head}\ni0,Y-0,claim,280.00,CNY,2026-11-23T10:00:00+08:00,accepted", "utf-8")
    side = insurer("insurer")
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        made = reconcile(house.store, *house.cashier, path, side, DAY, ZONE)
    assert "person" == state(house, made) and 28_000 == house.net("Organization/insurer")
    clearing.undo(house.store, *house.cashier, side, made.id, 0, "they will pay the rest")
    assert 30_000 == house.net("Organization/insurer") and 0 == house.net("difference/Organization/insurer")


def test_who_can_be_reconciled_with(house: House, told: list[Row]):
    house.issue("i7", 100, insured=200)
    entry = [Entry("money/cash", "deposit/Account/li", 1)]
    house.at_desk(lambda desk: books.post(desk, "cash", "CNY", entry, "x"))

    assert [("alipay", "CNY"), ("simulated", "CNY"), ("Organization/insurer", "CNY")] == parties(
        house.store, ["cash", "deposit", "simulated", "alipay"]
    )


def test_of_two_files_of_one_day_at_once_one_is_reconciled_and_the_other_posts_nothing(
    house: House, told: list[Row], tmp_path: Path
):
    paths = []
    for n in range(2):
        (tmp_path / str(n)).mkdir()
        paths.append(file(tmp_path / str(n), [*told, replace(told[0], order=f"stranger-{n}")]))
    together = Barrier(2)

    def press(path: Path) -> Reconciled | str:
        together.wait()
        try:
            return reconcile(house.store, *house.cashier, path, BANK, DAY, ZONE)
        except Conflict as no:
            return no.issues[0].text

    with clock.stopped_at(clock.now() + timedelta(days=1)), ThreadPoolExecutor(2) as two:
        first, second = sorted(two.map(press, paths), key=lambda one: isinstance(one, str))

    assert isinstance(first, Reconciled) and isinstance(second, str) and "another file" in second
    with house.store.readers.one() as reader:
        posted = [traces.postings(reader, BANK, replace(first.differences[0], id=f"stranger-{n}")) for n in range(2)]
    assert 1 == sum(map(bool, posted))


def test_a_file_that_is_written_to_while_it_is_read_posts_nothing(house: House, told: list[Row], tmp_path: Path):
    path = file(tmp_path, strange(told))

    class Hasty(dict[str, Any]):
        """Somebody adds a line when the first is read."""

        def get(self, word: str, default: Any = None) -> Any:
            if "later" not in path.read_text("utf-8"):
                with path.open("a", encoding="utf-8") as more:
                    more.write("later\n")
            return super().get(word, default)

    hasty = replace(BANK, form=replace(BANK.form, kinds=Hasty(BANK.form.kinds)))
    before = len(list(Books(house.store).lines(BANK.account, "CNY", 0, 1 << 60)))
    with clock.stopped_at(clock.now() + timedelta(days=1)), pytest.raises(Conflict, match="was changed"):
        reconcile(house.store, *house.cashier, path, hasty, DAY, ZONE)
    assert before == len(list(Books(house.store).lines(BANK.account, "CNY", 0, 1 << 60)))
