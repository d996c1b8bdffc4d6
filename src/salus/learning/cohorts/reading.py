"""An ACES task file: YAML to a checked definition. Nothing in the file is run; keys given twice are refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from salus.base.errors import Invalid, Malformed, Missing, TooLarge
from salus.learning.cohorts.definition import Definition, Predicate
from salus.learning.cohorts.plan import plan_of

LARGEST = 1_000_000  # bytes
SAID_ONLY = ("description", "metadata")  # read by people, not by us
PREDICATE_KEYS = set(Predicate.__struct_fields__)


class Plain(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the library has no types
    """Plain YAML: mappings, lists, words and numbers. A key given twice is a fault."""


def once(loader: Plain, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    """The mapping of a node. Raises a YAML error when a key stands twice, or is no word."""
    keys = [loader.construct_object(key, deep=deep) for key, _ in node.value]
    for number, key in enumerate(keys):
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is no word", node.start_mark)
        if key in keys[:number]:
            raise yaml.constructor.ConstructorError(None, None, f"'{key}' stands twice", node.start_mark)
    found: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return found


Plain.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, once)


def read_definition(path: Path) -> Definition:
    """The checked definition in a YAML file. Raises Missing, TooLarge, Malformed (not YAML), Invalid (what, where)."""
    if not path.is_file():
        raise Missing(f"There is no task file {path}: name an existing YAML file")
    if path.stat().st_size > LARGEST:
        raise TooLarge(f"{path.name} has {path.stat().st_size:,} bytes: a task file has at most {LARGEST:,}")
    try:
        table = yaml.load(path.read_text("utf-8-sig"), Plain)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Malformed(f"{path.name} is not YAML: {' '.join(str(error).split())}") from error
    return definition_of(table, path.name)


def definition_of(table: object, name: str = "The file") -> Definition:
    """The checked definition of plain mappings, as they stand in YAML. Raises Invalid."""
    if not isinstance(table, dict):
        raise Invalid(f"{name} has no keys: an ACES task has predicates, trigger and windows")
    if "trigger_event" in table:
        raise Invalid(f"{name} says trigger_event, as ACES did before 2024: call it trigger", path="trigger_event")
    told = {key: value for key, value in table.items() if key not in SAID_ONLY and value is not None}
    for part in ("predicates", "patient_demographics"):
        if isinstance(told.get(part), dict):
            told[part] = {key: predicate_table(value) for key, value in told[part].items()}
    try:
        found = msgspec.convert(told, Definition, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Invalid(
            f"{name} does not fit: {plain_words(error)}. A word that YAML reads as a number, a date or "
            'yes/no wants quotes: code: "410"'
        ) from error
    plan_of(found)
    return found


def predicate_table(value: object) -> object:
    """Keys that are none of a predicate's own name columns."""
    if not isinstance(value, dict):
        return value
    own = {key: one for key, one in value.items() if key in PREDICATE_KEYS}
    columns = {key: one for key, one in value.items() if key not in PREDICATE_KEYS}
    named = own.get("other_cols") or {}
    return {**own, "other_cols": {**named, **columns}} if isinstance(named, Mapping) and (columns or named) else own


def plain_words(error: Exception) -> str:
    """What the reader says, with the path as people write it.

    >>> plain_words(ValueError("Expected `bool`, got `str` - at `$.windows[...].start_inclusive`"))
    'Expected `bool`, got `str` at windows[...].start_inclusive'
    """
    return str(error).replace(" - at `$.", " at ").replace(" - at `$`", "").removesuffix("`")
