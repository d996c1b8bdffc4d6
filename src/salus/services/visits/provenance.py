"""Who signed what, when: a Provenance with the digest of every version that was signed.

It is no electronic signature as the law means it (电子签名法): it says who was signed in, and anybody can check that
what stands there is what was signed. A house that has a certificate authority lays its own signature over the same
digest (`addenda.cosign(..., seal)`), as Provenance.signature. https://hl7.org/fhir/R4/provenance.html
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Missing
from salus.records import Records, signed
from salus.records.shapes import Version
from salus.services.acting import same_id

Resource = dict[str, Any]
TYPE = "Provenance"
DIGEST = "https://salus.example/fhir/StructureDefinition/content-digest"
PARTIES = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
ACTS = "https://salus.example/fhir/CodeSystem/signing"  # sign, addendum, co-sign
Seal = Callable[[bytes], Resource]  # digest -> Provenance.signature of a house's own certificate authority


def signature(
    note: str, versions: Sequence[Version], author: str, signer: str, at: datetime, act: str = "sign"
) -> Resource:
    """The Provenance of a signature under these versions."""
    agents = [agent("legal", signer)] if author == signer else [agent("author", author), agent("legal", signer)]
    return {
        "resourceType": TYPE,
        "id": id_of(note, act, signer),
        "extension": [signed.mark(note)],
        "target": [target(one) for one in versions],
        "recorded": clock.instant(at),
        "activity": {"coding": [{"system": ACTS, "code": act}]},
        "agent": agents,
    }


def id_of(note: str, act: str, signer: str) -> str:
    return same_id(act, note, signer if act == "co-sign" else "")


def agent(kind: str, who: str) -> Resource:
    return {"type": {"coding": [{"system": PARTIES, "code": kind}]}, "who": {"reference": who}}


def target(one: Version) -> Resource:
    """A version and the SHA-256 of its bytes."""
    parts = [
        {"url": "version", "valueString": str(one.version)},
        {"url": "sha256", "valueBase64Binary": base64.b64encode(digest(one.body)).decode()},
    ]
    return {"reference": one.reference, "extension": [{"url": DIGEST, "extension": parts}]}


def digest(body: bytes) -> bytes:
    """SHA-256 of a version's bytes: what a house's own signature is laid over."""
    return hashlib.sha256(body).digest()


@dataclass(frozen=True, slots=True)
class Sign:
    """A signature as it is told: `act` sign, addendum or co-sign; `broken`: what is not as it was signed."""

    act: str
    who: str
    at: str
    targets: int
    broken: tuple[str, ...]
    sealed: bool


def signs(records: Records, note: str) -> list[Sign]:
    """The signatures under a note, the first first, each checked against what stands in the store."""
    found = every(records, TYPE, [("target", f"Composition/{note}"), ("_count", "50")])
    return sorted((sign(records, one) for one in found if digests(one)), key=lambda one: one.at)


def sign(records: Records, told: Resource) -> Sign:
    act = told.get("activity", {}).get("coding", [{}])[0].get("code", "sign")
    who = str(told["agent"][-1]["who"]["reference"])
    made = list(digests(told))
    broken = tuple(name for name, version, sha256 in made if digest_of(records, name, version) != sha256)
    return Sign(act, who, str(told["recorded"]), len(made), broken, "signature" in told)


def digests(told: Resource) -> list[tuple[str, int, str]]:
    """(reference, version, digest in base64) of each target that has one."""
    held = [(one, part) for one in told["target"] for part in one.get("extension", ()) if part["url"] == DIGEST]
    found = []
    for one, extension in held:
        parts = {part["url"]: part for part in extension["extension"]}
        sha256 = str(parts["sha256"]["valueBase64Binary"])
        found.append((str(one["reference"]), int(parts["version"]["valueString"]), sha256))
    return found


def digest_of(records: Records, name: str, version: int) -> str:
    """Of what stands in the store, "" where nothing does."""
    type, _, id = name.partition("/")
    try:
        body = records.vread(type, id, version).body
    except Missing:
        return ""
    return base64.b64encode(digest(body)).decode()
