"""Histories of a resource, a type, of everything: against a list that anybody can check by eye."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from salus.base import clock
from salus.base.errors import Forbidden, Gone, Malformed, Missing, Unsupported
from salus.privacy import Actor, Purpose, Role
from salus.records import Records, Store, histories

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """A version: where, which, from when until when it was current (None: still), whether it is a deletion."""

    type: str
    id: str
    version: int
    begin: int
    end: int | None
    deleted: bool


def at(minute: float) -> datetime:
    return BEGIN + timedelta(minutes=minute)


def text(minute: float) -> str:
    return clock.instant(at(minute))


def observation(patient: str, minute: int) -> dict[str, Any]:
    subject = {"reference": f"Patient/{patient}"}
    note = [{"text": str(minute)}]
    return {"resourceType": "Observation", "status": "final", "code": {"text": "k"}, "subject": subject, "note": note}


def patient(minute: int) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"family": str(minute)}]}


# One write a minute: who, or what of whom; "-" deletes.
STORY = [
    "eva", "adam", "o1 eva", "o2 adam", "eva", "o1 eva", "-o2",
    "o1 adam", "o3 eva", "-adam", "o2 eva", "adam", "o1 eva",
]  # fmt: skip


@pytest.fixture
def told(records: Records) -> list[Seen]:
    """Does the story, minute by minute; what history ought to say of it, newest first."""
    made: list[Seen] = []
    for minute, line in enumerate(STORY):
        with clock.stopped_at(at(minute)):
            made = [*made, write(records, line, minute, made)]
    open_ended = [
        Seen(s.type, s.id, s.version, s.begin, next((n.begin for n in made if following(s, n)), None), s.deleted)
        for s in made
    ]
    return open_ended[::-1]


def following(one: Seen, other: Seen) -> bool:
    return (one.type, one.id, one.version + 1) == (other.type, other.id, other.version)


def write(records: Records, line: str, minute: int, made: list[Seen]) -> Seen:
    id, _, of = line.lstrip("-").partition(" ")
    type = "Observation" if id[0] == "o" else "Patient"
    version = 1 + sum((s.type, s.id) == (type, id) for s in made)
    if line.startswith("-"):
        assert version == records.delete(type, id).version
    else:
        body = observation(of, minute) if of else patient(minute)
        assert version == records.update(type, id, body).version
    return Seen(type, id, version, minute, None, line.startswith("-"))


def pages(records: Records, type: str | None, id: str | None, params: str = "") -> list[tuple[str, str, int, bool]]:
    """All pages, two versions each."""
    found, query = [], f"_count=2&{params}"
    while query:
        page = records.histories(query, type, id)
        assert len(page.versions) <= 2
        found += [(v.type, v.id, v.version, v.deleted) for v in page.versions]
        query = page.next or ""
    return found


def keys(seen: list[Seen]) -> list[tuple[str, str, int, bool]]:
    return [(s.type, s.id, s.version, s.deleted) for s in seen]


SCOPES: list[tuple[str | None, str | None]] = [
    (None, None), ("Patient", None), ("Observation", None), ("Group", None),
    ("Patient", "eva"), ("Patient", "adam"), ("Observation", "o1"), ("Observation", "o2"),
]  # fmt: skip


def of(told: list[Seen], type: str | None, id: str | None) -> list[Seen]:
    return [s for s in told if type in (None, s.type) and id in (None, s.id)]


@pytest.fixture(params=["walked", "gathered"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to find them: as in a store with few and with many resources of a type."""
    monkeypatch.setattr(histories, "FEW", 0 if request.param == "walked" else histories.FEW)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("type", "id"), SCOPES)
def test_history_tells_every_version_newest_first(
    records: Records, told: list[Seen], type: str | None, id: str | None
) -> None:
    assert keys(of(told, type, id)) == pages(records, type, id)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("type", "id"), SCOPES)
def test_since_tells_what_was_written_from_then_on(
    records: Records, told: list[Seen], type: str | None, id: str | None
) -> None:
    for minute in (-1, 0, 4, 4.5, 9, len(STORY) - 1, len(STORY)):
        expected = [s for s in of(told, type, id) if s.begin >= minute]
        assert keys(expected) == pages(records, type, id, f"_since={text(minute)}"), minute


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("type", "id"), SCOPES)
def test_at_tells_what_was_current_then(records: Records, told: list[Seen], type: str | None, id: str | None) -> None:
    for minute in (-1, 0, 4, 4.5, 7, 10.5, len(STORY)):
        moment = text(minute)  # to the millisecond: a span of 1 ms
        within = [s for s in of(told, type, id) if s.begin <= minute and (s.end is None or s.end > minute)]
        expected = [s for s in within if not s.deleted or s.begin == minute]
        assert keys(expected) == pages(records, type, id, f"_at={moment}"), minute
    day = [s for s in of(told, type, id)]
    assert keys(day) == pages(records, type, id, "_at=2026-03-01")
    assert [] == pages(records, type, id, "_at=2026-02")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("type", [None, "Observation"])
def test_others_may_write_while_pages_are_turned(records: Records, told: list[Seen], type: str | None) -> None:
    page = records.histories("_count=3", type)
    found = page.versions
    while page.next:
        records.create("Observation", observation("eva", 99))
        records.update("Observation", "o3", observation("eva", 1000 + len(found)))
        page = records.histories(page.next, type)
        found = [*found, *page.versions]

    assert keys(of(told, type, None)) == [(v.type, v.id, v.version, v.deleted) for v in found]


def test_versions_of_one_transaction_come_one_by_one(records: Records, store: Store) -> None:
    entries = [{"resource": patient(n), "request": {"method": "POST", "url": "Patient"}} for n in range(7)]
    records.bundle({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    found = pages(records, None, None)

    assert 7 == len(found) == len(set(found))
    assert 1 == store.last_transaction()


def test_a_patient_sees_of_every_history_what_was_hers_then(records: Records, store: Store, told: list[Seen]) -> None:
    eva = store.open(Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST)
    hers = [s for s in told if is_evas(s)]

    assert [("Patient", "eva")] == sorted({(s.type, s.id) for s in hers if s.type == "Patient"})
    for type in (None, "Patient", "Observation"):
        assert keys(of(hers, type, None)) == pages(eva, type, None), type
    for minute in (0, 4, 9.5):
        expected = [s for s in hers if s.begin <= minute and (s.end is None or s.end > minute)]
        assert keys(expected) == pages(eva, None, None, f"_at={text(minute)}")
    with pytest.raises(Missing):
        eva.histories("", "Patient", "adam")
    stranger = store.open(Actor("Patient/none", Role.PATIENT, "none"), Purpose.PATIENT_REQUEST)
    assert [] == pages(stranger, None, None)


def is_evas(seen: Seen) -> bool:
    """By the story: the write of that minute was about her."""
    return STORY[seen.begin] == "eva" or STORY[seen.begin].endswith(" eva")


def test_roles_see_only_the_histories_of_their_types(store: Store, told: list[Seen]) -> None:
    desk = store.open(Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS)

    assert keys(of(told, "Patient", None)) == pages(desk, None, None)
    with pytest.raises(Forbidden):
        desk.histories("", "Observation")


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ("_count=0", Malformed),
        ("_count=x", Malformed),
        ("_since=yesterday", Malformed),
        ("_at=2026-13", Malformed),
        ("_cursor=x", Malformed),
        ("_cursor=WzEsMl0", Malformed),
        ("_sort=name", Unsupported),
        ("code=k", Unsupported),
    ],
)
def test_what_cannot_be_read_is_refused(records: Records, params: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        records.histories(params, "Patient")


def test_nobody_has_a_history_who_never_was_there(records: Records, told: list[Seen]) -> None:
    with pytest.raises(Missing):
        records.histories("", "Patient", "nobody")
    assert [] == records.histories("_since=2030", "Patient", "eva").versions


def test_every_history_stands_in_the_audit(store: Store, records: Records) -> None:
    records.histories()
    records.histories("_since=2026", "Patient")
    records.update("Patient", "eva", patient(0))
    records.histories("", "Patient", "eva")
    store.writer.close()

    assert ["everything", "Patient?_since=2026", "Patient/eva"] == [
        line.what for line in store.audit() if line.act == "history"
    ]


def test_the_log_is_searched_by_halves(records: Records, store: Store, told: list[Seen]) -> None:
    with store.readers.one() as reader:
        first: Callable[[float], int] = lambda minute: histories.first_from(  # noqa: E731 - said once, used thrice
            reader.connection, int(at(minute).timestamp() * 1_000_000)
        )
        assert list(range(1, len(STORY) + 1)) == [first(minute) for minute in range(len(STORY))]
        assert [minute + 2 for minute in range(len(STORY))] == [first(minute + 0.5) for minute in range(len(STORY))]
    assert all(a.begin > b.begin for a, b in pairwise(told))
    with pytest.raises(Gone):
        records.vread("Observation", "o2", 2)
