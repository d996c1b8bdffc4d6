"""`salus cases read`: what a note mentions, marked in its text and as a table, or as JSON Lines."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from salus.assistants.cases.notes import Mention, called, lexicon, names_at, names_in, our_names, read
from salus.assistants.cases.notes.reading import checked, language_of
from salus.base.errors import Malformed, Missing
from salus.base.settings import settings
from salus.base.words import words_of
from salus.records.engines import engine_of

say = words_of("salus.cli")
DENIED, DOUBT, THERE = "strike dim", "underline", "bold underline"


def read_note(
    file: Annotated[Path, typer.Argument(help="A note as plain text, UTF-8. 病历文本（UTF-8）")],
    names: Annotated[
        Path | None, typer.Option("--names", help="A list of names of your own (CSV: concept, name). 本院名称表")
    ] = None,
    store: Annotated[
        str | None, typer.Option("--store", help="The store beside which a site's names lie. 数据库文件或网址")
    ] = None,
    note_language: Annotated[
        str | None, typer.Option("--note-language", help="en or zh; guessed if not said. 病历语言")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One mention a line, as JSON. 输出 JSON")] = False,
    language: Annotated[str | None, typer.Option("--language", help="en or zh. 语言")] = None,
) -> None:
    """Say which problems and medicines a note mentions: there, denied, in doubt, whose, when. 读取病历文字"""
    told = settings(store=store, language=language)
    tongue = told.language
    text = text_of(file)
    spoken = checked(note_language) or language_of(text)
    own = lexicon([*names_in(existing(names)), *our_names(spoken)]) if names else None
    known = own or names_at(engine_of(told.store).folder, spoken)
    found = read(text, spoken, known)
    if json:
        for one in found:
            typer.echo(msgspec.json.encode(one).decode())
        return
    console = Console()
    console.print(marked(text, found))
    console.print(table(found, tongue) if found else say("notes.none", tongue))


def text_of(file: Path) -> str:
    """Raises Missing, Malformed."""
    try:
        return existing(file).read_text("utf-8")
    except UnicodeDecodeError as fault:
        raise Malformed(f"{file} is not UTF-8: save it as such", path=str(file)) from fault


def existing(file: Path) -> Path:
    if not file.is_file():
        raise Missing(f"There is no file {file}", path=str(file))
    return file


def marked(text: str, found: tuple[Mention, ...]) -> Text:
    shown = Text(text)
    for one in found:
        off = one.negated or not one.of_the_patient
        shown.stylize(DENIED if off else DOUBT if one.unsure else THERE, one.start, one.end)
    return shown


def table(found: tuple[Mention, ...], tongue: str) -> Table:
    made = Table()
    for column in ("words", "place", "concept", "says"):
        made.add_column(say(f"notes.column.{column}", tongue), overflow="fold")
    for one in found:
        concept = f"{called(one.concept, tongue)} ({one.concept})"
        made.add_row(one.text, f"{one.start}-{one.end}", concept, says(one, tongue))
    return made


def says(one: Mention, tongue: str) -> str:
    flags = {
        "denied": one.negated,
        "unsure": one.unsure,
        one.experiencer: one.experiencer != "patient",
        one.when: one.when != "now",
        one.kind: one.kind != "problem",
    }
    return ", ".join(say(f"notes.{name}", tongue) for name, so in flags.items() if so)
