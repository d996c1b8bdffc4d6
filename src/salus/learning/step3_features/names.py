"""What people call a code, in English and Chinese: a look into `salus.codes`, no knowledge of its own."""

from salus import codes
from salus.base.words import words_of
from salus.learning.task import Text


def name_of(code: str) -> Text:
    """The names of an event's code such as `LOINC//4548-4`; the code itself where nobody gave it a name.

    >>> name_of("LOINC//4548-4")["en"], name_of("HOUSE//42")
    ('Haemoglobin A1c', {'en': 'HOUSE 42', 'zh': 'HOUSE 42'})
    """
    system, _, rest = code.partition("//")
    words, frame = words_of("salus.learning"), f"about.{system}"
    if frame in words:
        inner = name_of(rest) if "//" in rest else {"en": rest, "zh": rest}
        return {language: words(frame, language, name=inner[language]) for language in ("en", "zh")}
    plain = code.replace("//", " ")
    return {one: codes.name(system, rest, one) or group(system, rest, one) or plain for one in ("en", "zh")}


def group(system: str, code: str, language: str) -> str | None:
    """The name of a block, chapter or level.

    >>> group("ICD10", "E10-E14", "zh")
    '糖尿病'
    """
    return codes.group_name(system, code, language) if system in codes.tree_systems() else None
