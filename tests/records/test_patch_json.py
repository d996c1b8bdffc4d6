"""JSON Patch: what each operation makes of a body, and what it refuses."""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from salus.base.errors import Conflict, Gone, Invalid, Malformed, Missing, SalusError, Stale, WrongMedia
from salus.records import Records, Store, change_of

MEDIA = "application/json-patch+json"


def change(*steps: dict[str, Any]) -> Any:
    return change_of(MEDIA, json.dumps(list(steps)).encode())


def op(op: str, path: str, **more: Any) -> dict[str, Any]:
    return {"op": op, "path": path, **more}


BODY = {"a": 1, "l": [1, 2], "o": {"x/y": 1, "m~n": 2}}
MADE: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
    ([op("add", "/b", value=2)], {**BODY, "b": 2}),
    ([op("add", "/a", value=2)], {**BODY, "a": 2}),
    ([op("add", "/l/0", value=9)], {**BODY, "l": [9, 1, 2]}),
    ([op("add", "/l/2", value=9)], {**BODY, "l": [1, 2, 9]}),
    ([op("add", "/l/-", value=[3])], {**BODY, "l": [1, 2, [3]]}),
    ([op("add", "", value={"z": 1})], {"z": 1}),
    ([op("remove", "/l/1")], {**BODY, "l": [1]}),
    ([op("remove", "/o/x~1y")], {**BODY, "o": {"m~n": 2}}),
    ([op("replace", "/o/m~0n", value=None)], {**BODY, "o": {"x/y": 1, "m~n": None}}),
    ([op("move", "/o/z", **{"from": "/a"})], {"l": [1, 2], "o": {"x/y": 1, "m~n": 2, "z": 1}}),
    ([op("move", "/l/1", **{"from": "/l/0"})], {**BODY, "l": [2, 1]}),
    ([op("move", "/a", **{"from": "/a"})], BODY),
    ([op("copy", "/l/-", **{"from": "/l"})], {**BODY, "l": [1, 2, [1, 2]]}),
    ([op("test", "/l", value=[1, 2.0]), op("replace", "/a", value=3)], {**BODY, "a": 3}),
    ([op("add", "/b", value=1, comment="what is not known is passed over")], {**BODY, "b": 1}),
    ([], BODY),
]


@pytest.mark.parametrize(("steps", "made"), MADE)
def test_each_operation_does_what_the_standard_says(steps: list[dict[str, Any]], made: dict[str, Any]) -> None:
    assert made == change(*steps)(json.loads(json.dumps(BODY)))


FAILED: list[tuple[list[dict[str, Any]], type[SalusError], str]] = [
    ([op("test", "/a", value=True)], Conflict, "Operation 0 (test /a)"),
    ([op("test", "/a", value="1")], Conflict, "Operation 0 (test /a)"),
    ([op("test", "/l", value=[2, 1])], Conflict, "read the resource again"),
    ([op("test", "/none", value=1)], Invalid, "/none leads nowhere"),
    ([op("remove", "/none")], Invalid, "/none leads nowhere"),
    ([op("replace", "/none", value=1)], Invalid, "/none leads nowhere"),
    ([op("remove", "")], Invalid, "DELETE"),
    ([op("add", "/l/3", value=1)], Invalid, "'3' is no place"),
    ([op("add", "/l/01", value=1)], Invalid, "'01' is no place"),
    ([op("remove", "/l/-")], Invalid, "'-' is no place"),
    ([op("add", "/a/b", value=1)], Invalid, "/a is no object"),
    ([op("add", "/n/b", value=1)], Invalid, "/n leads nowhere"),
    ([op("move", "/o/x~1y/z", **{"from": "/o"})], Invalid, "into itself"),
    ([op("add", "/b", value=1), op("test", "/b", value=2)], Conflict, "Operation 1 (test /b)"),
]


@pytest.mark.parametrize(("steps", "error", "words"), FAILED)
def test_a_step_that_cannot_be_done_names_itself(
    steps: list[dict[str, Any]], error: type[SalusError], words: str
) -> None:
    with pytest.raises(error) as caught:
        change(*steps)(json.loads(json.dumps(BODY)))

    assert words in str(caught.value)
    assert f"[{len(steps) - 1}]" == caught.value.issues[0].path


UNREADABLE = [
    b"{",
    b"{}",
    b"[1]",
    b'[{"op":"grow","path":"/a"}]',
    b'[{"op":"add","path":"/a"}]',
    b'[{"op":"add","path":"a","value":1}]',
    b'[{"op":"add","path":"/~2","value":1}]',
    b'[{"op":"add","value":1}]',
    b'[{"op":"move","path":"/a"}]',
    b'[{"op":["add"],"path":"/a"}]',
    b"[" * 100_000,
    json.dumps([op("remove", "/a")] * 1001).encode(),
]


@pytest.mark.parametrize("data", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_is_no_json_patch_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        change_of(MEDIA, data)


def test_xml_is_refused_with_what_to_send_instead() -> None:
    with pytest.raises(WrongMedia, match=r"json-patch\+json or application/fhir\+json"):
        change_of("application/xml-patch+xml", b"<diff/>")


def test_decimals_stay_as_they_were_written(records: Records) -> None:
    body = b'{"resourceType":"Observation","status":"final","code":{"text":"k"},"valueQuantity":{"value":1.10}}'
    records.update("Observation", "o", body)
    version = records.patch("Observation", "o", change(op("replace", "/status", value="amended")))

    assert 2 == version.version
    assert b'"valueQuantity":{"value":1.10}' in version.body
    assert b'"versionId":"2"' in version.body


@pytest.fixture
def eva(records: Records) -> Records:
    records.update("Patient", "eva", {"resourceType": "Patient", "active": True, "gender": "female"})
    return records


REFUSED: list[tuple[list[dict[str, Any]], type[SalusError], str]] = [
    ([op("replace", "/gender", value="blue")], Invalid, "Patient.gender"),
    ([op("add", "/colour", value="red")], Invalid, "Patient.colour"),
    ([op("add", "/name", value=[])], Invalid, "Patient.name"),
    ([op("replace", "/id", value="adam")], Invalid, "Patient.id"),
    ([op("replace", "/resourceType", value="Group")], Invalid, "resourceType"),
    ([op("replace", "", value=[1])], Invalid, ""),
]


@pytest.mark.parametrize(("steps", "error", "path"), REFUSED)
def test_what_a_patch_makes_is_checked_like_any_resource(
    eva: Records, store: Store, steps: list[dict[str, Any]], error: type[SalusError], path: str
) -> None:
    with pytest.raises(error) as caught:
        eva.patch("Patient", "eva", change(*steps))

    assert path == caught.value.issues[0].path
    assert 1 == eva.read("Patient", "eva").version == store.last_transaction()


def test_a_patch_that_changes_nothing_makes_no_version(eva: Records) -> None:
    version = eva.patch("Patient", "eva", change(op("test", "/active", value=True)))

    assert (1, True) == (version.version, version.unchanged)


def test_a_patch_is_for_a_version_when_it_says_so(eva: Records) -> None:
    step = op("replace", "/active", value=False)

    with pytest.raises(Stale, match="version 1, not 2"):
        eva.patch("Patient", "eva", change(step), if_match=2)
    assert 2 == eva.patch("Patient", "eva", change(step), if_match=1).version


def test_what_is_not_there_cannot_be_patched(eva: Records) -> None:
    with pytest.raises(Missing):
        eva.patch("Patient", "adam", change())
    eva.delete("Patient", "eva")
    with pytest.raises(Gone):
        eva.patch("Patient", "eva", change())


def test_a_patch_that_doubles_and_doubles_comes_to_an_end(eva: Records) -> None:
    doubling = [op("add", "/x", value="long" * 100)]
    doubling += [op("copy", f"/{'x' * n}y", **{"from": ""}) for n in range(1, 60)]

    with pytest.raises(Invalid, match="bytes: send the resource by PUT"):
        eva.patch("Patient", "eva", change(*doubling))


def test_a_patch_that_nests_and_nests_comes_to_an_end(eva: Records) -> None:
    nesting = [op("add", "/a", value={})]
    for _ in range(499):
        nesting += [op("add", "/b", value={}), op("move", "/b/a", **{"from": "/a"})]
        nesting[-1:] += [op("move", "/a", **{"from": "/b"})]

    with pytest.raises(SalusError):
        eva.patch("Patient", "eva", change(*nesting[:1000]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~0", max_size=3), inner, max_size=3),
    max_leaves=12,
)


def pointers(value: Any, path: str = "") -> list[str]:
    """Every place of a body, and where something could be added."""
    found = [path]
    if isinstance(value, dict):
        for name, part in value.items():
            found += pointers(part, f"{path}/{name.replace('~', '~0').replace('/', '~1')}")
    if isinstance(value, list):
        for n, part in enumerate(value):
            found += pointers(part, f"{path}/{n}")
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.dictionaries(st.text("ab/~", max_size=3), json_values, max_size=4), st.data())
def test_what_is_taken_out_and_put_back_is_the_same(body: dict[str, Any], data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(pointers(body)))
    copied = change(op("copy", "/new", **{"from": place}))(json.loads(json.dumps(body)))["new"]
    expected = body
    for token in place.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        expected = expected[int(name) if isinstance(expected, list) else name]

    assert expected == copied
    if place:
        steps = (op("test", place, value=copied), op("remove", place), op("add", place, value=copied))
        assert body == change(*steps)(json.loads(json.dumps(body)))
