"""What cleaning may do, declared in a TOML file of `[[action]]` rows, done in their order.

    [[action]]
    do = "rename_unit"          # the word of the source is another unit than it says: values stay
    from = "mg/dL"
    to = "mmol/L"
    code = "LOINC//2345-7"
    since = 2025-07-01

Each is a row of `ACTS`: which rows it touches, as SQL over `now_rows r`, and what they become; nothing: they are gone.
"""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import msgspec

from salus.analytics.quality.check import read_toml
from salus.analytics.sources.tables import quoted
from salus.base.errors import Invalid
from salus.codes.units import convert


class Action(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename={"unit": "from"}):
    """One of the acts; `code`, `since`, `until` (a day, not itself) and `source` (a table) say which rows are meant."""

    do: Literal["drop_outside_bounds", "drop_duplicates", "drop_impossible_dates", "rename_unit", "convert_unit"]
    code: str | None = None
    since: date | None = None
    until: date | None = None
    source: str | None = None
    unit: str | None = None
    to: str | None = None


class Actions(msgspec.Struct, forbid_unknown_fields=True):
    action: list[Action]


class Act(msgspec.Struct):
    """`touched`: a SELECT of ids; `becomes`: new values of columns, or nothing for what is dropped."""

    touched: str
    becomes: Callable[[Action], dict[str, str]] = lambda action: {}
    needs: tuple[str, ...] = ()


def converted(action: Action) -> dict[str, str]:
    """Every conversion of units is a line: value * factor + start. Raises Invalid for units of other kinds."""
    system, _, bare = (action.code or "").partition("//")
    loinc = bare if system == "LOINC" else None
    start, one = (convert(value, str(action.unit), str(action.to), loinc) for value in (0.0, 1.0))
    return {"numeric_value": f"numeric_value * {one - start!r} + {start!r}", "unit": quoted(action.to)}


ACTS = {
    "drop_outside_bounds": Act(
        "SELECT r.id FROM now_rows r JOIN known c ON c.code = r.code AND c.unit IS NOT DISTINCT FROM r.unit "
        "WHERE (r.numeric_value < c.low OR r.numeric_value > c.high OR (c.low IS NOT NULL AND isnan(r.numeric_value)))"
    ),
    "drop_duplicates": Act(
        "SELECT r.id FROM (SELECT *, row_number() OVER (PARTITION BY subject_id, time, code, numeric_value, text_value"
        ", unit ORDER BY source_id, id) AS copy FROM now_rows) r WHERE r.copy > 1"
    ),
    "drop_impossible_dates": Act(
        "SELECT r.id FROM now_rows r LEFT JOIN (SELECT subject_id, min(time) FILTER (code = 'MEDS_BIRTH') AS birth, "
        "min(time) FILTER (code = 'MEDS_DEATH') AS death FROM now_rows GROUP BY 1) p ON p.subject_id = r.subject_id "
        "WHERE r.code NOT IN ('MEDS_BIRTH', 'MEDS_DEATH') AND (r.time < p.birth OR r.time > {now} "
        "OR epoch_us(r.time) - epoch_us(p.death) > 2 * 86400000000)"
    ),
    "rename_unit": Act(
        "SELECT r.id FROM now_rows r WHERE r.unit = {unit}", lambda a: {"unit": quoted(a.to)}, ("unit", "to")
    ),
    "convert_unit": Act(
        "SELECT r.id FROM now_rows r WHERE r.unit = {unit} AND r.numeric_value IS NOT NULL",
        converted,
        ("code", "unit", "to"),
    ),
}


def read_actions(path: Path) -> list[Action]:
    """Raises Missing, Malformed, Invalid: what an act needs and does not have, units that cannot be converted."""
    actions = read_toml(path, Actions).action
    for n, action in enumerate(actions, 1):
        act = ACTS[action.do]
        for need in act.needs:
            if getattr(action, need) is None:
                word = "from" if need == "unit" else need
                raise Invalid(f"{path.name}: action {n}, {action.do}, needs `{word}`", path=f"action[{n}]")
        act.becomes(action)
    return actions


def touched(action: Action, now: datetime) -> str:
    """The SELECT of the ids that an action touches."""
    sql = ACTS[action.do].touched.replace("{now}", f"TIMESTAMPTZ '{now.isoformat()}'")
    meant = {
        "r.code = {}": action.code,
        "r.time >= TIMESTAMPTZ {}": action.since,
        "r.time < TIMESTAMPTZ {}": action.until,
        "split_part(r.source_id, '/', 1) = {}": action.source,
    }
    limits = "".join(f" AND {words.format(quoted(value))}" for words, value in meant.items() if value is not None)
    return sql.replace("{unit}", quoted(action.unit)) + limits
