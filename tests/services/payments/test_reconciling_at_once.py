"""Two servers on one store reconcile the same day at once: the same file is one record and each repair one posting, of
two files one is the day's, and a day begun stays its file's when its server is killed."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.base import clock
from salus.base.errors import Conflict
from salus.records import Store
from salus.records.books import Books
from salus.services.billing.payments import pay
from salus.services.billing.payments.port import Row
from salus.services.billing.reconciling import Fault, bank, reconcile, reconciliations
from salus.services.billing.reconciling.bank import write

House = Any
NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
DAY, ZONE, BANK = date(2026, 11, 23), ZoneInfo("Asia/Shanghai"), bank("simulated")
STRANGE = 30  # payments that the bank alone knows of, each of 7.00
SERVER = """
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo
from salus.base import clock
from salus.base.errors import Conflict
from salus.privacy import Actor, Purpose, Role
from salus.records import Store
from salus.services.billing.reconciling import bank, reconcile, running

place, file, killed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
mended = 0


def dying(*given, was=running.mend):
    global mended
    mended += 1
    if mended == killed:
        import os
        os._exit(9)
    return was(*given)


running.mend = dying
with clock.stopped_at(datetime(2026, 11, 24, 2, tzinfo=UTC)), Store(place) as store:
    print("here", flush=True)
    sys.stdin.readline()
    cashier = Actor("Practitioner/cashier", Role.CASHIER), Purpose.PAYMENT
    try:
        made = reconcile(store, *cashier, file, bank("simulated"), date(2026, 11, 23), ZoneInfo("Asia/Shanghai"))
    except Conflict as fault:
        print("refused:", fault)
    else:
        print(made.file, len(made.differences))
"""


@pytest.fixture
def place(new_place: Callable[[], str]) -> str:
    return new_place()


@pytest.fixture
def house(place: str, house_of: type, tmp_path: Path) -> Iterator[House]:
    with clock.stopped_at(NOW), Store(place) as opened:
        made = house_of(opened, tmp_path / "bank")
        for n in range(4):
            made.issue(f"i{n}", 10_000)
            pay(made.store, *made.li, f"i{n}", made.bank, "k")
        yield made
        assert made.balanced()


def told(house: House) -> list[Row]:
    """Less of the first, the second twice, nothing of the third, and many that we never heard of."""
    first, second, _, fourth = sorted(house.bank.statement(NOW, NOW + timedelta(days=1)), key=lambda row: row.order)
    strange = (replace(first, order=f"strange-{n}", reference=f"S-{n}", amount=700) for n in range(STRANGE))
    return [replace(first, amount=9_000), second, replace(second, reference="again"), fourth, *strange]


def file(tmp_path: Path, rows: list[Row], name: str) -> Path:
    out = StringIO()
    write(rows, out)
    (tmp_path / name).write_text(out.getvalue(), "utf-8")
    return tmp_path / name


def at_once(place: str, *files: Path, killed: int = 0) -> list[str]:
    """What servers say that reconcile the day at the same time, each by its file; the first is killed at a repair."""
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", SERVER, place, str(one), str(0 if n else killed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n, one in enumerate(files)
    ]  # fmt: skip
    for one in servers:
        assert one.stdout and "here\n" == one.stdout.readline()
    for one in servers:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    return [one.communicate()[0].strip() for one in servers]


def check_books(house: House, strange: int = STRANGE) -> None:
    """As if one server had done it, once."""
    assert house.net("money/simulated") == 9_000 + 2 * 10_000 + 10_000 + strange * 700
    assert (house.net("transit/simulated"), house.net("difference/simulated")) == (10_000, -strange * 700)
    assert sorted(house.status(f"i{n}") for n in range(4)) == ["balanced", "balanced", "balanced", "issued"]


def days(house: House) -> list[Any]:
    return reconciliations(house.store.open(*house.cashier), "simulated", "CNY")


def test_the_same_file_by_two_servers_is_one_record_and_each_repair_one_posting(
    house: House, place: str, tmp_path: Path
) -> None:
    path = file(tmp_path, told(house), "day.csv")
    one, other = at_once(place, path, path)

    assert one == other and one.endswith(f" {3 + STRANGE}")
    check_books(house)
    assert [DAY] == [made.day for made in days(house)]


def test_of_two_files_one_is_the_days_and_the_other_posts_nothing(house: House, place: str, tmp_path: Path) -> None:
    rows = told(house)
    files = [file(tmp_path, rows, "day.csv"), file(tmp_path, rows[:-10], "shorter.csv")]
    said = at_once(place, *files)

    (lost,) = (n for n, one in enumerate(said) if one.startswith("refused: "))
    assert "with another file of simulated" in said[lost]
    check_books(house, STRANGE if lost else STRANGE - 10)
    assert 1 == len(days(house))


def test_a_day_that_a_killed_server_had_begun_is_ended_by_the_same_file_alone(
    house: House, place: str, tmp_path: Path
) -> None:
    rows = told(house)
    path, other = file(tmp_path, rows, "day.csv"), file(tmp_path, rows[:-10], "shorter.csv")
    assert [""] == at_once(place, path, killed=5)
    assert [] == days(house)

    before = Books(house.store).accounts()
    (said,) = at_once(place, other)
    assert "refused: 2026-11-23 was begun with another file of simulated: reconcile it with that one" == said
    assert before == Books(house.store).accounts()
    with clock.stopped_at(NOW + timedelta(days=1)):
        made = reconcile(house.store, *house.cashier, path, BANK, DAY, ZONE)
        with pytest.raises(Conflict, match="reconciled with another file"):
            reconcile(house.store, *house.cashier, other, BANK, DAY, ZONE)
    assert STRANGE == len(made.of(Fault.MISSING_HERE))
    check_books(house)
