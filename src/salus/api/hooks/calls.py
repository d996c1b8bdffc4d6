"""What a CDS Hooks client sends: the call with its prefetched data, and the feedback. https://cds-hooks.hl7.org/2.0/"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from salus import fhir
from salus.assistants.answers import NOT_STATED
from salus.base import clock
from salus.base.errors import Invalid, Issue, Lacking, Malformed, SalusError
from salus.records import joined

FOREIGN = "urn:cds-client"  # stands for the server of a client that does not name its own

Json = dict[str, Any]
Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.\-]{1,64}$")]  # https://hl7.org/fhir/R4/datatypes.html#id
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s<>\"']+$", max_length=500)]


class Context(msgspec.Struct):
    """Of patient-view, order-select and order-sign: https://cds-hooks.hl7.org/hooks/"""

    userId: str
    patientId: Id
    encounterId: str | None = None
    draftOrders: msgspec.Raw = msgspec.Raw(b"null")
    selections: list[str] | None = None


class Call(msgspec.Struct):
    """https://cds-hooks.hl7.org/2.0/#http-request_1"""

    hook: str
    hookInstance: str
    context: Context
    fhirServer: Url | None = None
    prefetch: dict[str, msgspec.Raw] = {}

    @property
    def server(self) -> str:
        """Where the client's resources live, for links to them."""
        return (self.fhirServer or FOREIGN).rstrip("/")


class Coding(msgspec.Struct):
    code: str
    system: str = ""
    display: str = ""


class Override(msgspec.Struct):
    reason: Coding | None = None
    userComment: str = ""


class Accepted(msgspec.Struct):
    id: str


class Feedback(msgspec.Struct):
    """https://cds-hooks.hl7.org/2.0/#feedback"""

    card: str
    outcome: Literal["accepted", "overridden"]
    outcomeTimestamp: datetime
    acceptedSuggestions: list[Accepted] = []
    overrideReason: Override = msgspec.field(default_factory=Override)

    @property
    def taken_at(self) -> datetime:
        """When the clinician did it; a time without a zone is UTC, and one that has not come yet is now."""
        stamp = self.outcomeTimestamp
        return min(stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC), clock.now())


class FeedbackList(msgspec.Struct):
    feedback: list[Feedback]


def read(body: bytes, shape: type[Any]) -> Any:
    """The request in its shape. Raises Malformed (not JSON: 400) or Invalid (422) with the path of what is wrong."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as fault:
        text, _, path = str(fault).partition(" - at `$")
        raise Invalid(f"{text}: see https://cds-hooks.hl7.org/2.0/", path=path.strip(".`")) from fault
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Malformed(f"The request is not JSON: {fault}") from fault


def resources_in(path: str, raw: bytes) -> Iterator[Json]:
    """The resources in one JSON document: the one, or the entries of a Bundle; none for null (nothing to find).

    Raises Invalid when one of them is no valid FHIR: a decision on half-read data would be worse than none.
    """
    if raw == b"null":
        return
    try:
        fhir.decode(raw)
    except SalusError as fault:
        issues = [Issue(one.code, f"{path}.{one.path}", one.text, one.severity) for one in fault.issues]
        raise Invalid(str(fault), issues=issues) from fault
    whole = msgspec.json.decode(raw)
    if whole["resourceType"] != "Bundle":
        yield whole
        return
    yield from (one["resource"] for one in whole.get("entry", []) if "resource" in one)


def templates(kinds: Iterable[str]) -> dict[str, str]:
    """Prefetch key -> FHIR query, for the patient and what is theirs. https://cds-hooks.hl7.org/2.0/#prefetch-template"""
    return {
        kind: f"{kind}/{{{{context.patientId}}}}" if kind == "Patient" else f"{kind}?patient={{{{context.patientId}}}}"
        for kind in sorted(kinds)
    }


def is_partial(raw: bytes) -> bool:
    """Whether a searchset has a next page, which the specification forbids and nobody here could fetch."""
    return b'"next"' in raw and any(
        link.get("relation") == "next" for link in msgspec.json.decode(raw).get("link", []) if isinstance(link, dict)
    )


def prefetched(call: Call, templates: Mapping[str, str], spare: frozenset[str] = frozenset()) -> list[Json] | None:
    """All prefetched resources; None unless every template but the `spare` was satisfied in full and the patient is
    among them as one who stands: what is asked by the number of one who was joined into another leaves out what
    belongs to that one, an allergy say."""
    given = {key: bytes(raw) for key, raw in call.prefetch.items() if key in templates}
    if templates.keys() - given.keys() - spare or given["Patient"] == b"null" or any(map(is_partial, given.values())):
        return None
    found = [resource for key, raw in given.items() for resource in resources_in(f"prefetch.{key}", raw)]
    mine = [one for one in found if one["resourceType"] == "Patient" and one.get("id") == call.context.patientId]
    return found if mine and not any(joined.marked_in(one.get("meta", {})) for one in mine) else None


def lacking(call: Call, templates: Mapping[str, str]) -> Lacking:
    """What to say where the patient is neither in the store nor prefetched."""
    wanted = ", ".join(sorted(templates.keys() - call.prefetch.keys()))
    return Lacking(
        f"Patient/{call.context.patientId} is not in this store: prefetch in full {wanted or 'every template'}",
        path="prefetch",
    )


def why_overridden(why: Override, system: str) -> tuple[str, str]:
    """The reason's code in our code system and the words beside it; a reason of the client's own is words."""
    if why.reason and why.reason.system == system:
        return why.reason.code, why.userComment
    own = why.reason.display or why.reason.code if why.reason else ""
    words = "; ".join(part for part in (own, why.userComment) if part)
    return ("" if words else NOT_STATED), words
