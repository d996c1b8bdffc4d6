"""What a body leaves behind elsewhere in the store: codes, targets of references, words by which it was searched."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from salus.records.erasing.looking import Kept, Look, batches, indexed_of
from salus.records.erasing.shapes import Doom

SHORT = 2  # characters; what is shorter stands for nobody


@dataclass(slots=True)
class Traces:
    """`codes`: (system, text). `strings`: (path, normalized text). `targets`: (type, id). `words`: all of their texts
    as they might stand in a search. `bodies`: the bodies themselves."""

    codes: set[tuple[str | None, str]] = field(default_factory=set)
    strings: set[tuple[int, str]] = field(default_factory=set)
    targets: set[tuple[str | None, str]] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    bodies: list[bytes] = field(default_factory=list)


def traces_of(look: Look, doom: Doom) -> Traces:
    """Of all that is to go."""
    traces = Traces()
    for row, versions in doom.versions.items():
        type, _ = look.address(row)
        for kept in look.versions(row):
            if kept.version in versions:
                _add(traces, type, kept)
    texts = {text for _, text in traces.codes} | {text for _, text in traces.strings}
    traces.words = {text.casefold() for text in texts if len(text) >= SHORT}
    return traces


def _add(traces: Traces, type: str, kept: Kept) -> None:
    if kept.body:
        traces.bodies.append(kept.body)
    indexed = indexed_of(type, kept.body)
    if indexed is None:
        return
    traces.codes |= {(system, code) for _, system, code in indexed.tokens}
    traces.codes |= {(None, uri) for _, uri in indexed.uris}
    traces.codes |= {(system, unit) for _, _, system, unit in indexed.quantities if unit is not None}
    traces.strings |= {(path, text) for path, text, _ in indexed.strings}
    traces.targets |= {(kind, id) for _, kind, id in indexed.references}


def orphans(look: Look, traces: Traces) -> dict[int, str]:
    """Codes that nothing in the store has any more, with their texts; call it when the index rows are gone."""
    found = {look.code(system, text): text for system, text in traces.codes}
    numbers = {number for number in found if number is not None}
    numbers -= look.used("token", "code", numbers) | look.used("quantity", "code", numbers)
    for some in batches(numbers):
        sql = f"SELECT DISTINCT system FROM code WHERE system IN ({some})"
        numbers -= {system for (system,) in look.connection.execute(sql).fetchall()}
    return {number: text for number, text in found.items() if number is not None and number in numbers}


def lone_words(look: Look, traces: Traces, codes: Iterable[str]) -> set[str]:
    """Words by which nobody else can be found: who searched for them, searched for this patient."""
    sql = "SELECT 1 FROM string WHERE path=? AND text=? LIMIT 1"
    alone = {text for path, text in traces.strings if not look.connection.execute(sql, (path, text)).fetchone()}
    return {text.casefold() for text in alone | set(codes) if len(text) >= SHORT}
