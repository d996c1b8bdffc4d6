"""The one page of the called patient: the note is kept as it is typed, and signed with all that belongs to it."""

from dataclasses import replace

from starlette.responses import Response

from salus.base.errors import Invalid, Stale
from salus.records.signed import Signed
from salus.services.visits.notes import LONGEST, Note
from salus.services.visits.signing import Incomplete
from salus.web.clinic.frame import changed, note_of, onward, place_of, signing_of, whole, writing_of
from salus.web.visit import Visit

SECTION = "s-"  # how the fields of the note begin


def page(visit: Visit) -> Response:
    """Everything; of a visit whose note is signed that note."""
    note = note_of(visit)
    if note.status != "preliminary":
        return visit.go(f"/clinic/notes/{note.id}")
    return whole(visit, note)


def typed(visit: Visit) -> dict[str, str]:
    """The sections as they were sent."""
    return {name.removeprefix(SECTION): text for name, text in visit.form.items() if name.startswith(SECTION)}


def keep(visit: Visit) -> Response:
    """Keep what is typed, as it is typed; `seen` says which words were on the screen."""
    note_of(visit)
    seen = None if "over" in visit.form else visit.form.get("seen")
    try:
        note = writing_of(visit).save(visit.path["encounter"], typed(visit), seen, language=visit.language)
    except Stale:
        return Response(status_code=204) if on_the_screen(visit) else conflicted(visit)
    except Invalid as error:
        told = visit.say("clinic.too.long", most=LONGEST)
        return changed(visit, "kept", mine(visit), error.status, wrong=told)
    return changed(visit, "kept", note, wrong="")


def conflicted(visit: Visit) -> Response:
    """Another window has written meanwhile: both are shown, nothing is lost."""
    stands, kept = note_of(visit), mine(visit)
    return changed(visit, "kept", kept, 409, conflict=stands, shown=differing(stands, kept), wrong="")


def on_the_screen(visit: Visit) -> bool:
    """This very conflict is shown. Shown anew, its buttons would be taken away under the finger: what was typed last is
    sent when the field is left for one of them."""
    return visit.by_htmx and visit.form.get("shown") == differing(note_of(visit), mine(visit))


def differing(stands: Note, kept: Note) -> str:
    """A sign of what is shown of a conflict: the words of the other window, and the sections in which they differ."""
    keys = [one.key for one in stands.template.sections if stands.texts.get(one.key, "") != kept.texts.get(one.key, "")]
    return " ".join([stands.words, *keys])


def mine(visit: Visit) -> Note:
    """The note with the words of this window, kept nowhere yet; too long or not."""
    note = note_of(visit)
    return replace(note, texts={**note.texts, **typed(visit)})


def choose(visit: Visit) -> Response:
    """Go on with another template."""
    note_of(visit)
    wanted = visit.form.get("template", "")
    writing_of(visit).choose(visit.path["encounter"], wanted, typed(visit), language=visit.language)
    if visit.by_htmx:
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    return visit.go(f"{place_of(visit)}#note-card")


def sign(visit: Visit) -> Response:
    """Sign; what is missing comes back with the page, and all that was typed."""
    note = note_of(visit)
    try:
        signed = signing_of(visit).sign(note.encounter, typed(visit), visit.form.get("seen"), language=visit.language)
    except Signed:
        return twice(visit, note)
    except Stale:
        return conflicted(visit)
    except Incomplete as error:
        lacks = [one.in_(visit.language) for one in error.lacks]
        return changed(visit, "lacks", mine(visit), error.status, lacks=lacks, unsigned=True)
    except Invalid as error:
        return changed(visit, "kept", mine(visit), error.status, wrong=visit.say("clinic.too.long", most=LONGEST))
    return onward(visit, f"/clinic/notes/{signed.id}?signed")


def twice(visit: Visit, note: Note) -> Response:
    """Whose button was pressed twice sees what they signed. Raises Signed where it was another's."""
    told = visit.records.read("Composition", note.id).json()
    party = told.get("attester", [{}])[0].get("party", {}).get("reference")
    if party != visit.who.actor.reference:
        raise Signed(f"Composition/{note.id} was signed by {party}: write an addendum")
    return onward(visit, f"/clinic/notes/{note.id}")
