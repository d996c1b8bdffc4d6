"""The gate: cases before they leave the chart, both sides beside each other, each open place decided, then released."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from salus.assistants.cases.gate import Draft, Part
from salus.assistants.cases.gate.anonymity import K
from salus.assistants.cases.gate.recording import reason_of, review_of, state_of
from salus.assistants.cases.gate.shapes import Act, Decision
from salus.base.errors import Conflict, Invalid, Lacking, Missing, SalusError, Stale
from salus.privacy.deidentify import Kind, Leftover, Span
from salus.web.visit import Visit

ORDER = ("draft", "released", "refused", "withdrawn")
LONGEST = 200  # characters of words taken out by hand, or of a reason
# what a place is taken out as, by why it was told
KINDS = {"number": Kind.RECORD_ID, "code": Kind.RECORD_ID, "day": Kind.DATE, "who": Kind.OTHER, "rare": Kind.OTHER}
OFFERED = (Kind.NAME, Kind.PLACE, Kind.ORGANISATION, Kind.DATE, Kind.RECORD_ID, Kind.PHONE, Kind.OTHER)


@dataclass(frozen=True, slots=True)
class Row:
    """A case in the list."""

    id: str
    state: str
    patient: str
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text: plain, replaced (`span`) or still open (`left`)."""

    text: str
    span: Span | None
    left: Leftover | None


def listing(visit: Visit) -> Response:
    """The cases on their way: drafts first, then by the day of the last word."""
    return listed(visit)


def listed(visit: Visit, status: int = 200, fault: str = "") -> Response:
    rows = [row(one) for one in visit.desk.gate.listed(visit.records)]
    rows.sort(key=lambda one: (ORDER.index(one.state), -one.at.timestamp()))
    return visit.page("gate.html", status, rows=rows, fault=fault, asked=visit.form.get("patient", ""), least=K)


def row(body: dict[str, Any]) -> Row:
    return Row(
        id=body["id"],
        state=state_of(body),
        patient=review_of(body).patient,
        at=datetime.fromisoformat(body["date"]),
        by=next((one["reference"] for one in body.get("author", ())), ""),
        reason=reason_of(body),
    )


def begin(visit: Visit) -> Response:
    """Draft a case of a patient, by their id."""
    try:
        draft = visit.desk.gate.begin(visit.records, visit.form.get("patient", "").removeprefix("Patient/")[:64])
    except (Missing, Lacking) as error:
        return listed(visit, error.status, visit.say(f"gate.wrong.{type(error).__name__.lower()}"))
    return visit.go(f"/cases/gate/{draft.id}")


def review(visit: Visit) -> Response:
    """One case: what is told, both sides of each text, what is open."""
    return shown(visit, visit.desk.gate.open(visit.records, visit.path["id"]))


def shown(visit: Visit, draft: Draft, status: int = 200, fault: str = "") -> Response:
    parts = [(at, part, list(pieces(part)), taken(part, draft)) for at, part in enumerate(draft.parts, 1)]
    return visit.page(
        "gate_case.html", status, draft=draft, parts=parts, fault=fault, kinds=OFFERED, least=K, form=visit.form
    )


def pieces(part: Part) -> Iterator[Piece]:
    for text, found in part.cleaned.pieces():
        yield Piece(text, found if isinstance(found, Span) else None, found if isinstance(found, Leftover) else None)


def taken(part: Part, draft: Draft) -> list[tuple[Span, str]]:
    """What a human may put back: what only looked like something, or what somebody took out by hand."""
    text = part.source.text
    return [
        (one, text[one.start : one.end]) for one in part.cleaned.spans if one.why != "record" and draft.state == "draft"
    ]


def decide(visit: Visit) -> Response:
    """Keep one place, take it out, or take a decision back."""
    gate, form, id = visit.desk.gate, visit.form, visit.path["id"]
    place = (form.get("source", ""), number(form, "version"), number(form, "start"), number(form, "end"))
    kind = KINDS.get(form.get("reason", ""), Kind.NAME)
    if form.get("act") == "back":
        return tried(visit, lambda: gate.undecide(visit.records, id, place[0], place[2], place[3]))
    act = act_of(form)
    return tried(visit, lambda: gate.decide(visit.records, id, Decision(*place, act, kind)))


def act_of(form: Mapping[str, str]) -> Act:
    return "redact" if form.get("act") == "redact" else "keep"


def number(form: Mapping[str, str], name: str) -> int:
    """Raises Invalid for what is no whole number."""
    text = form.get(name, "")
    if not text.isdecimal():
        raise Invalid(f"'{text[:40]}' is no whole number", path=name)
    return int(text)


def rare(visit: Visit) -> Response:
    """A rare diagnosis stays or goes."""
    act = act_of(visit.form)
    code, gate = visit.form.get("code", ""), visit.desk.gate
    return tried(visit, lambda: gate.settle_rare(visit.records, visit.path["id"], code, act))


def redact(visit: Visit) -> Response:
    """Take words out by hand, wherever they stand."""
    words, chosen = visit.form.get("words", "")[:LONGEST], visit.form.get("kind", "")
    kind = Kind(chosen) if chosen in set(Kind) else Kind.OTHER
    return tried(
        visit, lambda: visit.desk.gate.redact(visit.records, visit.path["id"], words, kind), "gate.wrong.words"
    )


def release(visit: Visit) -> Response:
    version = number(visit.form, "version")
    return tried(visit, lambda: visit.desk.gate.release(visit.records, visit.path["id"], version), "gate.wrong.release")


def refuse(visit: Visit) -> Response:
    reason = visit.form.get("reason", "")[:LONGEST]
    return tried(visit, lambda: visit.desk.gate.refuse(visit.records, visit.path["id"], reason), "gate.wrong.reason")


def withdraw(visit: Visit) -> Response:
    reason = visit.form.get("reason", "")[:LONGEST]
    return tried(visit, lambda: visit.desk.gate.withdraw(visit.records, visit.path["id"], reason), "gate.wrong.reason")


def again(visit: Visit) -> Response:
    return tried(visit, lambda: visit.desk.gate.again(visit.records, visit.path["id"]))


def tried(visit: Visit, verb: Callable[[], object], invalid: str = "gate.wrong.place") -> Response:
    """Do it and show the case anew; what is wrong is said above it."""
    try:
        verb()
    except (Invalid, Conflict, Stale) as error:
        return shown(
            visit, visit.desk.gate.open(visit.records, visit.path["id"]), error.status, wrong(visit, error, invalid)
        )
    return visit.go(f"/cases/gate/{visit.path['id']}")


def wrong(visit: Visit, error: SalusError, invalid: str) -> str:
    return visit.say(invalid if isinstance(error, Invalid) else "gate.wrong.moved")
