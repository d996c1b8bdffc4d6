"""`$export`, `$import` and what follows: asked for, worked on in the background, fetched.

https://hl7.org/fhir/uv/bulkdata/export.html  Nothing here is masked, so only the system and administrators may, never
for research; what was ordered is shown to nobody else. `$import` is ours: a Parameters with `input` parts, each a
`url` that is the bare name of a file in the store's tray, or `inline` lines of NDJSON. No address is ever fetched.
"""

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from salus import fhir
from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import given, guard
from salus.base.errors import Invalid, Issue, Malformed, Missing, Unsupported
from salus.exchange.bulk import Wanted, check_bulk, manifest, types_of_patients
from salus.exchange.bulk_in import Part
from salus.exchange.bulk_jobs import DONE, FAILED, KEPT, Job
from salus.exchange.bulk_orders import jobs_of, order_export, order_import, written_by
from salus.privacy.policy import Act
from salus.records import Records

NDJSON = ("application/fhir+ndjson", "application/ndjson", "ndjson")
NAMES = ("_type", "_since", "_typeFilter", "_outputFormat")
PLAIN = (b"content-type", b"application/json")
LINES = (b"content-type", b"application/fhir+ndjson")


async def export(records: Records, ask: Ask) -> Answer:
    """`GET` or `POST /$export`, `/Patient/$export`, `/Group/id/$export`: 202, and where to ask how it stands."""
    check_async(ask)
    check_bulk(records)
    wanted = wanted_of(ask)
    job = await asyncio.to_thread(order_export, records, wanted, address(ask))
    return accepted(ask, job)


async def bring(records: Records, ask: Ask) -> Answer:
    """`POST /$import`: 202, and where to ask how it stands."""
    check_async(ask)
    check_bulk(records, Act.WRITE)
    job = await asyncio.to_thread(order_import, records, parts_of(ask), address(ask))
    return accepted(ask, job)


async def status(records: Records, ask: Ask) -> Answer:
    """`GET /$bulk-status?job=...`: 202 with X-Progress, 200 with the manifest, or why it failed. `DELETE` cancels."""
    check_bulk(records)
    id = given.only(given.given(ask, "job"), "job") or ""
    jobs = jobs_of(records.store)
    if ask.method == "DELETE":
        await asyncio.to_thread(jobs.cancel, records, id)
        guard.note(records, "cancel", f"bulk job {id}")
        return Answer(202)
    job = await asyncio.to_thread(jobs.job, records, id)
    if job.state == FAILED:
        return Answer(job.status, orjson.dumps(fhir.outcome([Issue(*issue) for issue in job.issues])))
    if job.state != DONE:
        return Answer(202, headers=[(b"x-progress", jobs.progress(job)[:100].encode()), (b"retry-after", b"1")])
    expires = format_datetime((job.at + KEPT).astimezone(UTC), usegmt=True).encode()
    return Answer(200, orjson.dumps(TOLD[job.work](ask, job)), [PLAIN, (b"expires", expires)])


async def file(records: Records, ask: Ask) -> Answer:
    """`GET /$bulk-file?job=...&file=...`: the NDJSON that an export has written."""
    check_bulk(records)
    pairs = given.given(ask, "job", "file")
    id, name = given.only(pairs, "job") or "", given.only(pairs, "file") or ""
    path = await asyncio.to_thread(jobs_of(records.store).file, records, id, name)
    guard.note(records, "read", f"bulk job {id}: {name}")
    return Answer(200, await asyncio.to_thread(path.read_bytes), [LINES])


# --- what is asked ---


def check_async(ask: Ask) -> None:
    """Raises Malformed unless the client will wait. https://hl7.org/fhir/R4/async.html"""
    if "respond-async" not in (ask.header("prefer") or ""):
        raise Malformed("This takes a while: send `Prefer: respond-async`, then ask at the Content-Location")


def address(ask: Ask) -> str:
    here = f"{ask.base}/{'/'.join(ask.parts)}"
    return f"{here}?{ask.query}" if ask.query else here


def wanted_of(ask: Ask) -> Wanted:
    """Raises Unsupported, Malformed, Missing for a level that is not served."""
    pairs = given.given(ask, *NAMES)
    format = given.only(pairs, "_outputFormat") or NDJSON[0]
    if format not in NDJSON:
        raise Unsupported(f"_outputFormat={format[:60]} is not served: ask for {NDJSON[0]}", path="_outputFormat")
    level = ask.parts[:-1]
    if level == ["Group"] or (level[:1] == ["Patient"] and len(level) == 2):
        raise Missing("$export is served at the system, at Patient, and at a Group by its id")
    all = types_of_patients() if level else tuple(sorted(fhir.RESOURCE_TYPES))
    types = tuple(dict.fromkeys(given.types(pairs))) or all
    for type in types:
        if type not in all:
            raise Unsupported(f"_type={type} belongs to no patient: export it at the system level", path="_type")
    group = level[1] if level[:1] == ["Group"] else None
    return Wanted(types, since_of(pairs), filters_of(pairs, types), patients=level == ["Patient"], group=group)


def since_of(pairs: given.Pairs) -> datetime | None:
    """Raises Malformed for what is no instant."""
    text = given.only(pairs, "_since")
    if text is None:
        return None
    try:
        return datetime.fromtimestamp(fhir.dates.bounds(text)[0] / 1_000_000, UTC)
    except (Invalid, ValueError, OverflowError):
        raise Malformed(f"_since={text[:60]} is not an instant, as 2026-03-01T08:00:00Z", path="_since") from None


def filters_of(pairs: given.Pairs, types: tuple[str, ...]) -> dict[str, tuple[tuple[tuple[str, str], ...], ...]]:
    """By type, each `_typeFilter=Type?name=value`. Raises Unsupported for a type that is not exported."""
    found: dict[str, tuple[tuple[tuple[str, str], ...], ...]] = {}
    for name, text in pairs:
        if name != "_typeFilter":
            continue
        type, _, query = text.partition("?")
        if type not in types or not query:
            raise Unsupported(f"_typeFilter={text[:80]}: give Type?name=value, of a type exported", path="_typeFilter")
        found[type] = (*found.get(type, ()), tuple(parse_qsl(query, keep_blank_values=True)))
    return found


def parts_of(ask: Ask) -> list[Part]:
    """Raises Unsupported for a parameter or format that is not served, Malformed."""
    if ask.query:
        raise Unsupported("$import takes its parameters in the body", path="input")
    found = given.parts(ask.body)
    inputs = [part for part in found if part["name"] == "input"]
    for part in found:
        if part["name"] == "inputFormat" and given.text_of(part) in NDJSON:
            continue
        if part not in inputs:
            raise Unsupported(f"'{part['name'][:80]}' of $import is not served: leave it out", path=part["name"][:80])
    return [part_of(part) for part in inputs]


def part_of(part: dict[str, Any]) -> Part:
    said = {one["name"]: given.text_of(one) for one in part.get("part", [])}
    type, url, inline = (said.pop(name, None) for name in ("type", "url", "inline"))
    if said or (url is None) == (inline is None):
        raise Malformed("An input has a url (a bare name in the tray) or inline lines, and a type", path="input")
    if type is not None and type not in fhir.RESOURCE_TYPES:
        raise Malformed(f"{type[:80]} is not a resource type of FHIR R4", path="input.type")
    return Part(url or "inline", inline)


# --- what is told ---


def accepted(ask: Ask, job: Job) -> Answer:
    location = f"{ask.base}/$bulk-status?{urlencode({'job': job.id})}"
    return Answer(202, headers=[(b"content-location", location.encode())])


def told_export(ask: Ask, job: Job) -> dict[str, Any]:
    def place(name: str) -> str:
        return f"{ask.base}/$bulk-file?{urlencode({'job': job.id, 'file': name})}"

    return manifest(written_by(job), job.given["request"], place)


def told_import(ask: Ask, job: Job) -> dict[str, Any]:
    # carries: what was said of each line when it was taken in
    errors = [Issue("invalid", path, f"{where}: {text}") for where, path, text in job.answer["refusals"]]
    return {
        "transactionTime": job.answer["at"],
        "request": job.given["request"],
        "output": job.answer["output"],
        "error": [fhir.outcome(errors)] if errors else [],
    }


TOLD = {"export": told_export, "import": told_import}
