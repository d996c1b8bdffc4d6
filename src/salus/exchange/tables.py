"""A CSV as patients and observations, by a mapping. https://www.rfc-editor.org/rfc/rfc4180"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

import msgspec
import orjson

from salus.base.errors import Invalid
from salus.exchange.identity import LAWFUL, made_of
from salus.exchange.mapping import Mapping, Measured
from salus.exchange.shapes import Found, Item, Refusal

SEXES = {"m": "male", "male": "male", "男": "male", "f": "female", "female": "female", "女": "female", "o": "other"}
ENCODINGS = ("utf-8-sig", "gb18030")
UCUM = "http://unitsofmeasure.org"
Row = dict[str, str]


def items_in_table(name: str, stream: IO[bytes], mapping: Mapping) -> Iterator[Found]:
    """The patient of each new subject, and an Observation for each value. Raises Invalid when a column is missing."""
    text, encoding = told(stream, mapping)
    reader = csv.DictReader(text, delimiter=mapping.delimiter or delimiter_of(name, text))
    lacking = [column for column in mapping.needed() if column not in (reader.fieldnames or ())]
    if lacking:
        raise Invalid(
            f"{name} ({encoding}) has no column {', '.join(lacking)}; it has {', '.join(reader.fieldnames or ())}: "
            "mend the mapping",
            path=name,
        )
    desk = Desk(name, mapping)
    for row in reader:
        yield from desk.take(row, reader.line_num)


def told(stream: IO[bytes], mapping: Mapping) -> tuple[io.TextIOWrapper, str]:
    """The text of the CSV; without a stated encoding UTF-8, or GB 18030 where the first 64 KiB are no UTF-8."""
    kept = io.BufferedReader(Forward(stream), buffer_size=1 << 16)
    encoding = mapping.encoding or encoding_of(kept.peek(1 << 16))
    return io.TextIOWrapper(kept, encoding=encoding, newline=""), encoding


def encoding_of(start: bytes) -> str:
    """
    >>> encoding_of("糖化".encode("gb18030")), encoding_of("糖化".encode()[:-1])
    ('gb18030', 'utf-8-sig')
    """
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as fault:
        return ENCODINGS[fault.start < len(start) - 3]
    return ENCODINGS[0]


def delimiter_of(name: str, text: io.TextIOWrapper) -> str:
    """Tab for .tsv; else what stands most often in the first line: comma, semicolon or tab."""
    if ".tsv" in name.lower():
        return "\t"
    buffer: Any = text.buffer
    first = buffer.peek(1 << 16).split(b"\n", 1)[0]
    return max(",;\t", key=lambda mark: first.count(mark.encode()))


class Forward(io.RawIOBase):
    """A stream that is only read forward, for the buffer above it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class Desk:
    """Takes rows one after another; knows which subjects it has met and how often a measurement came at one time."""

    def __init__(self, name: str, mapping: Mapping) -> None:
        self.name, self.mapping, self.zone = name, mapping, mapping.timezone()
        self._met: set[str] = set()
        self._times: Counter[tuple[str, str, str]] = Counter()

    def take(self, row: Row, line: int) -> Iterator[Found]:
        where = f"{self.name}:{line}"
        subject = (row.get(self.mapping.subject) or "").strip()
        try:
            if not subject:
                raise refused(self.mapping.subject, "is empty", "say whose it is")
            patient = self.patient(subject, row)
            if patient.id not in self._met:
                self._met.add(patient.id)
                yield patient._replace(where=where)
            yield from (item._replace(where=where) for item in self.observations(patient.id, row))
        except Invalid as fault:
            yield Refusal(where, "Observation", fault.issues[0].path, str(fault))

    def patient(self, subject: str, row: Row) -> Item:
        """Raises Invalid for a sex or a birth date that cannot be read."""
        rules = self.mapping
        id = subject if LAWFUL(subject) and not rules.subject_system else made_of(rules.subject_system, subject)
        identifier = {"system": rules.subject_system, "value": subject} if rules.subject_system else {"value": subject}
        body: dict[str, Any] = {"resourceType": "Patient", "id": id, "identifier": [identifier]}
        if sex := (row.get(rules.sex) or "").strip():
            body["gender"] = self.sex(sex)
        if born := (row.get(rules.birth_date) or "").strip():
            body["birthDate"] = self.moment(rules.birth_date, born)[:10]
        return Item("Patient", id, orjson.dumps(body), "")

    def sex(self, word: str) -> str:
        found = self.mapping.sexes.get(word) or SEXES.get(word.lower())
        if found is None:
            raise refused(self.mapping.sex, f"{word!r} is no sex we know", "name it under [sexes] in the mapping")
        return found

    def moment(self, column: str, text: str) -> str:
        """A FHIR dateTime with its zone, or a date when no time of day is given. Raises Invalid."""
        style = self.mapping.time_format
        try:
            found = datetime.strptime(text, style) if style and column != self.mapping.birth_date else iso(text)
        except ValueError:
            cure = "set time_format in the mapping" if not style else "mend the value, or time_format"
            raise refused(column, f"{text!r} is no date and time", cure) from None
        if len(text) <= 10 and not style:
            return found.date().isoformat()
        return (found if found.tzinfo else found.replace(tzinfo=self.zone)).isoformat()

    def observations(self, patient: str, row: Row) -> Iterator[Item]:
        """One for each value in the row; an empty cell of a wide table was not measured. Raises Invalid."""
        rules = self.mapping
        time = self.moment(rules.time, (row.get(rules.time) or "").strip())
        recorded = (row.get(rules.recorded) or "").strip()
        issued = self.moment(rules.recorded, recorded) if recorded else None
        for column, what in self.measured(row):
            value = (row.get(column) or "").strip()
            if value:
                yield self.observation(patient, time, issued, what, value)
            elif not rules.columns:
                raise refused(column, "is empty", "give the value, or leave the row out")

    def measured(self, row: Row) -> Iterator[tuple[str, Measured]]:
        """(column, what it holds) of a row, long or wide."""
        rules = self.mapping
        yield from rules.columns.items()
        if rules.columns:
            return
        word = (row.get(rules.code) or "").strip()
        if not word:
            raise refused(rules.code, "is empty", "say what was measured")
        unit = (row.get(rules.unit) or "").strip() if rules.unit else rules.fixed_unit
        yield rules.value, Measured(rules.codes.get(word, word), unit, rules.system)

    def observation(self, patient: str, time: str, issued: str | None, what: Measured, value: str) -> Item:
        """The same row always has the same id, and a corrected value is a new version of it."""
        key = (patient, time, what.code)
        self._times[key] += 1
        id = made_of(self.mapping.subject_system, *key, str(self._times[key]))
        system = what.system or self.mapping.system
        body: dict[str, Any] = {
            "resourceType": "Observation",
            "id": id,
            "status": "final",
            "code": {"coding": [{"system": system, "code": what.code}]},
            "subject": {"reference": f"Patient/{patient}"},
            "effectiveDateTime": time,
        }
        if issued and len(issued) > 10:
            body["issued"] = issued
        return Item("Observation", id, orjson.dumps(body | value_of(value, what.unit)), "")


def iso(text: str) -> datetime:
    """ISO 8601, with slashes allowed: 2026/03/01 08:30. Raises ValueError."""
    return datetime.fromisoformat(text.replace("/", "-"))


def value_of(text: str, unit: str) -> dict[str, Any]:
    """A number (kept as written) with its unit, or words.

    >>> orjson.dumps(value_of("7.10", "%"))
    b'{"valueQuantity":{"value":7.10,"unit":"%","system":"http://unitsofmeasure.org","code":"%"}}'
    >>> value_of("positive", "")
    {'valueString': 'positive'}
    """
    try:
        msgspec.json.decode(text.encode(), type=float)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {"valueString": text}
    named = {"unit": unit, "system": UCUM, "code": unit} if unit else {}
    return {"valueQuantity": {"value": orjson.Fragment(text)} | named}


def refused(column: str, what: str, cure: str) -> Invalid:
    return Invalid(f"{column} {what}: {cure}", path=column)
