"""Ids that are the same at every import, for what comes without one. https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-5"""

import re
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

NAMESPACE = uuid5(NAMESPACE_URL, "https://salus.example/import")
LAWFUL = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch  # https://hl7.org/fhir/R4/datatypes.html#id
OF_A_SERVER = re.compile(r"https?://.+/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")


def id_of_content(body: bytes) -> str:
    """White space does not change it.

    >>> id_of_content(b'{"a": 1}') == id_of_content(b'{"a":1}')
    True
    """
    return str(uuid5(NAMESPACE, msgspec.json.format(body, indent=-1).decode("utf-8", "replace")))


def id_of_url(url: str) -> str:
    """The id within a bundle's fullUrl: that of `urn:uuid:`, of `https://.../Type/id`, else one made from it.

    >>> id_of_url("urn:uuid:5cbc121b-cd71-4428-b8b7-31e53eba8184"), id_of_url("https://a.example/fhir/Patient/7")
    ('5cbc121b-cd71-4428-b8b7-31e53eba8184', '7')
    """
    if url.startswith("urn:uuid:"):
        try:
            return str(UUID(url[9:]))
        except ValueError:
            return made_of(url)
    found = OF_A_SERVER.fullmatch(url)
    return found[2] if found else made_of(url)


def made_of(*pieces: str) -> str:
    """An id for a thing named by these pieces."""
    return str(uuid5(NAMESPACE, "\x1f".join(pieces)))
