"""What two records of one person say of them: where they differ, and what the one that stands says in the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from salus.base.errors import Invalid, Issue

Resource = dict[str, Any]
SIDES = ("source", "target")
# field -> the elements it stands in
FIELDS: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "birthDate": ("birthDate", "_birthDate"),
    "gender": ("gender",),
    "deceased": ("deceasedDateTime", "deceasedBoolean"),
    "maritalStatus": ("maritalStatus",),
}
ASKED = ("birthDate", "gender", "deceased")  # where these differ, somebody says which holds
GATHERED = ("telecom", "address", "contact", "communication", "generalPractitioner", "photo")
FILLED = ("maritalStatus", "multipleBirthBoolean", "multipleBirthInteger", "managingOrganization")
PERSONAL = (*(one for each in FIELDS.values() for one in each), *GATHERED, *FILLED)


@dataclass(frozen=True, slots=True)
class Contest:
    """A field of which the two say something else; `asked`: somebody has to say which holds."""

    field: str
    source: Any
    target: Any
    asked: bool


def said(patient: Mapping[str, Any], field: str) -> Any:
    """What a record says in a field; None for nothing, and for what says nothing."""
    found = next((patient[one] for one in FIELDS[field] if patient.get(one)), None)
    return None if field == "gender" and found == "unknown" else found


def contests(source: Mapping[str, Any], target: Mapping[str, Any]) -> list[Contest]:
    """Where they differ, in the order of `FIELDS`.

    >>> [one.field for one in contests({"birthDate": "1952-03-14"}, {"birthDate": "1952-03-15", "gender": "male"})]
    ['birthDate']
    >>> contests({"birthDate": "1952"}, {"birthDate": "1952-03-15"})
    []
    """
    pairs = [(field, said(source, field), said(target, field)) for field in FIELDS]
    return [Contest(field, one, other, field in ASKED) for field, one, other in pairs if differ(field, one, other)]


def differ(field: str, one: Any, other: Any) -> bool:
    """Whether both cannot hold; that somebody died is told by one of them alone."""
    if field == "deceased":
        return bool(one) != bool(other) or (one != other and True not in (one, other))
    if not one or not other or one == other:
        return False
    return field != "birthDate" or not (one.startswith(other) or other.startswith(one))


def check_choice(contested: list[Contest], choice: Mapping[str, str]) -> None:
    """Raises Invalid for a field that nobody chose, a field or a side that is none."""
    for field, side in choice.items():
        if field not in FIELDS or side not in SIDES:
            raise Invalid(f"'{field[:40]}: {side[:40]}' is no choice: say source or target", path=field[:40])
    unsaid = [one.field for one in contested if one.asked and one.field not in choice]
    if unsaid:
        text = f"The two records differ in {', '.join(unsaid)}: say which of them holds"
        raise Invalid(text, issues=[Issue("business-rule", field, text) for field in unsaid])


def result(source: Resource, target: Resource, choice: Mapping[str, str]) -> Resource:
    """What the one that stands says, but for its link and numbers. Raises Invalid."""
    contested = contests(source, target)
    check_choice(contested, choice)
    made = dict(target)
    for field, elements in FIELDS.items():
        if field != "name" and taken_from_source(field, source, target, choice):
            for element in elements:
                made.pop(element, None)
                if element in source:
                    made[element] = source[element]
    first, second = (source, target) if choice.get("name") == "source" else (target, source)
    made["name"] = gathered(first.get("name", []), [one | {"use": "old"} for one in second.get("name", [])])
    for element in GATHERED:
        made[element] = gathered(target.get(element, []), source.get(element, []))
    for element in FILLED:
        if element not in made and element in source:
            made[element] = source[element]
    return {name: value for name, value in made.items() if value not in ([], None)}


def taken_from_source(field: str, source: Resource, target: Resource, choice: Mapping[str, str]) -> bool:
    """Chosen so; or where nobody had to choose, since the source alone says it, or says it more exactly."""
    if field in choice:
        return choice[field] == "source"
    one, other = said(source, field), said(target, field)
    return bool(one) and (not other or (field == "birthDate" and len(one) > len(other)))


def gathered(first: list[Any], second: list[Any]) -> list[Any]:
    """All of both, what is the same but for its use once.

    >>> gathered([{"value": "1"}], [{"value": "1", "use": "old"}, {"value": "2"}])
    [{'value': '1'}, {'value': '2'}]
    """
    found = [bare(one) for one in first]
    return [*first, *(one for one in second if bare(one) not in found)]


def bare(one: Any) -> Any:
    return {name: value for name, value in one.items() if name != "use"} if isinstance(one, dict) else one


def numbers(source: Resource, target: Resource) -> list[Resource]:
    """The identifiers of the one that stands: its own, and those of the other as old ones."""
    own = target.get("identifier", [])
    known = {(one.get("system"), one.get("value")) for one in own}
    old = [one | {"use": "old"} for one in source.get("identifier", [])]
    return [*own, *(one for one in old if (one.get("system"), one.get("value")) not in known)]


def undone(before: Resource, after: Resource, now: Resource) -> Resource:
    """A record without what was changed from `before` to `after`; what was changed since stays.

    >>> undone({"gender": "male"}, {"gender": "female", "name": [1]}, {"gender": "female", "name": [1, 2]})
    {'gender': 'male', 'name': [2]}
    """
    made = dict(now)
    for element in sorted((before.keys() | after.keys()) - {"meta", "id", "resourceType"}):
        was, became, stands = before.get(element), after.get(element), now.get(element)
        if was == became:
            continue
        if stands == became:
            made[element] = was
        elif isinstance(stands, list) and isinstance(became, list):
            made[element] = [one for one in stands if one not in became or one in (was or [])]
    return {name: value for name, value in made.items() if value not in (None, [])}
