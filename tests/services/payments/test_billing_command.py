"""At the terminal: a day is closed and reconciled, and what is wrong is said in a line."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from salus.base import clock
from salus.base.errors import Invalid
from salus.base.settings import settings
from salus.cli.billing import billing
from salus.records import Store
from salus.services.billing.payments import pay
from salus.services.billing.payments.providers import provider_of

DAY = "2026-11-23"
ZH = ["--language", "zh"]


@pytest.fixture
def folder(tmp_path: Path, house_of: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation in which one invoice was paid in cash and one by the simulated bank, a day ago."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SALUS_PAYMENTS", "cash,simulated")
    with Store(tmp_path / "salus.db") as store:
        house = house_of(store, tmp_path / "unused")
        house.bank = provider_of(settings(folder=tmp_path), "simulated")
        for id, provider in (("i1", house.cash), ("i2", house.bank)):
            house.issue(id, 12_000)
            pay(store, *house.cashier, id, provider, "k")
    return tmp_path


def run(folder: Path, *words: str) -> tuple[int, str]:
    made = CliRunner().invoke(billing, [*words, "--folder", str(folder)])
    if made.exception and not isinstance(made.exception, SystemExit):
        raise made.exception
    return made.exit_code, made.output


def test_a_day_is_shown_closed_and_shown_again(folder: Path):
    for words, said in (
        (["--preview"], "尚未日结"),
        (["--count", "Practitioner/cashier=119.50"], "-¥0.50"),
        ([], "-¥0.50"),
    ):
        code, out = run(folder, "close", DAY, *words, *ZH)
        assert code == 0 and said in out and "¥120.00" in out


def test_a_day_is_reconciled_with_the_banks_own_statement(folder: Path):
    code, told = run(folder, "statement", DAY)
    assert code == 0 and told.splitlines()[0] == "order,reference,kind,amount,currency,time,status"
    file = folder / "bank.csv"
    file.write_text(told + "strange,S-1,payment,5.00,CNY,2026-11-23T10:00:00+08:00,paid\nnonsense\n", "utf-8")
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        for _ in range(2):
            code, out = run(folder, "reconcile", str(file), "--day", DAY, "--provider", "simulated", *ZH)
            assert code == 0 and "读入2行，相符1笔；本院¥120.00，对方¥125.00" in out
            assert "对方有而本院无记录（记入差异账户）: 1" in out and "4: 1 of 7 cells" in out


@pytest.mark.parametrize(
    "words",
    [["close", "yesterday"], ["reconcile", "x.csv", "--day", DAY],
     *(["close", DAY, "--count", f"Practitioner/7={odd}"]
       for odd in ("many", "", "-5", "NaN", "Infinity", "1e400", "12,50", "1_000", "3.505", "9" * 20)),
     ["close", DAY, "--count", "Practitioner/7=1", "--count", "Practitioner/7=2"],
     ["reconcile", "x.csv", "--day", DAY, "--provider", "cash", "--insurer", "i"]],
)  # fmt: skip
def test_what_cannot_be_understood_is_said(folder: Path, words: list[str]):
    with pytest.raises(Invalid):
        run(folder, *words)
