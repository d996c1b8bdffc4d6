"""JSON to Python and back without losing what a number says: 1.10 stays 1.10."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from salus.base.errors import Invalid, Malformed

Json = Any
Patch = Callable[[Json], Json]
MOST_STEPS = 1000  # operations of one patch
MOST_COPIED = 16 << 20  # bytes that one patch may copy within a body
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def read(data: bytes) -> Json:
    """Raises Malformed."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, ValueError, ArithmeticError) as fault:
        raise Malformed(f"The patch is not JSON: {fault}") from None


def written(value: Json) -> bytes:
    """
    >>> written(read(b'{"value": 1.10}'))
    b'{"value":1.10}'
    """
    return _encoder.encode(value)


def patched(patch: Patch, body: bytes) -> bytes:
    """The body after the patch: JSON without white space, not yet checked as a resource.

    Raises Invalid or Conflict for a step that cannot be done; then nothing of the patch is.
    """
    try:
        made = patch(read(body))
        if isinstance(made, dict):
            return written(made)
    except RecursionError:
        raise Invalid("The patch nests too deeply: send the resource by PUT") from None
    raise Invalid("The patch leaves no resource: it must end in a JSON object")


class Copier:
    """Copies parts of a body, up to `MOST_COPIED` bytes in all: a patch that doubles and doubles comes to an end."""

    def __init__(self) -> None:
        self._left = MOST_COPIED

    def copy(self, value: Json, where: str) -> Json:
        data = written(value)
        self._left -= len(data)
        if self._left < 0:
            raise Invalid(f"The patch copies more than {MOST_COPIED} bytes: send the resource by PUT", path=where)
        return read(data)
