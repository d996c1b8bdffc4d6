"""A ViewDefinition, read and checked. https://sql-on-fhir.org/ig/latest/StructureDefinition-ViewDefinition.html

Every fault is found at once and names its path in the document. What an expression means is checked by `compiling`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson

from salus import fhir
from salus.base.errors import Invalid, Issue, Malformed
from salus.fhir.fhirpath.compiling import is_known
from salus.fhir.primitives import PRIMITIVES

Json = dict[str, Any]
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}")  # what every SQL engine takes without quotes
EACH = ("forEach", "forEachOrNull", "repeat")
MANY, TEXT, FLAG, ANY = "a list", "a text", "true or false", "anything"
ANYWHERE = {"id": TEXT, "extension": MANY, "modifierExtension": MANY}
DEEPEST = 40  # selects inside selects
MOST = 5000  # selects, columns, conditions, constants and tags of a view
MOST_TOLD = 100  # faults
FIELDS: dict[str, dict[str, str]] = {
    "ViewDefinition": {
        **ANYWHERE,
        "resource": TEXT,
        "select": MANY,
        "where": MANY,
        "constant": MANY,
        "fhirVersion": MANY,
        "name": TEXT,
        "title": TEXT,
        "status": TEXT,
        "description": TEXT,
        **dict.fromkeys(("resourceType", "url", "version", "publisher", "copyright", "date", "purpose"), TEXT),
        **dict.fromkeys(("language", "implicitRules", "copyrightLabel", "versionString"), TEXT),
        **dict.fromkeys(("identifier", "meta", "text", "versionAlgorithmString", "versionAlgorithmCoding"), ANY),
        **dict.fromkeys(("contact", "useContext", "jurisdiction", "contained", "profile", "resourceProfile"), MANY),
        "experimental": FLAG,
    },
    "select": {
        **ANYWHERE,
        **dict.fromkeys(("column", "select", "unionAll", "repeat"), MANY),
        **dict.fromkeys(("forEach", "forEachOrNull"), TEXT),
    },
    "column": {
        **ANYWHERE,
        **dict.fromkeys(("name", "path", "type", "description"), TEXT),
        "collection": FLAG,
        "tag": MANY,
    },
    "where": {**ANYWHERE, "path": TEXT, "description": TEXT},
    "constant": {**ANYWHERE, "name": TEXT},
    "tag": {**ANYWHERE, "name": TEXT, "value": TEXT},
}
NEEDED = {
    "ViewDefinition": ("resource", "select"),
    "column": ("name", "path"),
    "where": ("path",),
    "constant": ("name",),
    "tag": ("name", "value"),
}
CONSTANTS: dict[str, tuple[str, tuple[type, ...]]] = {  # value[x] -> what FHIRPath calls it, what JSON has
    **{f"value{name}": ("String", (str,)) for name in (
        "String", "Code", "Id", "Uri", "Url", "Canonical", "Oid", "Uuid", "Markdown", "Base64Binary")},
    **{f"value{name}": ("Integer", (int,)) for name in ("Integer", "PositiveInt", "UnsignedInt", "Integer64")},
    "valueBoolean": ("Boolean", (bool,)),
    "valueDecimal": ("Decimal", (int, float)),
    "valueDate": ("Date", (str,)),
    "valueDateTime": ("DateTime", (str,)),
    "valueInstant": ("DateTime", (str,)),
    "valueTime": ("Time", (str,)),
}  # fmt: skip
IS: dict[str, Callable[[Any], bool]] = {
    MANY: lambda value: isinstance(value, list) and bool(value),
    TEXT: lambda value: isinstance(value, str) and bool(value.strip()),
    FLAG: lambda value: isinstance(value, bool),
    ANY: lambda value: True,
}


@dataclass(frozen=True, slots=True)
class Column:
    """`type`: as declared, without its address; `collection`: several values are a list, else they are a fault."""

    name: str
    path: str
    type: str | None
    collection: bool
    description: str | None
    tags: Mapping[str, str]
    at: str


@dataclass(frozen=True, slots=True)
class Select:
    """`each` is "forEach", "forEachOrNull", "repeat" or "", with its `paths`."""

    each: str
    paths: tuple[str, ...]
    columns: tuple[Column, ...]
    selects: tuple["Select", ...]
    unions: tuple["Select", ...]
    at: str

    def all_columns(self) -> Iterator[Column]:
        """In the order of the table: its own, those of its selects, those of the first branch of its union."""
        yield from self.columns
        for select in (*self.selects, *self.unions[:1]):
            yield from select.all_columns()


@dataclass(frozen=True, slots=True)
class Definition:
    """`constants`: name -> (System type, value). `where`: (path, where it stands). `plain`: the whole document."""

    name: str
    resource: str
    constants: Mapping[str, tuple[str, Any]]
    where: tuple[tuple[str, str], ...]
    select: Select
    plain: Json

    def title(self, language: str) -> str:
        """The title in that language: `title`, or a translation of it (FHIR's extension `translation`)."""
        for extension in self.plain.get("_title", {}).get("extension", ()):
            parts = {part.get("url"): part for part in extension.get("extension", ())}
            if parts.get("lang", {}).get("valueCode", "").startswith(language):
                return str(parts["content"]["valueString"])
        return str(self.plain.get("title") or self.name)


def read_definition(document: bytes | Json, name: str = "view") -> Definition:
    """`name` is for a view that does not name itself. Raises Malformed (no JSON), Invalid with every fault.

    >>> read_definition({"resource": "Patient", "select": [{"column": [{"name": "id", "path": "id"}]}]}).resource
    'Patient'
    """
    try:
        plain = orjson.loads(document) if isinstance(document, bytes) else document
    except orjson.JSONDecodeError as fault:
        raise Malformed(f"The ViewDefinition is not JSON: {fault}") from None
    reading = Reading()
    found = reading.definition(plain, name)
    if reading.issues or found is None:
        raise Invalid(reading.issues[0].text, issues=reading.issues[:MOST_TOLD])
    return found


class Reading:
    """Collects the faults of one document."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.left = MOST

    def fault(self, at: str, text: str) -> None:
        self.issues.append(Issue("invalid", at, text))

    def record(self, plain: Any, kind: str, at: str) -> Json:
        """The fields that are right; the others are faults. Raises Invalid for a view that is too large."""
        self.left -= 1
        if self.left < 0:
            raise Invalid(f"The view has more than {MOST} selects, columns and other parts: write several", path=at)
        if not isinstance(plain, dict):
            self.fault(at, f"{at} is {shown(plain)}: an object belongs here")
            return {}
        fields, right = FIELDS[kind], {}
        for name, value in plain.items():
            if name.startswith("_") or (kind == "constant" and name in CONSTANTS):
                right[name] = value
            elif name not in fields:
                self.fault(f"{at}.{name}", f"A {kind} has no '{name[:60]}': it has {', '.join(sorted(fields))}")
            elif not IS[fields[name]](value):
                self.fault(f"{at}.{name}", f"{name} is {shown(value)}: {fields[name]} belongs here")
            else:
                right[name] = value
        for name in NEEDED.get(kind, ()):
            if name not in plain:
                self.fault(f"{at}.{name}", f"{at}.{name} is missing: give it")
        return right

    def definition(self, plain: Any, name: str) -> Definition | None:
        at = "ViewDefinition"
        given = self.record(plain, at, at)
        self.check_head(given)
        named = self.name(given.get("name", name), f"{at}.name")
        constants = dict(self.constant(one, f"{at}.constant[{i}]") for i, one in enumerate(given.get("constant", ())))
        if len(constants) < len(given.get("constant", ())):
            self.fault(f"{at}.constant", "Two constants have the same name: name them differently")
        where = [self.record(one, "where", f"{at}.where[{i}]") for i, one in enumerate(given.get("where", ()))]
        paths = tuple((one["path"], f"{at}.where[{i}].path") for i, one in enumerate(where) if "path" in one)
        selects = tuple(self.select(one, f"{at}.select[{i}]", 1) for i, one in enumerate(given.get("select", ())))
        whole = Select("", (), (), selects, (), at)
        self.check_columns(whole)
        return None if self.issues else Definition(named, given["resource"], constants, paths, whole, plain)

    def check_head(self, given: Json) -> None:
        at = "ViewDefinition"
        if given.get("resourceType", at) != at:
            self.fault(
                f"{at}.resourceType", f"resourceType is {given['resourceType'][:60]!r}: a ViewDefinition is read"
            )
        if given.get("resource", "Patient") not in fhir.RESOURCE_TYPES:
            text = f"'{given['resource'][:60]}' is not a resource type of FHIR R4: name one, such as Patient"
            self.fault(f"{at}.resource", text)
        versions = given.get("fhirVersion", ["4.0.1"])
        if not any(str(version).startswith("4.0") for version in versions):
            self.fault(f"{at}.fhirVersion", f"fhirVersion is {shown(versions)}: the records here are FHIR 4.0.1")

    def name(self, text: str, at: str) -> str:
        if not NAME.fullmatch(text):
            self.fault(at, f"{text[:60]!r} is no name: begin with a letter, go on with letters, digits and _")
        return text

    def constant(self, plain: Any, at: str) -> tuple[str, tuple[str, Any]]:
        given = self.record(plain, "constant", at)
        name = self.name(given.get("name", "x"), f"{at}.name")
        values = [(key, value) for key, value in given.items() if key in CONSTANTS]
        if len(values) != 1:
            self.fault(
                at, f"The constant {name} has {len(values)} values: give one, such as valueString or valueInteger"
            )
            return name, ("", None)
        key, value = values[0]
        kind, types = CONSTANTS[key]
        if type(value) not in types:
            self.fault(f"{at}.{key}", f"{key} is {shown(value)}: that is no {kind}")
        return name, (kind, value)

    def select(self, plain: Any, at: str, depth: int) -> Select:
        if depth > DEEPEST:
            self.fault(at, f"More than {DEEPEST} selects inside each other: write the view flatter")
            return Select("", (), (), (), (), at)
        given = self.record(plain, "select", at)
        each = [name for name in EACH if name in given]
        if len(each) > 1:
            self.fault(at, f"{' and '.join(each)} stand together: keep one, and put the other into a select inside")
        paths = given[each[0]] if each else []
        paths = paths if isinstance(paths, list) else [paths]
        if not all(isinstance(path, str) and path.strip() for path in paths):
            self.fault(f"{at}.repeat", f"repeat is {shown(paths)}: a list of paths belongs here")
        columns = tuple(self.column(one, f"{at}.column[{i}]") for i, one in enumerate(given.get("column", ())))
        inner = {
            name: tuple(self.select(one, f"{at}.{name}[{i}]", depth + 1) for i, one in enumerate(given.get(name, ())))
            for name in ("select", "unionAll")
        }
        found = Select(each[0] if each else "", tuple(paths), columns, inner["select"], inner["unionAll"], at)
        if isinstance(plain, dict) and not columns and not any(inner.values()):
            self.fault(at, f"{at} gives no columns: add column, select or unionAll")
        self.check_union(found)
        return found

    def column(self, plain: Any, at: str) -> Column:
        given = self.record(plain, "column", at)
        name = self.name(given["name"], f"{at}.name") if "name" in given else ""
        tags = [self.record(one, "tag", f"{at}.tag[{i}]") for i, one in enumerate(given.get("tag", ()))]
        kind = given.get("type")
        bare = kind.rpartition("/")[2].removeprefix("System.") if kind else None
        if bare and bare not in PRIMITIVES and not is_type(bare):
            self.fault(
                f"{at}.type", f"'{bare[:60]}' is no type of FHIR R4: write one, such as string, decimal or dateTime"
            )
        return Column(
            name,
            given.get("path", ""),
            bare,
            given.get("collection", False),
            given.get("description"),
            {tag["name"]: tag["value"] for tag in tags if tag.keys() >= {"name", "value"}},
            at,
        )

    def check_columns(self, whole: Select) -> None:
        seen: dict[str, str] = {}
        for column in whole.all_columns():
            if column.name in seen:
                text = f"The column {column.name} is there twice (also at {seen[column.name]}): name them differently"
                self.fault(f"{column.at}.name", text)
            seen.setdefault(column.name, column.at)

    def check_union(self, select: Select) -> None:
        for (_, one), (i, other) in pairwise(enumerate([list(branch.all_columns()) for branch in select.unions])):
            if not are_alike(one, other):
                names = ", ".join(column.name for column in other), ", ".join(column.name for column in one)
                text = (
                    f"The branches of a unionAll differ: {names[0]} here, {names[1]} before: same names, types, order"
                )
                self.fault(f"{select.at}.unionAll[{i}]", text)


def are_alike(one: list[Column], other: list[Column]) -> bool:
    """Whether two branches have the same columns in the same order, as far as their types are told."""
    return [column.name for column in one] == [column.name for column in other] and all(
        left.type == right.type or None in (left.type, right.type) for left, right in zip(one, other, strict=True)
    )


def is_type(name: str) -> bool:
    """Whether R4, or FHIRPath, has that type."""
    return name.lower() in ("boolean", "string", "integer", "decimal", "date", "datetime", "time") or is_known(name)


def shown(value: Any) -> str:
    """A value in an error, not too long."""
    text = orjson.dumps(value, default=repr).decode()
    return text if len(text) <= 60 else text[:57] + "..."
