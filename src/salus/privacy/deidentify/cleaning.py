"""One text: all rules in order, what they found put together, something else in its place."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from salus.base.words import words_of
from salus.privacy.deidentify.ages import Band, ages, own_ages
from salus.privacy.deidentify.chinese import HAN, chinese
from salus.privacy.deidentify.dates import dates
from salus.privacy.deidentify.english import english
from salus.privacy.deidentify.folding import folded
from salus.privacy.deidentify.identity import NOBODY, Identity
from salus.privacy.deidentify.known import known
from salus.privacy.deidentify.leftovers import Common, leftovers
from salus.privacy.deidentify.numbers import numbers
from salus.privacy.deidentify.shapes import Cleaned, Kind, Span

SURE = {"human": 0, "record": 1, "pattern": 2}  # whose word counts where two found the same
LOOSE = frozenset({Kind.NAME, Kind.PLACE, Kind.ORGANISATION})  # give way to what is more exactly known


def deidentify(
    text: str,
    identity: Identity = NOBODY,
    shift: int | None = None,
    manual: Iterable[Span] = (),
    kept: Iterable[tuple[int, int]] = (),
    common: Common | None = None,
    band: Band | None = None,
) -> Cleaned:
    """A text without those whom it names, and what a human should still look at.

    `shift`: days by which dates move, a whole number of weeks (None: dates are taken out). `manual`: what a human took
    out besides; `kept`: places that a human has looked at and left, which only what the record says overrules.
    `common`: says which words are. `band`: what is told in place of the patient's own age.

    >>> deidentify("Dr. Smith saw Ms. Jones on 3/14/2024.", shift=7).text
    'Dr. [NAME] saw Ms. [NAME] on 3/21/2024.'
    """
    plain = folded(text)
    surrogate = partial(surrogate_of, "zh" if is_chinese(plain) else "en")
    left = list(kept)
    known_ages = list(own_ages(plain, band)) if band else []
    found = [*known_ages, *(one for one in everything(plain, identity, shift, surrogate) if is_wanted(one, left))]
    spans = settled([*found, *(replace(one, why="human") for one in manual)], surrogate)
    taken = bytearray(len(text))
    for start, end in [*((one.start, one.end) for one in spans), *left]:
        taken[start:end] = b"\1" * (end - start)
    return Cleaned(text, written(text, spans), spans, tuple(sorted(leftovers(plain, taken, common))))


def is_chinese(text: str) -> bool:
    """Whether a text is Chinese by its letters: a character says as much as two letters."""
    han = len(HAN.findall(text))
    return 0 < han and 2 * han >= sum(one.isascii() and one.isalpha() for one in text)


def surrogate_of(language: str, kind: Kind) -> str:
    return words_of("salus.privacy")(f"surrogate.{kind}", language)


def everything(text: str, identity: Identity, shift: int | None, surrogate: partial[str]) -> Iterator[Span]:
    yield from known(identity).find(text)
    yield from dates(text, shift, identity.birth, surrogate)
    yield from numbers(text)
    yield from english(text)
    yield from chinese(text)
    yield from ages(text)


def is_wanted(span: Span, kept: list[tuple[int, int]]) -> bool:
    """What the record says is never left; what only looks like something is, where a human said so."""
    return span.why == "record" or not any(start < span.end and span.start < end for start, end in kept)


def settled(found: list[Span], surrogate: partial[str]) -> tuple[Span, ...]:
    """Spans in order that do not overlap: what touches is one, named by whoever knows best."""
    made: list[list[Span]] = []
    for one in sorted((one for one in found if one.end > one.start), key=lambda one: (one.start, -one.end)):
        if made and one.start < max(each.end for each in made[-1]):
            made[-1].append(one)
        else:
            made.append([one])
    return tuple(merged(group, surrogate) for group in made)


def merged(group: list[Span], surrogate: partial[str]) -> Span:
    start, end = min(one.start for one in group), max(one.end for one in group)
    best = min(group, key=lambda one: (SURE[one.why], one.kind in LOOSE, one.start - one.end))
    whole = (best.start, best.end) == (start, end)
    return Span(start, end, best.kind, best.why, best.surrogate if whole and best.surrogate else surrogate(best.kind))


def written(text: str, spans: Iterable[Span]) -> str:
    """The text with the surrogates in place."""
    parts, at = [], 0
    for one in spans:
        parts += [text[at : one.start], one.surrogate]
        at = one.end
    return "".join([*parts, text[at:]])
