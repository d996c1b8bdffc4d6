"""`salus token`: a bearer token for the doors of machines."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from salus.api.access import grant
from salus.base.settings import settings
from salus.privacy import Actor, Purpose, Role


def token(
    reference: Annotated[str, typer.Option("--as", help="Who acts, as the audit names them: Practitioner/1.")],
    role: Annotated[Role, typer.Option(help="What they are here.")],
    purpose: Annotated[Purpose, typer.Option(help="What it is for (a purpose of use).")] = Purpose.TREATMENT,
    patient: Annotated[str | None, typer.Option(help="A patient's own account: the id of that patient.")] = None,
    hours: Annotated[float, typer.Option(help="How long it holds.", min=0.01, max=720)] = 1,
    folder: Annotated[Path | None, typer.Option(help="The installation's folder (its secret signs the token).")] = None,
) -> None:
    """Print a bearer token for /fhir and /cds-services."""
    secret = settings(folder=folder).secret
    typer.echo(grant(secret, Actor(reference, role, patient), purpose, timedelta(hours=hours)))
