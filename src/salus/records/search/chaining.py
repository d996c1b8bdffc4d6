"""Chains and `_has` as matches: what stands at the other end of a reference is found first.

https://hl7.org/fhir/R4/search.html#chaining https://hl7.org/fhir/R4/search.html#has
"""

from salus.records.search import links
from salus.records.search.setting import Setting, numbers, within
from salus.records.search.shelf import Arguments, Match, Piece, shelf
from salus.records.search.terms import Term

FEW = 500  # rows at the other end that are looked up beforehand
READ = 3000  # resources that refer here, which are read for what they refer to


def standing(setting: Setting, type: str, match: Match) -> Piece:
    """The rows of a type that are such, alive and to be seen by whoever asks."""
    driven = f"+r.type={setting.kinds.numbers[type]} AND r.row IN ({match.rows})"
    start = f"r.type={setting.kinds.numbers[type]} AND {match.condition}" if match.negated else driven
    parts = [start, "r.alive", within(setting.patient), *([match.check] if match.check else [])]
    return f"SELECT r.row FROM resource r WHERE {' AND '.join(parts)}", match.arguments


def forward(setting: Setting, term: Term, inner: list[tuple[str, Match]]) -> Match:
    """Rows whose reference leads to such a resource."""
    pieces = [known(setting, *standing(setting, type, match)) for type, match in inner]
    targets = " OR ".join(f"target IN ({sql})" for sql, _ in pieces)
    arguments = [argument for _, some in pieces for argument in some]
    found = shelf("ref", f"path IN ({numbers(term.parameter.paths)}) AND ({targets})", arguments, negated=False)
    found.probe = None  # it would try each target in turn
    return found


def known(setting: Setting, sql: str, arguments: Arguments) -> Piece:
    """The rows themselves in the place of their query, where they are few."""
    rows = setting.rows(f"{sql} LIMIT {FEW + 1}", arguments)
    return (numbers(rows), []) if len(rows) <= FEW else (sql, arguments)


def backward(setting: Setting, term: Term, type: str, source: str, match: Match, ask_each: bool = False) -> Match:
    """Rows that such a resource refers to.

    No index leads from a resource to what it refers to: where such resources are few they are read, else what refers
    to each candidate is looked through; so too with `ask_each`, for other conditions leave few candidates.
    """
    sql, arguments = standing(setting, source, match)
    rows = [] if ask_each else setting.rows(f"{sql} LIMIT {READ + 1}", arguments)
    if not ask_each and len(rows) <= READ:
        found = numbers(sorted(_referred(setting, term, type, source, rows)))
        return Match(f"SELECT row FROM resource WHERE row IN ({found})", f"r.row IN ({found})", [])
    paths = numbers(term.parameter.paths)
    asked = match.probe or match.condition
    parts = [f"r.type={setting.kinds.numbers[source]}", "r.alive", within(setting.patient), asked]
    parts += [match.check] if match.check else []
    here = f"SELECT row FROM ref WHERE path IN ({paths}) AND target=r.row"
    condition = (
        f"EXISTS(SELECT 1 FROM ({here}) i CROSS JOIN resource r ON r.row=i.row WHERE {' AND '.join(parts)} LIMIT 1)"
    )
    back = f"SELECT target FROM ref WHERE path IN ({paths}) AND row IN ({sql})"
    return Match(back, condition, arguments, negated=True)


def _referred(setting: Setting, term: Term, type: str, source: str, rows: list[int]) -> set[int]:
    ids = {id for body in setting.bodies(rows) for kind, id in links.named(source, body) if kind == type}
    targets = [row for id in sorted(ids) if (row := setting.row(type, id)) is not None]
    sql = f"SELECT 1 FROM ref WHERE path IN ({numbers(term.parameter.paths)}) AND target=? AND row IN ({numbers(rows)})"
    return {target for target in targets if setting.rows(f"{sql} LIMIT 1", (target,))}
