"""`salus serve`: the pages, the FHIR API and CDS Hooks of one installation."""

import socket
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from salus.api.bounds import Bounded
from salus.app import app
from salus.base.errors import Conflict
from salus.base.settings import Settings, settings
from salus.base.words import words_of

PATIENCE = 2  # seconds for answers under way when it ends; open charts listen for ever
say = words_of("salus.cli")


def serve(
    folder: Annotated[Path | None, typer.Option(help="The installation's folder. 安装文件夹")] = None,
    store: Annotated[str | None, typer.Option(help="The store, if elsewhere. 数据库文件或网址")] = None,
    registry: Annotated[Path | None, typer.Option(help="The models, if elsewhere. 模型文件夹")] = None,
    host: Annotated[str | None, typer.Option(help="Where to listen. 监听地址")] = None,
    port: Annotated[int | None, typer.Option(help="On which port. 端口")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Serve pages, FHIR and CDS Hooks until stopped. 启动服务"""
    told = settings(folder=folder, store=store, registry=registry, host=host, port=port, language=language)
    check_free(told)
    open_doors(told)


def check_free(of: Settings) -> None:
    """Raises Conflict when someone else listens at that address."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((of.host, of.port))
        except OSError as fault:
            raise Conflict(
                f"{of.host}:{of.port} cannot be listened at ({fault.strerror}): choose another with --port"
            ) from fault


def open_doors(of: Settings) -> None:
    """Listen until stopped (Ctrl-C). No access log: paths name patients, and the audit keeps them already."""
    typer.echo(say("serve.open", of.language, address=f"http://{of.host}:{of.port}"))
    uvicorn.run(
        app(of),
        host=of.host,
        port=of.port,
        http=Bounded,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=PATIENCE,
    )
