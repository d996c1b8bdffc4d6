"""`salus guidelines FOLDER`: the shipped pathways as FHIR PlanDefinitions, to be read, changed, approved and stored."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from salus.assistants.treatment.guidelines.plans import shipped
from salus.base.errors import Conflict
from salus.base.settings import settings
from salus.base.words import words_of

say = words_of("salus.cli")


def guidelines(
    folder: Annotated[Path, typer.Argument(help="Where to write them, one file each. 写入的文件夹")],
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Write the shipped pathways as PlanDefinitions for local approval. 写出自带指南路径，供本院审定"""
    told = settings(language=language)
    taken = [file.name for id in shipped() if (file := folder / f"{id}.json").exists()]
    if taken:
        raise Conflict(f"{folder} already holds {', '.join(taken)}: choose another folder", path=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    for id, plan in shipped().items():
        (folder / f"{id}.json").write_bytes(orjson.dumps(plan, option=orjson.OPT_INDENT_2) + b"\n")
    typer.echo(say("guidelines.written", told.language, count=len(shipped()), folder=folder))
