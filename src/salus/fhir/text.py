"""Texts as string search compares them. https://hl7.org/fhir/R4/search.html#string"""

import unicodedata


def normalize(text: str) -> str:
    """Without case and accents; other scripts stay as they are.

    >>> normalize("Ménière 李")
    'meniere 李'
    """
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c)))
