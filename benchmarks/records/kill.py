"""Kill the store's writer at any instant, again and again, and look at what stands.

    python benchmarks/records/kill.py [KILLS] [SEED]

Each round a program of its own writes to one and the same store through four clients at once: creates, updates,
deletes, batches of loads, transactions of seven. It notes each answer it got in a file before it asks for more. After a
random time it is killed (SIGKILL); then the store is opened and examined:

- every acknowledged write is there, at the version that was acknowledged or a later one
- no part of a transaction stands without the rest
- every tenth round: log, outbox, audit and indexes agree with the versions, both hash chains hold, every body can be
  read (`salus.records.checking`, what `salus verify` runs)

The store grows through all rounds. Prints a line a round and a RESULTS line. A process is killed, not the machine: that
the disk keeps what fsync promised is the disk's part.
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from salus.records import Store
from salus.records.checking import check

SIZE = 7  # entries of a transaction
LONGEST = 0.25  # seconds of writing before the kill
WHOLE = 10  # rounds between two looks at everything
WRITER = """
import os, random, sys, threading
from pathlib import Path
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

store = Store(Path(sys.argv[1]))
records = store.open(SYSTEM, Purpose.OPERATIONS)
notes = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
seed, size = sys.argv[3], int(sys.argv[4])

def entry(tag, n):
    body = {"resourceType": "Basic", "code": {"text": tag}, "identifier": [{"system": "urn:round", "value": tag}]}
    return {"resource": body, "request": {"method": "POST", "url": "Basic"}}

def create(client, chance, n):
    return [records.create("Patient", {"resourceType": "Patient", "active": True})]

def update(client, chance, n):
    name = f"c{client}-{chance.randrange(20)}"
    body = {"resourceType": "Patient", "name": [{"family": f"{seed} {n}"}]}
    return [records.update("Patient", name, body)]

def erase(client, chance, n):
    made = records.create("Patient", {"resourceType": "Patient"})
    return [records.delete("Patient", made.id)]

def load(client, chance, n):
    items = [("Patient", f"l{seed}-{client}-{n}-{k}", b'{"resourceType":"Patient"}') for k in range(5)]
    return records.put_many(items).result()

def transaction(client, chance, n):
    tag = f"{seed}-{client}-{n}"
    done = records.bundle({"resourceType": "Bundle", "type": "transaction", "entry": [entry(tag, n)] * size})
    return [e["response"]["location"] for e in done["entry"]]

def told(made):
    return made if isinstance(made, str) else f"{made.type}/{made.id}/_history/{made.version}"

def work(client):
    chance, n = random.Random(f"{seed} {client}"), 0
    while True:
        n += 1
        done = chance.choice([create, update, update, erase, load, transaction, transaction])(client, chance, n)
        os.write(notes, "".join(f"{told(made)}\\n" for made in done).encode())

for client in range(4):
    threading.Thread(target=work, args=(client,), daemon=True).start()
os.write(1, b"ready\\n")
threading.Event().wait()
"""


def killed(path: Path, notes: Path, seed: str, seconds: float) -> None:
    """Let the clients write, and kill them in the middle of it."""
    command = [sys.executable, "-c", WRITER, str(path), str(notes), seed, str(SIZE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)


def acknowledged(notes: Path) -> list[tuple[str, str, int]]:
    """(type, id, version) of each answer that was noted whole."""
    lines = notes.read_text().split("\n")[:-1] if notes.exists() else []
    parts = [line.split("/") for line in lines]
    return [(type, id, int(version)) for type, id, _, version in parts]


def lost(store: Store, answers: list[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """Acknowledged versions that are not in the outbox."""
    there = {(c.type, c.id, c.version) for c in store.outbox(0, 1 << 40)}
    return [answer for answer in answers if answer not in there]


def halves(store: Store) -> list[str]:
    """Transactions of which a part stands."""
    with store.readers.one() as reader:
        tags = reader.connection.execute(
            "SELECT c.text, count(*) FROM token x JOIN code c ON c.code=x.code JOIN resource r ON r.row=x.row "
            "JOIN code s ON s.code=c.system WHERE s.text='urn:round' GROUP BY 1"
        ).fetchall()
    return [tag for tag, count in tags if count != SIZE]


def rounds(kills: int, seed: int, folder: Path, longest: float = LONGEST) -> Counter[str]:
    """So many rounds in a store in that folder; what was acknowledged, and every kind of fault with its number."""
    chance, path, answers = random.Random(seed), folder / "records.db", []
    tally = Counter({"acknowledged": 0, "lost": 0, "halves": 0, "faults": 0, "transactions": 0})
    for n in range(1, kills + 1):
        notes = folder / f"notes-{n}"
        killed(path, notes, f"r{seed}-{n}", chance.uniform(0, longest))
        fresh = acknowledged(notes)
        answers += fresh
        whole = n % WHOLE == 0 or n == kills
        with Store(path) as store:
            tally["lost"] += len(lost(store, answers if whole else fresh))
            tally["halves"] += len(halves(store))
            tally["transactions"] = store.last_transaction()
        if whole:
            tally["faults"] += check(path).count
        tally["acknowledged"] = len(answers)
        print(n, dict(tally), flush=True)
    return tally


def main(kills: int = 200, seed: int = 7) -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        tally = rounds(kills, seed, Path(folder))
    print(
        f"RESULTS kills {kills}, "
        + ", ".join(f"{name} {number}" for name, number in tally.items())
        + f", {time.monotonic() - began:.0f} s, seed {seed}"
    )
    sys.exit(any(tally[name] for name in ("lost", "halves", "faults")))


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
