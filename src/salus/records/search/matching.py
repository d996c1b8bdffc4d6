"""One condition of a query as SQL over the index tables.

A `Match` says which rows satisfy it and how to ask it of one row `r`; the planner drives the search by the rarest
and asks the others.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from salus import fhir
from salus.base.errors import Malformed, Unsupported
from salus.records.search import (
    chaining,
    combining,
    compositing,
    hierarchy,
    lines,
    listing,
    reaching,
    vocabulary,
    wording,
)
from salus.records.search.meaning import placed
from salus.records.search.near import near
from salus.records.search.ranges import measure, span
from salus.records.search.setting import Setting, numbers
from salus.records.search.shelf import Arguments, Match, Piece, shelf
from salus.records.search.terms import WORDS, Term, divide
from salus.records.shelves import LONGEST

FEW = 20  # targets that are tried one by one
TOP = "\U0010ffff"
TEXTS = {"~is": "text=?", "~isnt": "text<>?", "~gt": "text>?", "~lt": "text<?", "~ge": "text>=?", "~le": "text<=?"}


class Matcher:
    """Turns terms into matches, looking up the numbers of codes and targets with a reader's connection."""

    def __init__(self, setting: Setting, type: str) -> None:
        self._setting = setting
        self._connection = setting.connection
        self._kinds = setting.kinds
        self._name = type
        self._type = setting.kinds.numbers[type]
        self._found_patients: set[int] = set()  # rows that a reference leads to
        self.few = False  # whether the other conditions leave so few rows that each may be asked

    def match(self, term: Term) -> Match:
        """Raises Malformed for a value that cannot be read; the term has been through `check_served`."""
        if term.joint:
            parts = [self.match(part) for part in term.parts]
            return combining.joined(self._setting, self._name, term.joint, parts)
        try:
            return self._matched(term)
        except (Malformed, Unsupported) as fault:
            raise placed(term.at, fault) if term.at else fault from None

    def _matched(self, term: Term) -> Match:
        if term.inner:
            return self._chained(term)
        if term.name in COLUMNS:
            return COLUMNS[term.name](self, term)
        if term.parameter.components:
            return self._composite(term)
        if term.parameter.kind == "special":
            return self._missing(term, "number") if term.modifier else near(self._setting, term)
        table, _, piece = MAKERS[term.parameter.kind]
        if term.modifier == "missing":
            return self._missing(term, table)
        if term.modifier in reaching.MODIFIERS:
            return self._by_body(term)
        if term.modifier == "~ne":
            return self._unequal(term, table, piece)
        if table == "ref" and term.modifier in hierarchy.MODIFIERS:
            return self._in_layers(term)
        if term.modifier in vocabulary.MODIFIERS and term.parameter.kind == "token":
            return self._by_meaning(term)
        pieces = [piece(self, term, value) for value in term.values]
        where = f"path IN ({numbers(term.parameter.paths)}) AND ({' OR '.join(sql for sql, _ in pieces)})"
        arguments = [argument for _, some in pieces for argument in some]
        found = self._shelf(table, where, arguments, term.modifier == "not")
        if table == "ref":
            return lines.pinned(self._name, term, self._patients(arguments), found)
        return lines.told(self._name, term, table, where, found)

    def _in_layers(self, term: Term) -> Match:
        """References to something, or to what is below or above it."""
        known, starts = hierarchy.layered(term.parameter), []
        for value in term.values:
            kind, slash, id = value.rpartition("/")
            if slash and kind not in known:
                at = f"{term.name}:{term.modifier}"
                raise Unsupported(f"{at}={value[:80]}: name one of {', '.join(known)}, which have parts", path=at)
            starts += [(type, self._setting.row(type, id)) for type in ([kind] if slash else known)]
        rows = hierarchy.reached(self._setting, term, [(type, row) for type, row in starts if row is not None])
        where = f"path IN ({numbers(term.parameter.paths)}) AND target IN ({numbers(rows)})"
        found = self._shelf("ref", where, [], False)
        found.probe = found.probe if len(rows) <= FEW else None  # it would try each in turn
        return found

    def _patients(self, targets: Sequence[Any]) -> list[int]:
        """The rows themselves where all are those of patients."""
        patients = [row for row in targets if row in self._found_patients]
        return patients if len(patients) == len(targets) else []

    def _unequal(self, term: Term, table: str, piece: "Make") -> Match:
        """Some value is another: what `ne` of a filter says of codes and references."""
        sql, arguments = piece(self, replace(term, modifier=""), term.values[0])
        where = f"path IN ({numbers(term.parameter.paths)}) AND NOT ({sql}){self._aimed(term)}"
        found = self._shelf(table, where, arguments, False)
        found.probe = None  # no key to probe
        return found

    def _aimed(self, term: Term) -> str:
        """That a row of `ref` aims at a type that the parameter may; nothing for others, and where any may be."""
        types = [self._kinds.numbers[name] for name in term.parameter.targets if name in self._kinds.numbers]
        if not types:
            return ""
        return f" AND (SELECT type FROM resource t WHERE t.row=target) IN (0, {numbers(types)})"

    def _composite(self, term: Term) -> Match:
        if term.modifier == "missing":
            return compositing.missing(self._setting, self._name, term, wanted_missing(term))
        options = [compositing.parts(self._name, term, value) for value in term.values]
        return compositing.joined(self._setting, self._name, term, [[(p, self.match(p)) for p in o] for o in options])

    def _by_meaning(self, term: Term) -> Match:
        codes = numbers(vocabulary.numbers_of(self._setting, term))
        where = f"path IN ({numbers(term.parameter.paths)}) AND code IN ({codes})"
        found = self._shelf("token", where, [], term.modifier == "not-in")
        return lines.told(self._name, term, "token", where, found)

    def _by_body(self, term: Term) -> Match:
        """What no index knows: each candidate that the other conditions leave is opened."""
        check = self._setting.check(reaching.of_body(self._name, term))
        if term.modifier == "of-type":
            wanted = tuple(value.rpartition("|")[2] for value in term.values)
            found = self.match(replace(term, modifier="", values=wanted))
            found.check = check
            return found
        return Match(f"SELECT row FROM resource WHERE type={self._type}", "TRUE", [], negated=True, check=check)

    def _shelf(self, table: str, where: str, arguments: Arguments, negated: bool) -> Match:
        return shelf(self._setting.dialect, table, where, arguments, negated)

    def _chained(self, term: Term) -> Match:
        inner = [(type, Matcher(self._setting, type).match(there)) for type, there in term.inner]
        if term.reverse:
            return chaining.backward(self._setting, term, self._name, *inner[0], ask_each=self.few)
        return chaining.forward(self._setting, self._name, term, inner)

    def _missing(self, term: Term, table: str) -> Match:
        missing = wanted_missing(term)
        where = f"path IN ({numbers(term.parameter.paths)}){self._aimed(term)}"
        found = self._shelf(table, where, [], missing)
        found.probe = found.probe if table in ("dates", "quantity") else None  # any code, any target: no key to probe
        return found

    def _by_id(self, term: Term) -> Match:
        if term.modifier == "missing":
            return self._missing_column(term)
        marks = ",".join("?" * len(term.values))
        negated = term.modifier == "~ne"
        condition = f"id {'NOT ' if negated else ''}IN ({marks})"
        rows = f"SELECT row FROM resource WHERE type={self._type} AND {condition}"
        arguments = Arguments(self._kinds.packed(value) for value in term.values)
        return Match(rows, f"r.{condition}", arguments, negated=negated, probe=f"r.{condition}")

    def _missing_column(self, term: Term) -> Match:
        """Of what every resource has."""
        return Match("SELECT row FROM resource", str(not wanted_missing(term)).upper(), [], negated=True)

    def _by_update(self, term: Term) -> Match:
        if term.modifier == "missing":
            return self._missing_column(term)
        pieces = [span(term, value, "ts*1000", "(ts*1000+1000)") for value in term.values]
        ts = f"SELECT t FROM txn WHERE {' OR '.join(sql for sql, _ in pieces)}"
        rows = f"SELECT row FROM outbox WHERE t IN ({ts})"
        return Match(rows, f"r.t IN ({ts})", [argument for _, some in pieces for argument in some], negated=True)

    def _by_words(self, term: Term) -> Match:
        check = self._setting.check(wording.of_body(term.name, term.values))
        return Match(f"SELECT row FROM resource WHERE type={self._type}", "TRUE", [], negated=True, check=check)

    def _by_list(self, term: Term) -> Match:
        return listing.listed(self._setting, self._name, term)

    # --- what each kind of parameter makes of a value ---

    def token(self, term: Term, value: str) -> Piece:
        """`code`, `system|code`, `|code`, `system|`. https://hl7.org/fhir/R4/search.html#token"""
        system, bar, code = divide(value)
        if not bar:
            return "code IN (SELECT code FROM code WHERE text=?)", [system]
        if not code:
            return "code IN (SELECT code FROM code WHERE system=(SELECT code FROM code WHERE text=? AND system=0))", [
                system
            ]
        if not system:
            return "code IN (SELECT code FROM code WHERE text=? AND system=0)", [code]
        return (
            "code IN (SELECT code FROM code WHERE text=? AND system=(SELECT code FROM code WHERE text=? AND system=0))",
            [code, system],
        )

    def uri(self, term: Term, value: str) -> Piece:
        """A whole URI; those `:below` it by its path, or `:above`. https://hl7.org/fhir/R4/search.html#uri"""
        if term.modifier and value.startswith("urn:"):
            raise Unsupported(
                f"{term.name}:{term.modifier}={value[:80]}: an urn has nothing above or below it; give an URL",
                path=f"{term.name}:{term.modifier}",
            )
        if term.modifier == "above":
            found = above(value)
            return f"code IN (SELECT code FROM code WHERE text IN ({','.join('?' * len(found))}) AND system=0)", [
                *found
            ]
        if term.modifier == "below":
            stem = value.rstrip("/") + "/"
            where = "(text=? OR (text>=? AND text<?))"
            return f"code IN (SELECT code FROM code WHERE {where} AND system=0)", [value, stem, stem + TOP]
        return "code IN (SELECT code FROM code WHERE text=? AND system=0)", [value]

    def reference(self, term: Term, value: str) -> Piece:
        """`Type/id`, `id` or a URL. https://hl7.org/fhir/R4/search.html#reference"""
        kind, slash, id = value.rpartition("/")
        if ":" in value:
            return self._target([""], value)
        if slash and kind not in self._kinds.numbers:
            raise Malformed(f"{term.name}={value[:80]}: give Type/id, an id or a URL", path=term.name)
        if slash and term.parameter.targets and kind not in term.parameter.targets:
            return "FALSE", []  # `patient` has the rows of `subject`, of which it wants the Patients
        names = [kind] if slash else [term.modifier] if term.modifier else list(term.parameter.targets)
        return self._target(names, id)

    def _target(self, types: Sequence[str], id: str) -> Piece:
        known = [self._kinds.numbers[name] for name in types if name in self._kinds.numbers]
        key = self._kinds.plain(id) if types == [""] else self._kinds.packed(id)
        sql = f"SELECT row, type FROM resource WHERE type IN ({numbers(known)}) AND id=?"
        found = self._connection.execute(sql, (key,)).fetchall()
        rows = [row for row, _ in found]
        self._found_patients.update(row for row, type in found if type == self._kinds.numbers["Patient"])
        return (f"target IN ({','.join('?' * len(rows))})", [*rows]) if rows else ("FALSE", [])

    def date(self, term: Term, value: str) -> Piece:
        return span(term, value, "low", "high")

    def string(self, term: Term, value: str) -> Piece:
        """The beginning of a text, without case and accents. https://hl7.org/fhir/R4/search.html#string"""
        if term.modifier == "exact":
            return "(CASE exact WHEN '' THEN text ELSE exact END)=?", [value]
        text = fhir.normalize(value)
        if term.modifier in TEXTS:
            return TEXTS[term.modifier], [text[:LONGEST]]
        if term.modifier == "~ew":
            return "text LIKE ? ESCAPE '!'", ["%" + re.sub("([%_!])", r"!\1", text[: LONGEST + 1])]
        if term.modifier == "contains":
            return self._setting.dialect.contains.format("text"), [text]
        return "text>=? AND text<?", [text, text + TOP]

    def quantity(self, term: Term, value: str) -> Piece:
        """`number`, `number|system|code` or `number||code`. https://hl7.org/fhir/R4/search.html#quantity"""
        amount, *unit = value.split("|")
        sql, arguments = measure(term, amount)
        if not unit:
            return sql, arguments
        system, code = unit[0], unit[1] if len(unit) > 1 else ""
        coded, more = self.token(term, f"{system}|{code}" if system else code)
        return f"({sql}) AND {coded}", [*arguments, *more]

    def number(self, term: Term, value: str) -> Piece:
        return measure(term, value)


def wanted_missing(term: Term) -> bool:
    """What `:missing` asks for. Raises Malformed."""
    if term.values not in (("true",), ("false",)):
        raise Malformed(f"{term.name}:missing={','.join(term.values)[:40]}: say true or false", path=term.name)
    return term.values == ("true",)


def above(url: str) -> list[str]:
    """An URL and all those that it stands below.

    >>> above("http://a/b/c")
    ['http://a/b/c', 'http://a/b', 'http://a/b/', 'http://a', 'http://a/']
    """
    root, slashes, path = url.partition("://")
    pieces = path.rstrip("/").split("/")
    stems = [f"{root}{slashes}{'/'.join(pieces[:n])}" for n in range(len(pieces), 0, -1)]
    found = [url, *(text for stem in stems for text in (stem, f"{stem}/"))]
    return [text for text in dict.fromkeys(found) if text == url or len(text) <= len(url)]


Make = Callable[[Matcher, Term, str], Piece]
MAKERS: dict[str, tuple[str, frozenset[str], Make]] = {
    "token": ("token", frozenset({"not", "of-type", "text", *vocabulary.MODIFIERS}), Matcher.token),
    "uri": ("token", frozenset({"above", "below"}), Matcher.uri),
    "reference": ("ref", frozenset({"identifier"}), Matcher.reference),
    "date": ("dates", frozenset(), Matcher.date),
    "string": ("string", frozenset({"exact", "contains"}), Matcher.string),
    "quantity": ("quantity", frozenset(), Matcher.quantity),
    "number": ("number", frozenset(), Matcher.number),
}


COLUMNS: dict[str, Callable[[Matcher, Term], Match]] = {
    "_id": Matcher._by_id,
    "_lastUpdated": Matcher._by_update,
    "_text": Matcher._by_words,
    "_content": Matcher._by_words,
    "_list": Matcher._by_list,
}


def served(parameter: fhir.Parameter) -> bool:
    """Whether a search by it is served."""
    indexed = parameter.kind in (*MAKERS, "special") and bool(parameter.paths)
    return parameter.name in COLUMNS or bool(parameter.components) or indexed


def modifiers(parameter: fhir.Parameter) -> frozenset[str]:
    """The modifiers that are served with it."""
    if parameter.name in (*WORDS, "_list"):
        return frozenset()
    if parameter.name in COLUMNS or parameter.components or parameter.kind == "special":
        return frozenset({"missing"})
    types = parameter.targets if parameter.kind == "reference" else ()
    layers = hierarchy.MODIFIERS if hierarchy.layered(parameter) else ()
    return MAKERS[parameter.kind][1] | {"missing", *types, *layers}


def check_served(term: Term) -> None:
    """Raises Unsupported for a kind of parameter, or a modifier, that is not served."""
    for inner in (*term.parts, *(inner for _, inner in term.inner)):
        check_served(inner)
    if term.joint:
        return
    parameter = term.parameter
    if not served(parameter):
        raise Unsupported(
            f"'{term.name}' ({parameter.kind}) is not served as a search parameter",
            path=f"{parameter.url.rsplit('/', 1)[-1] or term.name}",
        )
    plain = not term.inner and not term.at  # of a filter, the operators are checked where it is read
    if plain and term.modifier and term.modifier not in modifiers(parameter):
        raise Unsupported(
            f"':{term.modifier[:40]}' is not served for {term.name} ({parameter.kind}): "
            f"use {', '.join(sorted(modifiers(parameter))) or 'none'}",
            path=f"{term.name}:{term.modifier[:40]}",
        )
