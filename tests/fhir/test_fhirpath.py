"""FHIRPath by tables: expression in, values out. https://hl7.org/fhirpath/N1/"""

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from salus.base.clock import stopped_at
from salus.base.errors import Invalid
from salus.fhir.fhirpath import Node, by_type, compile, scope

Json = dict[str, Any]
PERSON: Json = {
    "resourceType": "Patient",
    "id": "li-mei",
    "active": True,
    "name": [
        {"use": "official", "family": "Li", "given": ["Mei", "Lan"]},
        {"use": "usual", "given": ["Mimi"]},
    ],
    "birthDate": "1988-02-29",
    "_birthDate": {"extension": [{"url": "urn:time", "valueDateTime": "1988-02-29T11:00:00Z"}]},
    "_gender": {"extension": [{"url": "urn:why", "valueCode": "unknown"}]},
    "multipleBirthInteger": 2,
    "managingOrganization": {"reference": "#hospital"},
    "generalPractitioner": [{"reference": "Practitioner/1"}, {"reference": "Organization/9"}],
    "contained": [{"resourceType": "Organization", "id": "hospital", "name": "East"}],
    "text": {"status": "generated", "div": "<div>Li Mei</div>"},
}
WEIGHT: Json = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "weight"},
    "effectiveDateTime": "2026-03-01T08:30:00+08:00",
    "valueQuantity": {"value": 61.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    "component": [{"code": {"text": "a"}, "valueInteger": 1}, {"code": {"text": "b"}, "valueString": "x"}],
}
LITERALS: list[tuple[str, list[Any]]] = [
    ("{}", []),
    ("true", [True]),
    ("42", [42]),
    ("-42", [-42]),
    ("4.20", [4.2]),
    (r"'it\'s \u6885\n'", ["it's 梅\n"]),
    ("@2026-03", ["2026-03"]),
    ("@2026-03-01T08:30:00.5+08:00", ["2026-03-01T08:30:00.5+08:00"]),
    ("@T14:30", ["14:30"]),
    ("5 'mg'", [{"value": 5.0, "unit": "mg"}]),
    ("3 days", [{"value": 3.0, "unit": "days"}]),
    ("1 /* a remark */ + 1 // and another", [2]),
]
PATHS: list[tuple[str, list[Any]]] = [
    ("Patient.name.given", ["Mei", "Lan", "Mimi"]),
    ("name.given", ["Mei", "Lan", "Mimi"]),
    ("Encounter.name", []),
    ("DomainResource.id", ["li-mei"]),
    ("name[0].given[1]", ["Lan"]),
    ("name[7]", []),
    ("name.`given`.first()", ["Mei"]),
    ("multipleBirth", [2]),
    ("multipleBirth.is(integer)", [True]),
    ("birthDate.extension('urn:time').value", ["1988-02-29T11:00:00Z"]),
    ("gender.extension.value", ["unknown"]),
    ("gender.exists() and gender.hasValue().not()", [True]),
    ("birthDate.hasValue()", [True]),
    ("name.hasValue()", [False]),
    ("id | id", ["li-mei"]),
    ("nothing.at.all", []),
]
EXISTENCE: list[tuple[str, list[Any]]] = [
    ("name.empty()", [False]),
    ("name.exists(use = 'usual')", [True]),
    ("name.exists(use = 'old')", [False]),
    ("name.all(given.exists())", [True]),
    ("name.all(family.exists())", [False]),
    ("{}.all(false)", [True]),
    ("(true | false).allTrue()", [False]),
    ("(true | false).anyFalse()", [True]),
    ("(1 | 2).subsetOf(1 | 2 | 3)", [True]),
    ("(1 | 2).supersetOf(1 | 2 | 3)", [False]),
    ("name.given.count()", [3]),
    ("(1).combine(1).distinct()", [1]),
    ("(1).combine(1).isDistinct()", [False]),
    ("name.use.isDistinct()", [True]),
]
FILTERS: list[tuple[str, list[Any]]] = [
    ("name.where(use = 'official').given", ["Mei", "Lan"]),
    ("name.where($index = 1).given", ["Mimi"]),
    ("name.given.where($this.length() > 3)", ["Mimi"]),
    ("name.select(given.first() & '.')", ["Mei.", "Mimi."]),
    ("name.select(use.union(given))", ["official", "Mei", "Lan", "usual", "Mimi"]),
    ("(1 | 2 | 3).repeat(iif($this < 5, $this + 1, {}))", [2, 3, 4, 5]),
    ("(1 | 2 | 3).aggregate($this + $total, 0)", [6]),
    ("name.ofType(HumanName).count()", [2]),
    ("name.given.first()", ["Mei"]),
    ("name.given.last()", ["Mimi"]),
    ("name.given.tail()", ["Lan", "Mimi"]),
    ("name.given.skip(2)", ["Mimi"]),
    ("name.given.take(2)", ["Mei", "Lan"]),
    ("name.given.skip(-1).count()", [3]),
    ("name.first().single().family", ["Li"]),
    ("(1 | 2 | 3).intersect(2 | 3 | 4)", [2, 3]),
    ("(1 | 2 | 3).exclude(2)", [1, 3]),
    ("name.children().count()", [6]),
    ("name.descendants().count()", [6]),
    ("iif(active, 'here', 'gone')", ["here"]),
    ("iif({}, 1)", []),
    ("name.iif(count() > 1, 'many', 'one')", ["many"]),
    ("name.given.trace('names').count()", [3]),
]
TYPES: list[tuple[str, list[Any]]] = [
    ("Observation.value is Quantity", [True]),
    ("value.is(Period)", [False]),
    ("(value as Quantity).unit", ["kg"]),
    ("value.as(Period).start", []),
    ("value.ofType(Quantity).value", [61.5]),
    ("component.value.ofType(integer)", [1]),
    ("component.value.ofType(string)", ["x"]),
    ("component.value.ofType(System.String)", []),
    ("1 is Integer and 1.0 is System.Decimal", [True]),
    ("$this is DomainResource", [True]),
    ("status is code and status is string", [True]),
    ("code.coding.code is uri", [False]),
    ("value.value > 60 and value > 60000 'g'", [True]),
    ("effective > @2026-02-28 and effective < @2026-03-02", [True]),
]
EQUALITY: list[tuple[str, list[Any]]] = [
    ("1 = 1.0", [True]),
    ("1 = '1'", [False]),
    ("(1 | 2) = (1 | 2)", [True]),
    ("(1 | 2) = (2 | 1)", [False]),
    ("(1 | 2) ~ (2 | 1)", [True]),
    ("{} = {}", []),
    ("1 != {}", []),
    ("{} ~ {}", [True]),
    ("'Two  Words' ~ 'two words'", [True]),
    ("1.234 ~ 1.23", [True]),
    ("1.234 !~ 1.25", [True]),
    ("1 ~ 1" + "0" * 50, [False]),
    ("@2012 = @2012", [True]),
    ("@2012 = @2013", [False]),
    ("@2012 = @2012-05", []),
    ("@2012-01-01T10:30:00 = @2012-01-01T10:30:00.0", [True]),
    ("@2017-11-05T01:30:00-04:00 = @2017-11-05T00:30:00-05:00", [True]),
    ("1 'kg' = 1000 'g'", [True]),
    ("1 'kg' = 1 'm'", []),
    ("1 day = 24 hours", [True]),
    ("1 year = 1 'a'", []),
    ("1 year ~ 1 'a'", [True]),
    ("name[0] = name[0]", [True]),
    ("name[0] = name[1]", [False]),
]
ORDER: list[tuple[str, list[Any]]] = [
    ("1 < 2.5", [True]),
    ("'abc' < 'abd'", [True]),
    ("2 >= 2", [True]),
    ("{} > 1", []),
    ("@2012 < @2012-05", []),
    ("@2011 < @2012-05", [True]),
    ("@T10:30 < @T10:31", [True]),
    ("@T10:30 < @T10:30:15", []),
    ("@2012-01-01T10:30:00 < @2012-01-01T10:30:00.5", [True]),
    ("100 'mg' < 1 'g'", [True]),
    ("birthDate < @2000-01-01", [True]),
    ("2 in (1 | 2)", [True]),
    ("{} in (1 | 2)", []),
    ("(1 | 2) contains 3", [False]),
    ("{} contains 3", [False]),
]
TRUTH = {"true": True, "false": False, "{}": None}
AND = [[True, False, None], [False, False, False], [None, False, None]]
OR = [[True, True, True], [True, False, None], [True, None, None]]
XOR = [[False, True, None], [True, False, None], [None, None, None]]
IMPLIES = [[True, False, None], [True, True, True], [True, None, None]]
LOGIC: list[tuple[str, list[Any]]] = [
    (f"{left} {word} {right}", [] if table[i][j] is None else [table[i][j]])
    for word, table in {"and": AND, "or": OR, "xor": XOR, "implies": IMPLIES}.items()
    for i, left in enumerate(TRUTH)
    for j, right in enumerate(TRUTH)
] + [("{}.not()", []), ("active.not()", [False]), ("id and true", [True]), ("false and 1 / 0 > 1", [False])]
CALCULATION: list[tuple[str, list[Any]]] = [
    ("1 + 2 * 3", [1 + 2 * 3]),
    ("(1 + 2) * 3", [(1 + 2) * 3]),
    ("0.1 + 0.2 = 0.3", [True]),
    ("7 div 2", [7 // 2]),
    ("-7 div 2", [-3]),
    ("7 mod 2", [7 % 2]),
    ("7 / 2", [7 / 2]),
    ("1 / 0", []),
    ("1 + {}", []),
    ("'a' + 'b'", ["ab"]),
    ("'a' + {}", []),
    ("'a' & {} & 'b'", ["ab"]),
    ("5 'mg' + 1 'g'", [{"value": 5.0 + 1000, "unit": "mg"}]),
    ("2 * 5 'mg'", [{"value": 10.0, "unit": "mg"}]),
    ("10 'mg' / 2 'mL'", [{"value": 5.0, "unit": "mg/mL"}]),
    ("@2024-01-31 + 1 month", ["2024-02-29"]),
    ("@2024-02-29 - 1 year", ["2023-02-28"]),
    ("@2024 + 24 months", ["2026"]),
    ("@2024-12-31 + 36 hours", ["2025-01-01"]),
    ("@2024-12-31T23:30:00+08:00 + 45 minutes", ["2025-01-01T00:15:00+08:00"]),
    ("(-5).abs() + 2.7.floor() + 2.1.ceiling() + (-2.7).truncate()", [5 + 2 + 3 - 2]),
    ("3.14159.round(2)", [3.14]),
    ("2.5.round()", [3.0]),
    ("9.sqrt()", [3.0]),
    ("(-9).sqrt()", []),
    ("2.power(10)", [2**10]),
    ("(-1).power(0.5)", []),
    ("0.exp()", [1.0]),
    ("1.ln()", [0.0]),
    ("100.log(10)", [2.0]),
    ("(1 | 2 | 4).sum()", [1 + 2 + 4]),
]
TEXTS: list[tuple[str, list[Any]]] = [
    ("'abcdef'.indexOf('cd')", [2]),
    ("'abcdef'.substring(3)", ["def"]),
    ("'abcdef'.substring(1, 2)", ["bc"]),
    ("'abcdef'.substring(9)", []),
    ("'abcdef'.startsWith('ab') and 'abcdef'.endsWith('ef')", [True]),
    ("'abcdef'.contains('cd')", [True]),
    ("{}.contains('cd')", []),
    ("'Ab'.upper() & 'Ab'.lower()", ["ABab"]),
    ("'abcabc'.replace('bc', 'x')", ["axax"]),
    ("'2026-03-01'.matches('^[0-9]{4}-')", [True]),
    ("'a\\nb'.matches('a.b')", [True]),
    ("'2026-03-01'.matchesFull('[0-9]{4}')", [False]),
    ("'30/11/1972'.replaceMatches('(\\\\d+)/(\\\\d+)/(\\\\d+)', '$3-$2-$1')", ["1972-11-30"]),
    ("'abc'.length()", [3]),
    ("'abc'.toChars()", ["a", "b", "c"]),
    ("name.given.join(', ')", ["Mei, Lan, Mimi"]),
    ("'a,b'.split(',')", ["a", "b"]),
    ("' a '.trim()", ["a"]),
]
CONVERSIONS: list[tuple[str, list[Any]]] = [
    ("'Yes'.toBoolean()", [True]),
    ("'2'.toBoolean()", []),
    ("'-12'.toInteger()", [-12]),
    ("'1.5'.toInteger()", []),
    ("true.toInteger()", [1]),
    ("'1.5'.toDecimal()", [1.5]),
    ("1.50.toString()", ["1.50"]),
    ("true.toString()", ["true"]),
    ("'2026-03-01'.toDate() = @2026-03-01", [True]),
    ("@2026-03-01T10:00:00Z.toDate()", ["2026-03-01"]),
    ("'noon'.toDateTime()", []),
    ("'10:30'.toTime() = @T10:30", [True]),
    ("'5 \\'mg\\''.toQuantity() = 5 'mg'", [True]),
    ("'4 days'.toQuantity()", [{"value": 4.0, "unit": "days"}]),
    ("'x'.convertsToInteger()", [False]),
    ("'2026-02-30'.convertsToDate()", [False]),
    ("1.convertsToQuantity()", [True]),
]
FHIR: list[tuple[str, list[Any]]] = [
    ("%resource.id", ["li-mei"]),
    ("name.select(%context.id)", ["li-mei", "li-mei"]),
    ("contained.where(%rootResource.id = 'li-mei').name", ["East"]),
    ("%ucum", ["http://unitsofmeasure.org"]),
    ("%`vs-administrative-gender`", ["http://hl7.org/fhir/ValueSet/administrative-gender"]),
    ("managingOrganization.resolve().name", ["East"]),
    ("generalPractitioner.where(resolve() is Practitioner).reference", ["Practitioner/1"]),
    ("generalPractitioner.getReferenceKey()", ["Practitioner/1", "Organization/9"]),
    ("generalPractitioner.getReferenceKey(Organization)", ["Organization/9"]),
    ("getResourceKey()", ["Patient/li-mei"]),
    ("text.`div`.htmlChecks()", [True]),
    ("today()", ["2026-03-01"]),
    ("now() = now() and now() > @2026", []),
    ("now()", ["2026-03-01T08:30:00.000Z"]),
    ("%ward", ["East 3"]),
]
PERSONAL = LITERALS + PATHS + EXISTENCE + FILTERS + EQUALITY + ORDER + LOGIC + CALCULATION + TEXTS + CONVERSIONS + FHIR


@pytest.mark.parametrize(("expression", "values"), PERSONAL)
def test_an_expression_finds_its_values_in_a_patient(expression: str, values: list[Any]) -> None:
    with stopped_at(datetime(2026, 3, 1, 8, 30, tzinfo=UTC)):
        found = compile(expression)(PERSON, variables={"ward": "East 3"}, resolve=by_type)

    assert values == found


@pytest.mark.parametrize(("expression", "values"), TYPES)
def test_an_expression_knows_the_types_of_an_observation(expression: str, values: list[Any]) -> None:
    assert values == compile(expression)(WEIGHT)


FAULTS = [
    ("name.", 6, "ends too soon"),
    ("name.given)", 11, "')' cannot stand here"),
    ("name.where(use = 'x'", 21, "',' is missing"),
    ("name ? 1", 6, "'?' cannot stand here"),
    ("name.wher(use)", 6, "wher()"),
    ("name.first(1)", 6, "0 to 0 arguments"),
    ("name.ofType(HumanNam)", 6, "HumanNam is no type"),
    ("value is Quantitty", 7, "no type"),
    ("$that", 1, "$this, $index or $total"),
    ("``", 1, "a name is missing"),
    ("'open", 1, "cannot stand here"),
    ("name.conformsTo('x')", 6, "$validate"),
    ("(" * 200 + "1" + ")" * 200, 41, "nests too deeply"),
    ("name" + ".name" * 3000, 2006, "more than 400 steps"),
]


@pytest.mark.parametrize(("expression", "place", "words"), FAULTS, ids=range(len(FAULTS)))
def test_a_fault_in_an_expression_is_told_with_its_place(expression: str, place: int, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        compile(expression)

    assert words in str(caught.value)
    assert f"character {place} of" in str(caught.value)


MISUSES = [
    ("name.given.single()", "3 items"),
    ("name.given + 'x'", "3 items"),
    ("1 + 'x'", "Integer + String"),
    ("1 < 'x'", "cannot be compared"),
    ("-active", "a number belongs"),
    ("1 & 'x'", "toString()"),
    ("id.substring('1')", "whole number"),
    ("1.startsWith('x')", "a text belongs here"),
    ("id.matches('(')", "no regular expression"),
    ("%unknown", "%unknown is unknown"),
    ("(true).sum()", "numbers belong here"),
    ("name.where(given)", "2 items"),
]


@pytest.mark.parametrize(("expression", "words"), MISUSES)
def test_an_expression_that_does_not_fit_the_resource_is_refused_in_words(expression: str, words: str) -> None:
    with pytest.raises(Invalid, match="FHIRPath, character") as caught:
        compile(expression)(PERSON)

    assert words in str(caught.value)


PATTERNS = [  # what takes long to compile, or much memory, or is more than FHIRPath asks for
    "(a{1000}){1000}", "((a{1000}){1000}){1000}", "a{99999999999999999999}", "(?i)" + "ſ" * 5000,
    "(" * 5000 + ")" * 5000, "a" * 1001, "(?R)?a", "(?P<x>a)(?P>x)", "(?1)(a)", "(?e)(?:abc){e<=5}", "a{e}", "(",
    "[", "a**",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS, ids=range(len(PATTERNS)))
def test_a_regular_expression_that_is_too_much_is_refused_before_it_is_compiled(pattern: str) -> None:
    for function in ("id.matches(%p)", "id.matchesFull(%p)", "id.replaceMatches(%p, '')"):
        start = time.process_time()
        with pytest.raises(Invalid, match="regular expression"):
            compile(function)(PERSON, variables={"p": pattern})

        assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"\\p{Nd}{3}", "123"), (r"\\$\\{id\\}", "${id}"), ("[{d}]+", "{d}"), ("a{,3}b{2,}", "abbb"), ("[]a]{2}", "]a"),
     ("[A-Z]([A-Za-z0-9_]){0,254}", "Abc"), ("(?i:ABC)(?=d)d", "abcd")],
)  # fmt: skip
def test_a_usual_regular_expression_is_served(pattern: str, text: str) -> None:
    assert [True] == compile(f"'{text}'.matchesFull('{pattern}')")(PERSON)


def test_an_evaluation_has_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "SECONDS", 0.5)
    people = [{"name": [{"given": ["a"] * 50}] * 50}] * 20
    body = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": PERSON | one} for one in people]}
    start = time.process_time()
    with pytest.raises(Invalid, match="takes too long"):
        compile("descendants().aggregate($total | $this)")(body)

    assert time.process_time() - start < 3


DOUBLE = ".select($this & $this)"
BURDENS = [
    "id.matches('(x+x+)+y')",
    "'" + "a" * 5000 + "'.matches('(a|a)*b')",
    "'" + "a" * 5000 + "'.replaceMatches('(a*)*b', '')",
    "(1 | 2).repeat($this + 1)",
    "'a'" + DOUBLE * 40,
    "'a'" + DOUBLE.replace("&", "+") * 40,
    "'a'" + DOUBLE * 17 + ".replace('', 'a'" + DOUBLE * 17 + ")",
    "'a'" + DOUBLE * 17 + ".replaceMatches('(.*)', '" + "$1" * 100 + "')",
    "'a'" + DOUBLE * 17 + ".toChars().select(%text).count()",
    "('a'" + DOUBLE * 17 + ").toChars().join('a'" + DOUBLE * 17 + ")",
    "1 + " + "9" * 10_000,
    "'aaaaaaaaaa'" + ".replace('a', 'aaaaaaaaaa')" * 9,
    "(1|2|3|4|5|6|7|8|9)" + ".combine($this)" * 3 + "".join(".select(%nine)" for _ in range(8)),
]


@pytest.mark.parametrize("expression", BURDENS, ids=range(len(BURDENS)))
def test_no_expression_runs_for_long(expression: str) -> None:
    start = time.process_time()
    body = {**PERSON, "id": "x" * 4000}
    with suppress(Invalid):
        compile(expression)(body, variables={"nine": list(range(9)), "text": "a" * 10_000})

    assert time.process_time() - start < 10


def test_a_burden_is_refused_in_words() -> None:
    for expression, words in (
        (BURDENS[0], "takes too long"),
        (BURDENS[3], "looks at more|takes too long"),
        (BURDENS[4], "gets longer"),
        (BURDENS[6], "gets longer"),
    ):
        with pytest.raises(Invalid, match=words):
            compile(expression)({**PERSON, "id": "x" * 4000})


def test_a_trace_hears_the_name_and_the_values() -> None:
    heard: list[tuple[str, list[Any]]] = []
    compile("name.trace('people', family).given.trace('all')")(
        PERSON, trace=lambda name, got: heard.append((name, got))
    )

    assert [("people", ["Li"]), ("all", ["Mei", "Lan", "Mimi"])] == heard


def test_an_expression_runs_from_any_node_with_its_resource_beside() -> None:
    names = compile("name").nodes(PERSON)
    given = compile("given.select($this & ' of ' & %resource.id)")

    assert ["Mimi of li-mei"] == given(names[1], whole=Node("Patient", PERSON))


def test_a_condition_may_be_true_false_or_unknown() -> None:
    answers = [compile(text).holds(PERSON) for text in ("active", "active.not()", "deceased")]

    assert [True, False, None] == answers
    with pytest.raises(Invalid, match="3 items"):
        compile("name.given").holds(PERSON)


def test_a_bundle_resolves_its_own_entries() -> None:
    entries = [
        {"fullUrl": "urn:uuid:1", "resource": PERSON},
        {"resource": {**WEIGHT, "subject": {"reference": "urn:uuid:1"}}},
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}

    assert ["Li"] == compile("entry.resource.ofType(Observation).subject.resolve().name.family")(bundle)
