"""What people call a code, in English and Chinese."""

from salus.learning.task import Text


def plain_name(code: str) -> Text:
    """The code itself, where nobody gave it a name.

    >>> plain_name("LOINC//4548-4")
    {'en': 'LOINC 4548-4', 'zh': 'LOINC 4548-4'}
    """
    text = code.replace("//", " ")
    return {"en": text, "zh": text}
