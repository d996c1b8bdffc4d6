"""Style, scripts, icon: kept in memory once, compressed once, at an address that changes with their content."""

import gzip
import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

TYPES = {"js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
FILES = ("vendor/htmx.js", "vendor/sse.js", "own.js", "icon.svg")
FOR_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it goes over the wire; `mark` is the first 10 hex digits of its SHA-256."""

    body: bytes
    packed: bytes
    mark: str
    media_type: str


@cache
def asset(name: str) -> Asset:
    """Raises KeyError for a name that is not in `FILES`."""
    if name not in FILES:
        raise KeyError(name)
    body = (files("salus.ui") / "static" / name).read_bytes()
    mark = sha256(body).hexdigest()[:10]
    return Asset(body, gzip.compress(body, 9, mtime=0), mark, TYPES[name.rpartition(".")[2]])


@cache
def sheet() -> Markup:
    """The style of every page, without its comments and indentation."""
    text = (files("salus.ui") / "static" / "salus.css").read_text("utf-8")
    return Markup(
        "\n".join(line.strip() for line in re.sub(r"/\*.*?\*/", "", text, flags=re.S).splitlines() if line.strip())
    )


def fingerprint(text: str) -> str:
    """The base64 SHA-256 that lets an inline text through a content security policy."""
    return b64encode(sha256(text.encode()).digest()).decode()


def address(name: str) -> str:
    """Where a page asks for it.

    >>> address("icon.svg").startswith("/static/"), address("icon.svg").endswith("/icon.svg")
    (True, True)
    """
    return f"/static/{asset(name).mark}/{name}"


def serve(request: Request) -> Response:
    """A file of `FILES`; any other name is 404. An old mark gets the new content, not to be kept."""
    name = request.path_params["name"]
    if name not in FILES:
        return Response(status_code=404)
    found = asset(name)
    packed = "gzip" in request.headers.get("accept-encoding", "")
    headers = {
        "Cache-Control": FOR_A_YEAR if request.path_params["mark"] == found.mark else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(found.packed if packed else found.body, media_type=found.media_type, headers=headers)
