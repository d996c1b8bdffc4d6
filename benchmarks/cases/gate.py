"""How much of injected identities the gate finds, by kind, with the patient's record and by form alone; what it takes
out of notes besides; how fast.

Run: FAKER=folder python benchmarks/cases/gate.py [--seed 1] [--forms] [--unseen] [--sets zh-qa] (data: ../shared/data).
Found: every letter, digit and character of what was injected is gone. `told`: of the missed, those that stand among
the leftovers.
"""

import argparse
import csv
import gzip
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from math import sqrt
from pathlib import Path

from injected import Gold, drawing, every

from salus.privacy.deidentify import NOBODY, Cleaned, deidentify, identity_of

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
COUNT = 10  # sentences put into a note
SENTENCES = [
    "患者因反复胸闷气短入院。查体：血压130/80mmHg，双肺呼吸音清。",
    "予抗感染、补液治疗，病情好转。",
    "既往高血压病史10年，否认药物过敏史。",
]


def opened(path: str) -> Iterator[str]:
    return gzip.open(DATA / path, "rt", encoding="utf-8")


def mtsamples() -> list[str]:
    rows = list(csv.reader(opened("mtsamples-sub/mtsamples_first_400.csv.gz")))[1:]
    return [row[4] for row in rows if len(row) > 4 and len(row[4]) > 400]


def mts_dialog() -> list[str]:
    rows = csv.DictReader(opened("mts-dialog/MTS-Dialog-TrainingSet.csv.gz"))
    return [f"{row['section_text']}\n{row['dialogue']}" for row in rows if len(row["dialogue"]) > 200][:600]


def zh_qa() -> list[str]:
    rows = list(csv.DictReader(opened("zh-qa-toyhom-internal/internal_medicine_5000-6000.csv.gz")))
    return [f"{row['ask']}\n{row['answer']}" for row in rows if len(row["answer"]) > 60][:600]


def zh_dialmed() -> list[str]:
    return ["\n".join(json.loads(line)["original_dialog"]) for line in opened("zh-dialmed/dev.jsonl.gz")][:400]


def zh_templates() -> list[str]:
    rng = random.Random(7)
    return ["\n".join(rng.choices(SENTENCES, k=6)) for _ in range(200)]


SETS = {
    "MTSamples": ("en", mtsamples),
    "MTS-Dialog": ("en", mts_dialog),
    "zh-qa": ("zh", zh_qa),
    "zh-dialmed": ("zh", zh_dialmed),
    "zh templates": ("zh", zh_templates),
}


def gone(text: str, gold: Gold, cleaned: Cleaned) -> bool:
    left = bytearray(text[gold.start : gold.end].encode("utf-32-le"))
    for one in cleaned.spans:
        for at in range(max(one.start, gold.start), min(one.end, gold.end)):
            left[4 * (at - gold.start) : 4 * (at - gold.start) + 4] = b" \0\0\0"
    return not any(sign.isalnum() for sign in left.decode("utf-32-le"))


def told(gold: Gold, cleaned: Cleaned) -> bool:
    return any(one.start < gold.end and gold.start < one.end for one in cleaned.leftovers)


def interval(found: int, of: int) -> str:
    """Share with its 95 % interval (Wilson)."""
    if not of:
        return "-"
    share, z = found / of, 1.96
    middle, half = share + z * z / (2 * of), z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low, high = (middle - half) / (1 + z * z / of), (middle + half) / (1 + z * z / of)
    return f"{share:.3f} ({low:.3f} to {high:.3f})"


class Counts:
    def __init__(self) -> None:
        self.of, self.found, self.told = Counter(), Counter(), Counter()
        self.beside, self.hits, self.seconds, self.signs = 0, 0, 0.0, 0
        self.missed: dict[tuple[str, str], list[str]] = defaultdict(list)

    def add(self, text: str, gold: list[Gold], cleaned: Cleaned) -> None:
        for one in gold:
            for key in ((one.kind,), (one.kind, one.form), ()):
                self.of[key] += 1
                self.found[key] += gone(text, one, cleaned)
                self.told[key] += not gone(text, one, cleaned) and told(one, cleaned)
            if not gone(text, one, cleaned):
                self.missed[one.kind, one.form].append(text[max(0, one.start - 12) : one.end + 8])
        touching = [any(one.start < each.end and each.start < one.end for each in gold) for one in cleaned.spans]
        self.hits += sum(touching)
        self.beside += len(touching) - sum(touching)
        self.signs += len(text)

    def line(self, key: tuple[str, ...]) -> str:
        missed = self.of[key] - self.found[key]
        return f"{interval(self.found[key], self.of[key])} | {self.told[key]}/{missed}"


def measured(name: str, seed: int, unseen: bool) -> dict[str, Counts]:
    language, notes = SETS[name]
    english, chinese = drawing(seed)
    made = {"record": Counts(), "form": Counts()}
    for text, gold, who in every(notes(), english if language == "en" else chinese, COUNT, unseen):
        for mode, identity in (("record", identity_of(who.resources)), ("form", NOBODY)):
            began = time.process_time()
            cleaned = deidentify(text, identity, 28)
            made[mode].seconds += time.process_time() - began
            made[mode].add(text, gold, cleaned)
    return made


def untouched(name: str) -> str:
    """What is taken out of the notes as they are, for 10,000 characters, by kind."""
    kinds, signs, left = Counter(), 0, 0
    for note in SETS[name][1]():
        cleaned = deidentify(note)
        kinds.update(str(one.kind) for one in cleaned.spans)
        signs, left = signs + len(note), left + len(cleaned.leftovers)
    parts = ", ".join(f"{kind} {10_000 * count / signs:.2f}" for kind, count in kinds.most_common())
    return f"{parts or 'nothing'}; left to a human {10_000 * left / signs:.1f}"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--forms", action="store_true", help="by form, with examples of what was missed")
    asked.add_argument("--unseen", action="store_true", help="forms that the rules were never changed by")
    asked.add_argument("--sets", nargs="*", default=list(SETS), help="which notes")
    told_ = asked.parse_args()
    for name in told_.sets:
        made = measured(name, told_.seed, told_.unseen)
        print(f"\n### {name}\n\n| | by record: recall | told | by form alone: recall | told |\n|---|---|---|---|---|")
        keys = [(), *sorted({key for key in made["record"].of if len(key) == (2 if told_.forms else 1)})]
        for key in keys:
            print(f"| {', '.join(key) or 'all'} | {made['record'].line(key)} | {made['form'].line(key)} |")
        for mode, counts in made.items():
            share = counts.hits / (counts.hits + counts.beside)
            speed = counts.signs / counts.seconds
            print(f"{mode}: {share:.3f} of what was taken out was injected; {speed:,.0f} characters/CPU-s")
            for (kind, form), some in sorted(counts.missed.items()) if told_.forms else ():
                print("   ", mode, kind, form, len(some), some[:4])
        print("untouched notes, for 10,000 characters:", untouched(name))


if __name__ == "__main__":
    main()
