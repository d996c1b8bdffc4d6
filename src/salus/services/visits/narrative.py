"""Typed text as XHTML, and the text of XHTML. https://hl7.org/fhir/R4/narrative.html

What a doctor types is text: every sign of it is escaped, none becomes a tag. What comes from elsewhere is read as text
too, so that no page ever shows markup that it did not make.
"""

import re
from html import escape
from html.parser import HTMLParser

XMLNS = "http://www.w3.org/1999/xhtml"
ENDS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "hr"})
SILENT = frozenset({"script", "style", "head", "title"})
CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # XML has none of these


def clean(text: str) -> str:
    r"""The text as it is kept: one kind of line end, no control signs, no blanks at the ends.

    >>> clean(" a\r\nb\x00 \n")
    'a\nb'
    """
    return CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def xhtml(text: str) -> str:
    """One div with the text, line by line.

    >>> xhtml("BP < 140\\n<b>")
    '<div xmlns="http://www.w3.org/1999/xhtml"><p>BP &lt; 140<br/>&lt;b&gt;</p></div>'
    """
    lines = "<br/>".join(escape(line, quote=False) for line in clean(text).split("\n"))
    return f'<div xmlns="{XMLNS}"><p>{lines}</p></div>'


def plain(div: str) -> str:
    """The words of a div, with its lines.

    >>> plain(xhtml("BP < 140\\n<b>")), plain("<div>a<script>b()</script><p>c</p></div>")
    ('BP < 140\\n<b>', 'a\\nc')
    """
    reader = Reader()
    reader.feed(div)
    reader.close()
    return clean("".join(reader.parts))


class Reader(HTMLParser):
    """Gathers the text, and a line end where a block begins or ends."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in SILENT))
        if tag != "br":
            self._break(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)

    def _break(self, tag: str) -> None:
        if tag == "br" or (tag in ENDS and self.parts and not self.parts[-1].endswith("\n")):
            self.parts.append("\n")
