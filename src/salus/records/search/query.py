"""The words of a query: which of them choose resources, which say how to show them.

https://hl7.org/fhir/R4/search.html#Introduction
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import orjson

from salus import fhir
from salus.base.errors import Issue, Malformed, Unsupported
from salus.records.search.listing import LIST, current
from salus.records.search.matching import check_served
from salus.records.search.meaning import conditions
from salus.records.search.shortening import SHORT, check_elements
from salus.records.search.terms import Term, term

Pairs = list[tuple[str, str]]
DEFAULT_COUNT = 50
SHORT_QUERY = 2000  # characters of a query string that is remembered for a moment
SHORT_VALUE = 200  # characters of a value that is remembered for a while
MOST = 1000
MOST_TERMS = 100
ANCHOR = "_cursor"
COMPARTMENT = "_compartment"
ANY = "*"
IGNORED = {"_format", "_pretty"}  # how the answer is written: the HTTP door's matter


@dataclass(frozen=True, slots=True)
class Include:
    """What to bring along: by the references of `source` (`ANY`: of all types) that stand at `paths` (none: at all),
    to a `target` type, or if that is empty to one of `targets` (none: to all). `iterate`: from what was included too.
    """

    source: str
    paths: frozenset[int]
    target: str
    targets: tuple[str, ...]
    reverse: bool
    iterate: bool


@dataclass(slots=True)
class Query:
    """A search, understood. `anchor` is where a later page goes on: (transaction, sort values..., row).

    Of several types, `type` is empty and `parts` has a search for each; `named` says whether the client chose them.
    """

    type: str
    terms: list[Term] = field(default_factory=list)
    sort: list[tuple[str, bool]] = field(default_factory=list)  # name, descending
    includes: list[Include] = field(default_factory=list)
    count: int = DEFAULT_COUNT
    total: bool = False
    summary: bool = False  # only the number
    shown: str = ""  # of `_summary`: true, text or data
    elements: list[str] = field(default_factory=list)  # names, each perhaps after `Type.`
    anchor: list[Any] | None = None
    pairs: Pairs = field(default_factory=list)
    compartment: str = ""  # the id of the Patient in whose compartment is searched; another's is one of the `terms`
    owner: int | None = None  # the row of that Patient, where it is known already
    parts: list["Query"] = field(default_factory=list)
    named: bool = False
    looked: list[str] | None = None  # what `looks` has found
    merged: bool = False  # one of several types that are sorted together

    @property
    def types(self) -> list[str]:
        return [part.type for part in self.parts] or [self.type]

    @property
    def looks(self) -> list[str]:
        """What is searched, as far as it is named, and all that chains and `_has` look into.

        Who asks must be allowed to read them all.
        """
        if self.looked is None:
            self.looked = self._looks()
        return self.looked

    def _looks(self) -> list[str]:
        own = self.types if self.named or not self.parts else []
        looked = (type for part in [self, *self.parts] for term in part.terms for type in term.looks())
        return list(dict.fromkeys([*own, *looked]))

    def names(self, type: str, found: bool) -> frozenset[str] | None:
        """Which elements of a type are shown, of what was `found` or else included; None where all are."""
        if self.shown:
            return SHORT[self.shown](type)
        pairs = [name.rpartition(".") for name in self.elements]
        named = frozenset(name for of, _, name in pairs if of == type or (found and not of))
        return named or (frozenset() if found and self.elements else None)

    def after(self, anchor: list[Any]) -> str:
        """The query string of the page that goes on at `anchor`."""
        kept = [(name, value) for name, value in self.pairs if name != ANCHOR]
        token = base64.urlsafe_b64encode(orjson.dumps(anchor)).decode().rstrip("=")
        return joined([*kept, (ANCHOR, token)])


def pairs_of(query: str) -> Pairs:
    """The names and values of a query string. Quicker than `urllib.parse.parse_qsl`, where nothing is quoted.

    >>> pairs_of("code=a%7Cb&given=Ana+Mar%C3%ADa&flag&=x")
    [('code', 'a|b'), ('given', 'Ana María'), ('flag', ''), ('', 'x')]
    """
    return list(_pairs(query) if len(query) < SHORT_QUERY else _pairs.__wrapped__(query))


@lru_cache(256)  # one request asks several times
def _pairs(query: str) -> tuple[tuple[str, str], ...]:
    parts = [part.partition("=") for part in query.split("&") if part]
    return tuple((unquoted(name), unquoted(value)) for name, _, value in parts)


def unquoted(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    return _unquoted(text) if len(text) < SHORT_VALUE else unquote_plus(text)


_unquoted = lru_cache(4096)(unquote_plus)  # codes and systems come again and again


def joined(pairs: Iterable[tuple[str, str]]) -> str:
    """A query string of names and values.

    >>> joined([("code", "a|b"), ("_sort", "-date")])
    'code=a%7Cb&_sort=-date'
    """
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in pairs)


def quoted(text: str) -> str:
    return text if PLAIN(text) else quote_plus(text)


PLAIN = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch


def parse(type: str, params: str | Iterable[tuple[str, str]]) -> Query:
    """The query for a type; for "" that for the types of `_type`, or for all.

    Raises Unsupported, naming it, for a parameter, modifier or value that is not served: none is ever ignored.
    """
    pairs = pairs_of(params) if isinstance(params, str) else list(params)
    if not type:
        return across(pairs)
    if type not in fhir.RESOURCE_TYPES:
        raise Unsupported(f"'{type[:80]}' is not a resource type of FHIR R4", path=type[:80])
    query = Query(type, pairs=pairs)
    _read(query, pairs)
    return query


def across(pairs: Pairs) -> Query:
    """The query for several types, by the parameters that they have in common."""
    named = [type for key, value in pairs if key == "_type" for type in value.split(",")]
    rest = [(key, value) for key, value in pairs if key != "_type"]
    if len(named) == 1:
        query = parse(named[0] or "?", rest)
        query.pairs = pairs
        return query
    query = Query("", pairs=pairs, named=bool(named))
    inner = [(key, value) for key, value in rest if not shows(key)]
    types = dict.fromkeys(named or sorted(fhir.RESOURCE_TYPES))
    owners = [value.partition("/")[0] for key, value in rest if key == COMPARTMENT]
    if owners and not named:
        types = dict.fromkeys(type for type in types if in_compartment(type, owners[0]))
    query.parts = [parse(type or "?", inner) for type in types]
    _read(query, [(key, value) for key, value in rest if (key, value) not in inner])
    return query


def shows(key: str) -> bool:
    """Whether a key says how to show, not what to find."""
    name = key.partition(":")[0]
    return (name in CONTROLS and name not in FINDING) or name in IGNORED


def _read(query: Query, pairs: Pairs) -> None:
    for key, value in pairs:
        name, _, modifier = key.partition(":")
        if name in CONTROLS:
            if modifier and name not in ("_include", "_revinclude"):
                raise Unsupported(f"{key[:80]}: {name} takes no modifier", path=key[:80])
            CONTROLS[name](query, modifier, value)
        elif name not in IGNORED:
            query.terms.append((_served if len(value) < SHORT_VALUE else _served.__wrapped__)(query.type, key, value))
    if len(query.terms) > MOST_TERMS:
        raise Unsupported(f"{len(query.terms)} conditions are too many: give {MOST_TERMS} at most")
    check_shown(query)


@lru_cache(4096)
def _served(type: str, key: str, value: str) -> Term:
    """One condition that is served; remembered, for a chart asks for the same codes of each patient."""
    made = term(type, key, value)
    check_served(made)
    return made


def lenient(type: str, params: str) -> tuple[Pairs, list[Issue]]:
    """The parameters that are served, and what is to be said of the others, which are left out.

    https://hl7.org/fhir/R4/search.html#errors
    """
    kept, ignored = Pairs(), []
    pairs = pairs_of(params)
    types = [pair for pair in pairs if pair[0] == "_type" and not type]
    for pair in pairs:
        try:
            parse(type, [pair] if pair in types else [*types, pair])
        except Unsupported as fault:
            ignored += [replace(issue, severity="warning", text=f"Ignored: {issue.text}") for issue in fault.issues]
        else:
            kept.append(pair)
    return kept, ignored


def check_shown(query: Query) -> None:
    """Raises Unsupported for ways to show that exclude each other, and for elements that there are not."""
    if query.shown and query.elements:
        raise Unsupported(f"_summary={query.shown} and _elements exclude each other: give one", path="_elements")
    if query.shown == "text" and query.includes:
        raise Unsupported("_summary=text shows no included resources: leave _include out", path="_summary")
    for name in query.elements:
        of, _, element = name.rpartition(".")
        if of and of not in fhir.RESOURCE_TYPES:
            raise Unsupported(f"_elements={name[:80]}: name elements at the root of a resource", path="_elements")
        check_elements([of] if of else query.types, [element])


def whole(text: str) -> bool:
    """Whether it is a whole number in plain digits, at most the 18 that the database can hold.

    >>> whole("12"), whole("²"), whole(""), whole("9" * 5000)
    (True, False, False, False)
    """
    return text.isascii() and text.isdigit() and len(text) <= 18


def _count(query: Query, modifier: str, value: str) -> None:
    if not whole(value):
        raise Malformed(f"_count={value[:40]}: give a whole number from 0 to {MOST}", path="_count")
    query.count = min(int(value), MOST)
    query.summary = query.summary or int(value) == 0


def _total(query: Query, modifier: str, value: str) -> None:
    """An estimate may be as good as the truth: it is counted too."""
    if value not in ("none", "accurate", "estimate"):
        raise Unsupported(f"_total={value[:40]}: say none, accurate or estimate", path="_total")
    query.total = value != "none"


def _summary(query: Query, modifier: str, value: str) -> None:
    if value not in ("count", "false", *SHORT):
        raise Unsupported(f"_summary={value[:40]}: say true, text, data, count or false", path="_summary")
    query.summary = query.summary or value == "count"
    query.shown = value if value in SHORT else ""


def _elements(query: Query, modifier: str, value: str) -> None:
    query.elements += [name for name in value.split(",") if name]


def _sort(query: Query, modifier: str, value: str) -> None:
    query.sort += (_orders if len(value) < SHORT_VALUE else _orders.__wrapped__)(tuple(query.types), value)


@lru_cache(1024)
def _orders(types: tuple[str, ...], value: str) -> tuple[tuple[str, bool], ...]:
    """By what to sort: name, descending. Raises Unsupported."""
    for part in value.split(","):
        name = part.removeprefix("-")
        for type in types:
            check_sortable(type, name, part)
        if len({fhir.parameters(type)[name].kind for type in types}) > 1:
            raise Unsupported(f"_sort={part[:80]}: it is not of one kind in all these types", path=f"_sort.{name[:80]}")
    return tuple((part.removeprefix("-"), part.startswith("-")) for part in value.split(","))


def check_sortable(type: str, name: str, part: str) -> None:
    """Raises Unsupported."""
    known = fhir.parameters(type)
    if name not in known or known[name].kind in ("composite", "special"):
        raise Unsupported(f"_sort={part[:80]}: {type} cannot be sorted by it", path=f"_sort.{name[:80]}")


def _include(query: Query, modifier: str, value: str, reverse: bool = False) -> None:
    """`Type:parameter`, `Type:parameter:Target`, `Type:*`; `*` of `_include`. Raises Unsupported."""
    word = "_revinclude" if reverse else "_include"
    if modifier not in ("", "iterate"):
        raise Unsupported(f"{word}:{modifier[:40]} is not served: use :iterate or none", path=f"{word}:{modifier[:40]}")
    source, _, rest = value.partition(":")
    name, _, target = rest.partition(":")
    if source == ANY and not rest and not reverse:
        query.includes.append(Include(ANY, frozenset(), "", (), False, modifier == "iterate"))
        return
    known = fhir.parameters(source) if source in fhir.RESOURCE_TYPES else {}
    if (name != ANY and (name not in known or known[name].kind != "reference")) or not known:
        raise Unsupported(f"{word}={value[:80]}: give Type:reference-parameter or Type:*", path=word)
    targets = () if name == ANY else known[name].targets
    if target and target not in (targets or fhir.RESOURCE_TYPES):
        raise Unsupported(f"{word}={value[:80]}: {name} of {source} does not refer to {target[:40]}", path=word)
    if not reverse and source not in query.types and modifier != "iterate":
        raise Unsupported(f"_include={value[:80]}: {source} is not what is searched; use _include:iterate", path=word)
    paths = reference_paths(source) if name == ANY else frozenset(known[name].paths)
    query.includes.append(Include(source, paths, target, targets, reverse, modifier == "iterate"))


@cache
def reference_paths(type: str) -> frozenset[int]:
    """The paths of all reference parameters of a type."""
    return frozenset(
        path for found in fhir.parameters(type).values() if found.kind == "reference" for path in found.paths
    )


def _revinclude(query: Query, modifier: str, value: str) -> None:
    _include(query, modifier, value, reverse=True)


def in_compartment(type: str, of: str = "Patient") -> bool:
    return type == of or bool(fhir.compartment(type, of))


def _compartment(query: Query, modifier: str, value: str) -> None:
    """What `GET /Patient/1/Observation` searches in; so for each compartment of R4. https://hl7.org/fhir/R4/search.html#compartment"""
    kind, _, id = value.partition("/")
    if kind not in fhir.compartments() or not id:
        raise Unsupported(
            f"'{value[:80]}' is no compartment: use the id of a {', '.join(fhir.compartments())}", path=value[:80]
        )
    if not in_compartment(query.type, kind):
        raise Unsupported(f"{query.type} stands in no {kind}'s compartment: search it by itself", path=query.type)
    if kind == "Patient":
        query.compartment = id
    else:
        query.terms.append(belonging(query.type, kind, id))


def belonging(type: str, kind: str, id: str) -> Term:
    """The condition that a resource stands in the compartment of something else than a patient.

    https://hl7.org/fhir/R4/compartmentdefinition.html
    """
    known = fhir.parameters(type)
    paths = {path: None for name in fhir.compartment(type, kind) for path in known[name].paths}
    if not paths:  # it stands in its own
        return Term("_id", "", (id,), known["_id"])
    url = f"http://hl7.org/fhir/CompartmentDefinition/{kind.lower()}"
    return Term(
        COMPARTMENT, "", (f"{kind}/{id}",), fhir.Parameter(COMPARTMENT, "reference", tuple(paths), (), (), url, "")
    )


def _anchor(query: Query, modifier: str, value: str) -> None:
    try:
        found = orjson.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (binascii.Error, ValueError):
        found = None
    if not isinstance(found, list) or not all(isinstance(part, int | float | str) for part in found):
        raise Malformed(f"{ANCHOR} is not one that this server gave: begin again at the first page", path=ANCHOR)
    query.anchor = found


def _filter(query: Query, modifier: str, value: str) -> None:
    """https://hl7.org/fhir/R4/search_filter.html"""
    made = conditions(query.type, value)
    for one in made:
        check_served(one)
    query.terms += made


def _list(query: Query, modifier: str, value: str) -> None:
    """https://hl7.org/fhir/R4/search.html#list"""
    if value.startswith("$"):
        query.terms += conditions(query.type, current(query.type, value))
    elif any(not id for id in value.split(",")):
        raise Malformed(f"_list={value[:80]}: give the id of a List", path="_list")
    else:
        query.terms.append(Term("_list", "", tuple(value.split(",")), LIST))


def _contained(query: Query, modifier: str, value: str) -> None:
    """https://hl7.org/fhir/R4/search.html#contained"""
    if value != "false":
        raise Unsupported(
            f"_contained={value[:40]} is not served: contained resources are not found", path="_contained"
        )


FINDING = {COMPARTMENT, "_filter", "_list"}  # of the controls those that choose resources
CONTROLS: dict[str, Callable[[Query, str, str], None]] = {
    "_count": _count,
    "_total": _total,
    "_summary": _summary,
    "_elements": _elements,
    "_sort": _sort,
    "_include": _include,
    "_revinclude": _revinclude,
    ANCHOR: _anchor,
    COMPARTMENT: _compartment,
    "_contained": _contained,
    "_filter": _filter,
    "_list": _list,
}
