"""`near`: within a distance on the earth, and how far. https://hl7.org/fhir/R4/location.html#positional"""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salus.base.errors import Malformed
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store


def place(id: str, latitude: float, longitude: float) -> dict[str, Any]:
    position = {"latitude": latitude, "longitude": longitude}
    return {"resourceType": "Location", "id": id, "name": id, "position": position}


WORLD = [
    place("shanghai", 31.23, 121.47),
    place("suzhou", 31.30, 120.58),
    place("beijing", 39.90, 116.40),
    place("fiji-east", -17.0, 179.9),
    place("fiji-west", -17.0, -179.9),
    place("pole-a", 89.9, 0.0),
    place("pole-b", 89.9, 180.0),
    place("line", 0.0, -180.0),
    {"resourceType": "Location", "id": "nowhere", "name": "nowhere"},
    {"resourceType": "Encounter", "id": "visit", "status": "finished", "class": {"code": "AMB"}}
    | {"location": [{"location": {"reference": "Location/suzhou"}}]},
]


@pytest.fixture(scope="module")
def store(world: Store) -> Store:
    return world


FOUND = [
    ("near=31.23|121.47|100|km", "shanghai suzhou"),
    ("near=31.23|121.47|50", "shanghai"),
    ("near=31.23|121.47", "shanghai"),
    ("near=31.23|121.47||", "shanghai"),
    ("near=31.23|121.47|100000|m", "shanghai suzhou"),
    ("near=31.23|121.47|62|[mi_i]", "shanghai suzhou"),
    ("near=31.23|121.47|50|[nmi_i]", "shanghai suzhou"),
    ("near=31.23|121.47|0|km", "shanghai"),
    ("near=31.23|121.47|100&name=su", "suzhou"),
    ("near=31.23|121.47|1,39.90|116.40|1", "shanghai beijing"),
    ("near=31.23|121.47|2000&near=39.90|116.40|1", "beijing"),
    ("near=-17|180|20", "fiji-east fiji-west"),
    ("near=-17|-179.95|20", "fiji-east fiji-west"),
    ("near=90|77|20", "pole-a pole-b"),
    ("near=89.9|0|25", "pole-a pole-b"),
    ("near=0|180|1", "line"),
    ("near=0|0|30000", "shanghai suzhou beijing fiji-east fiji-west pole-a pole-b line"),
    ("near:missing=true", "nowhere"),
    ("near=31.23|121.47|100&near:missing=true", ""),
]


@pytest.mark.parametrize(("query", "expected"), FOUND)
def test_places_are_found_by_their_distance(records: Records, query: str, expected: str) -> None:
    page = records.search("Location", f"{query}&_total=accurate")

    assert expected.split() == [version.id for version in page.versions]
    assert len(expected.split()) == page.total


def test_each_place_says_how_far_it_is(records: Records) -> None:
    page = records.search("Location", "near=31.30|120.58|100&_count=1")
    rest = records.search("Location", page.next or "")

    assert {"Location/shanghai": 85} == {name: round(far) for name, far in page.distances.items()}
    assert {"Location/suzhou": 0.0} == rest.distances


def test_a_place_that_is_referred_to_is_searched_in_a_chain(records: Records) -> None:
    page = records.search("Encounter", "location.near=31.23|121.47|100")

    assert ["visit"] == [version.id for version in page.versions]
    assert {} == page.distances


def test_a_patients_account_sees_no_places(store: Store) -> None:
    eva = store.open(Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST)
    page = eva.search("Location", "near=31.23|121.47|100&_total=accurate")

    assert ([], 0, {}) == (page.versions, page.total, page.distances)
    assert [] == eva.search("Encounter", "location.near=31.23|121.47|100").versions


@pytest.mark.parametrize(
    "value",
    ["", "1", "nan|1|1", "1|inf|1", "91|0|1", "0|181|1", "1|1|-1", "1|1|nan", "1|1|1e999", "1|1|1|kg", "1|1|1|furlong",
     "1|2|3|km|5", "1_0|1|1", "١|1|1", "1|1|1|" + "k" * 9999],
)  # fmt: skip
def test_what_is_no_place_is_refused_with_its_value(records: Records, value: str) -> None:
    with pytest.raises(Malformed, match="near="):
        records.search("Location", [("near", value)])


def naive(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The distance by the angle between two arrows from the middle of the earth."""
    a, b = arrow(*one), arrow(*other)
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return 6371.0088 * math.atan2(math.hypot(*cross), sum(x * y for x, y in zip(a, b, strict=True)))


def arrow(latitude: float, longitude: float) -> tuple[float, float, float]:
    north, east = math.radians(latitude), math.radians(longitude)
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)


SPOTS = st.tuples(
    st.one_of(st.floats(-90, 90), st.sampled_from([90.0, -90.0, 89.99, 0.0])),
    st.one_of(st.floats(-180, 180), st.sampled_from([180.0, -180.0, 179.99, -179.99, 0.0])),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SPOTS, min_size=1, max_size=8), SPOTS, st.one_of(st.floats(0, 20100), st.floats(0, 50)))
def test_the_box_loses_none_that_is_near(
    new_place: Callable[[], str], spots: list[tuple[float, float]], middle: tuple[float, float], far: float
) -> None:
    with Store(new_place()) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for n, spot in enumerate(spots):
            records.update("Location", f"l{n}", place(f"l{n}", *spot))
        found = records.search("Location", [("near", f"{middle[0]!r}|{middle[1]!r}|{far!r}")]).distances
    truth = {f"Location/l{n}": naive(spot, middle) for n, spot in enumerate(spots)}
    surely = {name for name, distance in truth.items() if distance < far - 1e-4}
    perhaps = {name for name, distance in truth.items() if distance <= far + 1e-4}

    assert surely <= found.keys() <= perhaps
    assert all(abs(truth[name] - distance) < 1e-3 for name, distance in found.items())
