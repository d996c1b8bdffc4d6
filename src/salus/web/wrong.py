"""What went wrong with a form, in the reader's language: in the words of the room, and exactly."""

from salus.base.errors import SalusError
from salus.web.visit import TEMPLATES, Visit


def wrong(visit: Visit, room: str, error: SalusError) -> list[tuple[str, str]]:
    """(in the words of the room, exactly) for each issue: the words `<room>.wrong.<path>`, else those of the status."""
    return [(spoken(visit, f"{room}.wrong.{one.path}", error.status), visit.told(one.text)) for one in error.issues]


def spoken(visit: Visit, key: str, status: int) -> str:
    known = any(key in words for words in TEMPLATES.words)
    return visit.say(key if known else f"fault.{status}")
