"""What the CapabilityStatement says of searches, from the tables that the search works by.

https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.searchParam
"""

from functools import cache
from typing import Any

from salus import fhir
from salus.records import served
from salus.records.search.listing import LIST
from salus.records.search.matching import MAKERS, modifiers
from salus.records.search.meaning import FILTER
from salus.records.search.terms import PLAIN, WORDS

COMMON = {kind: {"missing", *known} for kind, (_, known, _) in MAKERS.items()}
COMMON |= {"composite": {"missing"}, "special": set()}
MODIFIERS = "Modifiers by kind of parameter: " + "; ".join(
    f"{kind} {', '.join(f':{name}' for name in sorted(known))}{' and the types it may name' * (kind == 'reference')}"
    for kind, known in COMMON.items()
    if known
)
TYPES = {"name": "_type", "type": "special", "documentation": "Of a search of several types: which"}


def parameters(type: str) -> list[dict[str, Any]]:
    """Each parameter of a type, with its modifiers."""
    known = [*fhir.parameters(type).values(), *WORDS.values(), LIST, FILTER]
    shown = [one for one in known if served(one) and (one.name != "_text" or type not in PLAIN)]
    return [row(one) for one in sorted([*shown, FILTER], key=lambda one: one.name)]


def row(parameter: fhir.Parameter) -> dict[str, Any]:
    definition = {"definition": parameter.url} if parameter.url else {}
    told = words(parameter)
    return {"name": parameter.name, **definition, "type": parameter.kind, **({"documentation": told} if told else {})}


def words(parameter: fhir.Parameter) -> str:
    """The modifiers that it has beyond those of its kind (`MODIFIERS`)."""
    if parameter is FILTER:
        return ""
    more = modifiers(parameter) - {name for name in COMMON.get(parameter.kind, ())} - set(parameter.targets)
    return f"Also {', '.join(f':{name}' for name in sorted(more))}" if more else ""


def includes(type: str) -> list[str]:
    """What `_include` takes of a type."""
    links = sorted(name for name, one in fhir.parameters(type).items() if one.kind == "reference")
    return ["*", *(f"{type}:{name}" for name in links)] if links else []


@cache
def _links() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {type: [] for type in fhir.RESOURCE_TYPES}
    for source in sorted(fhir.RESOURCE_TYPES):
        for name, one in sorted(fhir.parameters(source).items()):
            for target in one.targets if one.kind == "reference" else ():
                found[target].append(f"{source}:{name}")
    return found


def reverse_includes(type: str) -> list[str]:
    """What `_revinclude` takes when a type is searched: the parameters that name it among what they refer to."""
    return _links()[type]
