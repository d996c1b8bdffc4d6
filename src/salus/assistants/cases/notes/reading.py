"""A note read: every problem and drug that it mentions, with what it says of each. Texts are never logged nor kept."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from salus.assistants.cases.notes.context import NONE, Says, Span, parts, told
from salus.assistants.cases.notes.lexicon import NOTHING, Lexicon, Name, usual
from salus.assistants.cases.notes.mentions import Kind, Mention, When, Who
from salus.assistants.cases.notes.pieces import Piece, narrow, pieces_of
from salus.assistants.cases.notes.rules import rules
from salus.assistants.cases.notes.sentences import sentences
from salus.base.errors import Invalid, Issue

HAN = re.compile(r"[\u3400-\u9fff]")
HEADING = re.compile(r"(?:[A-Z][A-Za-z /&-]{1,40}|[\u3400-\u9fff]{2,8}):\s*")
HEADED = frozenset({"family", "past", "allergy"})  # what a heading may say of all that stands under it


def read(text: str, language: str | None = None, names: Lexicon | None = None) -> tuple[Mention, ...]:
    """The mentions of a note, in their order. `language`: `en` or `zh`, guessed when None. `names`: other names than
    the usual ones, see `lexicon`. Raises Invalid for another language.

    >>> [(one.text, one.concept, one.negated) for one in read("Denies fever; has hypertension.")]
    [('fever', 'HP:0001945', True), ('hypertension', 'ICD10//I10', False)]
    >>> [(one.text, one.experiencer) for one in read("父亲患有糖尿病。")]
    [('糖尿病', 'family')]
    """
    return tuple(_read(text, names or usual(checked(language) or language_of(text))))


def checked(language: str | None) -> str | None:
    if language not in (None, "en", "zh"):
        words = f"notes are read in en or zh, not in {language!r}"
        raise Invalid(words, issues=[Issue("value", "language", words)])
    return language


def language_of(text: str) -> str:
    """`zh` where one sign in eight or more is Chinese.

    >>> language_of("HTN病史"), language_of("No fever.")
    ('zh', 'en')
    """
    return "zh" if 8 * len(HAN.findall(text)) >= max(1, len(text)) else "en"


class Named(NamedTuple):
    span: Span
    name: Name


def _read(text: str, names: Lexicon) -> Iterator[Mention]:
    plain = narrow(text)
    under: Says = NONE
    last = 0
    for begin, end in sentences(text):
        under = _heading(plain, begin, end, under, text.count("\n", last, begin))
        last = begin
        pieces = pieces_of(plain[begin:end])
        found = list(_named(pieces, plain[begin:end], names))
        if found:
            spans = [one.span for one in found]
            for one, says in zip(found, told(pieces, spans, 0, len(pieces)), strict=True):
                if one.name.concept != NOTHING:
                    first, after = begin + pieces[one.span[0]].start, begin + pieces[one.span[1] - 1].end
                    yield mention(text, first, after, one.name, says | under)


def _named(pieces: Sequence[Piece], plain: str, names: Lexicon) -> Iterator[Named]:
    for first, after, found in names.scan(pieces, 0, len(pieces)):
        for name in found:
            start, end = pieces[first].start, pieces[after - 1].end
            as_written = plain[start:end]
            heading = plain[end : end + 1] == ":" and as_written.isupper()
            if not heading and (not name.capitals or as_written.isupper()):
                yield Named((first, after), name)


def mention(text: str, start: int, end: int, name: Name, says: Says) -> Mention:
    """A mention, out of what the rules found."""
    left = set(parts(says))
    who: Who = "family" if "family" in left else "other" if "other" in left else "patient"
    when: When = "hypothetical" if "if" in left else "past" if "past" in left else "now"
    kind: Kind = "drug" if name.kind == "drug" else "problem"
    if kind == "drug" and "allergy" in left:
        kind = "allergy"
    return Mention(start, end, text[start:end], name.concept, kind, "denied" in left, who, when, "unsure" in left)


def _heading(plain: str, begin: int, end: int, under: Says, lines: int) -> Says:
    """What the heading says under which a sentence stands: its own, else the one before on the same line, or alone on
    the line before."""
    found = HEADING.match(plain, begin, end)
    if found is None:
        return under if lines == 0 or (lines == 1 and "alone" in under) else NONE
    pieces = pieces_of(found[0])
    means = {rule.means for _, _, hit in rules().phrases.scan(pieces, 0, len(pieces)) for rule in hit}
    said = means & HEADED
    return frozenset({*said, "alone"} if said and found.end() >= end else said)
