"""What resources with the same codes are sorted by: said once for each bunch, without opening a body."""

from collections.abc import Collection

from salus.records.search.setting import BATCH, Setting, filled


def texts(setting: Setting, bunches: Collection[int], paths: frozenset[int]) -> dict[int, list[str]]:
    """The texts of the codes that each bunch has at these paths; of 0, which nobody counted, nothing is known."""
    told = {
        bunch: _codes(said, paths) for bunch, said in _asked(setting, "bunch, codes FROM bunch WHERE bunch", bunches)
    }
    wanted = {code for codes in told.values() for code in codes}
    known: dict[int, str] = dict(_asked(setting, "code, text FROM code WHERE code", wanted))
    return {bunch: [known[code] for code in codes] for bunch, codes in told.items()}


def _codes(said: str, paths: frozenset[int]) -> list[int]:
    """
    >>> _codes("3.17 4.9 4.11", frozenset({4}))
    [9, 11]
    """
    pairs = (pair.split(".") for pair in said.split())
    return [int(code) for path, code in pairs if int(path) in paths]


def _asked(setting: Setting, what: str, numbers: Collection[int]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    wanted = sorted(numbers)
    for begin in range(0, len(wanted), BATCH):
        marks, given = filled(wanted[begin : begin + BATCH])
        found += setting.stream(f"SELECT {what} IN ({marks})", given)
    return found
