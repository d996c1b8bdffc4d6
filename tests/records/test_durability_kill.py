"""A writer is killed in the middle of it, again and again (`benchmarks/records/kill.py` does it 200 times)."""

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "records" / "kill.py"


def test_ten_kills_lose_nothing_and_leave_no_halves(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("kill", SCRIPT)
    assert spec and spec.loader
    kill = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kill)
    tally = kill.rounds(10, 11, tmp_path, 0.2)

    assert (0, 0, 0) == (tally["lost"], tally["halves"], tally["faults"])
    assert tally["acknowledged"] > tally["transactions"] / 2 > 10
