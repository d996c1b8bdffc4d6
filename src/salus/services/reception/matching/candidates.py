"""Who might be this person, by a few narrow searches of the store itself: nobody reads all patients.

A person is found by a number, a telephone, a birth date (or with day and month exchanged), or their name as it is
written or sounds; who has another number, telephone, date and name is nobody whom we could know again.
"""

import re
from collections.abc import Iterator
from datetime import date

from salus.records import Records
from salus.services.reception.matching.names import Name
from salus.services.reception.matching.people import Person, day

Wanted = list[tuple[str, str]]
MOST = 100  # of one search; who has a commoner name must be found by something besides


def candidates(records: Records, person: Person) -> list[dict[str, object]]:
    """Patients, each once."""
    found: dict[str, dict[str, object]] = {}
    for wanted in searches(person):
        for version in records.search("Patient", [*wanted, ("_count", str(MOST))]).versions:
            found.setdefault(version.id, version.json())
    return list(found.values())


def searches(person: Person) -> Iterator[Wanted]:
    if person.identifiers:
        yield [("identifier", ",".join(sorted(escaped(value) for _, value in person.identifiers)))]
    for phone in sorted(person.phones):
        yield [("phone", ",".join(written(phone)))]
    if days := exchanged(person.born):
        yield [("birthdate", ",".join(days))]
    yield from distinct(wanted for name in person.names for wanted in of_name(name))


def of_name(name: Name) -> Iterator[Wanted]:
    """As it is written in one line, as family and given name apart, in pinyin, and what begins alike."""
    if name.han:
        yield [("name", name.han)]
        if name.given:
            yield [("family", name.surname), ("given", name.given[0])]
    parts = [part for part in name.parts if part]
    if parts:
        yield [("name", escaped(part)) for part in parts]
        yield [("name", escaped(" ".join(parts)))]


def distinct(all: Iterator[Wanted]) -> Iterator[Wanted]:
    seen: list[Wanted] = []
    for one in all:
        if one not in seen:
            seen.append(one)
            yield one


def written(phone: str) -> Iterator[str]:
    """The ways in which a number may stand in the records.

    >>> list(written("13800138000"))
    ['13800138000', '+8613800138000', '+86 13800138000', '138 0013 8000', '138-0013-8000', '+86 138 0013 8000']
    """
    yield phone
    if re.fullmatch(r"1\d{10}", phone):
        yield from (f"+86{phone}", f"+86 {phone}")
        for sign in " -":
            yield sign.join((phone[:3], phone[3:7], phone[7:]))
        yield f"+86 {phone[:3]} {phone[3:7]} {phone[7:]}"


def exchanged(born: str) -> list[str]:
    """A birth date, and the one with day and month exchanged.

    >>> exchanged("1952-03-04"), exchanged("1952-03-14"), exchanged("1952")
    (['1952-03-04', '1952-04-03'], ['1952-03-14'], [])
    """
    told = day(born)
    if told is None:
        return []
    days = [told]
    if told.day <= 12 and told.day != told.month:
        days.append(date(told.year, told.day, told.month))
    return [one.isoformat() for one in days]


def escaped(text: str) -> str:
    """
    >>> escaped("a,b|c")
    'a\\\\,b\\\\|c'
    """
    return re.sub(r"([\\$|,])", r"\\\1", text)
