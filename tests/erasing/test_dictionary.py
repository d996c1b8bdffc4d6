"""The bodies' dictionary was trained on what is erased: it is trained anew, and every body is readable with the new."""

from pathlib import Path

import orjson
from two_people import OFFICER, bodies, observation, patient, traces

from salus.privacy import SYSTEM, Purpose
from salus.records import Store, erasing
from salus.records.checking import check
from salus.records.erasing import What, Wish

MANY = 2100


def filled(path: Path, words: list[str]) -> Store:
    """So many resources that there is a dictionary, in which some of these words are."""
    store = Store(path)
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    items = [("Patient", f"p{n}", orjson.dumps(patient(f"p{n}", f"Family{n}"))) for n in range(60)]
    for n in range(MANY):
        who = f"p{n % 60}"
        note = f"{words[n % len(words)]} stands here" if who == "p7" else "as before"
        items.append(("Observation", f"o{n}", orjson.dumps(observation(f"o{n}", who, n % 28 + 1, note))))
    records.put_many(items).result()
    records.put_many([("Observation", "last", orjson.dumps(observation("last", "p1")))]).result()
    return store


def learnt(store: Store) -> bytes:
    with store.readers.one() as reader:
        return b"".join(data for (data,) in reader.connection.execute("SELECT bytes FROM dictionary"))


def test_a_dictionary_that_knows_the_erased_is_made_anew_and_the_old_one_goes(tmp_path: Path) -> None:
    words = [f"WORD{n:03}OF{n * 7919 % 1000:03}THEPAST" for n in range(40)]
    with filled(tmp_path / "records.db", words) as store:
        before = learnt(store)
        kept = {address: body for address, body in bodies(store).items() if b"Patient/p7" not in body}
        kept.pop("Patient/p7/1")
        assert any(word.encode() in before for word in words)  # else this tests nothing

        erasing.erase(store.open(OFFICER, Purpose.ADMINISTRATION), Wish("Patient", "p7", What.PATIENT), "case 7, 2026")
        assert [] == erasing.finish(store)

        assert not any(word.encode() in learnt(store) for word in words)
        assert kept == {address: body for address, body in bodies(store).items() if body}
        assert {} == traces(tmp_path, words)
        store.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "p1", patient("p1", "Later"))
    assert [] == check(tmp_path / "records.db").faults


def test_a_dictionary_that_knows_nothing_of_the_erased_stays(tmp_path: Path) -> None:
    with filled(tmp_path / "records.db", ["as before"]) as store:
        before = learnt(store)
        store.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "new", patient("new", "Newcomer"))
        erasing.erase(store.open(OFFICER, Purpose.ADMINISTRATION), Wish("Patient", "new", What.PATIENT), "case 8, 2026")
        assert [] == erasing.finish(store)

        assert before == learnt(store)
