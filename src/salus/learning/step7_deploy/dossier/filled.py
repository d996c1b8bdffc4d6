"""Filling the fields: each with its statements in both languages and where they come from."""

from collections.abc import Callable, Mapping
from typing import Literal

from salus.base import clock
from salus.base.words import LANGUAGES
from salus.learning.step7_deploy.dossier import of_data, of_life, of_model
from salus.learning.step7_deploy.dossier.fields import Field, fields, items
from salus.learning.step7_deploy.dossier.told import Known, Told, tidy
from salus.learning.task import Strict, Text

Source = Literal["run", "site", "open"]
SLOTS: Mapping[str, Callable[[Told], object]] = {**of_data.SLOTS, **of_model.SLOTS, **of_life.SLOTS}


class Statement(Strict):
    """One passage: `run` what was run or how all models are made, `site` its words, `open` what it has to say."""

    source: Source
    text: Text


class Filled(Strict):
    """A field with what is said in it."""

    frame: str
    place: str
    title: Text
    statements: list[Statement]

    @property
    def source(self) -> Source:
        """Where the field comes from: the run where anything does, else the site, else nobody yet."""
        return next((s for s in ("run", "site") if any(one.source == s for one in self.statements)), "open")

    def text(self, language: str) -> str:
        return " ".join(one.text[language] for one in self.statements)


class Tally(Strict):
    """TRIPOD+AI, counted: items whose every part the run fills, parts it fills, parts of the site, parts still open.

    `asked`: statements that the site has not made yet, also in parts that the run fills.
    """

    items: int
    filled: int
    of: int
    parts: int
    site: int
    open: int
    asked: int


class Dossier(Strict):
    """The report on one version, in both languages. `notice`: what must stand above it (people who are made up)."""

    name: str
    version: str
    question: Text
    made: str
    notice: Text
    fields: list[Filled]
    tally: Tally

    def of(self, frame: str) -> list[Filled]:
        return [one for one in self.fields if one.frame == frame]


def dossier_of(known: Known) -> Dossier:
    """Every field, filled."""
    told = {language: Told(known, language) for language in LANGUAGES}
    slots = {language: {name: slot(one) for name, slot in SLOTS.items()} for language, one in told.items()}
    made = [fill(field, known, told, slots) for field in fields()]
    return Dossier(
        name=known.bundle.name,
        version=known.bundle.version,
        question=known.bundle.task.question,
        made=clock.instant(clock.now()),
        notice={language: str(own["made_up"]) for language, own in slots.items()},
        fields=made,
        tally=tally(made),
    )


def fill(field: Field, known: Known, told: Mapping[str, Told], slots: Mapping[str, Mapping[str, object]]) -> Filled:
    statements = [statement(key, known, told, slots) for key in field.says]
    return Filled(frame=field.frame, place=field.place, title=field.title, statements=statements)


def statement(key: str, known: Known, told: Mapping[str, Told], slots: Mapping[str, Mapping[str, object]]) -> Statement:
    """One passage in both languages."""
    source, _, name = key.partition(".")
    if source != "site":
        text = {language: tidy(one.say(key, **slots[language])) for language, one in told.items()}
        return Statement(source="run", text=text)
    stated = known.about.get(name)
    if stated:
        return Statement(source="site", text={language: one.text(stated) for language, one in told.items()})
    text = {language: one.say("page.to_state", what=one.say(key)) for language, one in told.items()}
    return Statement(source="open", text=text)


def tally(made: list[Filled]) -> Tally:
    by_place = {one.place: one for one in made if one.frame == "tripod"}
    whole = [all(by_place[part.place].source == "run" for part in parts) for parts in items().values()]
    sources = [one.source for one in by_place.values()]
    return Tally(
        items=len(whole),
        filled=sum(whole),
        of=len(sources),
        parts=sources.count("run"),
        site=sources.count("site"),
        open=sources.count("open"),
        asked=sum(said.source == "open" for one in by_place.values() for said in one.statements),
    )


def empty_fields(dossier: Dossier) -> list[str]:
    """Fields in which nothing is said, in either language: none, or the report is not fit to be shown."""
    return [
        f"{one.frame}.{one.place}"
        for one in dossier.fields
        if any(not s.text.get(language, "").strip(" .。–") for s in one.statements for language in LANGUAGES)
    ]
