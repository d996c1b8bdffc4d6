"""UCUM units as people write them. https://ucum.org/ucum"""

import re
from collections.abc import Callable
from functools import cache

# whole units that are words, or that a language says its own way: UCUM -> (English, Chinese)
WORDS = {
    "a": ("years", "岁"),
    "mo": ("months", "个月"),
    "wk": ("weeks", "周"),
    "d": ("days", "天"),
    "h": ("hours", "小时"),
    "min": ("minutes", "分钟"),
    "s": ("seconds", "秒"),
    "/min": ("/min", "次/分"),
    "/d": ("a day", "次/天"),
    "{score}": ("points", "分"),
    "(score)": ("points", "分"),
    "{count}": ("times", "次"),
    "{times}": ("times", "次"),
    "{nominal}": ("", ""),
    "{T-score}": ("(T-score)", "（T值）"),
    "[pH]": ("", ""),
    "1": ("", ""),
    "": ("", ""),
}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SIGNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"10(?:\*|\^)(-?\d+)"), lambda found: "×10" + found[1].translate(RAISED)),
    (re.compile(r"\{1\.73_m2\}"), lambda found: "1.73 m²"),
    (re.compile(r"\{[^}]*\}"), lambda found: ""),
    (re.compile(r"m\[Hg\]"), lambda found: "mHg"),
    (re.compile(r"\[degF\]"), lambda found: "°F"),
    (re.compile(r"\bCel\b"), lambda found: "°C"),
    (re.compile(r"\[(lb|oz)_av\]"), lambda found: found[1]),
    (re.compile(r"\[(in|ft)_i\]"), lambda found: found[1]),
    (re.compile(r"\[i?I?U\]"), lambda found: "IU"),
    (re.compile(r"(?<![A-Za-z])u(?=[A-Za-z])"), lambda found: "µ"),
    (re.compile(r"(?<=[A-Za-z])meq|\bmeq"), lambda found: "mEq"),
    (re.compile(r"(?<=m)([23])(?![0-9])"), lambda found: found[1].translate(RAISED)),
)


@cache
def unit_words(ucum: str | None, language: str) -> str:
    """The unit as it stands on paper in `en` or `zh`; an unknown one as it is, nothing for none.

    >>> unit_words("10*9/L", "en"), unit_words("mL/min/{1.73_m2}", "en"), unit_words("a", "zh")
    ('×10⁹/L', 'mL/min/1.73 m²', '岁')
    """
    text = ucum or ""
    if text in WORDS:
        return WORDS[text][language == "zh"]
    for sign, written in SIGNS:
        text = sign.sub(written, text)
    return text
