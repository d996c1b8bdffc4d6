"""SQL on FHIR by tables: a view in, rows out. One group of cases for each clause of the specification.

https://sql-on-fhir.org/ig/latest/StructureDefinition-ViewDefinition.html
"""

from itertools import pairwise
from typing import Any

import pytest

from salus.analytics.views import read_view
from salus.base.errors import Invalid, Malformed

Json = dict[str, Any]


def column(name: str, path: str | None = None, **more: Any) -> Json:
    return {"name": name, "path": path or name, **more}


def view(*select: Json, resource: str = "Patient", **more: Any) -> Json:
    return {"resourceType": "ViewDefinition", "status": "active", "resource": resource, "select": list(select), **more}


def columns(*found: Json, **more: Any) -> Json:
    return {"column": list(found), **more}


ID = column("id")
MEI: Json = {
    "resourceType": "Patient",
    "id": "mei",
    "active": True,
    "name": [{"use": "official", "family": "Li", "given": ["Mei", "Lan"]}, {"use": "nickname", "given": ["Mimi"]}],
    "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}],
    "contact": [
        {"name": {"family": "Wang"}, "telecom": [{"system": "phone", "value": "3"}, {"system": "sms", "value": "4"}]},
        {"name": {"family": "Chen"}, "telecom": [{"system": "phone", "value": "5"}]},
    ],
    "birthDate": "1970-06",
    "managingOrganization": {"reference": "http://far.example/fhir/Organization/o1"},
    "link": [{"type": "seealso", "other": {"reference": "Patient/mei"}}],
    "extension": [
        {"url": "urn:race", "extension": [{"url": "text", "valueString": "Han"}]},
        {"url": "urn:sex", "valueCode": "F"},
    ],
}
TOM: Json = {
    "resourceType": "Patient",
    "id": "tom",
    "active": False,
    "name": [{"family": "Tan"}],
    "_gender": {"id": "g"},
}
BEA: Json = {"resourceType": "Patient", "id": "bea"}
PEOPLE = [MEI, TOM, BEA]
LAB: Json = {"resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "x"}}
ANSWERS: Json = {
    "resourceType": "QuestionnaireResponse",
    "id": "q",
    "status": "completed",
    "item": [
        {"linkId": "1", "item": [{"linkId": "1.1", "answer": [{"valueString": "yes", "item": [{"linkId": "1.1.1"}]}]},
                                 {"linkId": "1.2"}]},
        {"linkId": "2"},
    ],
}  # fmt: skip

SHAPES: list[tuple[str, Json, list[tuple[Any, ...]]]] = [
    ("columns", view(columns(ID, column("active"))), [("mei", True), ("tom", False), ("bea", None)]),
    ("selects stand beside each other", view(columns(ID), columns(column("a", "active"))),
     [("mei", True), ("tom", False), ("bea", None)]),
    ("a select inside a select", view({"select": [columns(ID), {"select": [columns(column("again", "id"))]}]}),
     [("mei", "mei"), ("tom", "tom"), ("bea", "bea")]),
    ("own columns, then selects, then a union",
     view(columns(column("a", "'a'"), select=[columns(column("b", "'b'"))], unionAll=[columns(column("c", "'c'"))])),
     [("a", "b", "c")] * 3),
    ("forEach leaves out what has none", view(columns(ID), columns(column("family"), forEach="name")),
     [("mei", "Li"), ("mei", None), ("tom", "Tan")]),
    ("forEachOrNull keeps it", view(columns(ID), columns(column("family"), forEachOrNull="name")),
     [("mei", "Li"), ("mei", None), ("tom", "Tan"), ("bea", None)]),
    ("forEachOrNull without an item has no values, not even fixed ones",
     view(columns(ID), columns(column("fixed", "'x'"), column("given", collection=True), forEachOrNull="contact")),
     [("mei", "x", []), ("mei", "x", []), ("tom", None, None), ("bea", None, None)]),
    ("forEach over texts", view(columns(column("given", "$this"), forEach="name.given")), [("Mei",), ("Lan",),
     ("Mimi",)]),
    ("forEach with a condition", view(columns(column("family"), forEach="name.where(use = 'official')")), [("Li",)]),
    ("forEach inside forEach",
     view(columns(ID), columns(column("who", "name.family"), forEach="contact",
                               select=[columns(column("value"), forEach="telecom")])),
     [("mei", "Wang", "3"), ("mei", "Wang", "4"), ("mei", "Chen", "5")]),
    ("forEach beside forEach multiplies",
     view(columns(column("one", "value"), forEach="telecom"), columns(column("two", "name.family"), forEach="contact")),
     [("1", "Wang"), ("1", "Chen"), ("2", "Wang"), ("2", "Chen")]),
    ("forEach down a path", view(columns(column("value"), forEach="contact.telecom")), [("3",), ("4",), ("5",)]),
    ("unionAll adds, keeps what is double",
     view(columns(ID, unionAll=[columns(column("v", "value"), forEach="telecom"),
                                columns(column("v", "value"), forEach="telecom[0]")])),
     [("mei", "1"), ("mei", "2"), ("mei", "1")]),
    ("unionAll inside unionAll",
     view({"unionAll": [columns(column("v", "value"), forEach="telecom"),
                        {"unionAll": [columns(column("v", "name.family"), forEach="contact"), columns(column("v",
                        "id"))]}]}),
     [("1",), ("2",), ("Wang",), ("Chen",), ("mei",), ("tom",), ("bea",)]),
    ("unionAll of forEachOrNull",
     view(columns(ID, unionAll=[columns(column("v", "value"), forEachOrNull="telecom"),
                                columns(column("v", "name.family"), forEach="contact")])),
     [("mei", "1"), ("mei", "2"), ("mei", "Wang"), ("mei", "Chen"), ("tom", None), ("bea", None)]),
    ("where", view(columns(ID), where=[{"path": "active"}]), [("mei",)]),
    ("where: unknown is no", view(columns(ID), where=[{"path": "active = false"}]), [("tom",)]),
    ("where: all of several", view(columns(ID), where=[{"path": "name.exists()"}, {"path": "active.not()"}]),
     [("tom",)]),
    ("where: or", view(columns(ID), where=[{"path": "active or name.empty()"}]), [("mei",), ("bea",)]),
    ("collection", view(columns(column("given", "name.given", collection=True))), [(["Mei", "Lan", "Mimi"],), ([],),
     ([],)]),
    ("another type of resource", view(columns(ID), resource="Observation"), []),
    ("%rowIndex at the top", view(columns(ID, column("i", "%rowIndex"))), [("mei", 0), ("tom", 0), ("bea", 0)]),
    ("%rowIndex in forEachOrNull", view(columns(ID), columns(column("i", "%rowIndex"), forEachOrNull="telecom")),
     [("mei", 0), ("mei", 1), ("tom", 0), ("bea", 0)]),
    ("%rowIndex in nested forEach, in a union with and without one",
     view(columns(column("outer", "%rowIndex"), forEach="contact",
                  unionAll=[columns(column("i", "%rowIndex"), column("v", "value"), forEach="telecom"),
                            columns(column("i", "%rowIndex"), column("v", "name.family"))])),
     [(0, 0, "3"), (0, 1, "4"), (0, 0, "Wang"), (1, 0, "5"), (1, 1, "Chen")]),
    ("%rowIndex in a calculation", view(columns(column("n", "%rowIndex + 1"), forEachOrNull="contact")),
     [(1,), (2,), (1,), (1,)]),
    ("%resource inside forEach", view(columns(column("who", "%resource.id"), forEach="telecom")), [("mei",), ("mei",)]),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "rows"), [case[1:] for case in SHAPES], ids=[case[0] for case in SHAPES])
def test_a_view_gives_these_rows(definition: Json, rows: list[tuple[Any, ...]]):
    assert rows == list(read_view(definition).all_rows([*PEOPLE]))


REPEATS: list[tuple[str, Json, list[tuple[Any, ...]]]] = [
    ("one path", columns(column("linkId"), repeat=["item"]), [("1",), ("1.1",), ("1.2",), ("2",)]),
    ("two paths, what is above before what is below", columns(column("linkId"), repeat=["item", "answer.item"]),
     [("1",), ("1.1",), ("1.1.1",), ("1.2",), ("2",)]),
    ("what is not there", columns(column("linkId"), repeat=["basedOn"]), []),
    ("with a row number", columns(column("i", "%rowIndex"), column("linkId"), repeat=["item"]),
     [(0, "1"), (1, "1.1"), (2, "1.2"), (3, "2")]),
    ("forEach in it", {"repeat": ["item"], "select": [columns(column("linkId")),
                       columns(column("v", "value.ofType(string)"), forEach="answer")]}, [("1.1", "yes")]),
    ("forEachOrNull in it", {"repeat": ["item"], "select": [columns(column("linkId")),
                             columns(column("v", "value.ofType(string)"), forEachOrNull="answer")]},
     [("1", None), ("1.1", "yes"), ("1.2", None), ("2", None)]),
    ("in a union", {"unionAll": [columns(column("linkId"), repeat=["item"]), columns(column("linkId", "id"))]},
     [("1",), ("1.1",), ("1.2",), ("2",), ("q",)]),
]  # fmt: skip


@pytest.mark.parametrize(("select", "rows"), [case[1:] for case in REPEATS], ids=[case[0] for case in REPEATS])
def test_repeat_goes_all_the_way_down(select: Json, rows: list[tuple[Any, ...]]):
    assert rows == read_view(view(select, resource="QuestionnaireResponse")).rows(ANSWERS)


def test_a_repeat_that_finds_itself_is_refused():
    found = read_view(view(columns(ID, repeat=["$this"])))

    with pytest.raises(Invalid, match="levels down"):
        found.rows(MEI)


QUANTITY = {"valueQuantity": {"value": 1.587, "unit": "kg"}}
RANGE = {"valueRange": {"low": {"value": 2}, "high": {"value": 3}}}
PATHS: list[tuple[str, Json, Any]] = [  # path, what is added to a resource, value
    ("getResourceKey()", {}, "Observation/o1"),
    ("subject.getReferenceKey()", {"subject": {"reference": "Patient/7"}}, "Patient/7"),
    ("subject.getReferenceKey(Patient)", {"subject": {"reference": "http://a/b/Patient/7/_history/2"}}, "Patient/7"),
    ("subject.getReferenceKey(Group)", {"subject": {"reference": "Patient/7"}}, None),
    ("subject.getReferenceKey()", {"subject": {"reference": "#in"}}, None),
    ("performer.getReferenceKey().first()", {"performer": [{"reference": "Patient/7"}, {"reference": "Patient/8"}]},
     "Patient/7"),
    ("subject.getReferenceKey() = 'Patient/7'", {"subject": {"reference": "Patient/7"}}, True),
    ("value.ofType(string)", {"valueString": "foo"}, "foo"),
    ("value.ofType(integer)", {"valueString": "foo"}, None),
    ("value.ofType(Quantity).value", QUANTITY, 1.587),
    ("value.ofType(Quantity).value.lowBoundary()", QUANTITY, 1.5865),
    ("value.ofType(Quantity).value.highBoundary()", QUANTITY, 1.5875),
    ("value.ofType(Quantity).value.highBoundary(2)", QUANTITY, 1.59),
    ("value.ofType(dateTime).lowBoundary()", {"valueDateTime": "2010-10-10"}, "2010-10-10T00:00:00.000+14:00"),
    ("value.ofType(dateTime).highBoundary()", {"valueDateTime": "2010-10-10"}, "2010-10-10T23:59:59.999-12:00"),
    ("value.ofType(dateTime).highBoundary()", {"valueDateTime": "2016-07-23T14:35:00Z"}, "2016-07-23T14:35:00.999Z"),
    ("value.ofType(time).lowBoundary()", {"valueTime": "12:34:00"}, "12:34:00.000"),
    ("value.ofType(time).highBoundary()", {"valueTime": "12:34:00"}, "12:34:00.999"),
    ("value.ofType(Range).low.value + value.ofType(Range).high.value", RANGE, 5),
    ("value.ofType(Range).high.value / value.ofType(Range).low.value", RANGE, 1.5),
    ("value.ofType(Range).high.value >= value.ofType(Range).low.value", RANGE, True),
    ("value.ofType(boolean)", {"valueBoolean": False}, False),
    ("component[1].code.text", {"component": [{"code": {"text": "a"}}, {"code": {"text": "b"}}]}, "b"),
    ("component[2].code.text", {"component": [{"code": {"text": "a"}}]}, None),
    ("component.code.text.join(',')", {"component": [{"code": {"text": "a"}}, {"code": {"text": "b"}}]}, "a,b"),
    ("component.code.text.join()", {"component": [{"code": {"text": "a"}}, {"code": {"text": "b"}}]}, "ab"),
    ("component.exists()", {}, False),
    ("component.empty()", {}, True),
    ("component.where(code.text = 'b').value.ofType(integer)",
     {"component": [{"code": {"text": "a"}, "valueInteger": 1}, {"code": {"text": "b"}, "valueInteger": 2}]}, 2),
    ("extension('urn:a').extension('b').value.ofType(code).first()",
     {"extension": [{"url": "urn:a", "extension": [{"url": "b", "valueCode": "F"}]}]}, "F"),
    ("extension('urn:a').value.ofType(Coding).code", {"extension": [{"url": "urn:x", "valueCoding": {"code": "1"}}]},
     None),
    ("iif(status = 'final', 'done', 'open')", {}, "done"),
    ("'fixed'", {}, "fixed"),
    ("category.coding.where(system = 'a' and (code = 'x' or code = 'y')).code",
     {"category": [{"coding": [{"system": "a", "code": "y"}, {"system": "b", "code": "x"}]}]}, "y"),
    ("category.coding.where(system != 'a').code",
     {"category": [{"coding": [{"system": "a", "code": "y"}, {"system": "b", "code": "x"}, {"code": "z"}]}]}, "x"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "more", "value"), PATHS)
def test_a_path_gives_this_value(path: str, more: Json, value: Any):
    assert [(value,)] == read_view(view(columns(column("v", path)), resource="Observation")).rows({**LAB, **more})


CONSTANTS: list[tuple[Json, str, Json, Any]] = [
    ({"valueString": "a"}, "code.text = %c", {"code": {"text": "a"}}, True),
    ({"valueCode": "final"}, "status = %c", {}, True),
    ({"valueUri": "urn:a"}, "extension.where(url = %c).value.ofType(string)",
     {"extension": [{"url": "urn:a", "valueString": "x"}]}, "x"),
    ({"valueInteger": 1}, "component[%c].code.text", {"component": [{"code": {"text": "a"}}, {"code": {"text": "b"}}]},
    "b"),
    ({"valuePositiveInt": 2}, "value.ofType(integer) = %c", {"valueInteger": 2}, True),
    ({"valueDecimal": 1.2}, "value.ofType(Quantity).value > %c", QUANTITY, True),
    ({"valueBoolean": True}, "value.ofType(boolean) = %c", {"valueBoolean": True}, True),
    ({"valueDate": "2016-11-12"}, "effective.ofType(dateTime) = %c", {"effectiveDateTime": "2016-11-12"}, True),
    ({"valueDateTime": "2016-11-12"}, "effective.ofType(dateTime) < %c", {"effectiveDateTime": "2016-11-11"}, True),
    ({"valueInstant": "2015-02-07T13:28:17.239+02:00"}, "issued = %c", {"issued": "2015-02-07T11:28:17.239Z"}, True),
    ({"valueTime": "18:12:00"}, "value.ofType(time) = %c", {"valueTime": "18:32:00"}, False),
    ({"valueBase64Binary": "aGVsbG8K"}, "%c", {}, "aGVsbG8K"),
    ({"valueUuid": "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"}, "%c.length()", {}, 45),
]  # fmt: skip


@pytest.mark.parametrize(("constant", "path", "more", "value"), CONSTANTS)
def test_a_constant_stands_where_it_is_named(constant: Json, path: str, more: Json, value: Any):
    told = view(columns(column("v", path)), resource="Observation", constant=[{"name": "c", **constant}])

    assert [(value,)] == read_view(told).rows({**LAB, **more})


def test_a_constant_is_known_in_every_path():
    told = view(
        columns(column("family"), forEach="name.where(use = %use)"),
        where=[{"path": "name.exists(use = %use)"}],
        constant=[{"name": "use", "valueCode": "official"}],
    )

    assert [("Li",)] == list(read_view(told).all_rows(PEOPLE))


AT = "ViewDefinition"
FAULTS: list[tuple[Any, str, str]] = [  # the document, where the fault is, a word of what is said
    ({}, f"{AT}.resource", "missing"),
    ({"resource": "Patient"}, f"{AT}.select", "missing"),
    (view(resource="Patiant"), f"{AT}.resource", "not a resource type"),
    (view(), f"{AT}.select", "a list"),
    ({**view(columns(ID)), "resourceType": "Patient"}, f"{AT}.resourceType", "ViewDefinition"),
    (view(columns(ID), selcet=[]), f"{AT}.selcet", "has no 'selcet'"),
    (view(columns(ID), name="a-b"), f"{AT}.name", "no name"),
    (view(columns(ID), fhirVersion=["5.0.0"]), f"{AT}.fhirVersion", "4.0.1"),
    (view({"columns": [ID]}), f"{AT}.select[0].columns", "has no 'columns'"),
    (view({"forEach": "name"}), f"{AT}.select[0]", "no columns"),
    (view(columns(ID, forEach=1)), f"{AT}.select[0].forEach", "a text belongs here"),
    (view(columns(ID, forEach="@@")), f"{AT}.select[0].forEach", "FHIRPath, character 1"),
    (view(columns(ID, forEach="name", repeat=["name"])), f"{AT}.select[0]", "stand together"),
    (view(columns(ID, repeat=[1])), f"{AT}.select[0].repeat", "a list of paths"),
    (view(columns({"name": "id"})), f"{AT}.select[0].column[0].path", "missing"),
    (view(columns({"path": "id"})), f"{AT}.select[0].column[0].name", "missing"),
    (view(columns(column("2nd", "id"))), f"{AT}.select[0].column[0].name", "begin with a letter"),
    (view(columns(ID), columns(ID)), f"{AT}.select[1].column[0].name", "there twice"),
    (view(columns(column("id", collection="yes"))), f"{AT}.select[0].column[0].collection", "true or false"),
    (view(columns(column("id", type="strng"))), f"{AT}.select[0].column[0].type", "no type"),
    (view(columns(column("v", "name.where("))), f"{AT}.select[0].column[0].path", "FHIRPath"),
    (view(columns(column("v", "value.ofType(Invalid)"))), f"{AT}.select[0].column[0].path", "no type"),
    (view(columns(column("v", "value.ofType(42)"))), f"{AT}.select[0].column[0].path", "no type"),
    (view(columns(column("v", "code.memberOf('x')"))), f"{AT}.select[0].column[0].path", "not served"),
    (view(columns(column("v", "name[%nr]"))), f"{AT}.select[0].column[0].path", "%nr is no constant"),
    (view(columns(ID), where=[{"path": "name.family ="}]), f"{AT}.where[0].path", "FHIRPath"),
    (view(columns(ID), constant=[{"name": "c"}]), f"{AT}.constant[0]", "0 values"),
    (view(columns(ID), constant=[{"name": "c", "valueCode": "a", "valueId": "b"}]), f"{AT}.constant[0]", "2 values"),
    (view(columns(ID), constant=[{"name": "c", "valueInteger": "1"}]), f"{AT}.constant[0].valueInteger", "no Integer"),
    (view({"unionAll": [columns(column("a"), column("b")), columns(column("a"), column("c"))]}),
     f"{AT}.select[0].unionAll[1]", "differ"),
    (view({"unionAll": [columns(column("a"), column("b")), columns(column("b"), column("a"))]}),
     f"{AT}.select[0].unionAll[1]", "differ"),
    ([], AT, "an object"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "path", "word"), FAULTS)
def test_a_fault_names_its_place_and_what_to_do(document: Any, path: str, word: str):
    with pytest.raises(Invalid) as caught:
        read_view(document)

    assert path in [issue.path for issue in caught.value.issues]
    assert word in " ".join(issue.text for issue in caught.value.issues if issue.path == path)


def test_all_faults_of_a_document_are_told_at_once():
    with pytest.raises(Invalid) as caught:
        read_view(view(columns(column("1"), column("b", type="x")), {"forEach": "name"}))

    assert 3 == len(caught.value.issues)


def test_what_is_no_json_is_malformed():
    with pytest.raises(Malformed, match="not JSON"):
        read_view(b"{")


def test_several_values_need_a_collection():
    found = read_view(view(columns(ID, column("given", "name.given"))))

    assert [("tom", None)] == found.rows(TOM)
    with pytest.raises(Invalid, match="given gets 3 values") as caught:
        found.rows(MEI)
    assert f"{AT}.select[0].column[1].path" == caught.value.issues[0].path


@pytest.mark.parametrize("inside", [False, True])
def test_rows_that_multiply_beyond_reason_are_refused(inside: bool):
    crowd = {**MEI, "telecom": [{"value": "1"}] * 60}
    selects = [columns(column(f"c{n}", "value"), forEach="telecom") for n in range(8)]
    for outer, inner in pairwise(selects) if inside else ():
        outer |= {"forEach": "%resource.telecom", "select": [inner]}

    with pytest.raises(Invalid, match="more than 100,000 rows or items"):
        read_view(view(*(selects[:1] if inside else selects))).rows(crowd)


def test_a_where_that_is_no_condition_is_refused():
    with pytest.raises(Invalid, match="is no condition"):
        read_view(view(columns(ID), where=[{"path": "name.family"}])).rows(TOM)


def test_a_name_that_no_element_has_is_noted():
    told = view(
        columns(column("a", "nmae.family"), column("b", "name.exists(ues = 'x')"), column("c", "'x'")),
        columns(column("d", "vlaue"), forEach="telecom"),
    )

    assert [
        f"{AT}.select[0].column[0].path: Patient has no element 'nmae'",
        f"{AT}.select[0].column[1].path: HumanName has no element 'ues'",
        f"{AT}.select[1].column[0].path: ContactPoint has no element 'vlaue'",
    ] == read_view(told).notes


def test_columns_have_the_types_that_are_declared_found_out_or_tagged():
    told = view(
        columns(
            ID,
            column("active"),
            column("born", "birthDate"),
            column("day", "birthDate", tag=[{"name": "ansi/type", "value": "DATE"}]),
            column("names", "name.given", collection=True),
            column("count", "name.count()"),
            column("number", "id.toDecimal()", type="decimal"),
            column("person", "name.first()"),
        )
    )
    table = read_view(told).table(read_view(told).rows(MEI))

    assert ["string", "bool", "string", "date32[day]", "list<item: string>", "int64", "double", "string"] == [
        str(field.type) for field in table.schema
    ]
    assert "1970-06-01" == table["day"][0].as_py().isoformat()
    assert '{"use":"official","family":"Li","given":["Mei","Lan"]}' == table["person"][0].as_py()


def test_a_value_that_does_not_fit_its_type_is_told_with_the_column():
    found = read_view(view(columns(column("n", "id", type="integer"))))

    with pytest.raises(Invalid, match="The column n has a value that is no int64"):
        found.table(found.rows(MEI))


def test_titles_are_in_both_languages():
    more = {
        "title": "Patients",
        "_title": {
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/translation",
                    "extension": [{"url": "lang", "valueCode": "zh"}, {"url": "content", "valueString": "患者"}],
                }
            ]
        },
    }
    found = read_view(view(columns(ID), name="patient", **more)).definition

    assert ("Patients", "患者") == (found.title("en"), found.title("zh"))
    assert "patient" == read_view(view(columns(ID)), "patient").definition.title("en")
