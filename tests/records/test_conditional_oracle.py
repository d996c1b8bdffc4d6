"""Conditional writes, patches and histories in any order, against a list that anybody can check by eye."""

import json
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from salus.base.errors import Conflict, Invalid, Missing, Stale
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, Version, change_of

NUMBERS = st.sampled_from(["1", "2", "3"])
FLAGS = st.booleans()
Body = dict[str, Any]


def patient(number: str, active: bool) -> Body:
    return {"resourceType": "Patient", "active": active, "identifier": [{"value": number}]}


class ConditionsAgainstAList(RuleBasedStateMachine):
    """`log`: every version that was made, in order: id, body (None for a deletion)."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.store = Store(place)
        self.records = self.store.open(SYSTEM, Purpose.OPERATIONS)
        self.log: list[tuple[str, Body | None]] = []

    def teardown(self) -> None:
        self.store.close()

    def now(self) -> dict[str, Body]:
        """What is there, by id."""
        return {id: body for id, body in dict(self.log).items() if body is not None}

    def matching(self, number: str) -> list[str]:
        return [id for id, body in self.now().items() if body["identifier"][0]["value"] == number]

    def written(self, version: Version, body: Body) -> None:
        changed = self.now().get(version.id) != body
        assert changed is not version.unchanged
        assert sum(id == version.id for id, _ in self.log) + changed == version.version
        self.log += [(version.id, body)] if changed else []

    # --- writes ---

    @rule(number=NUMBERS, active=FLAGS)
    def create_always(self, number: str, active: bool) -> None:
        self.written(self.records.create("Patient", patient(number, active)), patient(number, active))

    @rule(number=NUMBERS, active=FLAGS)
    def create(self, number: str, active: bool) -> None:
        there = self.matching(number)
        try:
            version = self.records.create("Patient", patient(number, active), f"identifier={number}")
        except Stale:
            assert len(there) > 1
            return
        assert len(there) < 2
        if there:
            assert (there[0], True) == (version.id, version.unchanged)
        else:
            self.written(version, patient(number, active))

    @rule(number=NUMBERS, active=FLAGS, other=NUMBERS)
    def put(self, number: str, active: bool, other: str) -> None:
        """By the search for one number a body with another: it may move."""
        there = self.matching(number)
        try:
            version = self.records.updating_where("Patient", f"identifier={number}", patient(other, active)).result()
        except Stale:
            assert len(there) > 1
            return
        assert len(there) < 2 and there in ([], [version.id])
        self.written(version, patient(other, active))

    @rule(number=NUMBERS, expected=FLAGS, active=FLAGS)
    def patch(self, number: str, expected: bool, active: bool) -> None:
        there = self.matching(number)
        steps = [
            {"op": "test", "path": "/active", "value": expected},
            {"op": "replace", "path": "/active", "value": active},
        ]
        change = change_of("application/json-patch+json", json.dumps(steps).encode())
        try:
            version = self.records.patching_where("Patient", f"identifier={number}", change).result()
        except Missing:
            assert not there
        except Stale:
            assert len(there) > 1
        except Conflict:
            assert self.now()[there[0]]["active"] is not expected
        else:
            assert self.now()[version.id]["active"] is expected
            self.written(version, patient(number, active))

    @rule(number=NUMBERS, most=st.sampled_from([None, 1, 2, 3]))
    def delete(self, number: str, most: int | None) -> None:
        there = self.matching(number)
        query = f"identifier={number}" + (f"&_count={most}" if most else "")
        try:
            gone = self.records.deleting_where("Patient", query).result()
        except Stale:
            assert len(there) > (most or 1)
            return
        assert sorted(there) == sorted(version.id for version in gone)
        assert len(there) <= (most or 1)
        self.log += [(version.id, None) for version in gone]

    @rule(entries=st.lists(st.tuples(NUMBERS, NUMBERS, FLAGS), min_size=1, max_size=3))
    def transaction(self, entries: list[tuple[str, str, bool]]) -> None:
        """Conditional updates together: all of them, or none."""
        bundle = {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "resource": patient(to, active),
                    "request": {"method": "PUT", "url": f"Patient?identifier={number}"},
                }
                for number, to, active in entries
            ],
        }
        before = len(self.store.outbox(0, 100_000))
        found = [self.matching(number) for number, _, _ in entries]
        clear = all(len(there) < 2 for there in found) and len({number for number, _, _ in entries}) == len(entries)
        try:
            answer = self.records.bundle(bundle)
        except (Stale, Invalid):
            assert not clear
            assert before == len(self.store.outbox(0, 100_000))
            return
        assert clear
        for (_, to, active), told in zip(entries, answer["entry"], strict=True):
            id = told["response"]["location"].split("/")[1]
            if self.now().get(id) != patient(to, active):
                self.log.append((id, patient(to, active)))

    # --- reads ---

    @rule(count=st.integers(1, 5))
    def history(self, count: int) -> None:
        """Of everything and of the type: newest first (within a transaction in any order), nothing twice."""
        for type in (None, "Patient"):
            found, query = [], f"_count={count}"
            while query:
                page = self.records.histories(query, type)
                found += page.versions
                query = page.next or ""
            assert sorted(map(repr, self.log)) == sorted(repr((v.id, plain(v))) for v in found)
            times = [version.updated for version in found]
            assert sorted(times, reverse=True) == times
        for id in {id for id, _ in self.log}:
            versions = self.records.histories("", "Patient", id).versions
            assert [body for one, body in self.log if one == id] == [plain(v) for v in versions][::-1]

    @invariant()
    def what_is_there_is_found(self) -> None:
        for number in ("1", "2", "3"):
            found = self.records.search("Patient", f"identifier={number}").versions
            assert sorted(self.matching(number)) == sorted(version.id for version in found)

    @invariant()
    def a_refusal_leaves_nothing(self) -> None:
        assert len(self.log) == len(self.store.outbox(0, 100_000))


def plain(version: Version) -> Body | None:
    if version.deleted:
        return None
    return {name: value for name, value in version.json().items() if name not in ("id", "meta")}


def test_conditions_hold_of_what_is_there_as_a_list_says_it(new_place: Callable[[], str]) -> None:
    run_state_machine_as_test(
        lambda: ConditionsAgainstAList(new_place()),
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
