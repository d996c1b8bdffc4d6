"""Chains and `_has` against a naive matcher over plain dicts. https://hl7.org/fhir/R4/search.html#chaining"""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.base.errors import Forbidden, Malformed, SalusError, Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store
from salus.records.search import chaining, finding, parse, setting, subjects

World = dict[str, dict[str, Any]]  # by reference
DRAWN = random.Random(7)
NAMES = ["Mai", "Huber", "Li", "Wang"]


def link(type: str, among: int) -> dict[str, str]:
    return {"reference": f"{type}/{type.lower()}{DRAWN.randrange(among)}"}


def practitioner(n: int) -> dict[str, Any]:
    return {"resourceType": "Practitioner", "name": [{"family": DRAWN.choice(NAMES)}]}


def patient(n: int) -> dict[str, Any]:
    body = {"resourceType": "Patient", "gender": DRAWN.choice(["male", "female"]), "birthDate": f"19{n % 4}0-01-01"}
    doctor = {"generalPractitioner": [link("Practitioner", 3)]} if n % 3 else {}
    return body | {"name": [{"family": DRAWN.choice(NAMES)}]} | doctor


def encounter(n: int) -> dict[str, Any]:
    stay = {"system": "urn:stay", "code": DRAWN.choice(["AMB", "IMP"])}
    return {"resourceType": "Encounter", "status": "finished", "class": stay, "subject": link("Patient", 8)}


def observation(n: int) -> dict[str, Any]:
    subject = link("Patient", 8) if n % 5 else {"reference": "Group/patient1"}
    code = {"coding": [{"system": "urn:x", "code": DRAWN.choice("abc")}]}
    stay = {"encounter": link("Encounter", 6)} if n % 2 else {}
    return {"resourceType": "Observation", "status": "final", "code": code, "subject": subject} | stay


MAKERS = {"Practitioner": (practitioner, 3), "Patient": (patient, 8), "Encounter": (encounter, 6)}
MAKERS["Observation"] = (observation, 40)


@pytest.fixture(scope="module")
def world(new_place: Callable[[], str]) -> Iterator[tuple[Store, World]]:
    made: World = {}
    with Store(new_place()) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for type, (make, count) in MAKERS.items():
            for n in range(count):
                id = f"{type.lower()}{n}"
                made[f"{type}/{id}"] = make(n) | {"id": id}
                records.update(type, id, made[f"{type}/{id}"])
        records.update("Observation", "gone", made["Observation/observation1"] | {"id": "gone"})
        records.delete("Observation", "gone")
        records.delete("Practitioner", "practitioner2")
        del made["Practitioner/practitioner2"]
        yield store, made


# --- the naive matcher ---

REFERENCES = {  # (type, parameter): element, targets
    ("Observation", "subject"): ("subject", ["Patient", "Group", "Device", "Location"]),
    ("Observation", "patient"): ("subject", ["Patient"]),
    ("Observation", "encounter"): ("encounter", ["Encounter"]),
    ("Encounter", "patient"): ("subject", ["Patient"]),
    ("Patient", "general-practitioner"): ("generalPractitioner", ["Practitioner", "Organization", "PractitionerRole"]),
}
LEAVES = {
    "Observation": ["code=a", "code=urn:x|b", "code:not=a", "code=a,b", "encounter:missing=true"],
    "Encounter": ["class=AMB", "class:not=AMB"],
    "Patient": ["gender=male", "family=mai", "birthdate=lt1920", "gender:not=male", "_id=patient1,patient2"],
    "Practitioner": ["family=mai", "family=w,l"],
}


def leaf(body: dict[str, Any], key: str, value: str) -> bool:
    name, _, modifier = key.partition(":")
    wanted = value.split(",")
    if name == "family":
        return any(body["name"][0]["family"].lower().startswith(text) for text in wanted)
    if name == "birthdate":
        return bool(body["birthDate"] < value[2:])
    if modifier == "missing":
        return (name not in body) == (value == "true")
    found = {
        "code": lambda: body["code"]["coding"][0]["code"],
        "class": lambda: body["class"]["code"],
        "gender": lambda: body["gender"],
        "_id": lambda: body["id"],
    }[name]()
    return (found in [text.rpartition("|")[2] for text in wanted]) != (modifier == "not")


def referred(body: dict[str, Any], element: str) -> list[str]:
    links = body.get(element, [])
    return [one["reference"] for one in (links if isinstance(links, list) else [links])]


def holds(world: World, seen: set[str], body: dict[str, Any], key: str, value: str) -> bool:
    """Whether a resource is such, as far as may be `seen`."""
    type = body["resourceType"]
    if key.startswith("_has:"):
        _, source, name, rest = key.split(":", 3)
        element, _ = REFERENCES[source, name]
        here = f"{type}/{body['id']}"
        others = [world[at] for at in seen if at.startswith(source + "/") and here in referred(world[at], element)]
        return any(holds(world, seen, other, rest, value) for other in others)
    head, dot, rest = key.partition(".")
    if not dot:
        return leaf(body, key, value)
    name, _, only = head.partition(":")
    element, targets = REFERENCES[type, name]
    ends = [at for at in referred(body, element) if at in seen and at.split("/")[0] in ([only] if only else targets)]
    return any(holds(world, seen, world[at], rest, value) for at in ends)


@st.composite
def conditions(draw: st.DrawFn, type: str, hops: int = 0) -> tuple[str, str]:
    forward = [name for at, name in REFERENCES if at == type]
    back = [(at, name) for (at, name), (_, targets) in REFERENCES.items() if type in targets]
    ways = [*(["forward"] if forward else []), *(["back"] if back else [])] if hops < 3 else []
    way = draw(st.sampled_from([*ways, *(["leaf"] if hops else [])] or ["leaf"]))
    if way == "forward":
        name = draw(st.sampled_from(forward))
        target = REFERENCES[type, name][1][0]
        key, value = draw(conditions(target, hops + 1))
        only = "" if len(REFERENCES[type, name][1]) == 1 else f":{target}"
        return f"{name}{only}.{key}", value
    if way == "back":
        source, name = draw(st.sampled_from(back))
        key, value = draw(conditions(source, hops + 1))
        return f"_has:{source}:{name}:{key}", value
    key, _, value = draw(st.sampled_from(LEAVES[type])).partition("=")
    return key, value


def within(world: World, patient: str) -> set[str]:
    """What stands in the compartment of a patient."""
    own = {f"Patient/{patient}"}
    return own | {at for at, body in world.items() if body.get("subject", {}).get("reference") in own}


TYPES = st.sampled_from(list(MAKERS))


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    type=TYPES,
    account=st.sampled_from([None, "patient1", "patient4"]),
    few=st.sampled_from([0, 9]),
    often=st.sampled_from([0, 99]),
)
def test_chains_find_what_a_naive_matcher_finds(
    world: tuple[Store, World], data: st.DataObject, type: str, account: str | None, few: int, often: int
) -> None:
    store, made = world
    pairs = [data.draw(conditions(type)) for _ in range(data.draw(st.integers(1, 2)))]
    actor = Actor(f"Patient/{account}", Role.PATIENT, account) if account else SYSTEM
    records = store.open(actor, Purpose.PATIENT_REQUEST if account else Purpose.OPERATIONS)
    seen = within(made, account) if account else set(made)
    expected = {at for at in seen if at.startswith(type + "/") and all(holds(made, seen, made[at], *p) for p in pairs)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chaining, "FEW", few)
        patch.setattr(chaining, "READ", few)
        patch.setattr(setting, "COMMON", 20_000 if few else 2)
        patch.setattr(subjects, "DIRECT", few)
        patch.setattr(subjects, "MOST", often or few)
        patch.setattr(subjects, "OFTEN", often and 10**9)
        page = records.search(type, [*pairs, ("_total", "accurate"), ("_count", "100")])
        walked = records.search(type, [*pairs, ("_count", "100")])

    assert expected == {version.reference for version in page.versions}, pairs
    assert expected == {version.reference for version in walked.versions}, pairs
    assert len(expected) == page.total


def test_every_page_of_a_chain_is_visited_once(world: tuple[Store, World]) -> None:
    records = world[0].open(SYSTEM, Purpose.OPERATIONS)
    query = "patient.gender=female&patient._has:Observation:patient:code=a"
    whole = [version.id for version in records.search("Encounter", query).versions]
    page = records.search("Encounter", f"{query}&_count=1")
    walked = [version.id for version in page.versions]
    while page.next:
        page = records.search("Encounter", page.next)
        walked += [version.id for version in page.versions]

    assert whole
    assert whole == walked


REFUSED = [
    ("Observation", "code.name=x", Unsupported, "no reference"),
    ("Observation", "subject.colour=x", Unsupported, "colour"),
    ("Observation", "subject:Elephant.name=x", Unsupported, "Elephant"),
    ("Observation", "subject:Practitioner.name=x", Unsupported, "does not refer"),
    ("Observation", "patient.birthdate=never", Malformed, "never"),
    ("Observation", "patient.name:fuzzy=x", Unsupported, "fuzzy"),
    ("Composition", "subject._id=x", Unsupported, "say which"),
    ("Patient", "_has:Observation:patient=x", Malformed, "half"),
    ("Patient", "_has:Observation:patient:colour=x", Unsupported, "colour"),
    ("Patient", "_has:Observation:code:code=x", Unsupported, "does not refer"),
    ("Patient", "_has:Observation:encounter:code=x", Unsupported, "does not refer"),
    ("Patient", "_has:Elephant:patient:code=x", Unsupported, "Elephant"),
    ("Patient", "link:Patient." * 9 + "name=x", Unsupported, "two steps"),
]


@pytest.mark.parametrize(("type", "query", "error", "words"), REFUSED)
def test_a_chain_that_cannot_be_followed_is_refused_by_name(
    world: tuple[Store, World], type: str, query: str, error: type[SalusError], words: str
) -> None:
    records = world[0].open(SYSTEM, Purpose.OPERATIONS)
    with pytest.raises(error, match=words):
        records.search(type, query)


def test_a_chain_looks_only_where_the_role_may(world: tuple[Store, World]) -> None:
    desk = world[0].open(Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS)

    assert desk.search("Encounter", "patient.gender=female").versions
    for query in ("_has:Observation:patient:code=a", "_has:Encounter:patient:_has:Observation:encounter:code=a"):
        with pytest.raises(Forbidden, match="may not read Observation"):
            desk.search("Patient", query)


def test_a_condition_of_a_write_does_not_look_into_other_types(world: tuple[Store, World]) -> None:
    records: Records = world[0].open(SYSTEM, Purpose.OPERATIONS)
    with pytest.raises(Unsupported, match="looks into Patient"):
        records.create("Encounter", encounter(0), "patient.name=mai")


ALLOWED = ("SCAN CONSTANT", "SCAN (", "SCAN i", "SCAN found")  # of what a subquery has found already
PLANS = [
    ("Observation", "patient.name=mai"),
    ("Observation", "subject:Patient.name=mai&code=a"),
    ("Encounter", "patient.gender=male"),
    ("Patient", "_has:Observation:patient:code=a"),
    ("Observation", "patient=patient1&code=a&_sort=-date"),
]


@pytest.mark.parametrize("new_place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("few", [0, 500])
@pytest.mark.parametrize(("type", "query"), PLANS)
def test_no_search_of_a_chart_scans_a_table(
    world: tuple[Store, World], monkeypatch: pytest.MonkeyPatch, type: str, query: str, few: int
) -> None:
    monkeypatch.setattr(chaining, "FEW", few)
    monkeypatch.setattr(chaining, "READ", few)
    said: list[str] = []
    with world[0].readers.one() as reader:
        reader.connection.set_trace_callback(said.append)
        finding.find(reader.connection, reader.kinds, parse(type, query), None, lambda type: True)
        reader.connection.set_trace_callback(None)
        plans = [line for sql in said for line in explained(reader.connection, sql)]

    assert any("SEARCH" in line for line in plans)
    assert [] == [line for line in plans if line.startswith("SCAN") and not line.startswith(ALLOWED)]


def explained(connection: Any, sql: str) -> list[str]:
    return [line[3] for line in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
