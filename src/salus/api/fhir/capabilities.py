"""FHIR capabilities: what this door does, from the tables that it works by.

https://hl7.org/fhir/R4/http.html#capabilities
"""

from functools import cache
from typing import Any

import orjson

from salus import fhir
from salus.api.fhir import searchable
from salus.api.fhir.asking import JSON, XML, Answer, Ask
from salus.api.fhir.operations import listed
from salus.base import clock
from salus.records import Store
from salus.subscriptions.asking import PROFILE
from salus.subscriptions.steward import TYPE, Steward

INTERACTIONS = (
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
)
WHOLE = ("transaction", "batch", "history-system", "search-system")
PATCHES = ("application/json-patch+json", "application/merge-patch+json", JSON)
COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition/"
SHARED = {
    "versioning": "versioned-update",
    "readHistory": True,
    "updateCreate": True,
    "conditionalCreate": True,
    "conditionalRead": "full-support",
    "conditionalUpdate": True,
    "conditionalDelete": "multiple",
    "referencePolicy": ["literal", "local"],
}


async def capabilities(store: Store, ask: Ask) -> Answer:
    """`GET /metadata`, open to everybody."""
    ask.only("mode")
    steward = store.stewards.get(TYPE)
    return Answer(200, statement(tuple(steward.topics) if isinstance(steward, Steward) else ()))


@cache
def statement(topics: tuple[str, ...]) -> bytes:
    return orjson.dumps(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": clock.instant(clock.now()),
            "kind": "instance",
            "software": {"name": "Salus"},
            "implementation": {"description": "Salus FHIR R4 records"},
            "fhirVersion": "4.0.1",
            "format": [JSON, XML, "json", "xml"],
            "patchFormat": list(PATCHES),
            "rest": [
                {
                    "mode": "server",
                    "documentation": searchable.MODIFIERS,
                    "security": {"description": "Bearer token that names the actor and the purpose of use"},
                    "resource": [
                        of_type(name) | (of_topics(topics) if name == TYPE else {})
                        for name in sorted(fhir.RESOURCE_TYPES)
                    ],
                    "interaction": [{"code": code} for code in WHOLE],
                    "searchParam": [searchable.TYPES],
                    "compartment": [COMPARTMENT + name.lower() for name in fhir.compartments()],
                    **({"operation": listed(None)} if listed(None) else {}),
                }
            ],
        }
    )


def of_topics(topics: tuple[str, ...]) -> dict[str, Any]:
    """What there is to subscribe to.

    http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical
    """
    if not topics:
        return {}
    url = PROFILE + "capabilitystatement-subscriptiontopic-canonical"
    return {
        "extension": [{"url": url, "valueCanonical": topic} for topic in topics],
        "supportedProfile": [PROFILE + "backport-subscription"],
    }


def of_type(name: str) -> dict[str, Any]:
    links, back = searchable.includes(name), searchable.reverse_includes(name)
    return {
        "type": name,
        "interaction": [{"code": code} for code in INTERACTIONS],
        **SHARED,
        **({"searchInclude": links} if links else {}),
        **({"searchRevInclude": back} if back else {}),
        **({"operation": listed(name)} if listed(name) else {}),
        "searchParam": searchable.parameters(name),
    }
