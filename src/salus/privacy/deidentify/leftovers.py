"""What still looks like somebody after all rules have spoken: for a human to decide, one by one."""

import re
from collections.abc import Callable, Iterator

from salus.privacy.deidentify.chinese import HAN
from salus.privacy.deidentify.english import is_plain
from salus.privacy.deidentify.forms import piece
from salus.privacy.deidentify.lists import states, words
from salus.privacy.deidentify.shapes import Leftover

Common = Callable[[str], bool]
CAPITAL = re.compile(r"(?<![\w'’.-])(?:[A-Z][a-z]+(?:['’-][A-Z]?[a-z]+)*|[A-Z]{4,})(?![\w])")
START = re.compile(r"(?:^|[.!?:;\n\r•*#\"“(\[,]|\d[.)]|-|->)\s*$")
DIGITS = re.compile(r"(?<![A-Za-z\d.])\d(?:[ -]?\d){5,}(?![A-Za-z\d%]|\.\d)")
MIXED = re.compile(r"(?<![\w-])(?=[A-Za-z-]*\d)(?=[\d-]*[A-Za-z])[A-Za-z0-9-]{6,}(?![\w-])")
DAY = re.compile(r"(?<![\d/.-])(?:1[0-2]|0?[1-9])[/-](?:[12]\d|3[01]|0[1-9])(?![\d/.-]|\s?(?:mm|%|strength|bpm))")
FAMILIAR = re.compile(r"(?<![㐀-鿿])[老小阿]([㐀-鿿])(?=[\s,.;:、。说述诉的因]|$)")
FAMILIAR_WORDS = frozenset("便腿肠脑时儿年师人家鼠板大小声区剂量")
INITIALS = re.compile(r"(?<![\w.&/-])[A-Z]\.[ ]?[A-Z]\.(?![\w])")
RARE = 5  # letters


def everyday(word: str) -> bool:
    """Without a store's own vocabulary: what ends as words of the language or of medicine do."""
    return bool(piece("leftovers", "endings").search(word))


def leftovers(text: str, taken: bytearray, common: Common | None = None) -> Iterator[Leftover]:
    """Of a folded text, what does not touch the places already `taken`; none overlap.

    `common` says of a lower-case word whether many people's texts have it; with it rare words are told too.
    """
    used = bytearray(taken)
    for start, end, reason in candidates(text, common):
        if not any(used[start:end]):
            used[start:end] = b"\1" * (end - start)
            yield Leftover(start, end, reason)


def candidates(text: str, common: Common | None) -> Iterator[tuple[int, int, str]]:
    measure = piece("leftovers", "measure", "i")
    yield from ((*match.span(), "number") for match in DIGITS.finditer(text))
    yield from ((*match.span(), "code") for match in MIXED.finditer(text) if not measure.fullmatch(match[0]))
    yield from ((*match.span(), "day") for match in DAY.finditer(text))
    yield from ((*match.span(), "initials") for match in INITIALS.finditer(text))
    yield from ((*match.span(), "who") for match in piece("leftovers", "who", "i").finditer(text))
    yield from capitals(text, common or everyday)
    if HAN.search(text):
        yield from han(text)
    if common:
        yield from rare(text, common)


def capitals(text: str, common: Common) -> Iterator[tuple[int, int, str]]:
    """Capitalised words that no rule knows; at the start of a sentence only names of the lists."""
    surnames, names = words("english", "surnames"), words("english", "given")
    plain = {state.lower() for state in states()}
    for match in CAPITAL.finditer(text):
        word = match[0]
        lower = word.lower()
        if is_plain(word) or lower in plain:
            continue
        is_name = lower in surnames or lower in names
        first = START.search(text, max(0, match.start() - 4), match.start()) is not None
        if first or word.isupper():
            if is_name and lower not in words("english", "words"):
                yield (*match.span(), "name")
        elif is_name or not common(lower):
            yield (*match.span(), "name" if is_name else "capital")


def han(text: str) -> Iterator[tuple[int, int, str]]:
    """Characters that could be a name between signs or blanks, and how familiar people are called."""
    for match in piece("chinese", "between").finditer(text):
        if match[0][:2] not in words("chinese", "plain"):
            yield (*match.span(), "name")
    for match in FAMILIAR.finditer(text):
        if match[1] not in FAMILIAR_WORDS:
            yield (*match.span(), "name")


LOWER = re.compile(r"(?<![\w'-])[a-z]{5,}(?![\w'-])")


def rare(text: str, common: Common) -> Iterator[tuple[int, int, str]]:
    for match in LOWER.finditer(text):
        if not common(match[0]) and not everyday(match[0]):
            yield (*match.span(), "rare")
