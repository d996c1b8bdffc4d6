"""What an erasure leaves in the chains proves the rest as before, and cannot be used to change or hide anything."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from two_people import OFFICER, traces

from salus.base.errors import Conflict
from salus.privacy import Purpose
from salus.records import Store, erasing
from salus.records.checking import check
from salus.records.erasing import What, Wish

LI = Wish("Patient", "li-forgotten", What.PATIENT)
LAYOUT_1 = Path(__file__).parents[1] / "records" / "layout1.sql"


@pytest.fixture
def erased(store: Store) -> Path:
    """A closed store in which somebody was erased, all done."""
    erasing.erase(store.open(OFFICER, Purpose.ADMINISTRATION), LI, "case 2026/17")
    erasing.finish(store)
    path = store.path
    store.close()
    return path


def changed(path: Path, *statements: str) -> list[str]:
    """The kinds of fault after a change from outside."""
    assert [] == check(path).faults
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return sorted({fault.kind for fault in check(path).faults})


@pytest.mark.parametrize(
    "statements",
    [
        ["UPDATE erased SET digest=x'00' WHERE t=1"],
        ["DELETE FROM erased WHERE t=1"],
        ["DELETE FROM erasure"],
        ["UPDATE erased SET gone=gone+1000 WHERE t=1"],
        ["UPDATE spared SET salt=x'00'"],
        ["UPDATE txn SET salt=x'' WHERE t=2"],
        ["UPDATE txn SET salt=NULL WHERE t=2"],
        # somebody else's version made out to be erased, with its true digest's place taken by anything
        ["UPDATE txn SET salt=x'' WHERE t=2", f"INSERT INTO erased SELECT 2, 0, max(t), x'{'11' * 32}' FROM erasure"],
        # a body brought back for what was erased
        ["INSERT INTO past SELECT row, 1, 1, form, body FROM resource WHERE body NOTNULL LIMIT 1"],
    ],
)
def test_no_change_to_what_an_erasure_left_passes_unseen(erased: Path, statements: list[str]) -> None:
    assert changed(erased, *statements)


def test_a_body_put_in_the_place_of_an_erased_one_breaks_the_chain(erased: Path) -> None:
    row = "(SELECT row FROM outbox WHERE t=1)"
    told = changed(erased, f"INSERT INTO past SELECT {row}, 1, 1, form, body FROM resource WHERE body NOTNULL LIMIT 1")

    assert "chain" in told


def test_a_struck_line_of_the_audit_keeps_its_place_its_hand_and_its_time(erased: Path) -> None:
    n = "(SELECT min(n) FROM struck)"
    for statement in (
        f"UPDATE audit SET who='Practitioner/other' WHERE n={n}",
        f"UPDATE audit SET ts=ts+1 WHERE n={n}",
        f"UPDATE audit SET act='read' WHERE n={n}",
        f"DELETE FROM audit WHERE n={n}",
        f"DELETE FROM struck WHERE n={n}",
    ):
        copy = erased.with_name("copy.db")
        copy.write_bytes(erased.read_bytes())
        assert "audit" in changed(copy, statement), statement


def test_another_line_cannot_be_passed_off_as_struck(erased: Path) -> None:
    told = changed(
        erased,
        "INSERT INTO struck SELECT max(n), (SELECT max(t) FROM erasure), x'00', NULL FROM audit",
        "UPDATE audit SET what='nothing' WHERE n=(SELECT max(n) FROM audit)",
    )

    assert {"audit", "chain"} <= set(told)


def test_a_digest_left_behind_does_not_tell_who_guesses_the_body(store: Store) -> None:
    """Whoever knows every byte of the body and of the store cannot make sure that it was there: the key is gone."""
    from salus.records import chain

    records = store.open(OFFICER, Purpose.ADMINISTRATION)
    with store.readers.one() as reader:
        salt = reader.connection.execute("SELECT salt FROM txn WHERE t=1").fetchone()[0]
        [(_, title, body)] = chain.versions(reader.connection, 1, reader.press.expanded)
    erasing.erase(records, LI, "case 2026/17")
    erasing.finish(store)
    with store.readers.one() as reader:
        kept = reader.connection.execute("SELECT digest FROM erased WHERE t=1").fetchone()[0]

    assert kept == chain.digest(chain.key(salt, 0), title, body)  # it was that one
    assert {} == {p.name: 1 for p in store.path.parent.iterdir() if salt in p.read_bytes()}
    assert {} == {p.name: 1 for p in store.path.parent.iterdir() if chain.key(salt, 0) in p.read_bytes()}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store of layout 1, whose links are over the bodies themselves."""
    path = tmp_path / "site" / "old.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(LAYOUT_1.read_text("utf-8"))
    return path


def test_a_store_of_layout_1_is_erased_and_proved_as_well(old: Path) -> None:
    words = ["13900002222", "13900001111", "Lee", "Li An"]
    assert traces(old.parent, words[:2])
    with Store(old) as store:
        records = store.open(OFFICER, Purpose.ADMINISTRATION)
        report = erasing.erase(records, Wish("Patient", "li", What.PATIENT), "case 2026/17")
        assert [] == erasing.finish(store)
        head = store.head()

        assert 11 <= store.verify()
        assert {} == traces(old.parent, words)
        assert (11, {"Group", "Observation", "Patient"}) == (report.transaction, set(report.resources))
        erasing.erase(records, Wish("Patient", "wang", What.PATIENT), "case 2026/18")  # in the same transactions again
        assert [] == erasing.finish(store)
        assert head[0] < store.verify()
    assert [] == check(old).faults


def test_a_link_of_layout_1_that_did_not_hold_is_not_mended_by_erasing(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("UPDATE txn SET who='Practitioner/other' WHERE t=4")  # it has two measurements of each
    with Store(old) as store:
        records = store.open(OFFICER, Purpose.ADMINISTRATION)
        erasing.erase(records, Wish("Patient", "li", What.PATIENT), "case 2026/17")
        erasing.finish(store)

        with pytest.raises(Conflict, match="Transaction 4 "):
            store.verify()
