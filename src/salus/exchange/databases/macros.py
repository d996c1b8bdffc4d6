"""The words that the expressions of every layout share, as functions of DuckDB.

https://duckdb.org/docs/sql/statements/create_macro  `own.concepts` and `own.units` hold the source's vocabulary.
"""

OHDSI = "https://fhir-terminology.ohdsi.org"  # the system of a concept's number, https://hl7.org/fhir/uv/omop/
BASE = "https://salus.example"
COLUMNS = f"{BASE}/fhir/StructureDefinition/source-columns"

BOTH_WAYS = (
    "token(x) AS nullif(regexp_replace(trim(CAST(x AS VARCHAR)), '\\s+', ' ', 'g'), '')",
    "own_system(t) AS getvariable('base') || '/' || t",
    "source_system() AS getvariable('base') || '/source'",
)
IN = (
    # a time of day in the zone of the source, as an instant; midnight where only the day is known
    "in_utc(t) AS timezone('UTC', timezone(getvariable('zone'), t))",
    """instant(t) AS CASE WHEN t = date_trunc('second', t) THEN strftime(in_utc(t), '%Y-%m-%dT%H:%M:%SZ')
        ELSE strftime(in_utc(t), '%Y-%m-%dT%H:%M:%S.%gZ') END""",
    "day(d) AS strftime(d, '%Y-%m-%d')",
    """moment(d, t) AS CASE WHEN t IS NOT NULL AND t <> date_trunc('day', t) THEN instant(t)
        ELSE day(coalesce(d, CAST(t AS DATE))) END""",
    "own_id(t, k) AS getvariable('site') || '-' || replace(t, '_', '-') || '-' || k",
    "ref(type, t, k) AS CASE WHEN k IS NOT NULL THEN {'reference': type || '/' || own_id(t, k)} END",
    "code(s, c, d) AS CASE WHEN token(c) IS NOT NULL THEN {'system': s, 'code': token(c), 'display': d} END",
    "codes(found) AS list_filter(found, lambda one: one IS NOT NULL)",
    """standard(number) AS (SELECT {'system': k.system, 'code': k.concept_code, 'display': k.concept_name}
        FROM own.concepts k WHERE k.concept_id = number AND k.system IS NOT NULL)""",
    """numbered(number) AS CASE WHEN number <> 0 THEN {'system': getvariable('ohdsi'), 'code': CAST(number AS VARCHAR),
        'display': (SELECT k.concept_name FROM own.concepts k WHERE k.concept_id = number)} END""",
    "spoken(word) AS code(source_system(), word, NULL)",
    """concept(number, source, word) AS {'coding': codes([standard(number),
        CASE WHEN source IS DISTINCT FROM number THEN standard(source) END, numbered(number), spoken(word)]),
        'text': CASE WHEN coalesce(number, 0) = 0 AND coalesce(source, 0) = 0 THEN token(word) END}""",
    "is_told(number, word) AS coalesce(number, 0) <> 0 OR token(word) IS NOT NULL",
    "ucum(word) AS (SELECT u.ucum FROM own.units u WHERE u.said = trim(word))",
    """quantity_as(number, sign, word, known) AS CASE WHEN number IS NOT NULL THEN {'value': number, 'comparator': sign,
        'unit': coalesce(token(word), known), 'code': known,
        'system': CASE WHEN known IS NOT NULL THEN 'http://unitsofmeasure.org' END} END""",
    "quantity(number, word) AS quantity_as(number, NULL, word, ucum(word))",
    "coded(s, c) AS {'coding': [{'system': s, 'code': c}]}",
    "category(word) AS [coded('http://terminology.hl7.org/CodeSystem/observation-category', word)]",
)
OUT = (
    "local(s) AS timezone(getvariable('zone'), TRY_CAST(s AS TIMESTAMPTZ))",
    """on_day(s) AS CASE WHEN length(s) > 10 THEN CAST(local(s) AS DATE)
        WHEN length(s) = 4 THEN TRY_CAST(s || '-01-01' AS DATE)
        WHEN length(s) = 7 THEN TRY_CAST(s || '-01' AS DATE) ELSE TRY_CAST(s AS DATE) END""",
    "at_time(s) AS CASE WHEN length(s) > 10 THEN local(s) ELSE CAST(on_day(s) AS TIMESTAMP) END",
    # json_extract, as an arrow that begins an argument is read as a lambda
    "listed(found) AS CAST(found AS JSON[])",
    """of_system(found, name) AS list_filter(listed(found), lambda one: (one->>'$.system') = name)[1]""",
    "of_url(found, name) AS list_filter(listed(found), lambda one: (one->>'$.url') = name)[1]",
    "identifier_of(r, name) AS of_system(json_extract(r, '$.identifier'), name)->>'$.value'",
    "coded_in(cc, name) AS of_system(json_extract(cc, '$.coding'), name)->>'$.code'",
    "number_in(cc) AS TRY_CAST(coded_in(cc, getvariable('ohdsi')) AS INTEGER)",
    # the first code of a system that the vocabulary has
    """known_in(cc) AS list_filter(listed(json_extract(cc, '$.coding')),
        lambda one: list_contains(getvariable('systems'), one->>'$.system'))[1]""",
    """looked_up(name, word) AS (SELECT k.number FROM own.numbers k WHERE k.system = name AND k.concept_code = word)""",
    """concept_id(cc) AS coalesce(number_in(cc), looked_up(known_in(cc)->>'$.system', known_in(cc)->>'$.code'), 0)""",
    "unit_id(word) AS coalesce(looked_up('http://unitsofmeasure.org', word), 0)",
    """word(cc) AS coalesce(coded_in(cc, source_system()), CASE WHEN number_in(cc) IS NULL
        THEN coalesce(cc->>'$.coding[0].code', left(cc->>'$.text', 50)) END)""",
    "key_of(t, target) AS (SELECT k.key FROM own.keys k WHERE k.name = t AND k.reference = target)",
)
