"""The door for the terminal: one command a file, imported only when it is called for.

A `SalusError` becomes plain lines on stderr, in the language of `--language` or of the settings, and its own exit code;
no traceback reaches a person.
"""

import os
import sys
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise

import typer

from salus.base import faults
from salus.base.errors import SalusError
from salus.base.settings import told_by
from salus.base.words import LANGUAGES

# command -> the module that holds it, and the function or the group of sub-commands in it
COMMANDS: dict[str, tuple[str, str]] = {
    "city": ("salus.cli.city", "city"),
    "import": ("salus.cli.import_", "import_"),
    "export": ("salus.cli.export", "export_"),
    "demo": ("salus.cli.demo", "demo"),
    "serve": ("salus.cli.serve", "serve"),
    "events": ("salus.cli.events", "events"),
    "quality": ("salus.cli.quality", "quality"),
    "clean": ("salus.cli.clean", "clean"),
    "cohort": ("salus.cli.cohort", "cohort"),
    "learn": ("salus.cli.learn", "learn"),
    "effects": ("salus.cli.effects", "effects"),
    "subtypes": ("salus.cli.subtypes", "subtypes"),
    "models": ("salus.cli.models", "models"),
    "evaluate": ("salus.cli.evaluate", "evaluate"),
    "token": ("salus.cli.token", "token"),
    "codes": ("salus.cli.codes", "codes"),
    "knowledge": ("salus.cli.knowledge", "knowledge"),
    "guidelines": ("salus.cli.guidelines", "guidelines"),
    "cases": ("salus.cli.cases", "cases"),
    "quiz": ("salus.cli.quiz", "quiz"),
    "services": ("salus.cli.services", "services"),
    "billing": ("salus.cli.billing", "billing"),
    "tariff": ("salus.cli.tariff", "tariff"),
    "views": ("salus.cli.views", "views"),
    "backup": ("salus.cli.backup", "backup"),
    "restore": ("salus.cli.restore", "restore"),
    "erase": ("salus.cli.erase", "erase"),
    "verify": ("salus.cli.verify", "verify"),
    "migrate": ("salus.cli.migrate", "migrate"),
}


def salus() -> None:
    """Salus 康城: a learning health system for a city."""


def show_version() -> None:
    """Print the installed version."""
    typer.echo(version("salus"))


def terminal(wanted: list[str]) -> typer.Typer:
    """The commands named, or all of them (for help) when none of the names is one of ours."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
    app.callback()(salus)
    app.command("version")(show_version)
    for name in [name for name in COMMANDS if name in wanted] or COMMANDS:
        module, attribute = COMMANDS[name]
        command = getattr(import_module(module), attribute)
        app.add_typer(command, name=name) if isinstance(command, typer.Typer) else app.command(name)(command)
    return app


def spoken(arguments: list[str]) -> str:
    """The language to tell an error in: what `--language` says, else the settings, else English.

    >>> spoken(["quiz", "--language", "zh"]), spoken(["quiz", "--language=zh"]), spoken(["--language"])
    ('zh', 'zh', 'en')
    """
    words = [word for one in arguments for word in one.split("=", 1)]
    named = dict(pairwise(words)).get("--language")
    try:
        told = named or str(told_by(os.environ, None).get("language", ""))
    except SalusError:  # the settings are what is wrong
        told = ""
    return told if told in LANGUAGES else "en"


def main() -> None:
    try:
        terminal(sys.argv[1:2])()
    except SalusError as error:
        for issue in faults.issues_of(error, spoken(sys.argv[1:])):
            typer.echo(f"{issue.path}: {issue.text}" if issue.path else issue.text, err=True)
        sys.exit(error.exit_code)
