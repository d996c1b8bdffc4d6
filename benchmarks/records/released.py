"""What the rule of release costs a patient's own account: microseconds of a read and of searches, and of a chart.

    python benchmarks/records/released.py [FOLDER]     run it on two commits beside each other; see RESULTS.md

A store of 200 patients with 400 results each, one in twenty of them preliminary; the median of many, as patient and as
clinician of the same patient.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store

PATIENTS, RESULTS, TIMES = 200, 400, 300
CODES = ("2823-3", "718-7", "6690-2", "2345-7")
ASKED: dict[str, Callable[[Records], object]] = {
    "read": lambda r: r.read("Observation", "p7-1"),
    "search by code": lambda r: r.search("Observation", "patient=p7&code=2823-3&_sort=-date&_count=20"),
    "search, total": lambda r: r.search("Observation", "patient=p7&_total=accurate&_count=20"),
    "count": lambda r: r.search("Observation", "patient=p7&_summary=count"),
    "chain": lambda r: r.search("Observation", "subject:Patient.gender=female&_count=20"),
    "history of all": lambda r: r.histories("_count=20"),
    "compartment": lambda r: r.compartment("p7"),
}


def result(patient: int, n: int) -> tuple[str, str, bytes]:
    body = {
        "resourceType": "Observation",
        "status": "preliminary" if n % 20 == 0 else "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": CODES[n % len(CODES)]}]},
        "subject": {"reference": f"Patient/p{patient}"},
        "effectiveDateTime": f"20{10 + n % 16}-{1 + n % 12:02}-{1 + n % 28:02}",
        "valueQuantity": {"value": n / 10, "unit": "mmol/L"},
    }
    return "Observation", f"p{patient}-{n}", orjson.dumps(body)


def fill(records: Records) -> None:
    for patient in range(PATIENTS):
        records.update("Patient", f"p{patient}", {"resourceType": "Patient", "gender": "female"})
        records.put_many([result(patient, n) for n in range(RESULTS)]).result()


def median(act: Callable[[Records], object], records: Records) -> float:
    """In microseconds."""
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        act(records)
        taken.append(1e6 * (time.perf_counter() - began))
    return statistics.median(taken)


def main(folder: Path) -> None:
    with Store(folder / "released.db") as store:
        fill(store.open(SYSTEM, Purpose.OPERATIONS))
        own = store.open(Actor("Patient/p7", Role.PATIENT, "p7"), Purpose.PATIENT_REQUEST)
        care = store.open(Actor("Practitioner/a", Role.CLINICIAN), Purpose.TREATMENT)
        for name, act in ASKED.items():
            asked = name not in ("chain", "history of all")  # of everybody, for who may: another question
            beside = f"{median(act, care):10.0f}" if asked else f"{'':>10}"
            print(f"{name:16} patient {median(act, own):8.0f} us   clinician {beside} us")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
