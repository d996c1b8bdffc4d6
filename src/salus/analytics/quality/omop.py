"""OMOP tables in one shape, so that one check serves all of them: key, person, start, end, concept, visit, unit."""

from collections.abc import Mapping
from typing import Any

import duckdb
import msgspec

from salus.analytics.quality.check import Check, Checks
from salus.analytics.quality.outcome import Result
from salus.base.words import LANGUAGES, words_of

PREFIX = "omop_"
COLUMNS = ("key", "person", "start", "ended", "concept", "visit", "number", "unit", "site")
HELPERS = {"concept_table": "concept", "visit_table": "visit_occurrence", "period_table": "observation_period"}
NOT_INSIDE = ("death", "observation_period")  # of which no observation period is asked

PEOPLE = """
CREATE TABLE people AS SELECT TRY_CAST(person_id AS BIGINT) AS person_id, any_value({birth}) AS birth,
    any_value({site}) AS site FROM source_person WHERE TRY_CAST(person_id AS BIGINT) IS NOT NULL GROUP BY 1
"""
BORN = """make_date(TRY_CAST(year_of_birth AS INTEGER), coalesce(TRY_CAST({month} AS INTEGER), 1),
    coalesce(TRY_CAST({day} AS INTEGER), 1))"""
DEATHS = """CREATE TABLE deaths AS SELECT TRY_CAST(person_id AS BIGINT) AS person_id,
    min(TRY_CAST(death_date AS DATE)) AS death FROM source_death GROUP BY 1"""
VISITS = """CREATE TABLE visits AS SELECT TRY_CAST(visit_occurrence_id AS BIGINT) AS visit_id, any_value({site}) AS site
FROM source_visit_occurrence GROUP BY 1"""
PERIODS = """
CREATE TABLE periods AS SELECT TRY_CAST(person_id AS BIGINT) AS person_id,
    list({{'a': TRY_CAST({start} AS DATE), 'b': TRY_CAST({ended} AS DATE)}}) AS spans
FROM source_observation_period GROUP BY 1
"""
CONCEPTS = """
CREATE TABLE concepts AS SELECT TRY_CAST(concept_id AS BIGINT) AS concept_id, any_value(domain_id) AS domain,
    any_value(standard_concept) AS standard FROM source_concept GROUP BY 1
"""
EMPTY = {
    "deaths": "CREATE TABLE deaths(person_id BIGINT, death DATE)",
    "visits": "CREATE TABLE visits(visit_id BIGINT, site VARCHAR)",
    "periods": "CREATE TABLE periods(person_id BIGINT, spans STRUCT(a DATE, b DATE)[])",
    "concepts": "CREATE TABLE concepts(concept_id BIGINT, domain VARCHAR, standard VARCHAR)",
}
SHAPE = """
CREATE VIEW {view} AS
WITH plain AS (
    SELECT TRY_CAST({key} AS VARCHAR) AS key, TRY_CAST({person} AS BIGINT) AS person_id,
        nullif(TRY_CAST({start} AS VARCHAR), '') AS said_start, TRY_CAST({start} AS DATE) AS start,
        TRY_CAST({ended} AS DATE) AS ended, TRY_CAST({concept} AS BIGINT) AS concept,
        TRY_CAST({visit} AS BIGINT) AS visit_id, TRY_CAST({number} AS DOUBLE) AS number,
        TRY_CAST({unit} AS BIGINT) AS unit, CAST({site} AS VARCHAR) AS own_site, {required} AS lacks_required
    FROM "source_{table}"
),
twice AS (SELECT key FROM plain WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1)
SELECT t.*, '{table}/' || coalesce(t.key, '?') AS source_id, '{domain}' AS domain,
    p.person_id IS NOT NULL AS person_known, p.birth, d.death, v.visit_id IS NOT NULL AS visit_known,
    c.domain AS concept_domain, c.standard, w.key IS NOT NULL AS is_repeated, o.spans IS NOT NULL AS has_period,
    coalesce(len(list_filter(o.spans, lambda s: t.start BETWEEN s.a AND s.b)) > 0, FALSE) AS in_period,
    coalesce('care site ' || coalesce(t.own_site, v.site, p.site), '{table}') AS origin,
    epoch_us(CAST(t.start AS TIMESTAMP)) AS us
FROM plain t LEFT JOIN people p ON p.person_id = t.person_id LEFT JOIN deaths d ON d.person_id = t.person_id
    LEFT JOIN visits v ON v.visit_id = t.visit_id LEFT JOIN periods o ON o.person_id = t.person_id
    LEFT JOIN concepts c ON c.concept_id = t.concept LEFT JOIN twice w ON w.key = t.key
"""


def names(checks: Checks) -> frozenset[str]:
    """The tables that are looked at, or looked into."""
    return frozenset({table["name"] for table in checks.tables} | set(HELPERS.values()))


def prepare(
    connection: duckdb.DuckDBPyConnection, checks: Checks, columns: Mapping[str, set[str]]
) -> tuple[list[Check], list[Result]]:
    """The views `omop_TABLE`, the checks to ask of them, and those that cannot be asked, each with its reason."""
    make_helpers(connection, columns)
    asked: list[Check] = []
    left: list[Result] = []
    for table in checks.tables:
        name = table["name"]
        there = columns.get(name)
        if there is not None:
            connection.execute(shape(table, there))
        for check in checks.checks:
            if check.over not in ("*", name) or not wants(check, table):
                continue
            why = lacking(check, table, columns)
            if why:
                left.append(not_applicable(check, name, *why))
            else:
                asked.append(msgspec.structs.replace(check, over=PREFIX + name))
    return asked, left


def make_helpers(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, set[str]]) -> None:
    """Births, deaths, visits, periods and concepts as small tables by id; empty where the source has none."""

    def column(table: str, name: str) -> str:
        return name if name in columns.get(table, ()) else "NULL"

    month, day = column("person", "month_of_birth"), column("person", "day_of_birth")
    born = BORN.format(month=month, day=day) if "year_of_birth" in columns["person"] else "NULL::DATE"
    connection.execute(PEOPLE.format(birth=f"TRY({born})", site=as_text(column("person", "care_site_id"))))
    made = {
        "deaths": ("death", DEATHS),
        "visits": ("visit_occurrence", VISITS.format(site=as_text(column("visit_occurrence", "care_site_id")))),
        "periods": (
            "observation_period",
            PERIODS.format(
                start=column("observation_period", "observation_period_start_date"),
                ended=column("observation_period", "observation_period_end_date"),
            ),
        ),
        "concepts": ("concept", CONCEPTS),
    }
    for name, (table, sql) in made.items():
        connection.execute(sql if table in columns else EMPTY[name])


def as_text(column: str) -> str:
    """A key that is a number (1.0, 1) or words, as text; nothing and 0 are none."""
    return f"nullif(coalesce(CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR), CAST({column} AS VARCHAR)), '0')"


def shape(table: Mapping[str, Any], there: set[str]) -> str:
    """The view of a table in the one shape; a column that is not there is NULL."""
    found = {name: table.get(name, "") if table.get(name) in there else "NULL" for name in COLUMNS}
    required = " OR ".join(
        f"nullif(CAST({name} AS VARCHAR), '') IS NULL" for name in table["required"] if name in there
    )
    words = {
        "view": PREFIX + table["name"],
        "table": table["name"],
        "domain": table.get("domain", ""),
        "required": f"({required})" if required else "FALSE",
        "site": as_text(found.pop("site")),
    }
    return SHAPE.format(**words, **found)


def wants(check: Check, table: Mapping[str, Any]) -> bool:
    """Whether the check is meant for this table: it has, by its shape, what the check needs."""
    own = [need for need in check.needs if need not in HELPERS and need != "inside"]
    if "inside" in check.needs and table["name"] in NOT_INSIDE:
        return False
    return all(table.get(need) for need in own)


def lacking(check: Check, table: Mapping[str, Any], columns: Mapping[str, set[str]]) -> tuple[str, str] | None:
    """(word, what) of the first thing the source does not have, or None."""
    if table["name"] not in columns:
        return "no_table", table["name"]
    for need in check.needs:
        if need in HELPERS and HELPERS[need] not in columns:
            return "no_table", HELPERS[need]
        if need in COLUMNS and table[need] not in columns[table["name"]]:
            return "no_column", table[need]
    return None


def not_applicable(check: Check, table: str, word: str, what: str) -> Result:
    words = words_of("salus.analytics.quality")
    return Result(
        id=check.id,
        category=check.category,
        level=check.level,
        table=table,
        status="not applicable",
        threshold=check.threshold,
        reason={language: words(word, language, what=what) for language in LANGUAGES},
    )


def totals(connection: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """(rows of all tables in the one shape, people, 0: OMOP does not say who is made up)"""
    views = connection.execute(
        f"SELECT view_name FROM duckdb_views() WHERE starts_with(view_name, '{PREFIX}') ORDER BY 1"
    ).fetchall()
    tables = [str(name).removeprefix(PREFIX) for (name,) in views]
    rows = sum(connection.execute(f'SELECT count(*) FROM "source_{name}"').fetchall()[0][0] for name in tables)
    people: int = connection.execute("SELECT count(*) FROM people").fetchall()[0][0]
    return rows, people, 0
