"""Files that can run a program when they are opened: never opened, whatever they are said to hold.

https://docs.python.org/3/library/pickle.html: "Only unpickle data you trust."
"""

from pathlib import Path, PurePath

from salus.base.errors import Malformed

KINDS = {
    ".pkl": "a pickle",
    ".pickle": "a pickle",
    ".joblib": "a pickle",
    ".pt": "a pickle of PyTorch",
    ".pth": "a pickle of PyTorch",
    ".ckpt": "a pickle of PyTorch",
    ".dill": "a pickle",
    ".py": "a program",
    ".pyc": "a program",
    ".so": "a program",
    ".dll": "a program",
    ".exe": "a program",
    ".sh": "a program",
    ".keras": "a model that can hold a program",
    ".h5": "a model that can hold a program",
}
PICKLED = b"\x80"  # the first byte of a pickle of protocol 2 or later, and of no text


def kind_of(name: str, start: bytes = b"") -> str | None:
    """What a file is if it can run a program, by its name or its first bytes; else None.

    >>> kind_of("model/weights.PT"), kind_of("ward.csv", b"\\x80\\x04K"), kind_of("ward.csv", b"id,age")
    ('a pickle of PyTorch', 'a pickle', None)
    """
    is_pickle = start[:1] == PICKLED and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
    return KINDS.get(PurePath(name).suffix.lower()) or ("a pickle" if is_pickle else None)


def refuse_runnable(path: Path, start: bytes = b"") -> None:
    """Raises Malformed for a file that can run a program."""
    if kind := kind_of(path.name, start):
        raise Malformed(
            f"{path.name} is {kind}: opening it can run a program, so it is never opened. Write the data as CSV, or "
            "bring a model as a bundle of Salus"
        )
