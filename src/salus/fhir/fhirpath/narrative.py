"""Whether a narrative keeps to R4's HTML. https://hl7.org/fhir/R4/narrative.html#rules"""

from html.parser import HTMLParser

ELEMENTS = frozenset(
    {
        "a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption", "cite", "code",
        "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
        "i", "img", "ins", "kbd", "li", "map", "ol", "p", "pre", "q", "samp", "small", "span", "strong", "sub",
        "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "ul", "var",
    }
)  # fmt: skip
ATTRIBUTES = frozenset(
    {
        "abbr", "accesskey", "align", "alt", "axis", "border", "cellhalign", "cellpadding", "cellspacing",
        "cellvalign", "char", "charoff", "charset", "cite", "class", "colspan", "compact", "coords", "dir", "frame",
        "headers", "height", "href", "hreflang", "hspace", "id", "lang", "longdesc", "name", "nohref", "nowrap",
        "rel", "rev", "rowspan", "rules", "scope", "shape", "size", "span", "src", "start", "style", "summary",
        "tabindex", "title", "type", "usemap", "valign", "value", "vspace", "width", "xml:lang", "xmlns",
    }
)  # fmt: skip


class Check(HTMLParser):
    """Reads a narrative; `is_good` stays true while all its elements and attributes are allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.is_good, self.has_content = True, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_good &= tag in ELEMENTS and all(name in ATTRIBUTES or name.startswith("xmlns:") for name, _ in attrs)
        self.has_content |= tag == "img"

    def handle_data(self, data: str) -> None:
        self.has_content |= bool(data.strip())

    def handle_decl(self, decl: str) -> None:
        self.is_good = False

    def handle_pi(self, data: str) -> None:
        self.is_good = False


def is_safe(text: str) -> bool:
    """Only allowed elements and attributes, and something to read (txt-1, txt-2).

    >>> is_safe("<div><p class='x'>well</p></div>"), is_safe("<div><video/></div>"), is_safe("<div> </div>")
    (True, False, False)
    """
    check = Check()
    check.feed(text)
    check.close()
    return check.is_good and check.has_content
