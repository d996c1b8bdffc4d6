"""Search against the words of the standard, value by value. https://hl7.org/fhir/R4/search.html"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from salus.base import clock
from salus.base.errors import Malformed, Unsupported
from salus.fhir import dates
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records.search import setting

MOMENTS = ["2025", "2026", "2026-01", "2026-01-15", "2026-01-15T10:00:00Z", "2026-01-15T10:30:00+08:00", "2026-02"]
PERIODS = [("2026-01-10", "2026-01-20"), ("2026-01-20", None), (None, "2026-01-10")]
AMOUNTS = ["5", "5.0", "5.04", "5.4", "-5", "50", "0"]
PREFIXES = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]
START = datetime(2026, 3, 1, tzinfo=UTC)


def code(value: str, system: str | None = None) -> dict[str, Any]:
    coding = {"code": value} | ({"system": system} if system else {})
    return {"coding": [coding]}


def observation(id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": id, "status": "final", "code": code("k"), **more}


@pytest.fixture(scope="module")
def records(new_place: Callable[[], str]) -> Iterator[Records]:
    with Store(new_place()) as store:
        opened = store.open(SYSTEM, Purpose.OPERATIONS)
        fill(opened)
        yield opened


def fill(records: Records) -> None:
    put = records.update
    for n, moment in enumerate(MOMENTS):
        put("Observation", f"d{n}", observation(f"d{n}", effectiveDateTime=moment, method=code("dated")))
    for n, (start, end) in enumerate(PERIODS):
        period = {"start": start} | {"end": end} if start and end else {"start": start} if start else {"end": end}
        put("Observation", f"e{n}", observation(f"e{n}", effectivePeriod=period, method=code("dated")))
    for n, amount in enumerate(AMOUNTS):
        unit = {"unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"} if n % 2 else {"unit": "g"}
        put("Observation", f"q{n}", observation(f"q{n}", valueQuantity={"value": float(amount), **unit}))
    put("Observation", "t0", observation("t0", code=code("a", "urn:x"), status="amended"))
    put("Observation", "t1", observation("t1", code=code("a", "urn:y"), subject={"reference": "Patient/p0"}))
    put("Observation", "t2", observation("t2", code=code("a"), subject={"reference": "Group/p0"}))
    put(
        "Observation", "t3", observation("t3", code=code("b,c|d", "urn:x"), device={"reference": "http://far/Device/1"})
    )
    for n, name in enumerate(["Müller", "MULLER-Lüd", "Mu", "李梅", "O'Neil, Jr", "mull_r"]):
        put("Patient", f"p{n}", {"resourceType": "Patient", "name": [{"family": name}], "birthDate": f"19{n}0-01-01"})
    put("Patient", "p9", {"resourceType": "Patient", "meta": {"profile": ["http://p/a", "http://p/b"]}})


def ids(records: Records, type: str, query: str | list[tuple[str, str]]) -> list[str]:
    return [version.id for version in records.search(type, query).versions]


def spans() -> dict[str, tuple[int, int]]:
    found = {f"d{n}": dates.bounds(moment) for n, moment in enumerate(MOMENTS)}
    for n, (start, end) in enumerate(PERIODS):
        low = dates.bounds(start)[0] if start else dates.EARLIEST
        found[f"e{n}"] = (low, dates.bounds(end)[1] if end else dates.LATEST)
    return found


@pytest.mark.parametrize("prefix", PREFIXES)
def test_dates_compare_as_ranges(records: Records, prefix: str) -> None:
    for asked in [*MOMENTS, "2026-01-10", "2026-01-20", "2024", "2027"]:
        first, last = dates.bounds(asked)
        means = {
            "eq": lambda low, high, f=first, e=last: f <= low and high <= e,
            "ne": lambda low, high, f=first, e=last: not (f <= low and high <= e),
            "gt": lambda low, high, f=first, e=last: high > e,
            "lt": lambda low, high, f=first, e=last: low < f,
            "ge": lambda low, high, f=first, e=last: high > e or (f <= low and high <= e),
            "le": lambda low, high, f=first, e=last: low < f or (f <= low and high <= e),
            "sa": lambda low, high, f=first, e=last: low >= e,
            "eb": lambda low, high, f=first, e=last: high <= f,
        }[prefix or "eq"]
        expected = {id for id, (low, high) in spans().items() if means(low, high)}

        assert expected == set(ids(records, "Observation", [("date", prefix + asked)])), asked
        together = [("date", prefix + asked), ("method", "dated"), ("status", "final")]
        assert expected == set(ids(records, "Observation", together)), asked


def test_approximately_widens_by_a_tenth_of_the_distance_from_now(records: Records) -> None:
    with clock.stopped_at(datetime(2026, 1, 25, tzinfo=UTC)):
        found = ids(records, "Observation", "date=ap2026-01-14")

    assert {"d1", "d2", "d3", "d4", "d5", "e0"} <= set(found)
    assert not {"d0", "d6", "e1"} & set(found)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_quantities_compare_by_the_digits_given(records: Records, prefix: str) -> None:
    for asked in [*AMOUNTS, "5.00", "1e1", "5e0"]:
        number = Decimal(asked)
        half = Decimal(5).scaleb(int(number.as_tuple().exponent) - 1)
        means = {
            "eq": lambda v, n=number, h=half: n - h <= v < n + h,
            "ne": lambda v, n=number, h=half: not n - h <= v < n + h,
            "gt": lambda v, n=number, h=half: v > n,
            "lt": lambda v, n=number, h=half: v < n,
            "ge": lambda v, n=number, h=half: v >= n,
            "le": lambda v, n=number, h=half: v <= n,
            "sa": lambda v, n=number, h=half: v > n,
            "eb": lambda v, n=number, h=half: v < n,
        }[prefix or "eq"]
        expected = {f"q{n}" for n, amount in enumerate(AMOUNTS) if means(Decimal(amount))}

        assert expected == set(ids(records, "Observation", [("value-quantity", prefix + asked)])), asked


def test_units_narrow_a_quantity(records: Records) -> None:
    milligrams = {f"q{n}" for n in range(len(AMOUNTS)) if n % 2}

    assert milligrams == set(ids(records, "Observation", "value-quantity=ge-100|http://unitsofmeasure.org|mg"))
    assert milligrams == set(ids(records, "Observation", "value-quantity=ge-100||mg"))
    assert [] == ids(records, "Observation", "value-quantity=ge-100|urn:other|mg")


FOUND = [  # type, query, ids in order
    ("Observation", "code=a", ["t0", "t1", "t2"]),
    ("Observation", "code=urn:x|a", ["t0"]),
    ("Observation", "code=|a", ["t2"]),
    ("Observation", "code=urn:x|", ["t0", "t3"]),
    ("Observation", "code=urn:x|a,urn:y|a", ["t0", "t1"]),
    ("Observation", "code=a&status=amended", ["t0"]),
    ("Observation", "code=a&status:not=amended", ["t1", "t2"]),
    ("Observation", r"code=b\,c\|d", ["t3"]),
    ("Observation", "code=A", []),
    ("Observation", "subject=Patient/p0", ["t1"]),
    ("Observation", "subject:Patient=p0", ["t1"]),
    ("Observation", "subject=p0", ["t1", "t2"]),
    ("Observation", "patient=p0", ["t1"]),
    ("Observation", "patient=Group/p0", []),
    ("Observation", "patient:missing=false", ["t1"]),
    ("Observation", "subject:missing=false", ["t1", "t2"]),
    ("Observation", "subject=Patient/nobody", []),
    ("Observation", "device=http://far/Device/1", ["t3"]),
    ("Observation", "code=a&date:missing=true", ["t0", "t1", "t2"]),
    ("Observation", "_id=t1,t3,zz", ["t1", "t3"]),
    ("Observation", "_id=t1&code=b", []),
    ("Patient", "family=mul", ["p0", "p1", "p5"]),
    ("Patient", "family=MÜLLER", ["p0", "p1"]),
    ("Patient", "family:exact=Müller", ["p0"]),
    ("Patient", "family:exact=müller", []),
    ("Patient", "family:contains=lüd", ["p1"]),
    ("Patient", "family:contains=l_r", ["p5"]),
    ("Patient", "family=李", ["p3"]),
    ("Patient", r"family=o'neil\, jr", ["p4"]),
    ("Patient", "family=mull,李", ["p0", "p1", "p3", "p5"]),
    ("Patient", "family:missing=true", ["p9"]),
    ("Patient", "_profile=http://p/a", ["p9"]),
    ("Patient", "_profile:below=http://p", ["p9"]),
    ("Patient", "birthdate=ge1920&birthdate=lt1940", ["p2", "p3"]),
    ("Patient", "_sort=-birthdate", ["p5", "p4", "p3", "p2", "p1", "p0", "p9"]),
    ("Patient", "_sort=birthdate&_count=3", ["p0", "p1", "p2"]),
    ("Patient", "_sort=family&_count=3", ["p2", "p5", "p0"]),
    ("Patient", "_sort=-_id&_count=2", ["p9", "p5"]),
    ("Patient", "_count=0", []),
]


@pytest.mark.parametrize("common", [setting.COMMON, 2])  # of a small store the planner gathers, of a large one walks
@pytest.mark.parametrize(("type", "query", "expected"), FOUND)
def test_a_query_finds(
    records: Records, monkeypatch: pytest.MonkeyPatch, type: str, query: str, expected: list[str], common: int
) -> None:
    monkeypatch.setattr(setting, "COMMON", common)
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in query.split("&"))]

    assert expected == ids(records, type, pairs)


REFUSED = [
    ("Patient", "colour=red", Unsupported),
    ("Patient", "family:soundex=x", Unsupported),
    ("Patient", "_id:not=1", Unsupported),
    ("Patient", "_total=perhaps", Unsupported),
    ("Patient", "_summary=short", Unsupported),
    ("Patient", "_count:exact=3", Unsupported),
    ("Patient", "_include=Observation:subject", Unsupported),
    ("Patient", "_revinclude=Observation:code", Unsupported),
    ("Patient", "_text:not=x", Unsupported),
    ("Patient", "_query=x", Unsupported),
    ("Location", "near=1", Malformed),
    ("Observation", "code:in=x", Unsupported),
    ("Observation", "date=yesterday", Malformed),
    ("Observation", "date=2026-02-30", Malformed),
    ("Observation", "value-quantity=NaN", Malformed),
    ("Observation", "value-quantity=gtgt5", Malformed),
    ("Observation", "subject:missing=perhaps", Malformed),
    ("Observation", "subject=Elephant/1", Malformed),
    ("Observation", "_count=-1", Malformed),
    ("Observation", "_cursor=bm8", Malformed),
    ("Observation", "_cursor=WzFd", Malformed),
    ("Elephant", "", Unsupported),
]


@pytest.mark.parametrize(("type", "query", "error"), REFUSED)
def test_what_is_not_served_is_refused_never_ignored(
    records: Records, type: str, query: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        records.search(type, query)


def test_last_updated_is_searched_as_a_date(new_place: Callable[[], str]) -> None:
    with Store(new_place()) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for n in range(4):
            with clock.stopped_at(START + timedelta(days=n)):
                records.update("Patient", f"p{n}", {"resourceType": "Patient"})
        with clock.stopped_at(START + timedelta(days=9)):
            records.update("Patient", "p0", {"resourceType": "Patient", "active": True})

        assert ["p0", "p2", "p3"] == ids(records, "Patient", "_lastUpdated=ge2026-03-03")
        assert ["p1"] == ids(records, "Patient", "_lastUpdated=2026-03-02")
        assert ["p1", "p2"] == ids(records, "Patient", "_lastUpdated=lt2026-03-04")
        assert ["p0", "p3", "p2", "p1"] == ids(records, "Patient", "_sort=-_lastUpdated")


SORTS = ["", "_sort=birthdate", "_sort=-birthdate", "_sort=family,-birthdate", "_sort=-_lastUpdated", "_sort=_id"]


@pytest.mark.parametrize("sort", SORTS)
def test_pages_hold_still_while_others_write(new_place: Callable[[], str], sort: str) -> None:
    with Store(new_place()) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for n in range(30):
            put(records, n)
        page = records.search("Patient", f"{sort}&_count=4")
        seen = [version.id for version in page.versions]
        for step in range(30):
            if not page.next:
                break
            put(records, 100 + step)  # comes
            records.delete("Patient", f"p{step}") if step in (3, 20) else None  # goes
            if step < 3:
                put(records, 27 + step, active=True)  # changes, and moves in some orders
            page = records.search("Patient", page.next)
            seen += [version.id for version in page.versions]

        unchanged = {f"p{n}" for n in range(27)} - {"p3", "p20"}
        assert len(seen) == len(set(seen))
        assert unchanged <= set(seen)
        assert set(seen) <= {f"p{n}" for n in range(30)}
        if not sort:
            assert {"p27", "p28", "p29"} <= set(seen)


def put(records: Records, n: int, **more: Any) -> None:
    body = {"resourceType": "Patient", "name": [{"family": f"f{n % 3}"}], "birthDate": f"19{n % 7}0-01-01", **more}
    records.update("Patient", f"p{n}", body)


def test_a_walk_by_pages_is_the_whole_in_order(records: Records) -> None:
    for sort, count in product(SORTS, (1, 7)):
        whole = ids(records, "Patient", f"{sort}&_count=100")
        page = records.search("Patient", f"{sort}&_count={count}")
        walked = [version.id for version in page.versions]
        while page.next:
            page = records.search("Patient", page.next)
            walked += [version.id for version in page.versions]
        assert whole == walked, sort
