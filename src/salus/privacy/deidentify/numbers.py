"""Numbers and addresses of machines, by how they are written: the section `numbers` of `forms.toml`."""

from collections.abc import Callable, Iterator, Mapping

from salus.privacy.deidentify.checks import is_address, is_card, long_enough, looks_like_resident_id
from salus.privacy.deidentify.forms import forms
from salus.privacy.deidentify.shapes import Span

CHECKS: Mapping[str, Callable[[str], bool]] = {
    "": bool,
    "is_address": is_address,
    "is_card": is_card,
    "long_enough": long_enough,
    "looks_like_resident_id": looks_like_resident_id,
}


def numbers(text: str) -> Iterator[Span]:
    """Everything in a folded text that a row matches and its check holds for."""
    for row in forms("numbers", "rows", flags="i"):
        for match in row.pattern.finditer(text):
            start, end = match.span(match.lastindex or 0)
            if CHECKS[row.check](text[start:end]):
                yield Span(start, end, row.kind)
