"""The patient list: found by a name in Chinese or Latin letters, a record number, a birth date."""

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from starlette.responses import Response

from salus.codes.terminology.syllables import all_syllables
from salus.demo.parameters import table
from salus.records import Page
from salus.web.telling.person import Person, person
from salus.web.telling.terms import chinese
from salus.web.visit import Visit

COUNT = "20"
BIRTH = re.compile(r"(\d{4})\D(\d{1,2})\D(\d{1,2})\D?$")
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}$")
Wanted = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Found:
    people: list[Person]
    total: int | None
    next: str | None


def listing(visit: Visit) -> Response:
    """The list, or what was found. `at` is the store's own cursor of a later page."""
    words = visit.query.get("find", "").strip()
    found = search(visit, words, visit.query.get("at"))
    onward = f"/patients?{urlencode({'find': words, 'at': found.next})}" if found.next else None
    later = "at" in visit.query
    first = [] if words or later else showcases(visit)
    return visit.page("patients.html", find=words, found=found, next=onward, later=later, first=first)


def showcases(visit: Visit) -> list[tuple[Person, str]]:
    """In a demonstration, the people to look at first, each with why; only those who are here."""
    if not visit.desk.settings.demo:
        return []
    rows = table("showcase")
    page = visit.records.search("Patient", [("_id", ",".join(rows)), ("_count", str(len(rows)))])
    here = {one.id: one for one in told(visit, page).people}
    return [(here[id], str(row[visit.language])) for id, row in rows.items() if id in here]


def search(visit: Visit, words: str, at: str | None = None) -> Found:
    """The first question that finds someone answers: birth date, record number, id, then names."""
    if at:
        return told(visit, visit.records.search("Patient", at))
    asked = questions(words)
    for number, wanted in enumerate(asked, 1):
        page = visit.records.search("Patient", [*wanted, ("_count", COUNT), ("_total", "accurate")])
        if page.versions or number == len(asked):
            return told(visit, page)
    return Found([], 0, None)


def questions(words: str) -> list[Wanted]:
    """FHIR searches for what was typed, the narrowest first. Every name typed must begin one of the patient's names.

    >>> questions("1952-3-14")[0], questions("li mei")[0], questions("")
    ([('birthdate', '1952-03-14')], [('name', 'li'), ('name', 'mei')], [[('_sort', '-_lastUpdated')]])
    >>> questions("李梅华")
    [[('name', '李梅华')], [('family', '李'), ('given', '梅华')]]
    """
    if not words:
        return [[("_sort", "-_lastUpdated")]]
    if born := birth_date(words):
        return [[("birthdate", born)]]
    parts = [part.replace(",", "\\,") for part in words.split()]
    exact = [[("identifier", words)], [("_id", words)]] if ID.match(words) and any(c.isdigit() for c in words) else []
    names: list[Wanted] = [[("name", part) for part in parts]]
    if chinese(words) and len(words) > 1:  # 李梅华 where family and given name are recorded apart
        names.append([("family", words[0]), ("given", words[1:])])
    if len(parts) > 1:  # where a name is recorded in one line
        names.append([("name", " ".join(parts))])
    return [*exact, *names, *apart(words)]


def apart(words: str) -> list[Wanted]:
    """Pinyin typed in one word, taken apart after its first syllable, as Chinese names are: the longest one first.

    >>> apart("limeihua"), apart("li mei"), apart("xianli")[0]
    ([[('name', 'li'), ('name', 'meihua')], [('name', 'li meihua')]], [], [('name', 'xian'), ('name', 'li')])
    """
    typed = words.casefold()
    if not (typed.isascii() and typed.isalpha()):
        return []
    cuts = [at for at in range(min(6, len(typed) - 1), 1, -1) if typed[:at] in all_syllables()]
    halves = [(typed[:at], typed[at:]) for at in cuts]
    return [wanted for one in halves for wanted in ([("name", half) for half in one], [("name", " ".join(one))])]


def birth_date(words: str) -> str | None:
    """A whole date as people type it, as FHIR writes it.

    >>> birth_date("1952/3/14"), birth_date("1952年3月14日"), birth_date("1952-13-01"), birth_date("Li")
    ('1952-03-14', '1952-03-14', None, None)
    """
    parts = BIRTH.match(words)
    try:
        return date(*(int(part) for part in parts.groups())).isoformat() if parts else None
    except ValueError:
        return None


def told(visit: Visit, page: Page) -> Found:
    people = [person(one.json(), visit.language, visit.today) for one in page.versions]
    return Found(people, page.total, page.next)
