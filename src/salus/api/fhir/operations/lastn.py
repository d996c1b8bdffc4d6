"""`Observation/$lastn`: the latest of each kind. https://hl7.org/fhir/R4/observation-operation-lastn.html

The index gives the rows that match, newest first, and bodies are read only as far as they are needed: with codes that
are named in full, until there are enough of each. What was entered in error is no latest value unless `status` asks.
"""

import asyncio
import re
from collections.abc import Iterator
from functools import partial
from urllib.parse import parse_qsl, urlencode

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import given, guard
from salus.base.errors import Malformed, Unsupported
from salus.privacy.policy import Act
from salus.records import Page, Records, Version, searchset
from salus.records.search import find, parse

MOST = 100  # of each code
ROWS = 100_000  # observations of a patient that are looked at
CHUNK = 200  # bodies read at once
SHOWING = ("_count", "_sort", "_total", "_summary", "_elements", "_include", "_revinclude", "_cursor")
Code = tuple[str, str]


async def lastn(records: Records, ask: Ask) -> Answer:
    """`GET /Observation/$lastn?patient=...`, with `max` (1) and any search parameters of Observation."""
    return await asyncio.to_thread(answer, records, ask)


def answer(records: Records, ask: Ask) -> Answer:
    guard.check(records, Act.READ, "Observation")
    pairs = asked(ask)
    most = given.count(pairs, 1, MOST, "max")
    found = latest(records, [pair for pair in pairs if pair[0] != "max"], most)
    guard.note(records, "lastn", urlencode(pairs))
    here = f"{ask.base}/{'/'.join(ask.parts)}?{urlencode(pairs)}"
    return Answer(200, searchset("searchset", Page(found, len(found)), {"self": here}, ask.base))


def asked(ask: Ask) -> given.Pairs:
    """Raises Malformed without a patient, Unsupported for what shows the answer in another way."""
    pairs = [pair for pair in parse_qsl(ask.query, keep_blank_values=True) if pair[0] not in given.WRITTEN]
    pairs += [(part["name"], given.text_of(part)) for part in given.parts(ask.body)]
    names = [name.partition(":")[0] for name, _ in pairs]
    for name in names:
        if name in SHOWING:
            raise Unsupported(f"'{name}' is not a parameter of $lastn: leave it out", path=name)
    if not {"patient", "subject"} & set(names):
        raise Malformed("$lastn needs to know whose observations: give patient or subject", path="patient")
    if "status" not in names:
        pairs.append(("status:not", "entered-in-error"))
    return pairs


def latest(records: Records, pairs: given.Pairs, most: int) -> list[Version]:
    """Newest first within each code, codes in the order of their latest."""
    groups = Groups(most)
    enough = enough_of(pairs)
    for version in newest_first(records, pairs):
        groups.put(version)
        if enough and groups.full >= enough:
            break
    return [version for group in groups.all for version in group]


def newest_first(records: Records, pairs: given.Pairs) -> Iterator[Version]:
    query = parse("Observation", [*pairs, ("_sort", "-date")])
    for type in query.looks:
        guard.check(records, Act.READ, type)
    query.count = ROWS
    with records.store.readers.one() as reader, reader.snapshot():
        mine = guard.own(records, reader)
        rows = find(reader.connection, reader.kinds, query, mine, partial(guard.can_read, records), reader.press).rows
        for begin in range(0, len(rows), CHUNK):
            yield from reader.of_rows(rows[begin : begin + CHUNK], mine)


def enough_of(pairs: given.Pairs) -> int:
    """How many codes there can be, where all are named in full (system|code); 0 where nobody knows.

    >>> enough_of([("code", "http://loinc.org|2823-3,http://loinc.org|718-7")]), enough_of([("code", "718-7")])
    (2, 0)
    """
    found = [value for name, text in pairs if name == "code" for value in re.split(r"(?<!\\),", text)]
    return len(set(found)) if found and all(all(value.partition("|")) for value in found) else 0


class Groups:
    """Observations by what they say was observed; those that share any coding are of one kind."""

    def __init__(self, most: int) -> None:
        self.all: list[list[Version]] = []
        self.full = 0
        self._most = most
        self._by_code: dict[Code, list[Version]] = {}

    def put(self, version: Version) -> None:
        codes = codes_of(version)
        group = next((self._by_code[code] for code in codes if code in self._by_code), None)
        if group is None:
            self.all.append(group := [])
        for code in codes:
            self._by_code.setdefault(code, group)
        if len(group) < self._most:
            group.append(version)
            self.full += len(group) == self._most


def codes_of(version: Version) -> list[Code]:
    """System and code of each coding; of what is only told in words, the words."""
    code = version.json()["code"]
    coded = [(one.get("system", ""), one["code"]) for one in code.get("coding", []) if "code" in one]
    return coded or [("", code.get("text", ""))]
