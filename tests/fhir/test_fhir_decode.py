"""What is read, what is refused, and in which words. https://hl7.org/fhir/R4/json.html"""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salus.base.errors import Invalid, Malformed, SalusError
from salus.fhir import RESOURCE_TYPES, decode, index, walker

Json = dict[str, Any]
DELETE = object()


def test_synthea_bundles_are_accepted(synthea_bundles: list[bytes]) -> None:
    assert ["Bundle"] * 60 == [decode(body).type for body in synthea_bundles]


def test_a_valid_resource_tells_its_type_id_and_values(observation: Json) -> None:
    found = decode(orjson.dumps(observation), "Observation")

    assert ("Observation", "weight-1") == (found.type, found.id)
    assert 61.5 == found.resource.valueQuantity.value
    assert ("Patient", "li-mei") == (found.resource.subject.reference.type, found.resource.subject.reference.id)


def test_primitive_siblings_and_their_gaps_are_accepted(patient: Json) -> None:
    found = decode(orjson.dumps(patient)).resource

    assert ["梅", None] == found.name[0].given
    assert "http://example.org/time" == found._birthDate.extension[0].url


def test_every_resource_type_can_be_read() -> None:
    empty = {name: refused_paths({"resourceType": name}) for name in RESOURCE_TYPES}

    assert 146 == len(empty)
    assert ["Observation.code", "Observation.status"] == sorted(empty["Observation"])


def test_threads_may_meet_a_type_for_the_first_time_together(observation: Json) -> None:
    data = orjson.dumps(observation)
    script = (
        "import sys; from concurrent.futures import ThreadPoolExecutor; from salus.fhir import decode\n"
        "sys.setswitchinterval(1e-6); data = sys.stdin.buffer.read()\n"
        "with ThreadPoolExecutor(8) as pool: print(len({d.id for d in pool.map(decode, [data] * 8)}))"
    )

    assert b"1" == subprocess.run([sys.executable, "-c", script], input=data, capture_output=True).stdout.strip()


def refused(body: Json | bytes, expected: str | None = None) -> list[tuple[str, str, str]]:
    try:
        decode(body if isinstance(body, bytes) else orjson.dumps(body), expected)
    except SalusError as error:
        return [(issue.code, issue.path, issue.text) for issue in error.issues]
    return []


def refused_paths(body: Json) -> list[str]:
    return [path for _, path, _ in refused(body)]


def put(body: Any, place: list[str | int], value: Any) -> None:
    *way, last = place
    for step in way:
        body = body[step]
    if value is DELETE:
        del body[last]
    else:
        body[last] = value


CODING = ["code", "coding", 0]
MUTANTS: list[tuple[list[str | int], Any, str, str, str]] = [
    # place, value, code, path, what the words must hold
    (["status"], DELETE, "required", "Observation.status", "missing"),
    (["code"], DELETE, "required", "Observation.code", "missing"),
    (["status"], "finished", "code-invalid", "Observation.status", "'finished'"),
    (["status"], 5, "value", "Observation.status", "5"),
    (["status"], ["final"], "structure", "Observation.status", "one value, not a list"),
    (["status"], None, "value", "Observation.status", "null"),
    (["colour"], "red", "structure", "Observation.colour", "no element of Observation"),
    (["code", "coding", 0, "colour"], 1, "structure", "Observation.code.coding[0].colour", "no element of Coding"),
    (["id"], "a b", "value", "Observation.id", "'a b'"),
    (["id"], "a" * 65, "value", "Observation.id", "1 to 64"),
    (["id"], "", "value", "Observation.id", "''"),
    (["effectiveDateTime"], "2026-02-30", "value", "Observation.effectiveDateTime", "'2026-02-30'"),
    (["effectiveDateTime"], "2026-03-01T08:30:00", "value", "Observation.effectiveDateTime", "zone"),
    (["effectiveDateTime"], "2026-03-01T08:30+08:00", "value", "Observation.effectiveDateTime", "08:30+08:00"),
    (["issued"], "2026-03-01", "value", "Observation.issued", "'2026-03-01'"),
    (["issued"], 20260301, "value", "Observation.issued", "20260301"),
    (["effectivePeriod"], {"start": "2026"}, "structure", "Observation.effectivePeriod", "takes one of them"),
    (["valueString"], "heavy", "structure", "Observation.valueString", "valueQuantity and valueString"),
    (["_valueString"], {"id": "x"}, "structure", "Observation.valueString", "takes one of them"),
    (["valueQuantity", "value"], "61.5", "value", "Observation.valueQuantity.value", "without quotes"),
    (["valueQuantity", "value"], True, "value", "Observation.valueQuantity.value", "true"),
    (["valueQuantity"], {}, "structure", "Observation.valueQuantity", "empty object"),
    (["valueQuantity"], [{}], "structure", "Observation.valueQuantity", "not a list"),
    (["valueQuantity", "comparator"], "=", "code-invalid", "Observation.valueQuantity.comparator", "<, <=, >=, >"),
    (["note"], [], "structure", "Observation.note", "empty list"),
    (["note"], [{"text": ""}], "value", "Observation.note[0].text", "at least one character"),
    (["note"], [{"text": "a"}, {}], "structure", "Observation.note[1]", "empty object"),
    (["note"], [None], "structure", "Observation.note[0]", "null"),
    (["note"], {"text": "a"}, "structure", "Observation.note", "a list"),
    ([*CODING, "code"], " 29463-7", "value", "Observation.code.coding[0].code", "spaces"),
    ([*CODING, "code"], "a  b", "value", "Observation.code.coding[0].code", "'a  b'"),
    ([*CODING, "system"], "http://loinc .org", "value", "Observation.code.coding[0].system", "spaces"),
    ([*CODING, "userSelected"], "true", "value", "Observation.code.coding[0].userSelected", "'true'"),
    (["subject", "reference"], "li-mei", "value", "Observation.subject.reference", "Type/id"),
    (["subject", "reference"], "Patient/", "value", "Observation.subject.reference", "'Patient/'"),
    (["subject", "reference"], "Patiant/1", "value", "Observation.subject.reference", "an R4 type"),
    (["subject"], "Patient/li-mei", "structure", "Observation.subject", "'Patient/li-mei'"),
    (["language"], "", "value", "Observation.language", "''"),
    (["extension"], [{"valueString": "a"}], "required", "Observation.extension[0].url", "missing"),
    (["contained"], [{"resourceType": "Patiant"}], "structure", "Observation.contained[0]", "'Patiant'"),
    (["contained"], [{"resourceType": "List", "mode": "x"}], "code-invalid", "Observation.contained[0].mode", "x"),
    (["text"], {"status": "generated"}, "required", "Observation.text.div", "missing"),
    (["referenceRange", 0, "low"], {"value": "50"}, "value", "Observation.referenceRange[0].low.value", "'50'"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "code", "path", "words"), MUTANTS)
def test_a_fault_is_named_by_path_and_value(
    observation: Json, place: list[str | int], value: Any, code: str, path: str, words: str
) -> None:
    put(observation, place, value)
    issues = refused(observation)

    assert (code, path) in [(issue[0], issue[1]) for issue in issues]
    assert words in " ".join(text for _, at, text in issues if at == path)


PATIENTS: list[tuple[list[str | int], Any, str, str]] = [
    (["name", 0, "given"], ["梅"], "Patient.name[0].given", "1 values and 2 in _given"),
    (["name", 0, "_given"], [None, None], "Patient.name[0].given[1]", "null"),
    (["name", 0, "_given"], DELETE, "Patient.name[0].given[1]", "null"),
    (["name", 0, "given"], [], "Patient.name[0].given", "empty list"),
    (["_birthDate"], {}, "Patient.birthDate", "empty object"),
    (["birthDate"], "1987-02-29", "Patient.birthDate", "'1987-02-29'"),
    (["birthDate"], "1988-02-29T11:00:00Z", "Patient.birthDate", "YYYY-MM-DD"),
    (["deceasedBoolean"], "no", "Patient.deceasedBoolean", "true or false"),
    (["multipleBirthInteger"], 2.0, "Patient.multipleBirthInteger", "2.0"),
    (["multipleBirthInteger"], 2**31, "Patient.multipleBirthInteger", "2147483648"),
    (["telecom"], [{"rank": 0}], "Patient.telecom[0].rank", "from 1"),
    (["photo"], [{"data": "%%"}], "Patient.photo[0].data", "base64"),
]


@pytest.mark.parametrize(("place", "value", "path", "words"), PATIENTS)
def test_a_primitive_fault_is_named_by_path_and_value(
    patient: Json, place: list[str | int], value: Any, path: str, words: str
) -> None:
    put(patient, place, value)
    told = {at: text for _, at, text in refused(patient)}

    assert path in told
    assert words in told[path]


DIVS = [
    ("<div>plain</div>", True),
    ('<div xmlns="http://www.w3.org/1999/xhtml"><p>on 3 May = better</p><a href="#x">x</a></div>', True),
    (" <div/> ", True),
    ("plain", False),
    ("<p>x</p>", False),
    ("<divx>x</divx>", False),
    ("<div><script>1</script></div>", False),
    ("<div><SCRIPT src='x'/></div>", False),
    ('<div><img src="x" onerror="1"/></div>', False),
    ("<div onclick='1'>x</div>", False),
    ('<div><a href=" javascript:1">x</a></div>', False),
    ("<div><iframe/></div>", False),
    ("<div><form/></div>", False),
]


@pytest.mark.parametrize(("div", "is_good"), DIVS)
def test_a_narrative_is_one_div_and_holds_nothing_that_runs(patient: Json, div: str, is_good: bool) -> None:
    patient["text"] = {"status": "generated", "div": div}

    assert ([] if is_good else ["Patient.text.div"]) == refused_paths(patient)


def test_all_faults_are_told_at_once(observation: Json) -> None:
    observation |= {"status": "x", "issued": "y", "colour": "z"}

    assert ["Observation.colour", "Observation.issued", "Observation.status"] == sorted(refused_paths(observation))


def test_a_condition_status_must_be_one_of_the_bound_codes() -> None:
    status = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "gone"}]}
    body = {"resourceType": "Condition", "subject": {"reference": "Patient/1"}, "clinicalStatus": status}

    assert ["Condition.clinicalStatus"] == refused_paths(body)
    status["coding"][0]["code"] = "active"
    assert [] == refused_paths(body)


def test_a_required_value_may_be_given_by_its_extension_alone() -> None:
    unknown = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "x"}]}

    assert [] == refused({"resourceType": "Observation", "_status": unknown, "code": {"text": "weight"}})


@pytest.mark.parametrize(
    "twice",
    [
        b'{"resourceType":"Patient","gender":"male","gender":"female"}',
        b'{"resourceType":"Patient","gender" : "male", "gender"\n:"female"}',
        b'{"resourceType":"Patient","gender":"male","gen\\u0064er":"female"}',
        b'{"resourceType":"Patient","name":[{"text":"a\\u003Ab"}],"gender":"male","gender":"male"}',
    ],
)
def test_a_key_given_twice_is_refused_however_it_is_written(twice: bytes) -> None:
    assert ["Patient.gender"] == [path for _, path, _ in refused(twice)]


def test_the_type_must_be_known_and_the_expected_one() -> None:
    assert "'Patiant'" in refused({"resourceType": "Patiant"})[0][2]
    assert "null" in refused({"id": "1"})[0][2]
    assert "send it to /Patient" in refused({"resourceType": "Patient"}, "Observation")[0][2]


MALFORMED = [
    b"", b"{", b"[]", b"5", b"null", b"not json", b'{"resourceType":"Patient",}', b'{"resourceType":"Patient"} x',
    b'{"resourceType":"Patient","id":"\xff"}', b"[" * 100_000, b'{"a":' * 100_000,
    b'{"resourceType":"Patient","contained":' + b"[" * 100_000,
    b'{"resourceType":"Patient","extension":' + b'[{"url":"a","extension":' * 300 + b"[]" + b"}]" * 300 + b"}",
    b'{"resourceType":"Bundle","type":"batch","entry":[{"resource":' * 90 + b"{}" + b"}]}" * 90,
]  # fmt: skip


@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_json_object_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(data)


def obs(value: bytes) -> bytes:
    return b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":%s}}' % value


NAME = b'{"resourceType":"Patient","name":[{"family":"%s"}]}'
IN_BUNDLE = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":%s}]}'
NO_TEXT = [b"a\\ud800b", b"\\udc00", b"a\xed\xa0\x80", b"\xff", b"\\ud83d\\ud83d"]


@pytest.mark.parametrize("text", NO_TEXT)
def test_what_is_no_character_is_malformed_and_named_by_its_path(text: bytes) -> None:
    for body, path in ((NAME, "Patient"), (IN_BUNDLE % NAME, "Bundle.entry[0].resource")):
        with pytest.raises(Malformed, match="surrogate") as caught:
            decode(body % text)

        assert f"{path}.name[0].family" == caught.value.issues[0].path
    assert [] == refused(NAME % b"a\\ud83d\\ude00")


NUMBERS = [b"1" * 65, b"1." + b"1" * 1_000_000, b"0." + b"0" * 100_000 + b"1", b"-" + b"7" * 300 + b".5"]


@pytest.mark.parametrize("number", NUMBERS, ids=range(len(NUMBERS)))
def test_a_number_without_end_is_refused_wherever_it_stands(number: bytes) -> None:
    for data in (obs(number), obs(b" \n" + number + b"\n "), IN_BUNDLE % obs(number)):
        ((code, path, text),) = refused(data)

        assert ("value", True) == (code, path.endswith("valueQuantity.value"))
        assert f"a number of {len(number):,} characters" in text


@pytest.mark.parametrize("number", [b"1" * 32 + b"." + b"1" * 31, b"1e300", b"0." + b"0" * 60 + b"1", b"-0.0"])
def test_a_number_of_up_to_64_characters_is_taken(number: bytes) -> None:
    assert [] == refused(obs(number))
    assert [] == refused(obs(b" " * 100 + number))
    assert [] == refused(b'{"resourceType":"Patient",          "language":                  "%s"}' % (b"1" * 200))


def test_a_message_never_carries_a_giant_value() -> None:
    issues = refused({"resourceType": "Patient", "gender": "x" * 1_000_000, "y" * 1_000_000: 1})

    assert 2 == len(issues)
    assert all(len(path) + len(text) < 400 for _, path, text in issues)


def test_a_fault_in_a_bundle_is_named_by_its_whole_path(observation: Json) -> None:
    observation["status"] = "x"
    body = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": observation}]}

    assert ["Bundle.entry[0].resource.status"] == refused_paths(body)


# Two readers, one truth: whatever is done to a resource, the fast reader refuses it if and only if the walker does.


def spots(value: Any) -> list[tuple[Any, Any]]:
    here = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    below = [spot for _, item in here if isinstance(item, dict | list) for spot in spots(item)]
    return [(value, key) for key, _ in here] + below


JUNK = st.sampled_from(
    [None, {}, [], "", " ", "x", 5, 0, -1, 1.5, 10**30, True, [None], [[]], [{}], {"id": "x"}, {"extension": []},
     "2021-02-30", "2021-01-01", "Patient/1", {"extension": [{"url": "a", "valueString": "b"}]},
     {"reference": "Patient/1"}]
)  # fmt: skip
NEW_KEYS = st.sampled_from(
    ["value", "valueString", "effectivePeriod", "deceasedBoolean", "extension", "id", "_id", "x"]
)


@st.composite
def mutation(draw: st.DrawFn) -> Callable[[Any], None]:
    place, act, junk, key = draw(st.integers(0, 10**6)), draw(st.integers(0, 5)), draw(JUNK), draw(NEW_KEYS)

    def change(body: Any) -> None:
        places = spots(body)
        if not places:
            return
        holder, name = places[place % len(places)]
        acts: list[Callable[[], Any]] = [
            lambda: holder.__setitem__(name, copy.deepcopy(junk)),
            lambda: holder.__delitem__(name),
            lambda: holder.__setitem__(name, [holder[name]]),
            lambda: holder.__setitem__(f"_{name}" if isinstance(holder, dict) else name, copy.deepcopy(junk)),
            lambda: holder.__setitem__(key if isinstance(holder, dict) else name, copy.deepcopy(junk)),
            lambda: holder.__setitem__(name, f"{holder[name]} " if isinstance(holder[name], str) else holder[name]),
        ]
        acts[act]()

    return change


def agree(data: bytes) -> None:
    try:
        found = decode(data)
    except SalusError as error:
        fast = [issue.code for issue in error.issues]
        assert "invalid" not in fast or error.issues[0].path == "resourceType", f"only the fast reader refuses: {error}"
        return
    index(found.type, found.resource)
    assert [] == walker.walk(data, found.type)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.lists(mutation(), min_size=1, max_size=2), st.sampled_from([None, 2]))
def test_the_fast_reader_agrees_with_the_walker(
    observation: Json, patient: Json, data: st.DataObject, changes: list[Callable[[Any], None]], indent: int | None
) -> None:
    body = copy.deepcopy(data.draw(st.sampled_from([observation, patient])))
    for change in changes:
        change(body)

    agree(json.dumps(body, indent=indent).encode())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), mutation())
def test_the_fast_reader_agrees_with_the_walker_on_synthea(
    ten_patients: list[Json], place: int, change: Callable[[Any], None]
) -> None:
    body = copy.deepcopy(ten_patients[place % len(ten_patients)])
    change(body)

    agree(orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS) if fits(body) else json.dumps(body).encode())


def fits(body: Any) -> bool:
    try:
        orjson.dumps(body)
    except TypeError:
        return False
    return True


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40), st.integers(0, 10**6), st.integers(0, 30))
def test_no_bytes_break_the_reader(patient: Json, junk: bytes, place: int, length: int) -> None:
    whole = orjson.dumps(patient)
    place %= len(whole)

    agree_or_malformed(whole[:place] + junk + whole[place + length :])
    agree_or_malformed(junk)


def agree_or_malformed(data: bytes) -> None:
    try:
        agree(data)
    except Malformed:
        pytest.fail("the walker cannot read what the fast reader could")


def test_invalid_is_422_and_malformed_400() -> None:
    assert (422, 400) == (Invalid.status, Malformed.status)
