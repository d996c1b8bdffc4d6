"""FHIR search of a type, of several, of a compartment. https://hl7.org/fhir/R4/http.html#search"""

import asyncio

import orjson

from salus import fhir
from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.explaining import told
from salus.base.errors import Issue, Malformed, Missing, Unsupported, WrongMedia
from salus.records import Records, searchset
from salus.records.search import lenient
from salus.records.search.query import COMPARTMENT, joined, pairs_of

EXPLAIN = "_explain"
FORM = "application/x-www-form-urlencoded"


async def search(records: Records, ask: Ask) -> Answer:
    """`GET /Type?...`, and `GET /?_type=...` for several types."""
    return await found(records, ask, ask.parts[0] if ask.parts else "", ask.query)


async def search_by_form(records: Records, ask: Ask) -> Answer:
    """`POST /Type/_search` or `/Patient/1/Type/_search`, with parameters in a form, so that they stand in no log of
    addresses, beside the URL's.
    """
    if not (ask.header("content-type") or FORM).startswith(FORM):
        raise WrongMedia(f"_search takes a form: send Content-Type: {FORM}")
    try:
        form = ask.body.decode("ascii")
    except UnicodeDecodeError:
        raise Malformed("The form has bytes that are not ASCII: percent-encode them") from None
    *where, _ = ask.parts
    query = "&".join(part for part in (ask.query, form) if part)
    return (
        await found(records, ask, where[0] if where else "", query)
        if len(where) < 2
        else await within(records, ask, query)
    )


async def compartment_search(records: Records, ask: Ask) -> Answer:
    """`GET /Patient/1/Observation?...`; `*` for all types. https://hl7.org/fhir/R4/search.html#compartment"""
    return await within(records, ask, ask.query)


async def within(records: Records, ask: Ask, query: str) -> Answer:
    kind, id, type = ask.parts[:3]
    if type != "*" and type not in fhir.RESOURCE_TYPES:
        raise Missing(f"'{type[:80]}' is not a resource type of FHIR R4", path=type[:80])
    return await found(records, ask, "" if type == "*" else type, query, f"{kind}/{id}")


async def found(records: Records, ask: Ask, type: str, query: str, compartment: str = "") -> Answer:
    query, explained = asked_to_explain(query)
    ignored: list[Issue] = []
    if "handling=lenient" in (ask.header("prefer") or "").replace(" ", ""):
        kept, ignored = lenient(type, query)
        query = joined(kept) if ignored else query
    pairs = pairs_of(query)
    if any(name == COMPARTMENT for name, _ in pairs):
        raise Unsupported(
            f"'{COMPARTMENT}' is not a search parameter: GET /Patient/id/Type, or an Encounter's, Practitioner's",
            path=COMPARTMENT,
        )
    within = [(COMPARTMENT, compartment)] if compartment else []
    if explained:
        return Answer(200, told(await asyncio.to_thread(records.explain, type, [*pairs, *within])))
    asked = [*pairs, *within]
    page = records.search_at_once(type, asked)
    if page is None:
        page = await asyncio.to_thread(records.search, type, asked)
    here = "/".join(part for part in (ask.base, compartment, type or ("*" if compartment else "")) if part)
    links = {"self": f"{here}?{query}" if query else here}
    if page.next:
        links["next"] = f"{here}?{without(page.next) if compartment else page.next}"
    body = searchset("searchset", page, links, ask.base)
    return Answer(200, with_outcome(body, ignored) if ignored else body)


def asked_to_explain(query: str) -> tuple[str, bool]:
    """The query without `_explain`, and what that says. Raises Malformed."""
    if EXPLAIN not in query and "%" not in query:
        return query, False
    pairs = pairs_of(query)
    said = {value for name, value in pairs if name == EXPLAIN}
    if not said:
        return query, False
    if said not in ({"true"}, {"false"}):
        raise Malformed(f"{EXPLAIN}={', '.join(sorted(said))[:40]}: say true or false", path=EXPLAIN)
    return joined([pair for pair in pairs if pair[0] != EXPLAIN]), said == {"true"}


def without(query: str) -> str:
    """A query string without the compartment, which stands in the path."""
    return joined(pair for pair in pairs_of(query) if pair[0] != COMPARTMENT)


def with_outcome(bundle: bytes, issues: list[Issue]) -> bytes:
    """The Bundle with an entry that says what was ignored. https://hl7.org/fhir/R4/search.html#errors"""
    entry = orjson.dumps({"resource": fhir.outcome(issues), "search": {"mode": "outcome"}})
    if bundle.endswith(b"]}") and b'"entry":[' in bundle:
        return b"%b,%b]}" % (bundle[:-2], entry)
    return b'%b,"entry":[%b]}' % (bundle[:-1], entry)
