"""What is said after the signature: addenda, corrections, co-signatures. The note itself stays.

An addendum is a Composition of its own that relates to the note: it `appends`, or it `replaces` and so tells the reader
that the note is no longer to be relied on. Signed when it is written, kept like the note.
https://hl7.org/fhir/R4/composition-definitions.html#Composition.relatesTo
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid, Missing
from salus.base.ids import uuid7
from salus.records import Records, signed
from salus.records.desk import Desk
from salus.services.acting import current
from salus.services.visits import notes, provenance
from salus.services.visits.narrative import clean, plain, xhtml
from salus.services.visits.notes import Note, note_of
from salus.services.visits.provenance import Seal, Sign
from salus.services.visits.signing import kept
from salus.services.visits.writing import Writing

Resource = dict[str, Any]
KINDS = ("appends", "replaces")
WRITTEN = (notes.TYPE, provenance.TYPE)
LONGEST_REASON = 500
REASON = ("reason", "Reason", "理由", "48767-8")  # key, names, LOINC: annotation comment
TEXT = ("addendum", "Addendum", "补充", "55107-7")


@dataclass(frozen=True, slots=True)
class Addendum:
    """`kind`: of `KINDS`. `at` a FHIR instant."""

    id: str
    kind: str
    reason: str
    text: str
    author: str
    at: str


@dataclass(frozen=True, slots=True)
class Story:
    """A note with all that was said about it afterwards, in reading order, and its signatures."""

    note: Note
    addenda: tuple[Addendum, ...]
    signs: tuple[Sign, ...]

    @property
    def replaced(self) -> bool:
        return any(one.kind == "replaces" for one in self.addenda)


def add(writing: Writing, note: str, text: str, reason: str, kind: str = "appends") -> str:
    """Sign an addendum to a signed note; its id. Raises Invalid, Conflict (the note is a draft), Missing, Forbidden."""
    writing.check()
    text, reason = clean(text), clean(reason)
    notes.check_length([text])
    if kind not in KINDS:
        raise Invalid(f"'{kind[:40]}' is none of {', '.join(KINDS)}", path="kind")
    for name, told, most in (("text", text, notes.LONGEST), ("reason", reason, LONGEST_REASON)):
        if not 0 < len(told) <= most:
            raise Invalid(f"An addendum has a {name} of 1 to {most:,} characters, not {len(told):,}", path=name)
    id = uuid7()

    def work(desk: Desk) -> str:
        told = current(desk, f"{notes.TYPE}/{note}")
        check_signed(told)
        desk.signs = True
        made = kept(desk, addendum(told, id, kind, (reason, text), writing.actor.reference, desk.at))
        who = writing.actor.reference
        kept(desk, provenance.signature(id, [made], who, who, desk.at, "addendum"))
        return id

    return writing.do("addendum", f"{notes.TYPE}/{note[:64]}", WRITTEN, work)


def addendum(told: Resource, id: str, kind: str, words: tuple[str, str], author: str, at: datetime) -> Resource:
    """The Composition of an addendum to the note that is told."""
    zh = told.get("language") == "zh"
    kept: Resource = {name: told[name] for name in ("language", "type", "subject", "encounter") if name in told}
    sections = [
        {
            "title": chinese if zh else english,
            "code": notes.code(key, loinc),
            "text": {"status": "additional", "div": xhtml(text)},
        }
        for (key, english, chinese, loinc), text in zip((REASON, TEXT), words, strict=True)
    ]
    return {
        "resourceType": notes.TYPE,
        "id": id,
        **kept,
        "extension": [signed.mark(id)],
        "status": "final",
        "date": clock.instant(at),
        "author": [{"reference": author}],
        "title": f"{TEXT[2] if zh else TEXT[1]}: {told['title']}",
        "attester": [{"mode": "professional", "time": clock.instant(at), "party": {"reference": author}}],
        "relatesTo": [{"code": kind, "targetReference": {"reference": f"{notes.TYPE}/{told['id']}"}}],
        "section": sections,
    }


def cosign(writing: Writing, note: str, seal: Seal | None = None) -> None:
    """Sign what another has signed; once. `seal`: the signature of a house's own authority over the digest.

    Raises Forbidden (one's own note needs no second signature of oneself, unless it brings a seal), Conflict, Missing.
    """
    writing.check()
    who = writing.actor.reference
    version = writing.records.read(notes.TYPE, note)
    told = version.json()
    check_signed(told)
    if seal is None and any(one.get("party", {}).get("reference") == who for one in told.get("attester", ())):
        raise Forbidden(f"{who} signed this note already: a second signature is another's")
    made = provenance.signature(note, [version], who, who, clock.now(), "co-sign")
    if seal is not None:
        made["signature"] = [seal(provenance.digest(version.body))]

    def work(desk: Desk) -> None:
        if desk.exists(provenance.TYPE, made["id"]):
            raise Conflict(f"{who} has signed Composition/{note} already", path="signature")
        desk.signs = True
        kept(desk, made)

    writing.do("co-sign", f"{notes.TYPE}/{note}", WRITTEN, work)


def check_signed(told: Resource) -> None:
    """Raises Conflict for what is no signed note: a draft is simply written on, an addendum belongs to its note."""
    if told["status"] != "final" or told.get("relatesTo"):
        raise Conflict(
            f"Composition/{told['id']} is no signed note: go on writing in a draft; to an addendum, add to its note",
            path="Composition.status",
        )


def story(records: Records, note: str) -> Story:
    """A note in reading order; of an addendum the note that it belongs to. Raises Missing, Forbidden."""
    version = records.read(notes.TYPE, note)
    told = version.json()
    if told.get("relatesTo"):
        return story(records, told["relatesTo"][0]["targetReference"]["reference"].partition("/")[2])
    if notes.TEMPLATE not in {one["url"] for one in told.get("extension", ())}:
        raise Missing(f"Composition/{note} is no note of a visit written here", path="Composition")
    wanted = [("related-ref", f"{notes.TYPE}/{note}"), ("_count", "100")]
    found = sorted(map(addendum_of, every(records, notes.TYPE, wanted)), key=lambda one: (one.at, one.id))
    return Story(note_of(version), tuple(found), tuple(provenance.signs(records, note)))


def addendum_of(told: Resource) -> Addendum:
    texts = {notes.key_of(one): plain(one["text"]["div"]) for one in told.get("section", ()) if "text" in one}
    return Addendum(
        str(told["id"]),
        str(told["relatesTo"][0]["code"]),
        texts.get(REASON[0], ""),
        texts.get(TEXT[0], ""),
        str(told["author"][0].get("reference", "")),
        str(told["date"]),
    )
