"""JSON Merge Patch: an object laid over the body; null takes a member away. https://www.rfc-editor.org/rfc/rfc7396"""

from salus.base.errors import Malformed
from salus.records.patches.text import Json, Patch, read


def merge_patch(data: bytes) -> Patch:
    """Raises Malformed for anything but a JSON object."""
    change = read(data)
    if not isinstance(change, dict):
        raise Malformed("A merge patch is a JSON object with the members that change")
    return lambda body: merged(body, change)


def merged(body: Json, change: Json) -> Json:
    """
    >>> merged({"gender": "male", "name": [{"text": "A"}]}, {"gender": None, "name": [{"text": "B"}]})
    {'name': [{'text': 'B'}]}
    """
    if not isinstance(change, dict):
        return change
    made = dict(body) if isinstance(body, dict) else {}
    for name, value in change.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merged(made.get(name), value)
    return made
