"""The door for the terminal."""

from importlib.metadata import version

import typer

app = typer.Typer(help="Salus 康城: a learning health system for a city.", no_args_is_help=True)


@app.callback()
def salus() -> None:
    """Salus 康城: a learning health system for a city."""


@app.command("version")
def show_version() -> None:
    """Print the installed version."""
    typer.echo(version("salus"))


def main() -> None:
    app()
