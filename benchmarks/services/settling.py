"""Settlement: the golden bills (`tests/places/golden`), each by the rule that is found for its insured, over and over.

Run: `python benchmarks/services/settling.py [--rounds 20]`. One process. Every answer is compared with the fen of the
file; then the same with each line told in both languages, as a patient reads it.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from salus.places.settlement import told

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "places"))

from golden_cases import TABLES, Case, read
from golden_claims import settled

LANGUAGES = ("en", "zh")


def settle_all(cases: list[tuple[str, Case]]) -> None:
    for table, case in cases:
        made = settled(case, table)
        assert case.pays["insured"] == made.pays("insured") and case.pays["insurer"] == made.pays("insurer"), case


def tell_all(cases: list[tuple[str, Case]]) -> None:
    for table, case in cases:
        for line in settled(case, table).lines:
            for language in LANGUAGES:
                told(line, language, str)


def timed(name: str, count: int, work: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name}: {count / wall:,.0f}/s, {count / cpu:,.0f} a CPU-second ({count:,} in {wall:.1f} s)", flush=True)


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--rounds", type=int, default=20)
    rounds = asked.parse_args().rounds
    for table in TABLES:
        cases = [(table, case) for case in read(table).cases]
        settle_all(cases)  # warm
        timed(f"{table}, settled", rounds * len(cases), lambda cases=cases: [settle_all(cases) for _ in range(rounds)])
    every = [(table, case) for table in TABLES for case in read(table).cases]
    timed("all, settled", rounds * len(every), lambda: [settle_all(every) for _ in range(rounds)])
    timed("all, settled and told in two languages", len(every), lambda: tell_all(every))


if __name__ == "__main__":
    main()
