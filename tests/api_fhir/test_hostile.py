"""What is sent to do harm is answered by an OperationOutcome, soon, and nothing of it is stored."""

import asyncio
import logging
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from salus.api import fhir
from salus.fhir import decode
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

SOON = 5.0  # seconds of this process's own time: other work of the machine does not count
MOST_MEMORY = 12  # times the bytes that were sent, and
SPARE = 40 << 20  # bytes of memory besides
PATIENT = '{"resourceType":"Patient",'
OBSERVATION = '{"resourceType":"Observation","status":"final","code":{"text":"a"},"valueQuantity":{"value":'
BUNDLE = '{"resourceType":"Bundle","type":"%s","entry":[%s]}'


def nested(before: str, level: str, after: str, depth: int) -> str:
    closing = "".join({"{": "}", "[": "]"}[letter] for letter in reversed(level) if letter in "{[")
    return before + level * depth + "1" + closing * depth + after


BODIES: dict[str, str | bytes] = {
    "lists in lists": "[" * 100_000 + "]" * 100_000,
    "lists that never end": PATIENT + '"name":' + "[" * 200_000,
    "objects in objects": nested("", '{"a":', "", 100_000),
    "a deep name": nested(PATIENT + '"name":', "[", "}", 50_000),
    "deep extensions": nested(PATIENT + '"extension":', '[{"url":"u","extension":', "}", 20_000),
    "deep contained": nested(PATIENT + '"contained":', '[{"resourceType":"Patient","contained":', "}", 5_000),
    "a whole number of a million digits": PATIENT + '"multipleBirthInteger":' + "9" * 1_000_000 + "}",
    "a decimal of a million digits": OBSERVATION + "9" * 1_000_000 + "}}",
    "a decimal beyond all bounds": OBSERVATION + "1e999999999}}",
    "no number": OBSERVATION + "NaN}}",
    "a string of 20 MB": PATIENT + '"name":[{"family":"' + "a" * 20_000_000 + '"}]}',
    "an id of 1 MB": PATIENT + '"id":"' + "a" * 1_000_000 + '"}',
    "a date of 1 MB": PATIENT + '"birthDate":"' + "2020-01-01T" * 90_000 + '"}',
    "an address of blanks": PATIENT + '"identifier":[{"system":"' + " " * 300_000 + 'x"}]}',
    "base64 wrong at its end": '{"resourceType":"Binary","contentType":"a/b","data":"' + "A " * 900_000 + '!"}',
    "100,000 unknown elements": PATIENT + ",".join(f'"x{n}":1' for n in range(100_000)) + "}",
    "an element 200,000 times": PATIENT + ",".join(['"active":true'] * 200_000) + "}",
    "a name twice": PATIENT + '"gender":"male","gender":"female"}',
    "bytes that are no UTF-8": b'{"resourceType":"Patient","name":[{"family":"\xff\xfe"}]}',
    "UTF-8 longer than need be": b'{"resourceType":"Patient","name":[{"family":"\xc0\xaf"}]}',
    "half a character": PATIENT + '"name":[{"family":"\\ud800"}]}',
    "UTF-16": (PATIENT + '"active":true}').encode("utf-16"),
    "zeroes": bytes(1_000_000),
    "nothing": b"",
    "null": b"null",
    "a zip": b"PK\x03\x04" + bytes(1000),
    "a script in a narrative": PATIENT + '"text":{"status":"generated","div":"<script>alert(1)</script>"}}',
    "an entity in a narrative": PATIENT
    + '"text":{"status":"generated","div":"<!DOCTYPE a [<!ENTITY x SYSTEM \\"file:///etc/passwd\\">]><div>&x;</div>"}}',
}  # fmt: skip
BUNDLES = {
    "20,000 empty entries": BUNDLE % ("transaction", ",".join(["{}"] * 20_000)),
    "bundles in bundles": nested("", '{"resourceType":"Bundle","type":"batch","entry":[{"resource":', "", 5_000),
    "20,000 references in a row": BUNDLE % ("transaction", ",".join(
        f'{{"fullUrl":"urn:uuid:{n}","resource":{PATIENT}"link":[{{"type":"seealso","other":'
        f'{{"reference":"urn:uuid:{n + 1}"}}}}]}},"request":{{"method":"POST","url":"Patient"}}}}'
        for n in range(20_000)
    )),
    "a way out of the folder": BUNDLE % (
        "transaction",
        '{"resource":{"resourceType":"Patient"},"request":{"method":"PUT","url":"Patient/../../etc/passwd"}}',
    ),
    "a reference to a machine inside": BUNDLE % (
        "transaction",
        '{"resource":{"resourceType":"Observation","status":"final","code":{"text":"a"},"subject":{"reference":'
        '"Patient?identifier=http://169.254.169.254/latest"}},"request":{"method":"POST","url":"Observation"}}',
    ),
}  # fmt: skip
XML = '<Patient xmlns="http://hl7.org/fhir">%s</Patient>'
XMLS: dict[str, str | bytes] = {
    "an element 300,000 times": XML % ("<active value='true'/>" * 300_000),
    "an unknown element 100,000 times": XML % ("<colour value='red'/>" * 100_000),
    "elements without end": XML % ("<name>" * 100_000),
    "deep extensions": XML % ("<extension url='u'>" * 20_000 + "</extension>" * 20_000),
    "100,000 attributes": XML % ("<active" + "".join(f" a{n}='1'" for n in range(100_000)) + "/>"),
    "entities": "<!DOCTYPE a [<!ENTITY x 'y'>]>" + XML % "<active value='&x;'/>",
    "no character": XML % "<name><family value='&#0;'/></name>",
    "half a character": XML % "<name><family value='&#xD800;'/></name>",
    "10 MB of text": XML % f"<![CDATA[{'a' * 10_000_000}]]>",
    "UTF-16": (XML % '<text><status value="empty"/><div xmlns="http://www.w3.org/1999/xhtml"/></text>').encode(
        "utf-16"
    ),
}
VIEW = '{"resourceType":"ViewDefinition","resource":"Patient","status":"active","select":[%s]}'
COLUMN = '{"column":[{"name":"a","path":"%s"}]}'
VIEWS = {
    "a column 100,000 times": VIEW % ",".join([COLUMN % "id"] * 100_000),
    "100,000 faults": VIEW % ",".join(["1"] * 100_000),
    "a union of 100,000": VIEW % f'{{"unionAll":[{",".join([COLUMN % "id"] * 100_000)}]}}',
    "selects in selects": VIEW % nested("", '{"select":[', "", 5_000),
    "a path of 1 MB": VIEW % (COLUMN % ("id." * 300_000 + "id")),
    "deep brackets": VIEW % (COLUMN % ("(" * 20_000 + "id" + ")" * 20_000)),
    "a way out of the folder": '{"resourceType":"Parameters","parameter":[{"name":"viewReference","valueString":'
    '"../../../etc/passwd"}]}',
}  # fmt: skip
ODD = [  # FHIRPath that would take for ever, or make what cannot be written
    "'%s'.matches('(a|a)*(b|a)+c$')" % ("a" * 5_000),
    "'%s'.replaceMatches('(a*)*b', 'x')" % ("a" * 5_000),
    "(1|2)%s.count()" % (".select($this.combine($this))" * 40),
    "'a'%s" % (".select($this & $this)" * 40),
    "9.power(9.power(9.power(9)))",
    "10000000000 * 10000000000 * 10000000000",
    "99999999999999999999",
    "'99999999999999999999'.toInteger()",
    "'\\ud800'",
    "'a' & '\\uDFFF'.upper()",
    "(1|2|3).repeat($this + 1).count()",
]
QUERY = "{Patient(id: a) {%s}} %s"
QUERIES = {
    "fragments that double": QUERY % (
        "...f0",
        " ".join(f"fragment f{n} on Patient {{...f{n + 1} ...f{n + 1}}}" for n in range(60))
        + "fragment f60 on Patient {id}",
    ),
    "fragments in a ring": QUERY % ("...a", "fragment a on Patient {...b} fragment b on Patient {...a}"),
    "100,000 names": QUERY % (" ".join(f"a{n}: id" for n in range(100_000)), ""),
    "a name 5,000 times": QUERY % ("name {family} " * 5_000, ""),
    "brackets in brackets": "{" * 10_000,
    "half a character": QUERY % ("name(use: \"\\uD800\") {family}", ""),
}  # fmt: skip
SQL = [
    "' OR 1=1 --",
    "a'); DROP TABLE resource; --",
    '" UNION SELECT body FROM resource --',
    "%' OR '1'='1",
    "\x00",
    "*",
]


class Client:
    """Asks a door without a network, and looks at every answer."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._door = fhir.door(store, lambda headers: (SYSTEM, Purpose.OPERATIONS))
        self._loop = asyncio.new_event_loop()

    def __call__(self, method: str, path: str, body: str | bytes | None = None, **headers: str) -> httpx.Response:
        return self._loop.run_until_complete(self._ask(method, path, body, headers))

    async def _ask(self, method: str, path: str, body: str | bytes | None, headers: dict[str, str]) -> httpx.Response:
        named = {"content-type": b"application/fhir+json"} | {
            name.replace("_", "-"): value.encode("latin-1") for name, value in headers.items()
        }
        transport = httpx.ASGITransport(self._door)
        async with httpx.AsyncClient(transport=transport, base_url="http://ward") as client:
            began = time.process_time()
            answer = await client.request(method, f"/fhir{path}", content=body, headers=named)
            assert time.process_time() - began < SOON
        if answer.headers["content-type"].startswith("application/fhir+json"):
            decode(answer.content)  # whatever is answered is valid FHIR itself
        return answer

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


@pytest.fixture(scope="module")
def ask(new_place: Callable[[], str]) -> Iterator[Client]:
    with Store(new_place()) as store:
        client = Client(store)
        yield client
        client.close()


def refused(answer: httpx.Response, ask: Client, caplog: pytest.LogCaptureFixture) -> bool:
    """Whether it is a refusal in words, short, with nothing stored and nothing broken."""
    outcome = answer.json()
    assert "OperationOutcome" == outcome["resourceType"]
    assert all(issue["diagnostics"] for issue in outcome["issue"])
    assert len(answer.content) < 100_000
    assert "Traceback" not in answer.text
    assert [] == [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert 0 == ask.store.last_transaction()
    return 400 <= answer.status_code < 500


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_refused(name: str, ask: Client, caplog: pytest.LogCaptureFixture) -> None:
    body = BODIES[name]
    text = body if isinstance(body, str) else ""
    kind = next((kind for kind in ("Observation", "Binary") if kind in text[:40]), "Patient")

    assert refused(ask("POST", f"/{kind}", body), ask, caplog)
    assert refused(ask("PUT", f"/{kind}/a", body), ask, caplog)


@pytest.mark.parametrize("name", BUNDLES)
def test_a_hostile_bundle_is_refused(name: str, ask: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert refused(ask("POST", "/", BUNDLES[name]), ask, caplog)


@pytest.mark.parametrize("name", XMLS)
def test_hostile_xml_is_refused(name: str, ask: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert refused(ask("POST", "/Patient", XMLS[name], content_type="application/fhir+xml"), ask, caplog)


@pytest.mark.parametrize("name", VIEWS)
def test_a_hostile_view_is_refused(name: str, ask: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert refused(ask("POST", "/ViewDefinition/$run", VIEWS[name]), ask, caplog)


@pytest.mark.parametrize("format", ["json", "csv", "ndjson"])
@pytest.mark.parametrize("path", ODD, ids=range(len(ODD)))
def test_an_odd_path_is_soon_answered(path: str, format: str, ask: Client, caplog: pytest.LogCaptureFixture) -> None:
    view, patient = orjson.loads(VIEW % COLUMN), {"resourceType": "Patient", "id": "a"}
    view["select"][0]["column"][0]["path"] = path
    given = [{"name": "viewResource", "resource": view}, {"name": "resource", "resource": patient}]
    body = orjson.dumps({"resourceType": "Parameters", "parameter": given})
    told = ask("POST", f"/ViewDefinition/$run?_format={format}", body)

    assert 200 == told.status_code or refused(told, ask, caplog)
    assert len(told.content) < 10_000


@pytest.mark.parametrize("name", QUERIES)
def test_a_hostile_query_is_refused(name: str, ask: Client, caplog: pytest.LogCaptureFixture) -> None:
    told = ask("POST", "/$graphql", orjson.dumps({"query": QUERIES[name]}), content_type="application/json")

    assert refused(told, ask, caplog)


@pytest.mark.parametrize("name", ["a string of 20 MB", "100,000 unknown elements", "an element 200,000 times"])
def test_memory_stays_in_bounds(name: str, ask: Client) -> None:
    body = str(BODIES[name]).encode()
    tracemalloc.start()
    try:
        ask("POST", "/Patient", body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < MOST_MEMORY * len(body) + SPARE


@pytest.mark.parametrize("value", SQL)
@pytest.mark.parametrize(
    "parameter", ["name", "identifier", "birthdate", "_id", "general-practitioner", "_sort", "_count"]
)
def test_sql_in_a_search_finds_nothing_and_harms_nothing(parameter: str, value: str, ask: Client) -> None:
    answer = ask("GET", f"/Patient?{httpx.QueryParams({parameter: value})}")

    assert answer.status_code in (200, 400, 422)
    assert not answer.json().get("entry")
    assert 0 == sum(ask.store.count().values())


@pytest.mark.parametrize(
    "path",
    [
        "/Patient/" + "a" * 60_000,
        "/Patient?name=" + "a," * 30_000,
        "/Patient?" + "name=a&" * 5_000,
        "/Patient?" + "&".join(f"x{n}=1" for n in range(5_000)),
        "/Patient?name=%ff%fe",
        "/Patient?_count=" + "9" * 5_000,
        "/Patient?birthdate=" + "9" * 50_000,
        "/Patient?general-practitioner=" + "Patient/" * 5_000,
        "/Patient/%00",
        "/Patient/..%2f..%2fetc%2fpasswd",
        "/" + "Patient/" * 2_000,
        "/Patient/a/_history/" + "9" * 5_000,
        "/Patient/a/_history/-1",
        "/Patient/a/_history?_count=" + "9" * 5_000,
    ],
    ids=lambda path: path[:40],
)
def test_a_hostile_address_is_answered_in_words(path: str, ask: Client, caplog: pytest.LogCaptureFixture) -> None:
    answer = ask("GET", path)

    assert answer.status_code == 200 or refused(answer, ask, caplog)
    assert [] == [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/html"},
        {"content_type": "application/fhir+json;" + "a" * 50_000},
        {"content_type": "\xff\xfe"},
        {"content_length": "-1"},
        {"content_length": "9" * 5_000},
        {"content_length": str(1 << 40)},
        {"if_match": 'W/"' + "9" * 5_000 + '"'},
        {"if_match": "\xff"},
        {"if_none_exist": "name=' OR 1=1 --&x=1"},
        {"prefer": "a" * 50_000},
        {"host": 'ward","x":"'},
        {"host": "ward/<script>"},
        {"host": ""},
        {"accept": "text/html"},
        {"accept": ("a/b," * 10_000)},
    ],
    ids=lambda headers: str(headers)[:40],
)
def test_a_hostile_header_breaks_nothing(
    headers: dict[str, str], ask: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for method, path in (("POST", "/Patient"), ("PUT", "/Patient/a")):
        answer = ask(method, path, PATIENT + '"gender":"none"}', **headers)

        assert refused(answer, ask, caplog)


def test_others_are_served_while_hostile_bodies_are_read(tmp_path: Path) -> None:
    """A read is answered at once, though something large and wrong is being looked at."""

    async def talk(store: Store) -> list[float]:
        door = fhir.door(store, lambda headers: (SYSTEM, Purpose.OPERATIONS))
        waits = []
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://ward/fhir") as client:
            hostile = [asyncio.create_task(client.post("/", content=BUNDLES["20,000 references in a row"]))]
            hostile += [asyncio.create_task(client.post("/Patient", content=BODIES["100,000 unknown elements"]))]
            while not all(task.done() for task in hostile):
                began = time.process_time()
                assert 200 == (await client.get("/Patient/a")).status_code
                waits.append(time.process_time() - began)
                await asyncio.sleep(0.01)
        return waits

    with Store(tmp_path / "records.db") as store:
        store.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "a", {"resourceType": "Patient", "active": True})
        waits = asyncio.run(talk(store))

        assert max(waits) < 2.0
        assert 1 == store.last_transaction()
