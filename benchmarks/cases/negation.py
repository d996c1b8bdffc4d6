"""Negation, time and whose it is, on sentences composed apart from the rules (sets/README.md); the speed of reading.

Run: python benchmarks/cases/negation.py [--faults dev]. `given`: the mentions are given, as the literature of negation
measures; `found`: ours must be found first, one not found counts as not denied. Real notes: ../shared/data.
"""

import csv
import gzip
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from salus.assistants.cases.notes import read, sentences, usual
from salus.assistants.cases.notes.context import parts, told
from salus.assistants.cases.notes.pieces import narrow, pieces_of

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / ".." / "shared" / "data"
MARK = re.compile(r"\[([^\]|]+)(?:\|([^\]]*))?\]")
FLAGS = ("n", "u", "past", "if", "fam", "other")


class Marked(NamedTuple):
    text: str
    spans: list[tuple[int, int]]
    flags: list[frozenset[str]]


def marked(line: str) -> Marked:
    text, spans, flags, last = "", [], [], 0
    for found in MARK.finditer(line):
        text += line[last : found.start()]
        spans.append((len(text), len(text) + len(found[1])))
        flags.append(frozenset(filter(None, (found[2] or "").split(","))))
        text, last = text + found[1], found.end()
    return Marked(text + line[last:], spans, flags)


def sentences_of(language: str) -> dict[str, list[Marked]]:
    lines = (HERE / "sets" / f"negation.{language}.txt").read_text("utf-8").splitlines()
    every = [marked(line) for line in lines if line and not line.startswith("#")]
    return {"dev": every[::2], "test": every[1::2]}


def of_real_notes(table: str) -> list[Marked]:
    """The sentences of real notes that were marked by hand; only their places stand in the table."""
    with (HERE / "sets" / table).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = {name: list(notes_of(*REAL[name])) for name in {row["set"] for row in rows}}
    made: dict[tuple[str, int, int], Marked] = {}
    for row in rows:
        text, at, length = int(row["text"]), int(row["at"]), int(row["length"])
        one = made.setdefault((row["set"], text, at), Marked(texts[row["set"]][text][at : at + length], [], []))
        one.spans.append((int(row["start"]), int(row["end"])))
        one.flags.append(frozenset(filter(None, [row["flags"]])))
    return list(made.values())


SAID = {"denied": "n", "unsure": "u", "past": "past", "if": "if", "family": "fam", "other": "other"}


def given(one: Marked) -> list[frozenset[str]]:
    """What the rules say of the mentions that are given."""
    pieces = pieces_of(narrow(one.text))
    spans = [
        (
            next(i for i, piece in enumerate(pieces) if piece.start >= start),
            next(i for i, piece in enumerate(pieces) if piece.end >= end) + 1,
        )
        for start, end in one.spans
    ]
    return [frozenset(SAID[part] for part in parts(says)) for says in told(pieces, spans, 0, len(pieces))]


def found(one: Marked, language: str) -> list[frozenset[str] | None]:
    """What reading says of each; None where it was not found."""
    mentions = read(one.text, language)
    says: list[frozenset[str] | None] = []
    for start, end in one.spans:
        mention = next((m for m in mentions if m.start < end and start < m.end), None)
        if mention is None:
            says.append(None)
            continue
        flags = {"n"} if mention.negated else {"u"} if mention.unsure else set()
        flags |= {"family": {"fam"}, "other": {"other"}}.get(mention.experiencer, set())
        flags |= {"past": {"past"}, "hypothetical": {"if"}}.get(mention.when, set())
        says.append(frozenset(flags))
    return says


def figures(pairs: Sequence[tuple[frozenset[str], frozenset[str]]], flag: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of one flag; of time only where nothing is denied."""
    if flag == "past":
        pairs = [pair for pair in pairs if "n" not in pair[0] | pair[1]]
    both = sum(flag in gold and flag in ours for gold, ours in pairs)
    said, is_so = sum(flag in ours for _, ours in pairs), sum(flag in gold for gold, _ in pairs)
    precision, recall = both / max(said, 1), both / max(is_so, 1)
    return precision, recall, 2 * both / max(said + is_so, 1)


def judged(language: str, part: str, every: list[Marked], faults: str) -> None:
    pairs = [pair for one in every for pair in zip(one.flags, given(one), strict=True)]
    ends = [pair for one in every for pair in zip(one.flags, found(one, language), strict=True)]
    seen = [(gold, ours or frozenset()) for gold, ours in ends]
    share = sum(ours is not None for _, ours in ends) / len(ends)
    print(f"{language} {part}: {len(every)} sentences, {len(pairs)} mentions, {share:.3f} found")
    for name, some in (("given", pairs), ("found", seen)):
        print(f"  {name}: " + "; ".join("{} P {:.3f} R {:.3f} F1 {:.3f}".format(f, *figures(some, f)) for f in FLAGS))
    if part == faults:
        for one in every:
            for (start, end), gold, ours in zip(one.spans, one.flags, given(one), strict=True):
                if gold != ours:
                    print(f"    {one.text} | {one.text[start:end]} | {sorted(gold)} -> {sorted(ours)}")


def notes_of(name: str, column: str) -> Iterator[str]:
    with gzip.open(DATA / name, "rt", encoding="utf-8", newline="") as file:
        yield from (row[column] for row in csv.DictReader(file))


REAL = {
    "mtsamples-sub": ("mtsamples-sub/mtsamples_4class_500.csv.gz", "text"),
    "mts-dialog": ("mts-dialog/MTS-Dialog-TrainingSet.csv.gz", "section_text"),
    "zh-qa-toyhom-internal": ("zh-qa-toyhom-internal/internal_medicine_5000-6000.csv.gz", "ask"),
}


def speed(name: str) -> None:
    path, column = REAL[name]
    texts = list(notes_of(path, column))
    many = sum(sum(1 for _ in sentences(text)) for text in texts)
    usual("en"), usual("zh")
    cpu = time.process_time()
    mentions = sum(len(read(text)) for text in texts)
    used = time.process_time() - cpu
    print(
        f"{name}: {len(texts)} texts, {many} sentences, {mentions} mentions; {many / used:,.0f} sentences a CPU-second"
    )


if __name__ == "__main__":
    shown = sys.argv[sys.argv.index("--faults") + 1] if "--faults" in sys.argv else ""
    for tongue in ("en", "zh"):
        for half, some in sentences_of(tongue).items():
            judged(tongue, half, some, shown)
    if DATA.is_dir():
        judged("en", "real", of_real_notes("real.en.csv"), shown)
        judged("en", "real2", of_real_notes("real2.en.csv"), shown)
    if DATA.is_dir() and not shown:
        for each in REAL:
            speed(each)
