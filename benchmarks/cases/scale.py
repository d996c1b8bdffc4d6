"""100,000 cases: how long to index, how long a question takes on one core, how much memory; beside others.

    SALUS_PEERS_CASES=/path/to/python python benchmarks/cases/scale.py [CASES]

The cases are made up: each takes the findings of a published one, loses some and gets some of another (seed 7). The
peers (bm25s, tantivy, scikit-learn's TF-IDF with a full cosine) run in the Python that the variable names, over the
words of the same cases, and each in a process of its own; without it they are left out, and it says so.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from published import CASES, cases, positive
from threadpoolctl import threadpool_limits

from salus.assistants.cases.case import Case
from salus.assistants.cases.casebook import Library
from salus.assistants.cases.differential import differential
from salus.assistants.cases.query import Filters, Query

QUESTIONS = 1000
PEERS = ("bm25s", "tantivy", "tfidf")
SEVERAL = Path(__file__).parent / "peers" / "words.py"


def made_up(count: int, seed: int = 7) -> Iterator[Case]:
    chance, own = random.Random(seed), [positive(case) for case in cases()]
    for at in range(count):
        one, other = chance.choice(own), chance.choice(own)
        kept = [finding for finding in one.findings if chance.random() < 0.8]
        kept += chance.sample(other.findings, min(2, len(other.findings)))
        yield replace(one, id=f"s{at}", findings=tuple(kept), reference=f"made-up:{at % 20_000}")


def measured(seconds: Sequence[float]) -> str:
    p50, p95, p99 = np.quantile(np.array(seconds) * 1000, [0.5, 0.95, 0.99])
    return f"{p50:.1f} | {p95:.1f} | {p99:.1f}"


def peak() -> float:
    """Megabytes that this process has held at most."""
    status = Path("/proc/self/status").read_text()  # not getrusage, whose peak is the parent's too
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024


def ours(all: list[Case], asked: list[Case]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="salus-scale-"))
    begin, wall = time.process_time(), time.perf_counter()
    Library(folder).add(all)
    took, walled = time.process_time() - begin, time.perf_counter() - wall
    held = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
    print(f"| ours | {took:.1f} ({walled:.1f}) |", end=" ", flush=True)
    out = subprocess.run(
        [sys.executable, __file__, "--ask", str(folder)], input=json.dumps([one.id for one in asked]).encode(),
        capture_output=True, check=True,
    )  # fmt: skip
    print(out.stdout.decode().strip().replace("FILES", f"{held:.0f} MB of files"), flush=True)


def ask(folder: Path, ids: list[str]) -> None:
    """In a process of its own, so that its memory is that of asking."""
    threadpool_limits(1)
    library = Library(folder)
    queries = [Query(library.get(one).findings) for one in ids]
    for query in queries[:20]:
        library.search(query)
        differential(library, query)
    spent: dict[str, list[float]] = {"search": [], "found": [], "differential": []}
    for query in queries:
        for name, work in (
            ("search", lambda q=query: library.search(q)),
            ("found", lambda q=query: library.found(q, Filters(), 10)),
            ("differential", lambda q=query: differential(library, q)),
        ):
            begin = time.process_time()
            work()
            spent[name].append(time.process_time() - begin)
    print(f"{measured(spent['found'])} | {peak():.0f} | ten documents; FILES |")
    print(f"| ours, 200 cases read, reasons and outcomes by treatment | | {measured(spent['search'])} | | |")
    print(f"| ours, ranked differential | | {measured(spent['differential'])} | | |")
    begin = time.process_time()
    library.add([replace(library.get(ids[0]), id="fresh")])
    added = time.process_time() - begin
    begin = time.process_time()
    library.remove(["s5"])
    removed = time.process_time() - begin
    print(f"| ours, one case more; one removed from a large segment | {added:.2f}; {removed:.2f} | | | | | |")


def peers(python: str, all: list[Case], asked: list[Case]) -> None:
    file = Path(tempfile.mkdtemp(prefix="salus-peers-")) / "texts.json"
    texts = [" ".join(finding.text for finding in case.findings) for case in all]
    place = {case.id: at for at, case in enumerate(all)}
    file.write_text(json.dumps({"texts": texts, "asked": [texts[place[one.id]] for one in asked]}))
    for peer in PEERS:
        ended = subprocess.run([python, str(SEVERAL), peer, str(file)], capture_output=True, text=True, check=False)
        if ended.returncode:
            print(f"| {peer} | failed: {ended.stderr.strip().splitlines()[-1]} |", flush=True)
            continue
        told = json.loads(ended.stdout)
        print(f"| {peer} {told['version']} | {told['index']:.1f} ({told['wall']:.1f}) | {measured(told['spent'])} |"
              f" {told['peak']:.0f} | ten numbers |", flush=True)  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ask"]:
        ask(Path(sys.argv[2]), json.loads(sys.stdin.read()))
    elif not CASES.exists():
        sys.exit("needs ../shared/data/phenopackets-dev: nothing was measured")
    else:
        every = list(made_up(int(sys.argv[1]) if sys.argv[1:] else 100_000))
        some = random.Random(8).sample(every, min(QUESTIONS, len(every)))
        print(f"{len(every):,} cases, {len(some):,} questions; load {os.getloadavg()[0]:.1f}\n")
        print("| | index, CPU s (s) | p50, CPU ms | p95 | p99 | peak MB | gives |\n|---|---|---|---|---|---|---|")
        ours(every, some)
        python = os.environ.get("SALUS_PEERS_CASES", "")
        peers(python, every, some) if python else print("\nSALUS_PEERS_CASES names no Python: peers were not run")
