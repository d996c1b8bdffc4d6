"""What a note says: problems and drugs by their codes, denied or not, whose, when; with the place in the text.

Knows words of notes in English and Chinese; must not know of any store, and keeps and logs no text.
"""

from salus.assistants.cases.notes.findings import Noted, case_from_note, noted
from salus.assistants.cases.notes.lexicon import (
    Lexicon,
    Name,
    called,
    lexicon,
    names_in,
    names_loaded,
    our_names,
    usual,
)
from salus.assistants.cases.notes.mentions import Mention
from salus.assistants.cases.notes.reading import language_of, read
from salus.assistants.cases.notes.sentences import sentences
from salus.assistants.cases.notes.site import names_at

__all__ = [
    "Lexicon",
    "Mention",
    "Name",
    "Noted",
    "called",
    "case_from_note",
    "language_of",
    "lexicon",
    "names_at",
    "names_in",
    "names_loaded",
    "noted",
    "our_names",
    "read",
    "sentences",
    "usual",
]
