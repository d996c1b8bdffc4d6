"""`_list`: what a List names, or one of the lists that are kept current by themselves.

https://hl7.org/fhir/R4/search.html#list https://hl7.org/fhir/R4/lifecycle.html#current
"""

import orjson

from salus import fhir
from salus.base.errors import Unsupported
from salus.records.search.setting import Setting, numbers, open_to
from salus.records.search.shelf import Match
from salus.records.search.terms import Term

LIST = fhir.Parameter("_list", "special", (), (), (), "", "")
MOST = 50_000  # entries of the lists of one search
BATCH = 500
TRUE_ONES = "not (verification-status eq refuted or verification-status eq entered-in-error)"
ALLERGIES = f"clinical-status eq active and {TRUE_ONES}"
ACTIVE = "status eq active"
CURRENT: dict[tuple[str, str], str] = {  # by name and type: the filter that says the same
    ("$current-problems", "Condition"): (
        "(clinical-status eq active or clinical-status eq recurrence or clinical-status eq relapse) and " + TRUE_ONES
    ),
    ("$current-medications", "MedicationRequest"): f"{ACTIVE} and not (intent eq proposal or intent eq plan)",
    ("$current-medications", "MedicationStatement"): ACTIVE,
    ("$current-allergies", "AllergyIntolerance"): ALLERGIES,
    ("$current-drug-allergies", "AllergyIntolerance"): f"{ALLERGIES} and category eq medication",
}


def current(type: str, name: str) -> str:
    """The filter of a functional list. Raises Unsupported for one that is not served of this type."""
    if (name, type) not in CURRENT:
        known = ", ".join(f"{known} of {of}" for known, of in CURRENT)
        raise Unsupported(f"_list={name[:80]} of {type} is not served: use a List's id, or {known}", path="_list")
    return CURRENT[name, type]


def entries(body: bytes) -> set[tuple[str, str]]:
    """What a List names, but for what it says was taken off.

    >>> sorted(entries(b'{"entry": [{"item": {"reference": "Condition/1/_history/2"}}, {"item": {"display": "x"}}]}'))
    [('Condition', '1')]
    """
    told = [entry for entry in orjson.loads(body).get("entry", []) if not entry.get("deleted")]
    named = (entry["item"].get("reference", "").split("/") for entry in told)
    return {(parts[0], parts[1]) for parts in named if len(parts) in (2, 4)}


def listed(setting: Setting, type: str, term: Term) -> Match:
    """The entries of this type. A list that is not there, or not to be seen, names nothing."""
    rows = [row for value in term.values if (row := setting.row("List", value.removeprefix("List/"))) is not None]
    seen = setting.rows(f"SELECT r.row FROM resource r WHERE r.row IN ({numbers(rows)}) AND {open_to(setting.patient)}")
    ids = {id for body in setting.bodies(seen) for kind, id in entries(body) if kind == type}
    if len(ids) > MOST:
        raise Unsupported(f"These lists have more than {MOST} entries: search them one by one", path="_list")
    found = numbers(sorted(rows_of(setting, type, sorted(ids))))
    condition = f"r.row IN ({found})"
    return Match(f"SELECT row FROM resource WHERE row IN ({found})", condition, [], probe=condition)


def rows_of(setting: Setting, type: str, ids: list[str]) -> list[int]:
    kind, found = setting.kinds.numbers[type], []
    for begin in range(0, len(ids), BATCH):
        some = [setting.kinds.packed(id) for id in ids[begin : begin + BATCH]]
        marks = ",".join("?" * len(some))
        found += setting.rows(f"SELECT row FROM resource WHERE type={kind} AND id IN ({marks})", some)
    return found
