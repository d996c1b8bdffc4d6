"""Subtypes: how often groups are found where there are none, and where there are; and what real tables give.

python benchmarks/learning/subtypes.py [--tables 20]: made tables of 200 people or so, then the small tables in
`shared/data/tabular-small` beside the repository (left out where they are absent), with the known classes never shown.
"""

import argparse
import gzip
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score

from salus.learning.subtypes.choosing import Wanted
from salus.learning.subtypes.finding import Found, find

Matrix = npt.NDArray[np.float64]
Chance = np.random.Generator
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "tabular-small"
REAL = (  # file, names of the columns where it has none, the known class, zeros that mean unknown
    ("new-thyroid", "t3resin,t4,t3,tsh,dtsh,class", "class", ()),
    ("OncoDataSets__BreastCancerWI_df", "", "diagnosis", ()),
    ("MLDataR__heartdisease", "", "HeartDisease", ()),
    ("MLDataR__heartdisease", "", "HeartDisease", ("Cholesterol", "RestingBP")),
    ("pima-indians-diabetes", "pregnant,glucose,bp,skin,insulin,bmi,pedigree,age,diabetes", "diabetes", ()),
)


def factor(draw: Chance, people: int = 200, columns: int = 6) -> Matrix:
    return draw.normal(size=(people, 1)) @ draw.uniform(0.5, 2, size=(1, columns)) + draw.normal(size=(people, columns))


def flags(draw: Chance) -> Matrix:
    made = factor(draw, 300, 8)
    made[:, :4] = made[:, :4] > draw.normal(size=4) * 0.7
    return made


def planted(apart: float) -> Callable[[Chance], Matrix]:
    def make(draw: Chance) -> Matrix:
        centres = draw.normal(size=(3, 6))
        centres *= apart / np.linalg.norm(centres, axis=1)[:, None]
        return np.asarray(centres[np.arange(210) % 3] + draw.normal(size=(210, 6)))

    return make


MADE: dict[str, Callable[[Chance], Matrix]] = {
    "noise": lambda draw: draw.normal(size=(200, 6)),
    "one factor": factor,
    "lopsided": lambda draw: np.exp(factor(draw) / 2),
    "flags and numbers": flags,
    "counts": lambda draw: draw.poisson(np.exp(0.4 * factor(draw))).astype(float),
    "flat": lambda draw: np.hstack([draw.uniform(-2, 2, size=(200, 3)), draw.normal(size=(200, 3))]),
    "three, 3 from the middle": planted(3),
    "three, 4 from the middle": planted(4),
}


def written(folder: Path, numbers: Matrix) -> Path:
    path = folder / "made.csv"
    lines = [",".join(f"c{i}" for i in range(numbers.shape[1]))]
    path.write_text("\n".join([*lines, *(",".join(f"{n:.4g}" for n in row) for row in numbers)]) + "\n", "utf-8")
    return path


def answer(found: Found) -> str:
    one = found.choice.chosen
    return f"{one.method} {one.count}" if one else f"cannot tell ({found.choice.why})"


def made_tables(folder: Path, tables: int) -> None:
    wanted = Wanted(counts=(2, 3, 4, 5), draws=20)
    for name, make in MADE.items():
        start, said = time.process_time(), Counter[str]()
        for seed in range(tables):
            found = find(written(folder, make(np.random.default_rng(seed))), wanted, None, (), ())
            said[f"{found.choice.chosen.count} groups" if found.choice.chosen else "cannot tell"] += 1
        each = (time.process_time() - start) / tables
        print(f"{name}: {dict(said)}, {each:.1f} s of CPU each", flush=True)


def real_tables(folder: Path) -> None:
    for name, header, known, zeros in REAL:
        start, path = time.process_time(), folder / f"{name}.csv"
        text = gzip.decompress((DATA / f"{name}.csv.gz").read_bytes()).decode()
        path.write_text(f"{header}\n{text}" if header else text, "utf-8")
        found = find(path, Wanted(), None, (known,), (), zeros)
        print(f"{name} {zeros or ''}: {answer(found)}, {time.process_time() - start:.1f} s of CPU", flush=True)
        if found.answers and found.choice.chosen:
            likeness = adjusted_rand_score(found.people.cells[known], found.answers.groups)
            sizes = np.bincount(found.answers.groups).tolist()
            least = found.choice.chosen.jaccard.min()
            print(f"  sizes {sizes}, least Jaccard {least:.2f}, Rand index with {known}: {likeness:.2f}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--tables", type=int, default=20)
    tables = asked.parse_args().tables
    print(f"{platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        if DATA.exists():
            real_tables(Path(folder))
        else:
            print(f"{DATA} is not there: real tables left out", file=sys.stderr)
        made_tables(Path(folder), tables)


if __name__ == "__main__":
    main()
