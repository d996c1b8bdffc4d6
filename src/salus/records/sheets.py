"""Many resources made ready for the desk elsewhere: in the thread that loads them, or in another process.

A sheet holds all that the writer puts into the tables, with numbers of its own for the codes and targets in it: the
desk only replaces these by the store's and inserts (loading.py). It is made in the hope that each resource is new,
under the time, the salt and the dictionary of its terms; where that does not hold, the desk does what is right, more
slowly.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import msgspec

from salus.base import clock
from salus.base.errors import Issue, SalusError
from salus.records import chain, compartments, drafts, shelves
from salus.records.bodies import Press
from salus.records.drafts import Draft
from salus.records.ids import packed

Item = tuple[str, str, bytes]  # type, id, JSON
Name = tuple[str | None, str]
CREATE = 0  # of ACTS
FIRST = 1  # version


class Terms(msgspec.Struct):
    """What a sheet is made for: `ts` (ms since 1970) is the time of the transaction, `kinds` the numbers of types."""

    ts: int
    salt: bytes
    kinds: Mapping[str, int]

    @property
    def instant(self) -> str:
        return clock.instant(clock.of_millis(self.ts))


class Sheet(msgspec.Struct):
    """The resources of `types`, `ids`, pressed `bodies` ... stood at `lines` of the list that was given.

    `rows`: index rows by table, with the number of the resource in the sheet (from 0) in the place of its row, and
    those of codes and targets in `codes` and `targets` (from 1). `subjects`: targets in whose compartments each
    stands, and whether it is `withheld` from their own accounts. `bunch`: the number of each one's codes in `bunches`
    (from 1). `refused`: line and issues.
    """

    ts: int
    salt: bytes
    form: int
    refused: list[tuple[int, list[Issue]]] = []
    lines: list[int] = []
    types: list[str] = []
    ids: list[str] = []
    bodies: list[bytes] = []
    digests: list[bytes] = []
    dates: list[int] = []
    subjects: list[list[int]] = []
    withheld: list[int] = []
    bunch: list[int] = []
    codes: list[Name] = []
    targets: list[Name] = []
    bunches: list[shelves.Codes] = []
    rows: dict[str, list[tuple[Any, ...]]] = {}


class Numbered(dict[Hashable, int]):
    """Numbers from 1 for whatever is asked for."""

    def __missing__(self, name: Hashable) -> int:
        number = self[name] = len(self) + 1
        return number


def prepared(items: Sequence[Item], terms: Terms, press: Press) -> Sheet:
    """Check and index these resources. Raises nothing: what is wrong with one is told in `refused`."""
    making = Making(terms, press)
    for line, (type, id, body) in enumerate(items):
        try:
            draft = drafts.addressed(body, type, id)
        except SalusError as fault:
            making.sheet.refused.append((line, fault.issues))
        else:
            making.add(line, draft, id)
    return making.done()


class Making:
    """A sheet that grows."""

    def __init__(self, terms: Terms, press: Press) -> None:
        self.sheet = Sheet(terms.ts, terms.salt, press.form, rows={table: [] for table in shelves.COLUMNS})
        self._kinds, self._instant, self._press = terms.kinds, terms.instant, press
        self._codes, self._targets, self._bunches = Numbered(), Numbered(), Numbered()

    def add(self, line: int, draft: Draft, id: str) -> None:
        sheet, n, body = self.sheet, len(self.sheet.ids), draft.stamped(id, FIRST, self._instant)
        title = chain.title(CREATE, self._kinds[draft.type], packed(id), FIRST)
        sheet.lines.append(line)
        sheet.types.append(draft.type)
        sheet.ids.append(id)
        sheet.bodies.append(self._press.pressed(body))
        sheet.digests.append(chain.digest(chain.key(sheet.salt, n), title, body))
        sheet.dates.append(compartments.clinical_date(draft.type, draft.indexed))
        for table, made in shelves.rows(draft.indexed, n, self._codes, self._targets):
            sheet.rows[table] += made
            if table == "token":
                sheet.bunch.append(self._bunches[shelves.codes_of(draft.type, made)])
        sheet.withheld.append(int(draft.withheld is not False))  # of a first version, nothing stood before it
        found = {self._targets["Patient", patient] for patient in compartments.patients(draft.type, draft.indexed)}
        own = [self._targets["Patient", id]] if compartments.is_own(draft.type, draft.indexed) else []
        sheet.subjects.append([*found, *own])

    def done(self) -> Sheet:
        sheet: Any = self.sheet
        sheet.codes, sheet.targets, sheet.bunches = list(self._codes), list(self._targets), list(self._bunches)
        return self.sheet


encode = msgspec.msgpack.Encoder(enc_hook=str).encode  # the texts of `fhir.primitives` as plain ones
decode = msgspec.msgpack.Decoder(Sheet).decode
