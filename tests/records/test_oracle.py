"""The store against a dict that anybody can check by eye."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from salus.base.errors import Gone, Missing, Stale
from salus.fhir import dates
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store

IDS = ["a", "b", "c", "0199a5f4-5b2c-7def-8123-456789abcdef"]
PATIENTS = ["eva", "adam"]
CODES = ["1-1", "2-2"]
DAYS = ["2026-01", "2026-01-15", "2026-02-01T10:00:00Z", "2026-03"]
VALUES = [4, 4.10, 5.5, 100]


@dataclass
class Kept:
    """All versions of one resource, None for a deletion."""

    versions: list[dict[str, Any] | None] = field(default_factory=list)

    @property
    def current(self) -> dict[str, Any] | None:
        return self.versions[-1] if self.versions else None


def observation(patient: str, code: str, day: str, value: float) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": "mmol/L"},
    }


bodies = st.builds(
    observation, st.sampled_from(PATIENTS), st.sampled_from(CODES), st.sampled_from(DAYS), st.sampled_from(VALUES)
)


def within(prefix: str, held: tuple[int, int], asked: tuple[int, int]) -> bool:
    """The prefixes of the standard, word by word. https://hl7.org/fhir/R4/search.html#prefix"""
    (low, high), (first, last) = held, asked
    contains = first <= low and high <= last
    return {
        "eq": contains,
        "ne": not contains,
        "gt": high > last,
        "lt": low < first,
        "ge": high > last or contains,
        "le": low < first or contains,
        "sa": low >= last,
        "eb": high <= first,
    }[prefix]


class StoreAgainstDict(RuleBasedStateMachine):
    """Whatever is done, the store says what the dict says."""

    ids = Bundle("ids")

    def __init__(self, place: str) -> None:
        super().__init__()
        self.store = Store(place)
        self.records = self.store.open(SYSTEM, Purpose.OPERATIONS)
        self.eva = self.store.open(Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST)
        self.kept: dict[str, Kept] = {}
        self.writes = 0
        for patient in PATIENTS:
            self.records.update("Patient", patient, {"resourceType": "Patient"})

    def teardown(self) -> None:
        self.store.close()

    # --- writes ---

    @rule(target=ids, body=bodies)
    def create(self, body: dict[str, Any]) -> str:
        made = self.records.create("Observation", body)
        self.kept[made.id] = Kept([body])
        self.writes += 1
        return made.id

    @rule(target=ids, id=st.sampled_from(IDS), body=bodies)
    def put(self, id: str, body: dict[str, Any]) -> str:
        kept = self.kept.setdefault(id, Kept())
        version = self.records.update("Observation", id, body)
        if kept.current != body:
            kept.versions.append(body)
            self.writes += 1
        assert len(kept.versions) == version.version
        return id

    @rule(id=ids, body=bodies)
    def put_stale(self, id: str, body: dict[str, Any]) -> None:
        try:
            self.records.update("Observation", id, body, if_match=len(self.kept[id].versions) + 1)
        except Stale:
            return
        raise AssertionError("a version that is not there was replaced")

    @rule(id=ids)
    def delete(self, id: str) -> None:
        kept = self.kept[id]
        try:
            self.records.delete("Observation", id)
        except Gone:
            assert kept.current is None
            return
        assert kept.current is not None
        kept.versions.append(None)
        self.writes += 1

    # --- reads ---

    @rule(id=ids)
    def read(self, id: str) -> None:
        current = self.kept[id].current
        try:
            found: dict[str, Any] | None = plain(self.records.read("Observation", id).json())
        except Gone:
            found = None
        assert current == found

    @rule(id=ids)
    def history(self, id: str) -> None:
        versions = self.kept[id].versions
        page = self.records.history("Observation", id, count=100)
        found = [None if version.deleted else plain(version.json()) for version in page.versions]
        assert versions[::-1] == found
        for number, body in enumerate(versions, 1):
            if body is not None:
                assert body == plain(self.records.vread("Observation", id, number).json())

    @rule(id=ids)
    def a_patient_reads(self, id: str) -> None:
        """Eva reads what is hers now, and of its history what was hers then."""
        current = self.kept[id].current
        try:
            seen = plain(self.eva.read("Observation", id).json())
        except (Missing, Gone):
            seen = None
        assert (current if is_of("eva", current) else None) == seen
        mine = [body for body in self.kept[id].versions if is_of("eva", body)]
        try:
            told = [plain(v.json()) for v in self.eva.history("Observation", id).versions if not v.deleted]
        except Missing:
            told = []
        assert mine[::-1] == told

    @rule(
        code=st.sampled_from([None, *CODES]),
        patient=st.sampled_from([None, *PATIENTS]),
        day=st.sampled_from(DAYS),
        prefix=st.sampled_from([None, "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]),
        least=st.sampled_from([None, 4.1, 50]),
        negate=st.booleans(),
    )
    def search(
        self, code: str | None, patient: str | None, day: str, prefix: str | None, least: float | None, negate: bool
    ) -> None:
        pairs = [("_total", "accurate"), ("_count", "2")]
        pairs += [("code:not" if negate else "code", f"http://loinc.org|{code}")] if code else []
        pairs += [("subject", f"Patient/{patient}")] if patient else []
        pairs += [("date", prefix + day)] if prefix else []
        pairs += [("value-quantity", f"ge{least}")] if least else []

        def matches(body: dict[str, Any]) -> bool:
            span = dates.bounds(body["effectiveDateTime"])
            return (
                (not code or (body["code"]["coding"][0]["code"] == code) != negate)
                and (not patient or is_of(patient, body))
                and (not prefix or within(prefix, span, dates.bounds(day)))
                and (not least or body["valueQuantity"]["value"] >= least)
            )

        expected = {id for id, kept in self.kept.items() if kept.current and matches(kept.current)}
        assert expected == self.walk(self.records, pairs)
        hers = {id for id in expected if is_of("eva", self.kept[id].current)}
        assert hers == self.walk(self.eva, pairs)

    def walk(self, records: Any, pairs: list[tuple[str, str]]) -> set[str]:
        """All pages; nothing comes twice, and the total is right."""
        page = records.search("Observation", pairs)
        found = [version.id for version in page.versions]
        while page.next:
            page = records.search("Observation", page.next)
            found += [version.id for version in page.versions]
        assert len(found) == len(set(found)) == page.total
        return set(found)

    @rule(descending=st.booleans(), key=st.sampled_from(["date", "value-quantity", "_lastUpdated"]))
    def sort(self, descending: bool, key: str) -> None:
        pairs = [("_sort", ("-" if descending else "") + key), ("_count", "100")]
        found = [version.json() for version in self.records.search("Observation", pairs).versions]
        read = {
            "date": lambda body: dates.bounds(body["effectiveDateTime"])[0],
            "value-quantity": lambda body: body["valueQuantity"]["value"],
            "_lastUpdated": lambda body: body["meta"]["lastUpdated"],
        }[key]
        assert sorted(map(read, found), reverse=descending) == list(map(read, found))

    @invariant()
    def the_logs_agree(self) -> None:
        changes = self.store.outbox(0, 100_000)
        assert self.writes + len(PATIENTS) == len(changes) == self.store.last_transaction()


def plain(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("id", "meta")}


def is_of(patient: str, body: dict[str, Any] | None) -> bool:
    return body is not None and body["subject"]["reference"] == f"Patient/{patient}"


def test_whatever_is_done_the_store_says_what_a_dict_says(new_place: Callable[[], str]) -> None:
    run_state_machine_as_test(
        lambda: StoreAgainstDict(new_place()),
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
