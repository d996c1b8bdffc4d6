"""Time-ordered identifiers: UUID version 7. https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7"""

import os
import time


def uuid7() -> str:
    """A new UUIDv7: 48 bits of Unix milliseconds, then 74 random bits, so ids sort by the time they were made.

    >>> len(uuid7()), uuid7()[14]
    (36, '7')
    """
    millis = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    value = (millis & (2**48 - 1)) << 80 | 0x7 << 76 | (tail >> 68) << 64 | 0b10 << 62 | (tail & (2**62 - 1))
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
