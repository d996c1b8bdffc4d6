"""How a version in shadow does beside the one in use, for the terminal."""

import typer

from salus.assistants.bedside import SELF
from salus.assistants.beside import compared
from salus.base.errors import Missing
from salus.base.settings import Settings
from salus.base.words import words_of
from salus.learning.step5_evaluate.bootstrap import Figure
from salus.learning.step5_evaluate.telling import span_text
from salus.learning.step7_deploy import Registry
from salus.privacy import Purpose
from salus.records import Store

say = words_of("salus.learning")


def tell(told: Settings, kept: Registry, name: str) -> None:
    """Answers, how far apart, and by what came. Raises Missing where nothing stands in shadow."""
    with Store(told.store) as store:
        found = compared(store.open(SELF, Purpose.OPERATIONS), kept, name)
    if found is None:
        raise Missing(f"No version of '{name}' stands in shadow: salus models shadow {name} VERSION lets one")
    slots = {key: found[key] for key in ("version", "answers", "silent")}
    typer.echo(say("shadow.answers", told.language, name=name, **slots))
    if found["difference"] is not None:
        points, apart = f"{100 * found['difference']:+.1f}", f"{100 * found['apart']:.1f}"
        typer.echo(say("shadow.apart", told.language, points=points, apart=apart))
    outcome = found["outcome"]
    if outcome is None:
        typer.echo(say("shadow.early", told.language))
        return
    said = span_text(Figure(**outcome["difference"]))
    typer.echo(say("shadow.outcome", told.language, rows=outcome["rows"], people=outcome["subjects"], difference=said))
    typer.echo(say(f"shadow.{outcome['verdict']}", told.language))
