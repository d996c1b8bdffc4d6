"""XML to JSON and back. https://hl7.org/fhir/R4/xml.html"""

import json
import os
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.base.errors import Malformed, NotAcceptable, SalusError
from salus.fhir import decode, xml

Json = dict[str, Any]
NAMESPACE = 'xmlns="http://hl7.org/fhir"'
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>a &lt; b<br/>李</p></div>'
CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "salus/hl7.fhir.r4.examples-4.0.1/package"
EXAMPLES = Path(os.environ.get("SALUS_FHIR_PACKAGE") or CACHE)
LARGEST = 1 << (30 if os.environ.get("SALUS_FHIR_PACKAGE") else 15)  # bytes of an example


def plain(data: bytes) -> Any:
    return json.loads(data, parse_float=Decimal)


def test_an_observation_is_written_in_the_order_of_the_definitions(observation: Json) -> None:
    body = observation | {"_status": {"id": "s", "extension": [{"url": "urn:a", "valueBoolean": True}]}}
    told = xml.write(orjson.dumps(body)).decode()

    assert told.startswith(f'<?xml version="1.0" encoding="UTF-8"?><Observation {NAMESPACE}><id value="weight-1"/>')
    assert (
        '<status id="s" value="final"><extension url="urn:a"><valueBoolean value="true"/></extension></status>' in told
    )
    assert told.index("<status") < told.index("<code>") < told.index("<subject>") < told.index("<valueQuantity>")
    assert body == plain(xml.read(told.encode()))


def test_primitive_siblings_and_their_gaps_come_through(patient: Json) -> None:
    assert patient == plain(xml.read(xml.write(orjson.dumps(patient))))


def test_what_xml_is_careful_with_comes_through() -> None:
    body = {
        "resourceType": "List",
        "text": {"status": "generated", "div": DIV},
        "contained": [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Group", "id": "g"}],
        "title": "a\n\tb\r \"c\" 'd' <e> & 李 \U0001f600 ",
        "note": [{"text": "x", "id": "n"}],
    }
    observed = b'{"resourceType":"Observation","valueQuantity":{"value":1.10}}'

    assert body == plain(xml.read(xml.write(orjson.dumps(body))))
    assert b'"value":1.10' in xml.read(xml.write(observed))


def test_an_entity_of_html_becomes_its_character() -> None:
    body = {"resourceType": "Patient", "text": {"status": "generated", "div": DIV.replace("a ", "a&nbsp;&copy;&amp;")}}

    assert "a\xa0©&amp;" in plain(xml.read(xml.write(orjson.dumps(body))))["text"]["div"]


@pytest.mark.parametrize("body", [{"language": "a\x01"}, {"text": {"div": "<div><p>open</div>"}}])
def test_what_xml_cannot_hold_is_refused_in_words(body: Json) -> None:
    with pytest.raises(NotAcceptable, match="ask for JSON"):
        xml.write(orjson.dumps({"resourceType": "Patient"} | body))


def test_the_official_examples_are_the_same_after_xml() -> None:
    if not EXAMPLES.is_dir():
        pytest.skip("HL7's examples are not here: run .ci/examples")
    files = [file for file in sorted(EXAMPLES.glob("*.json")) if file.stat().st_size <= LARGEST]
    bodies = {file.stem: file.read_bytes() for file in files[:: 1 if LARGEST > 1 << 20 else 4]}
    whole = {name: plain(data) for name, data in bodies.items() if b'"resourceType"' in data and is_valid(data)}
    changed = [name for name, body in whole.items() if body != plain(xml.read(xml.write(bodies[name])))]

    print(len(whole))
    assert len(whole) > 1000
    assert [] == changed


def is_valid(data: bytes) -> bool:
    try:
        decode(data)
    except SalusError:
        return False
    return True


BILLION = "<!DOCTYPE l [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;&a;'>]>"
FETCHED = "<!DOCTYPE l [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
WRONG: list[tuple[str, str]] = [
    (f"{BILLION}<Patient {NAMESPACE}/>", "document type"),
    (f"{FETCHED}<Patient {NAMESPACE}><language value='&a;'/></Patient>", "document type"),
    ("<!DOCTYPE html><Patient/>", "document type"),
    ("<Patient/>", "namespace"),
    ('<Patient xmlns="urn:other"/>', "urn:other"),
    (f"<Patiant {NAMESPACE}/>", "<Patiant>"),
    (f"<Patient {NAMESPACE}>text</Patient>", "'text'"),
    (f"<Patient {NAMESPACE}><active value='true'>x</active></Patient>", "'x'"),
    (f"<Patient {NAMESPACE}><active value='true' colour='red'/></Patient>", "colour"),
    (f"<Patient {NAMESPACE} id='a'/>", "without attributes"),
    (f"<Patient {NAMESPACE}><active value='&nbsp;'/></Patient>", "undefined entity"),
    (f"<Patient {NAMESPACE}><active></Patient>", "mismatched"),
    (f"<Patient {NAMESPACE}/><Patient {NAMESPACE}/>", "junk"),
    (f"<Patient {NAMESPACE}>" + "<contact>" * 300, "nests too deeply"),
    (f"<List {NAMESPACE}><contained><Patient/><Patient/></contained></List>", "one resource"),
    (
        f"<Patient {NAMESPACE}><text><x:div xmlns:x='http://www.w3.org/1999/xhtml'/></text></Patient>",
        "begins with <div",
    ),
    ("", "no element"),
    ("{}", "not well-formed"),
]


@pytest.mark.parametrize(("text", "words"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_read_is_refused_at_once_and_in_words(text: str, words: str) -> None:
    start = time.process_time()
    with pytest.raises(Malformed, match=words):
        xml.read(text.encode())

    assert time.process_time() - start < 1


FAULTS: list[tuple[str, str]] = [
    ("<colour value='red'/>", "Patient.colour"),
    ("<active value='maybe'/>", "Patient.active"),
    ("<active value='true'/><active value='true'/>", "Patient.active"),
    ("<multipleBirthInteger value='1.5'/>", "Patient.multipleBirthInteger"),
    ("<multipleBirthInteger value='007'/>", "Patient.multipleBirthInteger"),
    ("<gender value='red'/>", "Patient.gender"),
    ("<active/>", ""),
    ("<contact/>", "Patient.contact[0]"),
    ("<name><given value=''/></name>", "Patient.name[0].given[0]"),
    ("<contained/>", "Patient.contained[0]"),
]


@pytest.mark.parametrize(("inside", "path"), FAULTS, ids=range(len(FAULTS)))
def test_what_is_wrong_is_told_as_of_json(inside: str, path: str) -> None:
    data = xml.read(f"<Patient {NAMESPACE}>{inside}</Patient>".encode())
    try:
        decode(data)
        found = ""
    except SalusError as error:
        found = error.issues[0].path

    assert path == found


def test_other_encodings_are_refused() -> None:
    for encoding in ("utf-16", "utf-32", "latin-1"):
        with pytest.raises(Malformed, match="not UTF-8"):
            xml.read(f"<Patient {NAMESPACE}><language value='é'/></Patient>".encode(encoding))


@given(st.text(alphabet="<>/&;'\"= aPvtid\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for data in (text.encode(), f"<Patient {NAMESPACE}>{text}</Patient>".encode()):
        try:
            read = xml.read(data)
        except Malformed:
            continue
        assert isinstance(json.loads(read), dict)
