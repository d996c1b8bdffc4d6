"""Forms with files. https://www.rfc-editor.org/rfc/rfc7578

Only the pages of `FILES` take any; what is sent is held in memory, so it is bounded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser

from salus.base.errors import Malformed

FILES: dict[str, int] = {"/books/reconcile/look": 8 * 1024 * 1024}  # page -> most bytes
KIND = "multipart/form-data"
MOST, LONGEST = 100, 2000  # parts of a form; bytes of what stands above one


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as a browser sent it. `name` is what its owner calls it: for people to read, never a path."""

    name: str
    data: bytes


def is_with_files(kind: str) -> bool:
    return kind.lower().startswith(KIND)


def taken_apart(kind: str, body: bytes) -> tuple[dict[str, str], dict[str, Upload]]:
    """Fields and files, the last of each name. Raises Malformed.

    >>> told = b'--x\\r\\nContent-Disposition: form-data; name="day"\\r\\n\\r\\n2026-11-23\\r\\n--x--\\r\\n'
    >>> taken_apart("multipart/form-data; boundary=x", told)
    ({'day': '2026-11-23'}, {})
    """
    fields: dict[str, str] = {}
    files: dict[str, Upload] = {}
    for head, data in pieces(boundary_of(kind), body):
        name, file = (unquoted(head.get_param(what, header="content-disposition")) for what in ("name", "filename"))
        if file is not None:
            files[name or ""] = Upload(file, data)
        else:
            fields[name or ""] = text_of(data)
    return fields, files


def pieces(boundary: bytes, body: bytes) -> Iterator[tuple[Message, bytes]]:
    """Raises Malformed for a body that breaks off, or of more parts and longer heads than a form of ours has: taking
    those apart would keep everybody waiting."""
    found = (b"\r\n" + body).split(b"\r\n--" + boundary, MOST + 2)
    if len(found) > MOST + 2:
        raise Malformed(f"The form has more than {MOST} parts: send it from the page")
    if len(found) < 2 or not found[-1].startswith(b"--"):
        raise Malformed("The form breaks off: send it again")
    for piece in found[1:-1]:
        head, _, data = piece.partition(b"\r\n\r\n")
        if len(head) > LONGEST:
            raise Malformed(f"A part of the form has a head of more than {LONGEST} bytes: send it from the page")
        yield HeaderParser().parsestr(text_of(head).lstrip()), data


def boundary_of(kind: str) -> bytes:
    head = Message()
    head["content-type"] = kind[:LONGEST]
    found = head.get_param("boundary")
    if not isinstance(found, str) or not 0 < len(found) <= 70:
        raise Malformed("The form does not say where its parts end: send it from the page")
    return found.encode("latin-1", "replace")


def unquoted(said: object) -> str | None:
    return said if isinstance(said, str) else None


def text_of(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as fault:
        raise Malformed("The form is not UTF-8: send it from the page") from fault
