"""Numbers as people write them in tables."""

import re

PLAIN = r"[-+]?\d[\d,]*\.?\d*(?:[eE][-+]?\d+)?"
RANGE = re.compile(r"[\[(]?\s*(\d+\.?\d*)\s*(?:-|–|~|至)\s*(\d+\.?\d*)\s*[\])]?$")
BOUND = re.compile(rf"(?:[<>≤≥]=?)\s*({PLAIN})$")


def number_of(text: str) -> float | None:
    """The number a cell says: itself, the middle of a range, or the bound of an open one. None for words.

    >>> number_of("7.5"), number_of("[70-80)"), number_of(">8"), number_of("12 %"), number_of("V57")
    (7.5, 75.0, 8.0, 12.0, None)
    """
    text = text.strip().removesuffix("%").strip()
    try:
        found = float(text.replace(",", ""))
    except ValueError:
        pass
    else:
        return found if abs(found) < 1e300 else None
    if span := RANGE.match(text):
        return (float(span[1]) + float(span[2])) / 2
    if bound := BOUND.match(text):
        return float(bound[1].replace(",", ""))
    return None
