"""Bodies as they lie on disk: zstd frames, small by a dictionary that each store trains on its own resources.

The first is trained when there are 2,000 of them, another when imports have brought twice as many: an import by type
knows no Observation at first. They hold pieces of those resources, so they never leave the database. Measured on
Synthea bundles: 1,448 bytes of JSON become about 197; four of them are a checksum, so that a body that has changed on
disk is refused, never shown. https://datatracker.ietf.org/doc/html/rfc8878#section-3.1.1
"""

from collections.abc import Iterator

import zstandard

from salus.base.errors import Damaged
from salus.records.engines import Connection
from salus.records.faults import CURE

PLAIN = 0
TRAIN_AT = 2000  # resources in the store
SAMPLED = 3 * TRAIN_AT  # rows looked at for one
TIMES = 2  # as many for the next dictionary
DICTIONARY_BYTES = 112_640
LEVEL = 3
MAX_BODY = 64 << 20  # bytes
MOST = 500  # rows asked for at once


def _parameters() -> zstandard.ZstdCompressionParameters:
    return zstandard.ZstdCompressionParameters.from_level(
        LEVEL, format=zstandard.FORMAT_ZSTD1_MAGICLESS, write_content_size=1, write_dict_id=0, write_checksum=1
    )


class Press:
    """Compresses and expands bodies. One per connection: a zstd context serves one thread at a time."""

    def __init__(self) -> None:
        self.form = PLAIN
        self._compressor = zstandard.ZstdCompressor(compression_params=_parameters())
        self._expanders = {PLAIN: zstandard.ZstdDecompressor(format=zstandard.FORMAT_ZSTD1_MAGICLESS)}

    def learn(self, form: int, dictionary: bytes) -> None:
        """Use a dictionary of the store from here on; an empty one: none."""
        if not dictionary:
            self.form, plain = form, Press()
            self._compressor, self._expanders[form] = plain._compressor, plain._expanders[PLAIN]
            return
        data = zstandard.ZstdCompressionDict(dictionary, dict_type=zstandard.DICT_TYPE_FULLDICT)
        data.precompute_compress(level=LEVEL)
        self.form = form
        self._compressor = zstandard.ZstdCompressor(dict_data=data, compression_params=_parameters())
        self._expanders[form] = zstandard.ZstdDecompressor(
            dict_data=zstandard.ZstdCompressionDict(dictionary), format=zstandard.FORMAT_ZSTD1_MAGICLESS
        )

    def refresh(self, connection: Connection) -> None:
        """Read the dictionaries that this press does not know yet."""
        for form, dictionary in connection.execute("SELECT form, bytes FROM dictionary WHERE form > ?", (self.form,)):
            self.learn(form, dictionary)

    def pressed(self, body: bytes) -> bytes:
        return self._compressor.compress(body)

    def expanded(self, connection: Connection, form: int, stored: bytes) -> bytes:
        """The JSON that was pressed. Raises Damaged when it does not match its checksum."""
        if form not in self._expanders:
            self.refresh(connection)
        try:
            return self._expanders[form].decompress(stored, max_output_size=MAX_BODY, allow_extra_data=False)
        except (zstandard.ZstdError, KeyError):
            raise Damaged(f"A body of the store does not match its checksum: {CURE}") from None


def due(form: int) -> int:
    """At how many rows of the store the dictionary after this form is to be trained.

    >>> [due(form) for form in (0, 1, 2)]
    [2000, 4000, 8000]
    """
    found: int = TRAIN_AT * TIMES**form
    return found


def train(connection: Connection, press: Press, rows: int) -> bool:
    """Train a dictionary on some of what the store holds in so many rows, keep it, and press those that were pressed
    without one again (about 0.1 s). False when they are too few, or have too little in common for a dictionary.
    """
    chosen = bodies_in(connection, evenly(rows, SAMPLED))
    bodies = [(row, form, press.expanded(connection, form, body)) for row, form, body in chosen]
    data = trained([body for _, _, body in bodies])
    if not data:
        return False
    form = press.form + 1
    connection.execute("INSERT INTO dictionary VALUES(?, ?)", (form, data))
    press.learn(form, data)
    pressed = ((form, press.pressed(body), row) for row, before, body in bodies if before == PLAIN)
    connection.executemany("UPDATE resource SET form=?, body=? WHERE row=?", pressed)
    return True


def evenly(rows: int, count: int) -> range:
    """So many rows (or less than twice as many) from the first to the last."""
    return range(1, rows + 1, max(1, rows // count))


def bodies_in(connection: Connection, rows: range) -> Iterator[tuple[int, int, bytes]]:
    """(row, form, body) of the resources in these rows."""
    for begin in range(0, len(rows), MOST):
        some = ",".join(str(row) for row in rows[begin : begin + MOST])
        yield from connection.execute(
            f"SELECT row, form, body FROM resource WHERE alive AND row IN ({some})"
        ).fetchall()


def trained(bodies: list[bytes]) -> bytes:
    """A dictionary for bodies like these; nothing when they have too little in common for one."""
    samples: list[bytes | bytearray | memoryview] = list(bodies)
    if len(samples) < TRAIN_AT:
        return b""
    try:
        made = zstandard.train_dictionary(DICTIONARY_BYTES, samples, k=200, d=8, f=20, split_point=1.0, accel=1)
    except zstandard.ZstdError:
        return b""
    return made.as_bytes()
