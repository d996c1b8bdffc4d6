"""Time-ordered identifiers: UUID version 7. https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7"""

import os
import time
from collections import deque

AT_ONCE = 256  # random numbers fetched together: asking the system for each lets another thread take the interpreter
WIDTH = 16  # bytes of one
_random: deque[bytes] = deque()


def random16() -> bytes:
    """16 random bytes from the system, never the same twice; from any thread."""
    try:
        return _random.pop()
    except IndexError:
        data = os.urandom(AT_ONCE * WIDTH)
        _random.extend(data[n : n + WIDTH] for n in range(WIDTH, len(data), WIDTH))
        return data[:WIDTH]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.clear)


def uuid7() -> str:
    """A new UUIDv7: 48 bits of Unix milliseconds, then 74 random bits, so ids sort by the time they were made.

    >>> len(uuid7()), uuid7()[14]
    (36, '7')
    """
    millis = time.time_ns() // 1_000_000
    tail = int.from_bytes(random16()[:10], "big")
    value = (millis & (2**48 - 1)) << 80 | 0x7 << 76 | (tail >> 68) << 64 | 0b10 << 62 | (tail & (2**62 - 1))
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
