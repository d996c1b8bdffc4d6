"""A parent who acts for a child sees what `privacy.guardian` shows, and no more, by every way that reads."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from salus.base.errors import Forbidden, Gone, Missing
from salus.places.minors import law
from salus.privacy import SYSTEM, Actor, Purpose
from salus.privacy.guardian import DEPARTMENTS, LABELS, PROOF, ROLES, Family, acting
from salus.records import Records, Store

Json = dict[str, Any]
TODAY = date(2026, 11, 23)
OWN, CODE = {"reference": "Patient/tom"}, {"coding": [{"system": "urn:c", "code": "k"}]}
TIE = {
    "resourceType": "RelatedPerson",
    "id": "tie",
    "patient": OWN,
    "relationship": [{"coding": [{"system": ROLES, "code": "MTH"}]}],
    "extension": [{"url": PROOF, "valueCode": "court"}],
}
MOTHER = {"resourceType": "Patient", "id": "mo", "birthDate": "1990-01-01",
          "link": [{"other": {"reference": "RelatedPerson/tie"}, "type": "seealso"}]}  # fmt: skip
TOM = {"resourceType": "Patient", "id": "tom", "birthDate": "2011-01-01"}


def encounter(id: str, department: str = "") -> Json:
    told = {"resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": "AMB"}, "subject": OWN}
    typed = {"serviceType": {"coding": [{"system": DEPARTMENTS, "code": department}]}} if department else {}
    return told | {"period": {"start": "2026-02-01"}} | typed


def observation(id: str, of: str = "", status: str = "final", **more: Any) -> Json:
    told = {"resourceType": "Observation", "id": id, "status": status, "code": CODE, "subject": OWN,
            "effectiveDateTime": "2026-02-01", "valueQuantity": {"value": 7}}  # fmt: skip
    return told | ({"encounter": {"reference": f"Encounter/{of}"}} if of else {}) | more


LABELLED = {"security": [{"system": LABELS, "code": "PSY"}]}
WORLD: tuple[Json, ...] = (
    TOM, MOTHER, TIE, {"resourceType": "Patient", "id": "sister", "birthDate": "2018-01-01"},
    encounter("eyes", "ophthalmology"), encounter("mind", "psychiatry"), encounter("unsaid"),
    observation("o-eyes", "eyes"), observation("o-mind", "mind"), observation("o-unsaid", "unsaid"),
    observation("o-labelled", "eyes", meta=LABELLED), observation("o-draft", "eyes", "preliminary"),
    observation("o-sister") | {"subject": {"reference": "Patient/sister"}},
)  # fmt: skip
SEEN = {"Patient/tom", "Encounter/eyes", "Observation/o-eyes"}
HIDDEN = ("Encounter/mind", "Encounter/unsaid", "Observation/o-mind", "Observation/o-unsaid", "Observation/o-labelled",
          "Observation/o-draft", "Observation/o-sister", "Patient/mo", "Patient/sister")  # fmt: skip


def parent(child: Json = TOM) -> Actor:
    return acting(Family(MOTHER, TIE, child, (), TODAY, law("CN")))


def as_parent(store: Store, child: Json = TOM) -> Records:
    return store.open(parent(child), Purpose.PATIENT_REQUEST)


def names(found: Any) -> Iterator[str]:
    return (one.reference for one in (*found.versions, *found.included))


SEARCHES = (
    ("Observation", ""), ("Observation", "_sort=-date"), ("Observation", "patient=tom"), ("Observation", "code=k"),
    ("Observation", "_compartment=Patient/tom"), ("Observation", "encounter=mind"), ("Observation", "_include=*"),
    ("Observation", "encounter.status=finished"), ("Encounter", "_revinclude=Observation:encounter"),
    ("Encounter", "_has:Observation:encounter:code=k"), ("Patient", "_revinclude=Observation:patient"),
    ("Patient", "_has:Observation:patient:_id=o-mind"), ("", "_type=Patient,Encounter,Observation"),
    ("Observation", "_filter=value-quantity gt 1"), ("Observation", "_id=o-mind,o-eyes"),
)  # fmt: skip


@pytest.mark.parametrize(("type", "query"), SEARCHES)
def test_no_search_tells_what_is_kept_from_the_parent(type: str, query: str, world: Store) -> None:
    found = as_parent(world).search(type, query)

    assert SEEN >= set(names(found))


def test_counts_are_of_what_is_shown(world: Store) -> None:
    def told(who: Records, type: str) -> list[int | None]:
        return [who.search(type, query).total for query in ("_summary=count", "_total=accurate", "patient=tom")]

    tom = world.open(Actor("Patient/tom", parent().role, "tom"), Purpose.PATIENT_REQUEST)
    assert [1, 1] == told(as_parent(world), "Observation")[:2]
    assert [4, 4] == told(tom, "Observation")[:2]
    assert [1, 1] == told(as_parent(world), "Encounter")[:2]
    assert 0 == as_parent(world).search("Patient", "_has:Observation:patient:_id=o-mind&_total=accurate").total


@pytest.mark.parametrize("name", HIDDEN)
def test_a_guessed_id_leads_nowhere(name: str, world: Store) -> None:
    records, (type, _, id) = as_parent(world), name.partition("/")
    reads: tuple[Callable[[], object], ...] = (
        lambda: records.read(type, id),
        lambda: records.vread(type, id, 1),
        lambda: records.history(type, id),
        lambda: records.histories("", type, id),
    )
    for read in reads:
        with pytest.raises(Missing):
            read()


def test_the_download_and_every_history_are_of_what_is_shown(world: Store) -> None:
    records = as_parent(world)

    assert SEEN == {one.reference for one in records.compartment("tom")}
    assert [] == records.compartment("sister")
    assert SEEN >= {one.reference for one in records.histories().versions}
    batch = [{"request": {"method": "GET", "url": url}} for url in ("Observation", "Observation/o-mind", "_history")]
    told = str(records.bundle({"resourceType": "Bundle", "type": "batch", "entry": batch}))
    assert "o-eyes" in told
    assert not [name for name in HIDDEN if f"'{name.partition('/')[2]}'" in told.replace("Observation/o-mind", "")]


def test_of_a_small_child_more_is_shown(world: Store) -> None:
    small = as_parent(world, TOM | {"birthDate": "2020-01-01"})

    assert 4 == small.search("Observation", "_summary=count").total


def test_a_parent_writes_nothing_and_asks_nobody_who_looked(world: Store) -> None:
    records = as_parent(world)
    for write in (
        lambda: records.update("Observation", "o-eyes", observation("o-eyes")),
        lambda: records.delete("Observation", "o-eyes"),
        lambda: records.create("Subscription", {"resourceType": "Subscription"}),
        lambda: records.looks(),
    ):
        with pytest.raises(Forbidden):
            write()


def test_the_audit_names_the_relation_by_which_a_parent_looks(store: Store) -> None:
    for body in WORLD:
        store.open(SYSTEM, Purpose.OPERATIONS).update(body["resourceType"], body["id"], body)
    as_parent(store).read("Observation", "o-eyes")
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    records.update("Patient", "tom", TOM | {"gender": "male"})  # a write flushes the notes of what was read
    line = next(one for one in store.audited(None, 20) if one.act == "read")

    assert ("RelatedPerson/tie", "PATRQT", "Observation/o-eyes") == (line.who, line.purpose, line.what)


def test_what_is_labelled_a_moment_ago_is_hidden_now_and_its_past_with_it(store: Store) -> None:
    house = store.open(SYSTEM, Purpose.OPERATIONS)
    for body in WORLD:
        house.update(body["resourceType"], body["id"], body)
    records = as_parent(store)
    assert "Observation/o-eyes" == records.read("Observation", "o-eyes").reference
    house.update("Encounter", "eyes", encounter("eyes", "psychiatry"))

    with pytest.raises(Missing):
        records.read("Observation", "o-eyes")
    house.update("Encounter", "eyes", encounter("eyes", "ophthalmology"))
    house.update("Observation", "o-eyes", observation("o-eyes", "eyes", valueQuantity={"value": 8}))
    assert [2] == [one.version for one in records.history("Observation", "o-eyes").versions]
    house.delete("Observation", "o-eyes")
    with pytest.raises((Missing, Gone)) as told:
        records.read("Observation", "o-eyes")
    assert told.type is Missing
