"""The records, open for one actor and one purpose: the only door.

Every verb first asks `salus.privacy` whether this role may do this for this purpose, and is audited, refusals too. An
account of a patient (`actor.patient`) sees what is released of that patient's compartment, and nothing else; who acts
for a child (`actor.guardian`), of that what `privacy.guardian` shows them. The condition is part of the SQL of every
read, search, count, history, include. What it may not see is Missing, not Forbidden.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from salus import fhir
from salus.base import clock
from salus.base.errors import Forbidden, Gone, Malformed, Missing, SalusError, TooLarge, Unsupported
from salus.privacy import Actor, Guardian, Purpose, Role, check_may, check_may_enter, may
from salus.privacy.policy import Act
from salus.records import (
    answers,
    bundles,
    chain,
    conditions,
    drafts,
    guarding,
    histories,
    includes,
    joined,
    loading,
    looks,
    notices,
    sheets,
    transactions,
)
from salus.records.desk import Desk
from salus.records.faults import Lengthy
from salus.records.patches import Patch
from salus.records.reading import Reader
from salus.records.search import Explanation, Query, explain, parse
from salus.records.search.query import COMPARTMENT, pairs_of, whole
from salus.records.search.setting import Own
from salus.records.shapes import Audited, Document, Outcome, Page, Version
from salus.records.sheets import Item, Sheet
from salus.records.stewards import STEWARDED
from salus.records.writer import LOAD, Request

if TYPE_CHECKING:
    from salus.records.store import Store

T = TypeVar("T")
FEW = 200  # resources of a page that may be read at once
MOMENT = 0.002  # seconds of work
NOBODY = -1  # a row that no compartment has
MOST_ANSWERED = 64 << 20  # bytes that the reads of a Bundle are answered with; after that no more are begun


class Records:
    """`store.open(actor, purpose)` makes one. All methods raise SalusError and may be called from any thread."""

    def __init__(self, store: "Store", actor: Actor, purpose: Purpose) -> None:
        self.store = store
        self.actor = actor
        self.purpose = purpose
        self._looked: tuple[int, frozenset[int]] | None = None  # for a guardian: as of which transaction, which rows
        check_may_enter(actor, purpose)

    # --- one resource ---

    def create(self, type: str, body: Document, if_none_exist: str | None = None) -> Version:
        """Store a new resource under a new id.

        With `if_none_exist` (a search) only if nothing matches; what matches comes back as `unchanged`.
        Raises Malformed, Invalid, Stale (several match), Forbidden, Busy, Full.
        """
        return self.creating(type, body, if_none_exist).result()

    def creating(self, type: str, body: Document, if_none_exist: str | None = None) -> "Future[Version]":
        """As `create`, without waiting for the commit; what is wrong with the body is raised at once."""
        self._check(Act.WRITE, type)
        if if_none_exist:
            self._check_condition(type)
        draft = drafts.draft(body, type)

        def work(desk: Desk) -> Version:
            found = conditions.one_that_matches(desk, type, if_none_exist) if if_none_exist else None
            return found or desk.create(draft)

        return self._submit(work, "create", type, plain=not if_none_exist and not self._is_stewarded(type))

    def read(self, type: str, id: str) -> Version:
        """The current version. Raises Missing, or Gone if it was deleted."""
        version = self._read(type, id)
        if version.deleted:
            raise Gone(f"{type}/{id} was deleted: its history has what stood there")
        return version

    def _read(self, type: str, id: str) -> Version:
        self._check(Act.READ, type)
        with self.store.readers.one() as reader, self._steady(reader):
            mine = type in STEWARDED and notices.owns(reader, self.actor, id)
            version = reader.current(type, id, None if mine else self._patient(reader))
        self._note("read", f"{type}/{id[:64]}")
        if version is None:
            raise Missing(f"There is no {type}/{id[:64]}")
        return version

    def vread(self, type: str, id: str, version: int) -> Version:
        """One version, by number. Raises Missing, or Gone if that version is the deletion."""
        self._check(Act.READ, type)
        with self.store.readers.one() as reader, reader.snapshot():
            found = reader.at(type, id, version, self._patient(reader))
        self._note("vread", f"{type}/{id[:64]}/_history/{version}")
        if found is None:
            raise Missing(f"There is no {type}/{id[:64]} at version {version}")
        if found.deleted:
            raise Gone(f"Version {version} of {type}/{id} is its deletion")
        return found

    def update(self, type: str, id: str, body: Document, if_match: int | None = None) -> Version:
        """Store the next version, or the first under this id. The same content again makes no version (`unchanged`).

        Raises Malformed, Invalid, Stale when `if_match` is not the current version.
        """
        return self.updating(type, id, body, if_match).result()

    def updating(self, type: str, id: str, body: Document, if_match: int | None = None) -> "Future[Version]":
        """As `update`, without waiting for the commit."""
        self._check(Act.WRITE, type)
        draft = drafts.addressed(body, type, id)
        return self._submit(lambda desk: desk.update(draft, if_match), "update", f"{type}/{id}")

    def updating_where(self, type: str, query: str, body: Document, if_match: int | None = None) -> "Future[Version]":
        """Conditional update: of the one resource that matches `query`, or a new one where none does.

        The future may raise Stale (several match), Malformed (the body names another id), Conflict.
        """
        self._check(Act.WRITE, type)
        self._check_condition(type)
        draft = drafts.draft(body, type)
        return self._submit(lambda desk: conditions.update(desk, query, draft, if_match), "update", told(type, query))

    def patch(self, type: str, id: str, change: Patch, if_match: int | None = None) -> Version:
        """The next version, by a change of what stands there (`salus.records.patches`).

        Raises Missing, Gone, Stale, Conflict (a test of the patch failed), Invalid.
        """
        return self.patching(type, id, change, if_match).result()

    def patching(self, type: str, id: str, change: Patch, if_match: int | None = None) -> "Future[Version]":
        """As `patch`, without waiting for the commit."""
        self._check(Act.WRITE, type)
        self._check_condition(type)
        return self._submit(lambda desk: conditions.patch(desk, type, id, change, if_match), "patch", f"{type}/{id}")

    def patching_where(self, type: str, query: str, change: Patch, if_match: int | None = None) -> "Future[Version]":
        """Conditional patch: of the one resource that matches. The future may raise Missing, Stale."""
        self._check(Act.WRITE, type)
        self._check_condition(type)

        def work(desk: Desk) -> Version:
            return conditions.patch(desk, type, conditions.single(desk, type, query), change, if_match)

        return self._submit(work, "patch", told(type, query))

    def delete(self, type: str, id: str, if_match: int | None = None) -> Version:
        """Raises Missing, Gone if it is deleted already, Stale."""
        return self.deleting(type, id, if_match).result()

    def deleting(self, type: str, id: str, if_match: int | None = None) -> "Future[Version]":
        """As `delete`, without waiting for the commit."""
        self._check(Act.DELETE, type)
        return self._submit(lambda desk: desk.delete(type, id, if_match), "delete", f"{type}/{id}")

    def deleting_where(self, type: str, query: str, if_match: int | None = None) -> "Future[list[Version]]":
        """Conditional delete: of the one resource that matches, or of all if `_count` says up to how many.

        The future has the deletions, none where nothing matches; it may raise Stale (more match).
        """
        self._check(Act.DELETE, type)
        self._check_condition(type)

        def work(desk: Desk) -> list[Version]:
            found = conditions.doomed(desk, type, query)
            return [desk.delete(type, version.id, if_match) for version in found]

        return self._submit(work, "delete", told(type, query))

    def history(self, type: str, id: str, count: int = 50, cursor: str | None = None) -> Page:
        """Versions of one resource, newest first, deletions included; `page.next` is the next cursor.

        Raises Missing.
        """
        self._check(Act.READ, type)
        below = _below(cursor)
        with self.store.readers.one() as reader, reader.snapshot():
            found = reader.history(type, id, below, count + 1, self._patient(reader))
        self._note("history", f"{type}/{id[:64]}")
        if not found and cursor is None:
            raise Missing(f"There is no {type}/{id[:64]}")
        shown = found[:count]
        return Page(shown, next=str(shown[-1].version) if len(found) > count and shown else None)

    def histories(self, params: str = "", type: str | None = None, id: str | None = None) -> Page:
        """Versions of one resource, of a type, or of all, newest first, deletions included.

        `params`: `_since`, `_at`, `_count`, and `_cursor` of a later page: `page.next` goes into the next call. Raises
        Missing for a resource that is not here, Unsupported, Malformed.
        """
        kinds = self._readable(type)
        asked = histories.parse(params)
        with self.store.readers.one() as reader, reader.snapshot():
            scope = histories.Scope(kinds, id, self._patient(reader))
            found = histories.page(reader, asked, scope)
            bare = type and id and not (found.versions or reader.history(type, id, 2**62, 1, scope.patient))
        where = "/".join(part[:64] for part in (type, id) if part)
        self._note("history", f"{where}?{params}"[:2000] if params else where or "everything")
        if bare:
            raise Missing(f"There is no {where}")
        return found

    def _readable(self, type: str | None) -> tuple[int, ...] | None:
        """Numbers of the types whose history may be seen; None for all. Raises Forbidden for one that may not."""
        if type is not None:
            self._check(Act.READ, type)
            return (self.store.kinds.numbers[type],)
        numbers = tuple(number for name, number in self.store.kinds.numbers.items() if name and self._may_read(name))
        return None if len(numbers) == len(fhir.RESOURCE_TYPES) else numbers

    # --- many ---

    def search(self, type: str, params: str | Iterable[tuple[str, str]] = "") -> Page:
        """What matches a query string or name-value pairs. `page.next` goes into the next call as `params`.

        Raises Unsupported for a parameter or modifier that is not served, Malformed for a value that cannot be read.
        """
        query = self._asked(type, params)
        with self.store.readers.one() as reader, reader.snapshot():
            page = includes.page(reader, query, self._patient(reader), self._may_read)
        self._note_search(query)
        return page

    def search_at_once(self, type: str, params: str | Iterable[tuple[str, str]] = "") -> Page | None:
        """As `search`, for a thread that must not be held up; None, unaudited, where it would take longer than a
        moment, or wait for another machine: then `search` by another thread."""
        query = self._asked(type, params)
        if query.count > FEW:
            return None
        try:
            with self.store.readers.one() as reader:
                if not reader.connection.local:
                    return None
                with reader.snapshot(), reader.moment(MOMENT):
                    page = includes.page(reader, query, self._patient(reader), self._may_read)
        except Lengthy:
            return None
        self._note_search(query)
        return page

    def _asked(self, type: str, params: str | Iterable[tuple[str, str]]) -> Query:
        query = parse(type, params)
        for looked in query.looks:
            self._check(Act.READ, looked)
        return query

    def _note_search(self, query: Query) -> None:
        self._note("search", f"{query.type}?{'&'.join([f'{name}={value}' for name, value in query.pairs])}"[:2000])

    def explain(self, type: str, params: str | Iterable[tuple[str, str]] = "") -> Explanation:
        """How a search is understood and run, without what it finds. Raises Forbidden unless an administrator asks."""
        pairs = pairs_of(params) if isinstance(params, str) else list(params)
        what = f"{type}?{'&'.join(f'{name}={value}' for name, value in pairs)}"[:2000]
        if self.actor.role not in (Role.ADMINISTRATOR, Role.SYSTEM):
            self._note("refused", f"explain {what}"[:2000])
            raise Forbidden(
                f"A {self.actor.role} may not have a search explained: ask an administrator, or leave _explain out"
            )
        query = parse(type, pairs)
        for looked in query.looks:
            self._check(Act.READ, looked)
        with self.store.readers.one() as reader, reader.snapshot():
            found = explain(reader.connection, reader.kinds, query, self._patient(reader), self._may_read, reader.press)
        self._note("explain", what)
        return found

    def compartment(self, patient_id: str, types: Iterable[str] | None = None) -> list[Version]:
        """The current resources of one patient, newest first by clinical date, the Patient itself among them.

        Of one who was joined into another, that one's: what is asked of the old number (a signed prescription's, a
        caller's) must not miss an allergy. Empty for a patient that is not here, or that this account may not see.
        """
        wanted = [name for name in (types or sorted(fhir.RESOURCE_TYPES)) if self._may_read(name)]
        kinds = [self.store.kinds.numbers[name] for name in wanted]
        with self.store.readers.one() as reader, self._steady(reader):
            row, id = reader.person(patient_id) or (None, "")
            only = self._patient(reader)
            hidden = row is None or (only is not None and only != row)
            found = [] if hidden or row is None else reader.compartment(row, kinds, only)
        self._note("compartment", f"Patient/{patient_id[:64]}")
        return [one for one in found if one.type != "Patient" or one.id == id]  # the replaced stand there too

    def person(self, patient_id: str) -> str:
        """The id of the Patient that stands for this one: another's only where it was joined into that."""
        with self.store.readers.one() as reader:
            found = reader.person(patient_id)
        return found[1] if found else patient_id

    def bundle(self, body: Document) -> dict[str, Any]:
        """Do a transaction (all or nothing) or a batch; the response Bundle.

        Raises for a transaction what is wrong with it; a batch tells it entry by entry.
        """
        told: dict[str, Any] = orjson.loads(orjson.dumps(self.submit(body).result()))
        return told

    def submit(self, body: Document, prefer: str = answers.MINIMAL) -> "Future[dict[str, Any]]":
        """As `bundle`, without waiting: several transactions in flight share a commit.

        `prefer` says what comes back of a write: minimal, representation or OperationOutcome. Resources stand in the
        response as `orjson.Fragment`, so that `orjson.dumps` writes them exactly as they are stored.

        It is checked and indexed here, in the calling thread, and its faults are raised here; the future resolves
        when it is on disk. Raises Busy when too many wait: keep a few (8, say) in flight.
        """
        bundle = bundles.unpack(drafts.as_bytes(body))
        if bundle.kind == "batch":
            done: Future[dict[str, Any]] = Future()
            done.set_result(answers.response("batch", self._batch(bundle, prefer)))
            return done
        for entry in bundle.entries:
            self._check_entry(entry)
        transaction = transactions.Transaction(bundle, self._check_condition)
        reads = [entry for entry in bundle.entries if entry.method == "GET"]
        if not reads:
            return self._submit(
                lambda desk: told_each(transaction(desk), prefer), "transaction", f"{len(bundle.entries)} entries"
            )
        entries = self._submit(transaction, "transaction", f"{len(bundle.entries)} entries").result()
        read = self._reads(entries)
        done = Future()
        told = [read.get(e.place) or answers.answered(e, prefer) for e in entries]
        done.set_result(answers.response("transaction", told))
        return done

    def _batch(self, bundle: bundles.Bundle, prefer: str) -> list[dict[str, Any]]:
        found = {place: answers.refused(fault) for place, fault in bundle.faults.items()}
        started = [(entry, self._started(entry)) for entry in bundle.entries if entry.method != "GET"]
        for entry, ending in started:
            found[entry.place] = settled(ending, prefer)
        found |= self._reads(bundle.entries)
        return [found[place] for place in sorted(found)]

    def _reads(self, entries: list[bundles.Entry]) -> dict[int, dict[str, Any]]:
        """The answers to the GETs, by place; when they have become large, the others are refused."""
        found: dict[int, dict[str, Any]] = {}
        room = MOST_ANSWERED
        for entry in entries:
            if entry.method == "GET":
                found[entry.place] = self._entry(entry) if room > 0 else answers.refused(crowded())
                room -= len(orjson.dumps(found[entry.place]))
        return found

    def _started(self, entry: bundles.Entry) -> "Future[bundles.Entry]":
        ending: Future[bundles.Entry] = Future()
        try:
            self._check_entry(entry)
            return self._submit(lambda desk: transactions.alone(desk, entry), entry.method.lower(), what(entry))
        except SalusError as fault:
            ending.set_exception(fault)
        return ending

    def _entry(self, entry: bundles.Entry) -> dict[str, Any]:
        """The answer to a GET within a bundle."""
        path, _, query = entry.url.partition("?")
        try:
            return self._got(path.strip("/").split("/"), query, entry)
        except SalusError as fault:
            return answers.refused(fault)

    def _got(self, parts: list[str], query: str, entry: bundles.Entry) -> dict[str, Any]:
        if parts[-1] == "_history" and len(parts) < 4:
            body = answers.searchset("history", self.histories(query, *parts[:-1]), {}, "")
        elif len(parts) == 1 or (len(parts) == 3 and parts[2] in fhir.RESOURCE_TYPES):
            within = [(COMPARTMENT, "/".join(parts[:2]))] if len(parts) == 3 else []
            pairs = [*pairs_of(query), *within]
            body = answers.searchset("searchset", self.search(parts[-1], pairs), {}, "")
        elif len(parts) == 4 and parts[2] == "_history" and not query and whole(parts[3]):
            body = self.vread(parts[0], parts[1], int(parts[3])).body
        elif len(parts) == 2 and not query:
            version = self.read(*parts)
            if answers.known_already(version, entry.if_none_match, entry.if_modified_since):
                return {"response": {"status": "304 Not Modified", "etag": f'W/"{version.version}"'}}
            body = version.body
        else:
            raise Unsupported(f"GET {entry.url[:80]} is not served in Bundles: read, search, history")
        return {"resource": answers.exactly(body), "response": {"status": "200 OK"}}

    def put_many(self, items: Sequence[Item], known: bool = True) -> "Future[list[Outcome]]":
        """Store many independent resources, each at the id given, in one commit: (type, id, JSON).

        The future resolves, when it is on disk, to one Outcome an item, in order: `created`, `updated`, `unchanged`
        or `refused` with its issues (the others are stored all the same). References may name what is not here yet.
        With `known`, the content of any earlier version counts as unchanged too. Some 500 items at a time, a few
        futures in flight. Items are checked here, in the calling thread. Raises Forbidden, Busy, Full.
        """
        return self.put_sheet(items, self.prepared(items), known)

    def prepared(self, items: Sequence[Item]) -> Sheet:
        """A sheet of these items, made in the calling thread. Raises Busy when the store is closed."""
        with self.store.readers.one() as reader:
            reader.press.refresh(reader.connection)
            return sheets.prepared(items, self.terms(), reader.press)

    def terms(self) -> sheets.Terms:
        """What a sheet is made for, as of now."""
        return sheets.Terms(int(clock.now().timestamp() * 1000), chain.salt(), self.store.kinds.numbers)

    def dictionary(self, known: int) -> tuple[int, bytes | None]:
        """The form that bodies are pressed in, and its dictionary unless that is the form `known`."""
        with self.store.readers.one() as reader:
            found = reader.connection.execute("SELECT form, bytes FROM dictionary ORDER BY form DESC").fetchone()
        form, dictionary = found or (0, None)
        return form, None if form == known or dictionary is None else bytes(dictionary)

    def put_sheet(self, items: Sequence[Item], sheet: Sheet, known: bool = True) -> "Future[list[Outcome]]":
        """As `put_many`, of what was prepared already, in another process perhaps."""
        for type in {type for type, _, _ in items}:
            self._check(Act.WRITE, type)
        return self._submit(lambda desk: loading.load(desk, items, sheet, known), LOAD, f"{len(items)} resources")

    # --- the audit ---

    def audit(self, before: int | None = None, count: int = 100) -> list[Audited]:
        """Lines of the audit, newest first, numbered under `before`. Raises Forbidden unless an administrator asks."""
        if self.actor.role not in (Role.ADMINISTRATOR, Role.SYSTEM):
            self._note("refused", "read the audit")
            raise Forbidden(f"A {self.actor.role} may not read the audit: ask an administrator")
        self._note("read", "the audit")
        return self.store.audited(before, count)

    def looks(self) -> list[Audited]:
        """Lines of the audit that name this patient's record, newest first, for the patient's own account. Raises
        Forbidden for any other."""
        if self.actor.patient is None or self.actor.guardian is not None:
            self._note("refused", "read the audit of a record")
            raise Forbidden(f"A {self.actor.role} may not ask who looked at a record: the patient may")
        names = [version.reference for version in self.compartment(self.actor.patient)]
        self._note("read", f"the audit of Patient/{self.actor.patient}")
        with self.store.readers.one() as reader:
            return looks.at(reader.connection, joined.people(reader, self.actor.patient), names)

    # --- who may ---

    def _may_read(self, type: str) -> bool:
        return may(self.actor, self.purpose, Act.READ, type)

    def _check_entry(self, entry: bundles.Entry) -> None:
        if entry.type in fhir.RESOURCE_TYPES:  # all but a GET of the history of everything, which asks by itself
            self._check(VERBS[entry.method], entry.type)
        if entry.condition or entry.change:
            self._check_condition(entry.type)

    def _check(self, act: Act, type: str) -> None:
        if type not in fhir.RESOURCE_TYPES:
            raise Unsupported(f"'{type[:80]}' is not a resource type of FHIR R4", path=type[:80])
        try:
            check_may(self.actor, self.purpose, act, type)
            if self.actor.patient is not None and act is not Act.READ and type not in STEWARDED:
                raise Forbidden(f"A patient's account may not {act} {type}: ask the ward to")
        except Forbidden:
            self._note("refused", f"{act} {type}")
            raise

    def _check_condition(self, type: str) -> None:
        """Whether a write may depend on what stands there: never for a patient's account, which sees little of it."""
        self._check(Act.READ, type)
        if self.actor.patient is not None:
            self._note("refused", f"write {type} by a condition")
            raise Forbidden(f"A patient's account may not write {type} by a condition or a patch: put it whole")

    def _patient(self, reader: Reader) -> int | None:
        """The row of the only patient whose compartment may be seen, None for staff and machines."""
        if self.actor.patient is None:
            return None
        row = reader.row("Patient", self.actor.patient)
        if row is None or self.actor.guardian is None:
            return NOBODY if row is None else row
        return Own.of(row, self._shown(reader, row, self.actor.guardian))

    def _shown(self, reader: Reader, row: int, guardian: Guardian) -> frozenset[int]:
        """The rows of a child's record that who acts for them is shown, as of now."""
        now = reader.connection.execute("SELECT coalesce(max(t), 0) FROM txn").fetchone()[0]
        if self._looked is None or self._looked[0] != now:
            self._looked = now, guarding.shown_rows(reader, row, guardian)
        return self._looked[1]

    def _steady(self, reader: Reader) -> AbstractContextManager[object]:
        """One moment for what is read for a guardian: what they are shown hangs together."""
        return nullcontext() if self.actor.guardian is None else reader.snapshot()

    def _is_stewarded(self, type: str) -> bool:
        """Whether a steward is asked before one is written, who may say no."""
        return type in STEWARDED or type in self.store.stewards

    def _note(self, act: str, what: str) -> None:
        self.store.writer.note(self.actor, self.purpose, act, what)

    def _submit(self, work: Callable[[Desk], T], act: str, what: str, plain: bool = False) -> "Future[T]":
        return self.store.writer.submit(Request(work, self.actor, self.purpose, act, what, plain))


VERBS = {"GET": Act.READ, "POST": Act.WRITE, "PUT": Act.WRITE, "PATCH": Act.WRITE, "DELETE": Act.DELETE}


def crowded() -> TooLarge:
    return TooLarge(f"The answers before this one have {MOST_ANSWERED} bytes already: ask for it in another Bundle")


def told_each(entries: list[bundles.Entry], prefer: str) -> dict[str, Any]:
    return answers.response("transaction", [answers.answered(e, prefer) for e in entries])


def told(type: str, query: str) -> str:
    """A condition as the audit names it."""
    return f"{type}?{query}"[:2000]


def what(entry: bundles.Entry) -> str:
    return told(entry.type, entry.condition) if entry.condition else f"{entry.type}/{entry.id}"


def settled(ending: "Future[bundles.Entry]", prefer: str) -> dict[str, Any]:
    try:
        return answers.answered(ending.result(), prefer)
    except SalusError as fault:
        return answers.refused(fault)


def _below(cursor: str | None) -> int:
    if cursor is None:
        return 2**62
    if not whole(cursor):
        raise Malformed(f"'{cursor[:40]}' is not a cursor of a history: begin again without one", path="_cursor")
    return int(cursor)
