"""To look at what an erasure would take, and to do it. Both ask the policy first and are audited, refusals too."""

import re

from salus import fhir
from salus.base.errors import Conflict, Forbidden, Invalid, Unsupported
from salus.privacy import check_may
from salus.privacy.policy import Act
from salus.records.desk import Desk
from salus.records.erasing import grams, striking
from salus.records.erasing.carrying import carry_out
from salus.records.erasing.looking import Look, indexed_of
from salus.records.erasing.remembering import remember
from salus.records.erasing.scope import doomed
from salus.records.erasing.settling import Ready, settled
from salus.records.erasing.shapes import Doom, Preview, Report, What, Wish
from salus.records.erasing.striking import Names
from salus.records.erasing.traces import traces_of
from salus.records.reading import Reader
from salus.records.records import Records
from salus.records.writer import Request

REASON = range(5, 501)  # characters
WORDS = re.compile(r"[^\s,.;:!?()\[\]\"'，。；：！？（）]+")


def preview(records: Records, wish: Wish) -> Preview:
    """What would go. Raises Forbidden, Unsupported, Conflict (asked for as deleted, and is not)."""
    check(records, wish)
    with records.store.readers.one() as reader, reader.snapshot():
        look = looking(reader)
        doom = doomed(look, wish)
        told = counted(look, doom)
    records.store.writer.note(records.actor, records.purpose, "preview-erasure", wish.reference)
    return told


def erase(records: Records, wish: Wish, reason: str) -> Report:
    """Erase it, in one transaction; nothing of it is left in any answer from then on. Doing it again does nothing.

    `finish` does what has to be done elsewhere. Raises Forbidden, Invalid (no reason, or one that names what goes),
    Conflict (a legal hold), Full, Busy.
    """
    check(records, wish)
    with records.store.readers.one() as reader, reader.snapshot():
        look = looking(reader)
        doom = doomed(look, wish)
        check_reason(look, wish, reason, doom)
        ready = _looked_up(look, doom)

    def work(desk: Desk) -> Report:
        report, request.what = _do(desk, wish, reason, ready)
        return report

    request = Request(work, records.actor, records.purpose, "erase", wish.type)
    report = records.store.writer.submit(request).result()
    if report.transaction is not None:
        remember(records.store)
    return report


def _do(desk: Desk, wish: Wish, reason: str, ready: Ready) -> tuple[Report, str]:
    """The report, and what the audit says of it."""
    look = Look(desk.connection, desk.kinds, desk.press)
    doom = doomed(look, wish)
    check_free(doom)
    if not doom.versions:
        return Report(None, {}, 0, [], 0), f"nothing of {wish.type} is there (any more): {reason}"
    row = look.row(wish.type, wish.id)
    done = carry_out(desk, doom)
    report = settled(desk, done, doom, ready)
    name = "" if row is None else look.reference(row)
    return report, f"{name}, {sum(done.resources.values())} resources, {done.versions} versions: {reason}"


def looking(reader: Reader) -> Look:
    return Look(reader.connection, reader.kinds, reader.press)


def counted(look: Look, doom: Doom) -> Preview:
    resources: dict[str, int] = {}
    for row in sorted(row for row, versions in doom.versions.items() if versions):
        type, _ = look.address(row)
        resources[type] = resources.get(type, 0) + 1
    count = sum(len(versions) for versions in doom.versions.values())
    rewritten = sorted(look.reference(row) for row in doom.rewritten)
    return Preview(dict(sorted(resources.items())), count, rewritten, doom.held)


def _looked_up(look: Look, doom: Doom) -> Ready:
    traces = traces_of(look, doom)
    references = {look.reference(row): striking.GONE for row in doom.nameless}
    ids = {reference.partition("/")[2].casefold() for reference in references}
    lines, last = striking.suspects(look.connection, Names(references, frozenset(traces.words | ids)), 0)
    known = grams.shared(look.connection, traces.bodies)
    return Ready(frozenset(references), lines, last, frozenset(traces.bodies), known)


# --- may it be ---


def check(records: Records, wish: Wish) -> None:
    """Raises Unsupported for no type of ours, Forbidden, audited, unless this role may erase for this purpose."""
    if wish.type not in fhir.RESOURCE_TYPES:
        raise Unsupported(f"'{wish.type[:80]}' is not a resource type of FHIR R4", path=wish.type[:80])
    if wish.what is What.PATIENT and wish.type != "Patient":
        raise Unsupported(f"Only a Patient has a compartment that can be erased, not a {wish.type}: use $expunge")
    try:
        check_may(records.actor, records.purpose, Act.ERASE, wish.type)
    except Forbidden:
        records.store.writer.note(records.actor, records.purpose, "refused", f"erase {wish.type}")
        raise


def check_free(doom: Doom) -> None:
    """Raises Conflict while a legal hold stands."""
    if doom.held:
        raise Conflict(
            f"A legal hold stands ({', '.join(doom.held[:5])}): nothing can be erased until that Flag is inactive",
            path=doom.held[0],
        )


def check_reason(look: Look, wish: Wish, reason: str, doom: Doom) -> None:
    """Raises Invalid for no reason, or for one that would keep in the audit what is to go."""
    if len(reason.strip()) not in REASON:
        raise Invalid(f"State a reason of {REASON[0]} to {REASON[-1]} characters: it stays in the audit", path="reason")
    said = {word.casefold() for word in WORDS.findall(reason)}
    if said & _personal(look, wish, doom):
        raise Invalid("The reason names who is to be forgotten, and stays: give a case number instead", path="reason")


def _personal(look: Look, wish: Wish, doom: Doom) -> set[str]:
    """Id, names and identifiers of the patients that are to be erased, in lower case."""
    known = fhir.parameters("Patient")
    names, identifiers = set(known["name"].paths), set(known["identifier"].paths)
    found = {wish.id.casefold(), wish.reference.casefold()} if wish.what is What.PATIENT else set()
    for row in doom.nameless:
        if look.address(row)[0] == "Patient":
            for kept in look.versions(row):
                indexed = indexed_of("Patient", kept.body)
                if indexed:
                    found |= {exact.casefold() for path, _, exact in indexed.strings if path in names}
                    found |= {code.casefold() for path, _, code in indexed.tokens if path in identifiers}
    return found
