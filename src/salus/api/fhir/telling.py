"""What went wrong, in Chinese for a client that asks for it: `issue.details.text` beside the English `diagnostics`.

https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.details
"""

from dataclasses import replace
from typing import Any

import msgspec

from salus.api.fhir.asking import Answer
from salus.base import faults

OUTCOME, BUNDLE, NAME = b'{"resourceType":"OperationOutcome"', b'{"resourceType":"Bundle"', b'"OperationOutcome"'
Parts = dict[str, msgspec.Raw]  # of an object; what is not an outcome keeps its bytes
ENCODER = msgspec.json.Encoder()


def in_chinese(answer: Answer) -> Answer:
    """The answer with its outcomes told in Chinese too; a resource that is stored, and a stream, stay as they are."""
    stored = any(name == b"etag" for name, _ in answer.headers)
    if answer.more or answer.live or stored or NAME not in answer.body:
        return answer
    if answer.body.startswith(OUTCOME):
        return replace(answer, body=outcome(answer.body))
    return replace(answer, body=bundle(answer.body)) if answer.body.startswith(BUNDLE) else answer


def outcome(body: bytes) -> bytes:
    """Each issue of an OperationOutcome with the Chinese for its diagnostics, where that is known."""
    told: dict[str, Any] = msgspec.json.decode(body)
    for issue in told["issue"]:
        english = issue.get("diagnostics", "")
        if (chinese := faults.told(english, "zh")) != english:
            issue.setdefault("details", {"text": chinese})
    return ENCODER.encode(told)


def bundle(body: bytes) -> bytes:
    """The outcomes in a Bundle: of a search (entry.search.mode is outcome), and of each request of a batch."""
    told = msgspec.json.decode(body, type=Parts)
    entries = msgspec.json.decode(told.get("entry", msgspec.Raw(b"[]")), type=list[Parts])
    if entries:
        told["entry"] = msgspec.Raw(ENCODER.encode([entry_of(one) for one in entries]))
    return ENCODER.encode(told)


def entry_of(entry: Parts) -> Parts:
    if b'"outcome"' in bytes(entry.get("search", b"")):
        return entry | {"resource": msgspec.Raw(outcome(bytes(entry["resource"])))}
    if b'"outcome"' in bytes(entry.get("response", b"")):
        response = msgspec.json.decode(entry["response"], type=Parts)
        response["outcome"] = msgspec.Raw(outcome(bytes(response["outcome"])))
        return entry | {"response": msgspec.Raw(ENCODER.encode(response))}
    return entry
