"""`salus cases`: the case library: take cases in, find similar ones with reasons, rank what it may be.

Exit codes: 0 done; 3 some lines were not taken (each is named on stderr) and the rest is in; others as in
`salus.base.errors`.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from salus.assistants.cases.casebook import Hit, Hits, Library, library_of
from salus.assistants.cases.differential import Differential, Rank, differential
from salus.assistants.cases.query import Filters, Query
from salus.assistants.cases.reading import read_cases
from salus.assistants.cases.terms import load_terms
from salus.base import faults
from salus.base.errors import Invalid, Issue
from salus.base.settings import settings
from salus.base.words import words_of
from salus.cli.gate import gate
from salus.cli.notes_read import read_note

PARTIAL = 3
SHOWN = 50  # lines that were not taken
say = words_of("salus.cli")
cases = typer.Typer(no_args_is_help=True, help="Similar cases, and what it may be. 相似病例与鉴别诊断")
cases.command("read")(read_note)
cases.add_typer(gate, name="gate")
Store = Annotated[str | None, typer.Option("--store", help="The store beside which they are kept. 数据库文件或网址")]
Language = Annotated[str | None, typer.Option("--language", help="en or zh. 语言")]
Asked = Annotated[str, typer.Argument(help="Findings, words, codes; `no` before what is absent. 表现、词语或编码")]
Sex = Annotated[str | None, typer.Option(help="female, male, other, unknown. 性别")]
Age = Annotated[str, typer.Option(help="Years, such as 40-60 or 40-. 年龄（岁）")]
Span = Annotated[str, typer.Option(help="Dates with two points between, such as 2020-01-01..2024-12-31. 起止日期")]
Place = Annotated[str | None, typer.Option(help="Cases of this institution only. 机构")]
Count = Annotated[int, typer.Option(help="How many to show. 显示数量")]


def opened(store: str | None, language: str | None) -> tuple[Library, str]:
    told = settings(store=store, language=language)
    return library_of(told.store), told.language


@cases.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="JSON Lines, CSV, phenopackets or a folder of these. 病例文件")],
    source: Annotated[
        str | None, typer.Option(help="published or authored, in place of what the file says. 来源")
    ] = None,
    institution: Annotated[
        str | None, typer.Option(help="Where they come from, if the file does not say. 机构")
    ] = None,
    store: Store = None,
    language: Language = None,
) -> None:
    """Take cases in; a case with an id that is there takes its place. 载入病例"""
    library, tongue = opened(store, language)
    if source not in (None, "published", "authored"):
        raise Invalid(f"--source {source} is neither published nor authored: own cases come by the gate", path="source")
    taken = read_cases(file)
    told: dict[str, Any] = {"source": source} if source else {}
    made = [replace(one, **told, institution=one.institution or institution or "") for one in taken.cases]
    count = library.add(made)
    typer.echo(say("cases.added", tongue, count=f"{count:,}", all=f"{len(library):,}"))
    complain(taken.bad, tongue)


def complain(bad: list[Issue], tongue: str) -> None:
    """Names what was not taken. Exits with 3 when there is any."""
    for one in bad[:SHOWN]:
        typer.echo(f"{one.path}: {faults.told(one.text, tongue)}", err=True)
    if len(bad) > SHOWN:
        typer.echo(say("cases.more", tongue, count=len(bad) - SHOWN), err=True)
    if bad:
        raise typer.Exit(PARTIAL)


@cases.command("remove")
def remove(
    ids: Annotated[list[str], typer.Argument(help="Ids of cases. 病例编号")],
    store: Store = None,
    language: Language = None,
) -> None:
    """Forget cases; nothing of them stays in the library's files. 移除病例"""
    library, tongue = opened(store, language)
    typer.echo(say("cases.removed", tongue, count=library.remove(ids), all=f"{len(library):,}"))


@cases.command("terms")
def terms(
    file: Annotated[Path, typer.Argument(help="A babelon file of HPO's Chinese names. HPO 中文名称（babelon 文件）")],
    store: Store = None,
    language: Language = None,
) -> None:
    """Load Chinese names of findings, so that both languages find the same cases. 载入中文表型名称"""
    library, tongue = opened(store, language)
    loaded = load_terms(file, library.index.folder)
    typer.echo(say("cases.terms", tongue, count=f"{loaded.count:,}"))
    complain(loaded.bad, tongue)


def chosen(sex: str | None, age: str, span: str, institution: str | None) -> Filters:
    """Raises Invalid for what is no age, date or sex."""
    if sex not in (None, "female", "male", "other", "unknown"):
        raise Invalid(f"--sex {sex} is none of female, male, other, unknown", path="sex")
    return Filters(ages(age), sex, days(span), institution)  # type: ignore[arg-type]  # looked at above


def ages(text: str) -> tuple[float | None, float | None]:
    """
    >>> ages("40-60"), ages("-3"), ages("")
    ((40.0, 60.0), (None, 3.0), (None, None))
    """
    low, _, high = text.partition("-")
    try:
        return float(low) if low else None, float(high) if high else None
    except ValueError:
        raise Invalid(f"--age {text} is no range of years: write 40-60, 40- or -3", path="age") from None


def days(text: str) -> tuple[date | None, date | None]:
    """
    >>> days("2024-01-01..")
    (datetime.date(2024, 1, 1), None)
    """
    low, _, high = text.partition("..")
    try:
        return date.fromisoformat(low) if low else None, date.fromisoformat(high) if high else None
    except ValueError:
        raise Invalid(f"--time {text} is no span of dates: write 2020-01-01..2024-12-31", path="time") from None


@cases.command("search")
def search(
    text: Asked,
    sex: Sex = None,
    age: Age = "",
    time: Span = "",
    institution: Place = None,
    count: Count = 10,
    store: Store = None,
    language: Language = None,
) -> None:
    """Find similar cases, and say why. 查找相似病例"""
    library, tongue = opened(store, language)
    found = library.search(text, chosen(sex, age, time, institution), count)
    understood(library, found.query, tongue)
    if not len(found):
        typer.echo(say("cases.none", tongue, all=f"{found.cases:,}"))
        return
    Console().print(hits_table(library, found, tongue))
    for line in found.treated:
        named = line.treatment.text or line.treatment.code
        parts = [
            f"{say(f'outcome.{name}', tongue)} {'<5…' if n is None else n}" for name, n in line.outcomes.counts.items()
        ]
        typer.echo(say("cases.treated", tongue, treatment=named, outcomes=", ".join(parts)))


def understood(library: Library, query: Query, tongue: str) -> None:
    """Says how a question was read."""
    for status in ("present", "absent"):
        names = ", ".join(f"{library.terms.name(one, tongue)} ({one})" for one in query.concepts(status))
        if names:
            typer.echo(say(f"cases.understood.{status}", tongue, names=names))
    if query.text:
        typer.echo(say("cases.understood.words", tongue, words=query.text))
    if query.near:
        typer.echo(say("cases.perhaps", tongue, names=", ".join(library.terms.name(one, tongue) for one in query.near)))


def hits_table(library: Library, found: Hits, tongue: str) -> Table:
    made = Table(title=say("cases.title", tongue, count=len(found), all=f"{found.cases:,}"))
    for column in ("case", "alike", "diagnosis", "shared", "missing", "against", "outcome"):
        made.add_column(say(f"cases.column.{column}", tongue), overflow="fold")
    for hit in found:
        made.add_row(*hit_row(library, hit, tongue))
    return made


def hit_row(library: Library, hit: Hit, tongue: str) -> list[str]:
    def names(concepts: list[str]) -> str:
        return ", ".join(library.terms.name(one, tongue) for one in concepts)

    why = hit.reasons
    return [
        hit.case.id,
        f"{hit.alike:.2f}",
        ", ".join(one.text or one.code for one in hit.case.diagnoses),
        names([one.found for one in why.shared]) or ", ".join(why.words),
        names(list(why.missing)),
        names([one for one, _ in why.contradicting]),
        say(f"outcome.{hit.case.outcome or 'unknown'}", tongue),
    ]


@cases.command("differential")
def rank(text: Asked, count: Count = 10, store: Store = None, language: Language = None) -> None:
    """Rank what it may be: knowledge of diseases, and similar cases with a small weight. 鉴别诊断排序"""
    library, tongue = opened(store, language)
    found = differential(library, text, k=count)
    understood(library, found.query, tongue)
    Console().print(ranks_table(library, found, tongue))
    for name, ranks in (("knowledge", found.knowledge), ("cases", found.cases)):
        listed = "; ".join(f"{at}. {one.name}" for at, one in enumerate(ranks, 1))
        typer.echo(say(f"cases.by.{name}", tongue, listed=listed or "-", version=found.version))
    typer.echo(say("cases.caution", tongue))


def ranks_table(library: Library, found: Differential, tongue: str) -> Table:
    made = Table(title=say("cases.may.be", tongue))
    for column in ("disease", "knowledge", "cases", "explained", "unexplained"):
        made.add_column(say(f"cases.column.{column}", tongue), overflow="fold")
    for one in found.together:
        made.add_row(*rank_row(library, one, tongue))
    return made


def rank_row(library: Library, one: Rank, tongue: str) -> list[str]:
    return [
        f"{one.name} ({one.code})",
        str(one.by_knowledge or "-"),
        f"{one.by_cases}: {one.case} {one.alike:.2f}" if one.by_cases else "-",
        ", ".join(f"{library.terms.name(told.asked, tongue)} {told.share:.0%}" for told in one.explained),
        ", ".join(library.terms.name(concept, tongue) for concept in one.unexplained),
    ]
