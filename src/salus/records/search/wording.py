"""`_text` (the narrative) and `_content` (all of a resource): words, phrases in quotes, and, or, not, parentheses.

https://hl7.org/fhir/R4/search.html#text

No index is kept for them: each resource that the other conditions leave is opened, as many as one search may open.
A word finds what begins with it, without case and accents; one in Chinese, Japanese or Korean stands anywhere.
"""

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from salus import fhir
from salus.base.errors import Malformed

LONGEST = 1000  # characters
DEEPEST = 20  # parentheses in each other
Holds = Callable[[str], bool]  # of a text that is normalized
PIECE = re.compile(r'\s*(?:(?P<sign>[()])|"(?P<phrase>[^"]*)"|(?P<word>[^\s()"]+))')
INLINE = re.compile(r"</?(?:a|abbr|b|big|code|em|font|i|small|span|strong|sub|sup|tt|u)\b[^<>]*>")
TAG = re.compile(r"<[^<>]*>")
SIGNS = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"  # of Chinese, Japanese, Korean
CJK = re.compile(f"[{SIGNS}]")
BEGIN = rf"(?<![^\W{SIGNS}])"  # no letter of a word that is written apart stands before
KEYWORDS = ("and", "or", "not")


def holds(name: str, expression: str) -> Holds:
    """The test of a text. Raises Malformed for an expression that cannot be read.

    >>> found = holds("_text", '(bone or liver) and "metastas"')
    >>> found("liver metastases"), found("bone"), holds("_text", "糖尿病")("患者有糖尿病史")
    (True, False, True)
    """
    if len(expression) > LONGEST:
        raise Malformed(f"{name} has {len(expression)} characters; {LONGEST} are the most", path=name)
    return Reading(name, expression).whole()


class Reading:
    """The pieces of an expression, and how far they were read."""

    def __init__(self, name: str, expression: str) -> None:
        self.name = name
        self.pieces = list(PIECE.finditer(expression.rstrip()))
        self.place = 0
        if "".join(piece[0] for piece in self.pieces) != expression.rstrip():
            raise self.fault("a quote is not closed")

    def fault(self, why: str) -> Malformed:
        return Malformed(f"{self.name}: {why}: give words, phrases in quotes, and, or, not", path=self.name)

    def next(self) -> str:
        """The next sign or keyword; "word" for what is to be found, "" at the end."""
        if self.place >= len(self.pieces):
            return ""
        piece = self.pieces[self.place]
        word = (piece["word"] or "").lower()
        return piece["sign"] or (word if word in KEYWORDS else "word")

    def whole(self) -> Holds:
        found = self.either(0)
        if self.next():
            raise self.fault("a parenthesis is closed that was not opened")
        return found

    def either(self, depth: int) -> Holds:
        if depth > DEEPEST:
            raise self.fault(f"more than {DEEPEST} parentheses stand in each other")
        options = [self.all(depth)]
        while self.next() == "or":
            self.place += 1
            options.append(self.all(depth))
        return options[0] if len(options) == 1 else lambda text: any(option(text) for option in options)

    def all(self, depth: int) -> Holds:
        """What stands beside each other, with or without `and`."""
        parts = [self.one(depth)]
        while self.next() in ("and", "not", "word", "("):
            self.place += self.next() == "and"
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else lambda text: all(part(text) for part in parts)

    def one(self, depth: int) -> Holds:
        kind, piece = self.next(), self.pieces[self.place] if self.place < len(self.pieces) else None
        self.place += 1
        if kind == "not":
            inner = self.one(depth + 1) if depth < DEEPEST else self.either(depth + 1)
            return lambda text: not inner(text)
        if kind == "(":
            found = self.either(depth + 1)
            if self.next() != ")":
                raise self.fault("a parenthesis is not closed")
            self.place += 1
            return found
        if kind != "word" or piece is None:
            raise self.fault(f"'{piece[0].strip() if piece else 'the end'}' stands where a word should")
        return self.said(piece["word"] or piece["phrase"] or "")

    def said(self, phrase: str) -> Holds:
        """Whether the words of a phrase follow each other."""
        words = re.findall(r"\w+", fhir.normalize(phrase))
        if not words:
            raise self.fault(f"'{phrase[:40]}' has no word to look for")
        begin = "" if CJK.match(words[0]) else BEGIN
        pattern = re.compile(begin + r"[^\w\n]+".join(map(re.escape, words)))
        return lambda text: pattern.search(text) is not None


STAMPS = ("versionId", "lastUpdated")


def narrative(body: bytes) -> str:
    """The words of the narrative, normalized.

    >>> narrative(b'{"text": {"div": "<div>H<b>ea</b>d<br/>Pain &amp; more</div>"}}')
    'head pain & more'
    """
    found = orjson.loads(body).get("text")
    return fhir.normalize(plain(found["div"])) if found and "div" in found else ""


def content(body: bytes) -> str:
    """All that is said in a resource, a line for each value, normalized; not what we stamped on it."""
    found = orjson.loads(body)
    for stamp in STAMPS:
        found.get("meta", {}).pop(stamp, None)
    return fhir.normalize("\n".join(said(found)))


def plain(markup: str) -> str:
    """The text of a piece of XHTML."""
    return " ".join(html.unescape(TAG.sub(" ", INLINE.sub("", markup))).split())


def said(value: Any) -> Iterator[str]:
    """The values in JSON, not the names of its fields."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [plain(inner)] if name == "div" and isinstance(inner, str) else said(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from said(inner)
    elif value is not None:
        yield str(value)


SOURCES: dict[str, Callable[[bytes], str]] = {"_text": narrative, "_content": content}


def of_body(name: str, values: tuple[str, ...]) -> Callable[[bytes], bool]:
    """The test of a body. Raises Malformed."""
    tests, source = [holds(name, value) for value in values], SOURCES[name]

    def test(body: bytes) -> bool:
        text = source(body)
        return any(one(text) for one in tests)

    return test
