"""msgspec Structs of the FHIR types, built from the definitions when first needed.

A field is None where the element is absent (JSON null is refused). A primitive's `_field` sibling is an `Element`;
a nested resource (contained, Bundle.entry.resource ...) stays `msgspec.Raw`, its exact bytes, checked when read.

Each type has two shapes: the lean one, for nearly all resources, knows neither siblings nor the gaps (null) that they
leave in lists, so it is half as large; the full one takes what the lean one refuses.
"""

import keyword
import sys
from functools import cache
from operator import attrgetter
from threading import Lock
from types import ModuleType
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from salus.fhir import definitions as r4
from salus.fhir.definitions import Element
from salus.fhir.primitives import PRIMITIVES, read

T = TypeVar("T")
GENERIC: Any = list[T]  # type: ignore[valid-type]  # a template, filled in by name
GAPPED: Any = list[T | None]  # type: ignore[valid-type]  # a template, filled in by name
BUILT = ModuleType("salus.fhir.built")  # the names that the Structs' annotations speak of
sys.modules[BUILT.__name__] = BUILT
vars(BUILT).update({name: p.shape for name, p in PRIMITIVES.items()})
vars(BUILT).update(
    Many=Annotated[GENERIC, Meta(min_length=1)],
    Some=Annotated[GAPPED, Meta(min_length=1)],
    Raw=msgspec.Raw,
)
_building = Lock()  # one thread builds; another must not see half of what a type is made of


def attribute(field: str) -> str:
    """The Python name of a JSON field: `class` is `class_`."""
    return field + "_" if keyword.iskeyword(field) else field


def class_name(type_name: str, full: bool) -> str:
    return ("S_" if full else "L_") + type_name.replace(".", "_")


def primitive_of(owner: str, field: str, kind: str) -> str:
    """The primitive that a field is read as; `Reference.reference` is a text with a form of its own."""
    return "reference" if (owner, field) == ("Reference", "reference") else kind


@cache
def decoder(type_name: str, full: bool) -> msgspec.json.Decoder[Any]:
    """The JSON decoder of a resource type."""
    with _building:
        return msgspec.json.Decoder(shape(type_name, full), dec_hook=read)


def shape(type_name: str, full: bool) -> type[msgspec.Struct]:
    """The Struct of a resource or datatype, with all that it is made of."""
    waiting = [type_name, "Element"]
    while waiting:
        name = waiting.pop()
        if class_name(name, full) not in vars(BUILT):
            vars(BUILT)[class_name(name, full)] = build(name, full)
            waiting += [kind for e in r4.elements(name) for _, kind in e.fields if is_part(kind)]
    made: type[msgspec.Struct] = vars(BUILT)[class_name(type_name, full)]
    return made


def is_part(kind: str) -> bool:
    return kind not in PRIMITIVES and kind != "Resource"


def build(type_name: str, full: bool) -> type[msgspec.Struct]:
    tag = type_name if type_name in r4.RESOURCE_TYPES else None
    elements = r4.elements(type_name)
    table = [field for element in elements for field in fields(type_name, element, full)]
    names = {attribute(name): name for name, *_ in table if attribute(name) != name}
    lacking = (
        {}
        if full
        else {"_" + name: None for element in elements for name, kind in element.fields if twofold(name, kind)}
    )
    return msgspec.defstruct(
        class_name(type_name, full),
        [(attribute(name), *rest) for name, *rest in table],
        module=BUILT.__name__,
        namespace=lacking | after_reading(type_name),
        tag=tag,
        tag_field="resourceType" if tag else None,
        rename=names or None,
        kw_only=True,
        omit_defaults=True,
        forbid_unknown_fields=True,
        gc=False,
    )


def twofold(name: str, kind: str) -> bool:
    """Whether a field may have a sibling."""
    return kind in PRIMITIVES and name != "id"


def fields(owner: str, element: Element, full: bool) -> list[tuple[Any, ...]]:
    """The Struct fields of one element: its value (one for each type of a choice) and, of a primitive, the sibling."""
    found: list[tuple[Any, ...]] = []
    for name, kind in element.fields:
        must = element.least and kind not in PRIMITIVES and not element.name.endswith("[x]")
        annotation = annotation_of(owner, name, kind, element, full)
        found.append((name, annotation) if must else (name, annotation, None))
        if full and twofold(name, kind):
            sibling = class_name("Element", full)
            found.append(("_" + name, f"Some[{sibling}]" if element.repeats else sibling, None))
    return found


def annotation_of(owner: str, name: str, kind: str, element: Element, full: bool) -> str:
    if kind == "Resource":
        inner = "Raw"
    elif kind == "code" and element.binding and (codes := r4.codes(element.binding)):
        inner = bound_codes(element.binding, codes)
    elif kind in PRIMITIVES:
        inner = primitive_of(owner, name, kind)
    else:
        inner = class_name(kind, full)
    if not element.repeats:
        return inner
    return f"Some[{inner}]" if full and kind in PRIMITIVES else f"Many[{inner}]"


def bound_codes(value_set: str, codes: tuple[str, ...]) -> str:
    name = "C_" + "".join(c if c.isalnum() else "_" for c in value_set)
    if name not in vars(BUILT):
        vars(BUILT)[name] = Literal[codes]
    return name


def after_reading(type_name: str) -> dict[str, Any]:
    """The Struct's `__post_init__`: what a shape alone cannot say. Raises ValueError; the walker then says what."""
    lines: list[str] = []
    scope: dict[str, Any] = {"concept": check_concept, "nested": check_nested}
    for i, element in enumerate(r4.elements(type_name)):
        lines += choice_lines(element, i, scope)
        lines += required_lines(element)
        lines += concept_lines(element, i, scope)
        lines += nested_lines(element)
    if not lines:
        return {}
    exec("def __post_init__(self):\n" + "\n".join("    " + line for line in lines), scope)
    return {"__post_init__": scope["__post_init__"]}


def choice_lines(element: Element, i: int, scope: dict[str, Any]) -> list[str]:
    names = [attribute(name) for name, _ in element.fields]
    if len(names) < 2:
        return []
    scope[f"choice{i}"] = attrgetter(*names)
    lines = [f"absent = choice{i}(self).count(None)", f"if absent < {len(names) - 1}: raise ValueError('twice')"]
    if element.least:
        siblings = [f"self._{name}" for name, kind in element.fields if kind in PRIMITIVES]
        lines.append(f"if absent == {len(names)} and not any([{', '.join(siblings)}]): raise ValueError('absent')")
    return lines


def required_lines(element: Element) -> list[str]:
    name, kind = element.fields[0]
    if not element.least or kind not in PRIMITIVES or len(element.fields) > 1 or element.name.endswith("[x]"):
        return []
    return [f"if self.{attribute(name)} is None and self._{name} is None: raise ValueError('absent')"]


def concept_lines(element: Element, i: int, scope: dict[str, Any]) -> list[str]:
    """A CodeableConcept or Coding under a required binding must carry one of its codes."""
    name, kind = element.fields[0]
    codes = r4.codes(element.binding) if element.binding and kind in ("CodeableConcept", "Coding") else None
    if not codes:
        return []
    scope[f"codes{i}"] = frozenset(codes)
    loop = f"for value in self.{attribute(name)} or ():" if element.repeats else f"value = self.{attribute(name)}"
    check = f"if value is not None: concept(value, codes{i})"
    return [loop, "    " + check if element.repeats else check]


def nested_lines(element: Element) -> list[str]:
    name, kind = element.fields[0]
    if kind != "Resource":
        return []
    each = f"for raw in self.{name}: nested(raw)" if element.repeats else f"nested(self.{name})"
    return [f"if self.{name} is not None:", "    " + each]


def check_concept(concept: Any, codes: frozenset[str]) -> None:
    codings = concept.coding or () if hasattr(concept, "coding") else (concept,)
    if not any(coding.code in codes for coding in codings):
        raise ValueError("code")


def check_nested(raw: msgspec.Raw) -> None:
    from salus.fhir.reading import decode  # the door calls itself for a resource inside a resource

    decode(bytes(raw))
