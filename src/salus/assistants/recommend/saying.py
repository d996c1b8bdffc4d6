"""Whether words say something or deny it: simple rules for a patient's own words, English and Chinese.

What is denied wrongly could hide an emergency, so a denial reaches only to the next comma and a few plain words.
"""

import re
import unicodedata
from collections.abc import Iterator

ENDS = re.compile(r"[.;!?\n。；！？，,]|\bbut\b|\bhowever\b|但是|但|不过|可是")
CUE = re.compile(
    r"(?:\b(?:no|not|without|never|denies|denied|neither|nor|none|free of)"
    r"|\b(?:do|does|did|have|has|had|is|was|are)n'?t)((?:\s+[\w'-]+){0,5})\s*$"
)
# words after which a "no" is about something else: "no relief from chest pain"
OTHERWISE = """relief better improvement idea doubt matter help only just sure know why because with from stop stopping
when after can until going went letting easing ease"""
ELSE = frozenset(OTHERWISE.split())
CUE_ZH = re.compile(
    r"(?:没有|没|无|未|否认|不伴|并不|从不|不)(?![仅但只光止知断住得了适敢能到好退清舒])"
    r"(?:任何|明显|出现|过|什么|觉得|感到|感觉|有|发生|见|伴|再|曾|大|太|是|很){0,3}$"
)
ALSO_ZH = re.compile(r"(?:没有|没|无|未|否认|不伴)[^，。；！？]{1,12}(?:、|和|或者|或|及)$")


def folded(text: str) -> str:
    """As the rules read it, character for character as long as what was typed, where that can be."""
    made = "".join(fold(character) for character in text)
    return made.replace("’", "'")


def fold(character: str) -> str:
    """One character for one, so that places stay."""
    plain = unicodedata.normalize("NFKC", character).casefold()
    return plain if len(plain) == 1 else character


def spoken(text: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Where a folded text says the pattern and does not deny it."""
    return (match for match in pattern.finditer(text) if not denied(text, match.start()))


def denied(text: str, start: int) -> bool:
    """Whether what begins there is denied by the words before it.

    >>> denied("no chest pain", 3), denied("no relief from chest pain", 15)
    (True, False)
    >>> denied("没有胸痛", 2), denied("没有发烧、胸痛", 5), denied("不仅胸痛", 2)
    (True, True, False)
    """
    begin = max((match.end() for match in ENDS.finditer(text, 0, start)), default=0)
    before = text[begin:start]
    cue = CUE.search(before)
    if cue and not ELSE.intersection(cue[1].split()):
        return True
    return bool(CUE_ZH.search(before) or ALSO_ZH.search(before))
