"""A condition as SQL, three ways. The planner drives a search by the rarest and asks the others."""

from dataclasses import dataclass

Arguments = list[object]
Piece = tuple[str, Arguments]


@dataclass(slots=True)
class Match:
    """A condition three ways, all with the same `arguments`: the `rows` that satisfy it, `condition` that asks it of
    `r` against those rows, and `probe` that asks of `r` alone (None where that is slow). What is negated cannot drive.
    Where the index knows only half, `rows` holds too many and `check` (without arguments) is asked of `r` in any case.
    """

    rows: str
    condition: str
    arguments: Arguments
    negated: bool = False
    probe: str | None = None
    check: str = ""


BY_ROW = {"token": "", "ref": "", "dates": " INDEXED BY dates_row", "quantity": " INDEXED BY quantity_row"}


def shelf(table: str, where: str, arguments: Arguments, negated: bool) -> Match:
    """A match in an index table."""
    word = "NOT " if negated else ""
    rows = f"SELECT row FROM {table} WHERE {where}"
    probe = f"{word}EXISTS(SELECT 1 FROM {table}{BY_ROW.get(table)} WHERE {where} AND row=r.row)"
    return Match(rows, f"+r.row {word}IN ({rows})", arguments, negated, probe if table in BY_ROW else None)
