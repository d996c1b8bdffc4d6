"""Names, addresses and hospitals in Chinese text, by what stands around them and by lists. English is `english`."""

import re
from collections.abc import Iterator

from salus.privacy.deidentify.forms import forms, piece
from salus.privacy.deidentify.lists import words
from salus.privacy.deidentify.shapes import Kind, Span

HAN = re.compile(r"[㐀-鿿]")


def chinese(text: str) -> Iterator[Span]:
    """Names by titles, labels, kin and lists; addresses, places, hospitals. Nothing where there is no character."""
    if not HAN.search(text):
        return
    plain = words("chinese", "plain")
    for row in forms("chinese", "names"):
        for match in row.pattern.finditer(text):
            if match[1][:2] not in plain:
                yield Span(*match.span(1), Kind.NAME)
    for row in forms("chinese", "places"):
        for match in row.pattern.finditer(text):
            yield from placed(match, row.kind)


def placed(match: re.Match[str], kind: Kind) -> Iterator[Span]:
    """Without the words that lead to an address; nothing for a region of the body."""
    start, end = match.span(match.lastindex or 0)
    if lead := piece("chinese", "lead").match(match.string, start, end):
        start = lead.end()
    name = match.string[start:end]
    if len(name) > 1 and name not in words("chinese", "regions"):
        yield Span(start, end, kind)
