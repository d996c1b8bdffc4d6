"""The answer to `_explain=true`: a searchset whose one entry is an OperationOutcome, in English with Chinese beside it.

https://hl7.org/fhir/R4/search.html#errors
"""

from collections.abc import Iterator
from typing import Any

import orjson

from salus.base.words import words_of
from salus.records.search.explaining import Condition, Explanation, Statement
from salus.records.search.setting import COMMON

TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
WORDS = words_of("salus.api.fhir")


def told(found: Explanation) -> bytes:
    """The Bundle."""
    outcome = {"resourceType": "OperationOutcome", "issue": list(issues(found))}
    entry = {"resource": outcome, "search": {"mode": "outcome"}}
    return orjson.dumps({"resourceType": "Bundle", "type": "searchset", "entry": [entry]})


def issues(found: Explanation) -> Iterator[dict[str, Any]]:
    key = "explain.found" if found.total is None else "explain.total"
    yield issue(key, "", found=found.found, total=found.total, opened=found.opened, ms=ms(found.milliseconds))
    for condition in found.conditions:
        yield of_condition(condition)
    for statement in found.statements:
        yield of_statement(statement)


def of_condition(told: Condition) -> dict[str, Any]:
    rows = "" if told.rows is None else f"{COMMON}+" if told.rows >= COMMON else str(told.rows)
    key = "drives" if told.drives else "uncounted" if told.rows is None else "asked"
    shape = f"{told.shape}; bodies" if told.opens else told.shape
    return issue(f"explain.{key}", shape, type=told.type, words=told.words, rows=rows)


def of_statement(told: Statement) -> dict[str, Any]:
    shape = "\n".join([told.shape, *told.plan])
    return issue(f"explain.{told.step}", shape, times=told.times, lines=told.lines, ms=ms(told.milliseconds))


def ms(milliseconds: float) -> str:
    return f"{milliseconds:.3f}"


def issue(key: str, diagnostics: str, **slots: object) -> dict[str, Any]:
    """An issue that is none: something that is told."""
    chinese = [{"url": "lang", "valueCode": "zh"}, {"url": "content", "valueString": WORDS(key, "zh", **slots)}]
    text = {"text": WORDS(key, "en", **slots), "_text": {"extension": [{"url": TRANSLATION, "extension": chinese}]}}
    more = {"diagnostics": diagnostics} if diagnostics else {}
    return {"severity": "information", "code": "informational", "details": text, **more}
