"""Where sentences begin and end, in English and Chinese notes, with the headings and lines they stand under."""

import re
from collections.abc import Iterator

# an abbreviation before a point that does not end a sentence
SHORT = r"(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bSt)(?<!\bvs)(?<!\be\.g)(?<!\bi\.e)(?<!\bNo)(?<!\bpt)(?<!\bapprox)"
STOP = re.compile(
    rf"{SHORT}(?<!\b[A-Za-z])\.[\"')\]]*(?=,?\s|,?$|,[A-Z])|[!?][\"')\]]*(?=\s|$)|[。！？]+[”」]?"  # ends of sentences
    r"|\n\s*\n"  # an empty line
    r"|\n(?=\s*(?:[A-Z\u3400-\u9fff\d*•-]))|(?<=[:;.。：；])\n"  # a line that begins something
    r"|(?<=[\s,.])(?=[A-Z][A-Z /&]{4,40}:)"  # a heading in capitals
)
BLANK = " \t\r\n,"
LONGEST = 1_000  # characters; what has no end by then is cut at a blank or comma, so that no text takes forever


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Begin and end of each sentence, without blanks around it; a line that goes on in small letters is one with it.

    >>> note = "Dr. Li saw 3.5 cm of it. No fever,\\nno cough.\\n头痛。无发热？"
    >>> [note[begin:end] for begin, end in sentences(note)]
    ['Dr. Li saw 3.5 cm of it.', 'No fever,\\nno cough.', '头痛。', '无发热？']
    """
    begin = 0
    for stop in STOP.finditer(text):
        yield from _trimmed(text, begin, stop.end())
        begin = stop.end()
    yield from _trimmed(text, begin, len(text))


def _trimmed(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    while begin < end and text[begin] in BLANK:
        begin += 1
    while begin < end and text[end - 1] in BLANK:
        end -= 1
    while end - begin > LONGEST:
        cut = max(text.rfind(sign, begin + LONGEST // 2, begin + LONGEST) for sign in " ,，")
        cut = cut + 1 if cut > 0 else begin + LONGEST
        yield begin, cut
        begin = cut
    if begin < end:
        yield begin, end
