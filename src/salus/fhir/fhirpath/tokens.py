"""FHIRPath text to tokens. https://hl7.org/fhirpath/N1/grammar.html"""

import re
from typing import NamedTuple

from salus.base.errors import Invalid

LONGEST = 20_000  # characters of an expression
_TIME = r"[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
_PATTERN = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*.*?\*/)"
    rf"|(?P<moment>@[0-9]{{4}}(?:-[0-9]{{2}}(?:-[0-9]{{2}})?)?(?:T(?:{_TIME}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?)?)"
    rf"|(?P<time>@T{_TIME})"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<quoted>`(?:[^`\\]|\\.)*`)"
    r'|(?P<variable>%(?:[A-Za-z_][A-Za-z0-9_\-]*|`(?:[^`\\]|\\.)*`|\'(?:[^\'\\]|\\.)*\'|"(?:[^"\\]|\\.)*"))'
    r"|(?P<this>\$[a-z]+)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign><=|>=|!=|!~|[.\[\](){},+\-*/&|<>=~])",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "f": "\f"}


class Token(NamedTuple):
    kind: str
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """The tokens, ended by one of kind "end". Raises Invalid with the place of what cannot be read.

    >>> [token.text for token in tokens("name[0] // first")]
    ['name', '[', '0', ']', '']
    """
    if len(text) > LONGEST:
        raise Invalid(f"The FHIRPath expression has {len(text)} characters: keep to {LONGEST}")
    found, at = [], 0
    while at < len(text):
        match = _PATTERN.match(text, at)
        if not match or not match.lastgroup:
            raise wrong(text, at, f"{text[at]!r} cannot stand here")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match[0], at))
        at = match.end()
    return [*found, Token("end", "", at)]


def wrong(text: str, at: int, why: str) -> Invalid:
    """The error for a fault at a place of an expression."""
    return Invalid(f"FHIRPath, character {at + 1} of {text[:100]!r}: {why}")


def unescaped(body: str) -> str:
    r"""The text inside quotes with its escapes undone. Raises Invalid for half a character.

    >>> unescaped(r"a\'b\u0041"), len(unescaped(r"\uD83D\uDE00"))
    ("a'bA", 1)
    """
    made = _ESCAPE.sub(lambda m: chr(int(m[1][1:], 16)) if len(m[1]) == 5 else _ESCAPES.get(m[1], m[1]), body)
    if "\\u" not in body:
        return made
    try:
        return made.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Invalid(f"FHIRPath: {body[:100]!r} has half a character: write both halves") from None
