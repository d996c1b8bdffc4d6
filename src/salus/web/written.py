"""What the notes of a patient's record say: the findings, and the notes with what was found marked in them."""

from collections.abc import Iterator
from functools import partial

from starlette.responses import Response

from salus.assistants.cases.notes import Mention, called, names_at
from salus.assistants.diagnosis.written import told, written
from salus.records.engines import engine_of
from salus.web.chart import dossier, shared
from salus.web.visit import Visit


def listing(visit: Visit) -> Response:
    names = partial(names_at, engine_of(visit.desk.settings.store).folder)
    texts = written(visit.records, visit.path["id"], names)
    notes = [(one, list(marked(one.text, one.mentions))) for one in texts]
    return visit.page("written.html", **shared(dossier(visit)), found=told(texts), notes=notes, called=called)


def marked(text: str, mentions: tuple[Mention, ...]) -> Iterator[tuple[str, Mention | None]]:
    """A text in parts, each with the mention that it is.

    >>> [part for part, _ in marked("No fever.", (Mention(3, 8, "fever", "HP:0001945"),))]
    ['No ', 'fever', '.']
    """
    at = 0
    for one in mentions:
        if at < one.start:
            yield text[at : one.start], None
        yield one.text, one
        at = one.end
    if at < len(text):
        yield text[at:], None
