"""The generated code of plain paths against the whole of FHIRPath: the same rows for every resource."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.analytics.views import read_view, rows
from salus.base.errors import Invalid

Json = dict[str, Any]
PATHS = [
    "id", "Patient.id", "gender", "active", "birthDate", "name.family", "name.family.first()", "name.given",
    "name[0].given",
    "name[1].family", "name.given[1]", "name.given.first()", "name.first().given.first()",
    "name.where(use = 'official').family",
    "name.where(use != 'official').given", "name.where(use = 'usual' or family = 'Li').given.first()", "name.exists()",
    "name.exists(use = 'usual')", "name.where(use = 'usual').exists()", "name.empty()", "name.given.join(', ')",
    "name.family.join()",
    "deceased.ofType(boolean)", "deceased.ofType(dateTime)", "getResourceKey()",
    "managingOrganization.getReferenceKey()",
    "managingOrganization.getReferenceKey(Organization)", "generalPractitioner.getReferenceKey(Practitioner)",
    "generalPractitioner.first().getReferenceKey()", "extension('urn:a').value.ofType(string)", "contact.name.family",
    "contact.name.where(use = 'official').given", "contact.where(name.family = 'Li').gender", "contact.telecom.value",
    "contact.where(organization.reference != 'x').gender", "meta.tag.where(system = 'urn:s').code",
    "maritalStatus.coding.code",
    "maritalStatus.coding.where(userSelected = true).code", "maritalStatus.exists()", "extension.exists()", "%rowIndex",
    "'x'",
]  # fmt: skip
ITEMS = [  # of a forEach, and a path in each
    ("name", "given.first()"), ("name.where(use = 'official')", "family"), ("contact.telecom", "value"),
    ("contact.name", "family"),
    ("contact.where(name.exists())", "name.family"), ("where(deceased.ofType(boolean).exists())", "id"),
    ("where(maritalStatus.empty())", "id"), ("managingOrganization", "reference"), ("meta.tag", "code"),
    ("extension", "url"),
    ("maritalStatus.coding", "userSelected"), ("name.given", "$this"),
    ("contact.where(name.where(use = 'usual').exists())", "gender"),
]  # fmt: skip
CONDITIONS = [
    "active", "gender = 'female'", "gender != 'female'", "name.exists()", "maritalStatus.exists() and active = true",
    "name.where(use = 'official').empty()", "deceased.ofType(boolean) = true or name.exists(family = 'Li')",
    "active.not()",
    "maritalStatus.exists() or managingOrganization.exists()", "meta.tag.where(code = 'Li').exists()",
    "birthDate = @1970-06",
]  # fmt: skip
WORDS = st.sampled_from(["Li", "Mei", "official", "usual", ""])
SIBLING = st.just({"extension": [{"url": "urn:why", "valueCode": "unknown"}]})
REFERENCE = st.fixed_dictionaries(
    {
        "reference": st.sampled_from(
            ["Organization/1", "Practitioner/2", "http://a/b/Practitioner/3", "#in", "urn:uuid:4"]
        )
    }
)


def some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=optional)


def listed(one: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(one, min_size=1, max_size=3)


NAMES = some(
    use=st.sampled_from(["official", "usual"]),
    _use=SIBLING,
    family=WORDS,
    _family=SIBLING,
    given=listed(st.none() | WORDS),
    _given=listed(st.none() | SIBLING),
)
PEOPLE = some(
    id=st.just("p"),
    gender=st.sampled_from(["female", "male"]),
    _gender=SIBLING,
    active=st.booleans(),
    birthDate=st.just("1970-06"),
    name=listed(NAMES),
    deceasedBoolean=st.booleans(),
    managingOrganization=REFERENCE,
    generalPractitioner=listed(REFERENCE),
    extension=listed(some(url=st.sampled_from(["urn:a", "urn:b"]), valueString=WORDS)),
    meta=some(tag=listed(some(system=st.sampled_from(["urn:s", "urn:t"]), code=WORDS))),
    maritalStatus=some(coding=listed(some(code=WORDS, userSelected=st.booleans()))),
    contact=listed(some(name=NAMES, gender=WORDS, organization=REFERENCE, telecom=listed(some(value=WORDS)))),
).map(lambda person: {"resourceType": "Patient", **person})


def view_of(path: str, collection: bool, each: str | None = None, where: str | None = None) -> Any:
    select = {"column": [{"name": "v", "path": path, "collection": collection}], **({"forEach": each} if each else {})}
    more = {"where": [{"path": where}]} if where else {}
    return read_view({"resource": "Patient", "select": [select], **more})


def rows_of(view: Any, person: Json) -> Any:
    try:
        return view.rows(person)
    except Invalid as fault:
        return str(fault)


def slowly(*told: Any) -> Any:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rows, "plain_part", lambda *all: None)
        patched.setattr(rows.swift, "items_of", lambda *all: None)
        patched.setattr(rows.swift, "condition_of", lambda *all: None)
        return view_of(*told)


BOTH = [(view_of(path, many), slowly(path, many)) for path in PATHS for many in (False, True)]


EACH = [(view_of(path, True, each), slowly(path, True, each)) for each, path in ITEMS]
WHERE = [(view_of("id", False, None, where), slowly("id", False, None, where)) for where in CONDITIONS]


@settings(max_examples=150, deadline=None)
@given(PEOPLE)
def test_plain_code_gives_what_fhirpath_gives(person: Json):
    for swift, slow in BOTH + EACH + WHERE:
        assert rows_of(slow, person) == rows_of(swift, person), swift.definition.plain


def test_these_paths_really_are_plain():
    plain = [rows.plain_part(swift.columns, "Patient", [lambda *all: None]) for swift, _ in BOTH]

    assert [] == [swift.columns[0].path.text for (swift, _), part in zip(BOTH, plain, strict=True) if part is None]


def test_most_items_and_conditions_are_plain():
    items = [rows.swift.items_of(rows.read_path(each, "", {}).tree, "Patient") for each, _ in ITEMS]
    conditions = [rows.swift.condition_of(rows.read_path(where, "", {}).tree, "Patient") for where in CONDITIONS]

    assert [
        "where(deceased.ofType(boolean).exists())",
        "name.given",
        "contact.where(name.where(use = 'usual').exists())",
    ] == [each for (each, _), found in zip(ITEMS, items, strict=True) if found is None]
    mixed = "deceased.ofType(boolean) = true or name.exists(family = 'Li')"
    assert ["active", mixed, "active.not()", "birthDate = @1970-06"] == [
        where for where, found in zip(CONDITIONS, conditions, strict=True) if found is None
    ]


@pytest.mark.parametrize("body", [{"name": "Li"}, {"name": {"family": "Li"}}, {"contact": [1]}, {"meta": []}])
def test_what_is_no_valid_fhir_goes_the_whole_way(body: Json):
    for swift, slow in BOTH:
        assert rows_of(slow, {"resourceType": "Patient", **body}) == rows_of(swift, {"resourceType": "Patient", **body})
