"""How ids lie in the database: a lower-case UUID as 16 bytes, anything else as its text.

A database that wants one type in a column has texts as UTF-8, and those of 16 bytes with one more, 0xff, that no UTF-8
has: no text can be taken for a UUID.
"""

import re
from binascii import unhexlify

from salus.base.errors import Invalid

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
LAWFUL = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch  # https://hl7.org/fhir/R4/datatypes.html#id
MARK = b"\xff"
WIDTH = 16  # bytes of a UUID


def packed(text: str) -> bytes | str:
    """
    >>> len(packed("0199a5f4-5b2c-7def-8123-456789abcdef")), packed("p1")
    (16, 'p1')
    """
    return unhexlify(text.replace("-", "")) if UUID(text) else text


def packed_bytes(text: str) -> bytes:
    """As `packed`, in bytes whatever it is.

    >>> packed_bytes("p1"), packed_bytes("sixteen-letters.")
    (b'p1', b'sixteen-letters.\\xff')
    """
    return unhexlify(text.replace("-", "")) if UUID(text) else text_bytes(text)


def text_bytes(text: str) -> bytes:
    """A text in bytes that no UUID has."""
    found = text.encode()
    return found + MARK if len(found) == WIDTH else found


def unpacked(stored: bytes | str) -> str:
    """The id, from any of these forms.

    >>> unpacked(packed("0199a5f4-5b2c-7def-8123-456789abcdef")), unpacked(packed_bytes("sixteen-letters."))
    ('0199a5f4-5b2c-7def-8123-456789abcdef', 'sixteen-letters.')
    """
    if isinstance(stored, str):
        return stored
    if len(stored) != WIDTH:
        return stored.rstrip(MARK).decode()
    text = stored.hex("-", 2)  # of four digits each
    return f"{text[:4]}{text[5:25]}{text[25:29]}{text[30:34]}{text[35:]}"


def same_everywhere(stored: bytes | str) -> bytes | str:
    """A stored id in the form of `packed`, whichever database has it."""
    return stored if isinstance(stored, str) or len(stored) == WIDTH else unpacked(stored)


def check_id(text: str, path: str = "id") -> None:
    """Raises Invalid unless it may be a FHIR id."""
    if not LAWFUL(text):
        raise Invalid(f"'{text[:80]}' is not an id: use 1 to 64 of A-Z a-z 0-9 - .", path=path)
