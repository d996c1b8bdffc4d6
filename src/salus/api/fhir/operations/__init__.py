"""Operations: `$name` at the end of a path, one file each. https://hl7.org/fhir/R4/operations.html

A new operation is a file beside this one and a row of `OPERATIONS`; the CapabilityStatement lists what stands here.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import appointments, bills, bulk, groups, subscriptions, waiting
from salus.api.fhir.operations.apply import apply
from salus.api.fhir.operations.erase import erase, expunge
from salus.api.fhir.operations.everything import everything
from salus.api.fhir.operations.graphql import graphql
from salus.api.fhir.operations.lastn import lastn
from salus.api.fhir.operations.match import match
from salus.api.fhir.operations.merge import merge
from salus.api.fhir.operations.meta import meta, meta_add, meta_delete
from salus.api.fhir.operations.series import book_series, find_series
from salus.api.fhir.operations.streaming import stream
from salus.api.fhir.operations.terminology_closure import closure
from salus.api.fhir.operations.terminology_codes import lookup, subsumes
from salus.api.fhir.operations.terminology_maps import translation
from salus.api.fhir.operations.terminology_sets import expansion, validate_code
from salus.api.fhir.operations.validate import validate
from salus.api.fhir.operations.views import run_view
from salus.base.errors import Missing, WrongMethod
from salus.records import Records


class Operation(NamedTuple):
    """What serves `$name`: at "system", "type" or "instance" level, of these types (None: of all), by these methods."""

    serve: Callable[[Records, Ask], Awaitable[Answer]]
    levels: frozenset[str]
    types: frozenset[str] | None
    methods: tuple[str, ...]
    definition: str  # its canonical address; {type} (or {of}: "patient-") where each type has its own
    told: bool = True  # False: what is refused by name is not listed


LEVELS = {1: "system", 2: "type", 3: "instance"}
INSTANCE = frozenset({"instance"})
BOTH = frozenset({"type", "instance"})
TYPE = frozenset({"type"})
SYSTEM = frozenset({"system"})
APPOINTMENT = frozenset({"Appointment"})
HL7 = "http://hl7.org/fhir/OperationDefinition/"
BULK = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
SQL = "http://sql-on-fhir.org/OperationDefinition/"
VIEWS = frozenset({"ViewDefinition"})  # no R4 type: kept as files, listed at the system level
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"
SUBSCRIPTION = frozenset({"Subscription"})
OURS = "https://salus.example/OperationDefinition/"
OPERATIONS: dict[str, Operation] = {
    "$everything": Operation(
        everything, INSTANCE, frozenset({"Patient", "Encounter"}), ("GET", "POST"), HL7 + "{type}-everything"
    ),
    "$validate": Operation(validate, frozenset({"type", "instance"}), None, ("GET", "POST"), HL7 + "Resource-validate"),
    "$meta": Operation(meta, INSTANCE, None, ("GET",), HL7 + "Resource-meta"),
    "$meta-add": Operation(meta_add, INSTANCE, None, ("POST",), HL7 + "Resource-meta-add"),
    "$meta-delete": Operation(meta_delete, INSTANCE, None, ("POST",), HL7 + "Resource-meta-delete"),
    "$lastn": Operation(lastn, TYPE, frozenset({"Observation"}), ("GET", "POST"), HL7 + "Observation-lastn"),
    "$export": Operation(
        bulk.export, frozenset(LEVELS.values()), frozenset({"Patient", "Group"}), ("GET", "POST"), BULK + "{of}export"
    ),
    "$import": Operation(bulk.bring, SYSTEM, None, ("POST",), OURS + "import"),
    "$bulk-status": Operation(bulk.status, SYSTEM, None, ("GET", "DELETE"), OURS + "bulk-status"),
    "$bulk-file": Operation(bulk.file, SYSTEM, None, ("GET",), OURS + "bulk-file"),
    "$erase": Operation(erase, INSTANCE, frozenset({"Patient"}), ("POST",), OURS + "erase"),
    "$expunge": Operation(expunge, INSTANCE, None, ("POST",), OURS + "expunge"),
    "$graphql": Operation(graphql, frozenset({"system", "instance"}), None, ("GET", "POST"), HL7 + "Resource-graphql"),
    "$lookup": Operation(lookup, TYPE, frozenset({"CodeSystem"}), ("GET", "POST"), HL7 + "CodeSystem-lookup"),
    "$subsumes": Operation(subsumes, BOTH, frozenset({"CodeSystem"}), ("GET", "POST"), HL7 + "CodeSystem-subsumes"),
    "$validate-code": Operation(
        validate_code, BOTH, frozenset({"CodeSystem", "ValueSet"}), ("GET", "POST"), HL7 + "{type}-validate-code"
    ),
    "$expand": Operation(expansion, BOTH, frozenset({"ValueSet"}), ("GET", "POST"), HL7 + "ValueSet-expand"),
    "$run": Operation(run_view, BOTH, VIEWS, ("GET", "POST"), SQL + "$run"),
    "$viewdefinition-run": Operation(run_view, BOTH, VIEWS, ("GET", "POST"), SQL + "$viewdefinition-run"),
    "$closure": Operation(closure, SYSTEM, None, ("POST",), HL7 + "ConceptMap-closure"),
    "$status": Operation(subscriptions.status, BOTH, SUBSCRIPTION, ("GET", "POST"), BACKPORT + "status"),
    "$events": Operation(subscriptions.events, INSTANCE, SUBSCRIPTION, ("GET", "POST"), BACKPORT + "events"),
    "$stream": Operation(stream, INSTANCE, SUBSCRIPTION, ("GET",), OURS + "subscription-stream"),
    "$get-ws-binding-token": Operation(
        subscriptions.no_websocket, BOTH, SUBSCRIPTION, ("GET", "POST"), BACKPORT + "get-ws-binding-token", False
    ),
    "$apply": Operation(apply, BOTH, frozenset({"PlanDefinition"}), ("GET", "POST"), HL7 + "PlanDefinition-apply"),
    "$find": Operation(appointments.find_times, TYPE, APPOINTMENT, ("GET", "POST"), OURS + "appointment-find"),
    "$hold": Operation(appointments.hold, TYPE, APPOINTMENT, ("POST",), OURS + "appointment-hold"),
    "$book": Operation(appointments.book, TYPE, APPOINTMENT, ("POST",), OURS + "appointment-book"),
    "$find-series": Operation(find_series, TYPE, APPOINTMENT, ("GET", "POST"), OURS + "appointment-find-series"),
    "$book-series": Operation(book_series, TYPE, APPOINTMENT, ("POST",), OURS + "appointment-book-series"),
    "$find-groups": Operation(groups.find_groups, TYPE, APPOINTMENT, ("GET", "POST"), OURS + "appointment-find-groups"),
    "$open-group": Operation(groups.open_group, TYPE, APPOINTMENT, ("POST",), OURS + "appointment-open-group"),
    "$join": Operation(groups.join, INSTANCE, APPOINTMENT, ("POST",), OURS + "appointment-join"),
    "$close": Operation(groups.close, INSTANCE, APPOINTMENT, ("POST",), OURS + "appointment-close"),
    "$confirm": Operation(appointments.confirm, INSTANCE, APPOINTMENT, ("POST",), OURS + "appointment-confirm"),
    "$move": Operation(appointments.move, INSTANCE, APPOINTMENT, ("POST",), OURS + "appointment-move"),
    "$cancel": Operation(appointments.cancel, INSTANCE, APPOINTMENT, ("POST",), OURS + "appointment-cancel"),
    "$match": Operation(match, TYPE, frozenset({"Patient"}), ("POST",), HL7 + "Patient-match"),
    "$merge": Operation(merge, TYPE, frozenset({"Patient"}), ("POST",), HL7 + "Patient-merge"),
    "$wait": Operation(waiting.wait, TYPE, APPOINTMENT, ("POST",), OURS + "appointment-wait"),
    "$accept": Operation(waiting.accept, INSTANCE, APPOINTMENT, ("POST",), OURS + "appointment-accept"),
    "$decline": Operation(waiting.decline, INSTANCE, APPOINTMENT, ("POST",), OURS + "appointment-decline"),
    "$leave": Operation(waiting.leave, INSTANCE, APPOINTMENT, ("POST",), OURS + "appointment-leave"),
    "$bill": Operation(bills.bill_visit, INSTANCE, frozenset({"Encounter"}), ("POST",), OURS + "encounter-bill"),
    "$reverse": Operation(bills.reverse, INSTANCE, frozenset({"Invoice"}), ("POST",), OURS + "invoice-reverse"),
    "$explain": Operation(bills.explain, INSTANCE, frozenset({"Invoice"}), ("GET", "POST"), OURS + "invoice-explain"),
    "$translate": Operation(
        translation, BOTH, frozenset({"ConceptMap"}), ("GET", "POST"), HL7 + "ConceptMap-translate"
    ),
}


def listed(type: str | None) -> list[dict[str, str]]:
    """What a CapabilityStatement says of the operations of a type, or (None) of the whole server.

    https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.operation
    """
    of = f"{type.lower()}-" if type else ""
    return [
        {"name": name.removeprefix("$"), "definition": found.definition.format(type=type, of=of)}
        for name, found in OPERATIONS.items()
        if found.told and serves(found, type)
    ]


def serves(found: Operation, type: str | None) -> bool:
    if type is None:
        return "system" in found.levels or found.types == VIEWS
    return bool(found.levels - SYSTEM) and (found.types is None or type in found.types)


def operation(ask: Ask) -> Callable[[Records, Ask], Awaitable[Answer]]:
    """What serves this path. Raises Missing for an operation that is not here (or not at this level), WrongMethod."""
    *where, name = ask.parts
    found = OPERATIONS.get(name)
    level = LEVELS.get(len(ask.parts), "")
    if found is None or level not in found.levels or (found.types and where and where[0] not in found.types):
        raise Missing(f"{name[:60]} is not served at this address: GET /metadata says what is here")
    if ask.method not in found.methods:
        raise WrongMethod(f"{ask.method[:10]} is not served at this address: use {', '.join(found.methods)}")
    return found.serve
