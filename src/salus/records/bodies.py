"""Bodies as they lie on disk: zstd frames, small by a dictionary that each store trains on its own first resources.

The dictionary holds pieces of those resources, so it never leaves the database. Measured on Synthea bundles: 1,448
bytes of JSON become about 197; four of them are a checksum, so that a body that has changed on disk is refused, never
shown. https://datatracker.ietf.org/doc/html/rfc8878#section-3.1.1
"""

import zstandard

from salus.base.errors import Damaged
from salus.records.engines import Connection
from salus.records.faults import CURE

PLAIN = 0
TRAIN_AT = 2000  # resources in the store
DICTIONARY_BYTES = 112_640
LEVEL = 3
MAX_BODY = 64 << 20  # bytes


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


def train(connection: Connection, press: Press) -> bool:
    """Train the store's dictionary on what it holds, keep it, and press those bodies again with it (about 0.1 s).

    False when they have too little in common for a dictionary.
    """
    rows = connection.execute("SELECT row, form, body FROM resource WHERE alive LIMIT ?", (2 * TRAIN_AT,)).fetchall()
    bodies = [(row, press.expanded(connection, form, body)) for row, form, body in rows]
    data = trained([body for _, body in bodies])
    if not data:
        return False
    form = press.form + 1
    connection.execute("INSERT INTO dictionary VALUES(?, ?)", (form, data))
    press.learn(form, data)
    pressed = ((form, press.pressed(body), row) for row, body in bodies)
    connection.executemany("UPDATE resource SET form=?, body=? WHERE row=?", pressed)
    return True


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
