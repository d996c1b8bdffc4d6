"""How ids lie in the database: a lower-case UUID as 16 bytes, anything else as its text."""

import re
from binascii import hexlify, unhexlify

from salus.base.errors import Invalid

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
LAWFUL = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch  # https://hl7.org/fhir/R4/datatypes.html#id


def packed(text: str) -> bytes | str:
    """
    >>> len(packed("0199a5f4-5b2c-7def-8123-456789abcdef")), packed("p1")
    (16, 'p1')
    """
    return unhexlify(text.replace("-", "")) if UUID(text) else text


def unpacked(stored: bytes | str) -> str:
    """
    >>> unpacked(packed("0199a5f4-5b2c-7def-8123-456789abcdef"))
    '0199a5f4-5b2c-7def-8123-456789abcdef'
    """
    if isinstance(stored, str):
        return stored
    text = hexlify(stored).decode()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def check_id(text: str, path: str = "id") -> None:
    """Raises Invalid unless it may be a FHIR id."""
    if not LAWFUL(text):
        raise Invalid(f"'{text[:80]}' is not an id: use 1 to 64 of A-Z a-z 0-9 - .", path=path)
