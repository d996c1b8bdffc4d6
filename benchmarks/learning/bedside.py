"""Features at the bedside: the same bits as in training for 200 random patients, and how long one patient takes.

Run: python benchmarks/learning/bedside.py [FOLDER OF EVENTS]; without a folder, random lives of 150 to 1,500 events.
"""

import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salus.analytics.events import EVENT_SCHEMA
from salus.learning.moments import moment_us
from salus.learning.step3_features.concepts import recipe_of
from salus.learning.step3_features.names import name_of
from salus.learning.step3_features.windows import Windows
from salus.learning.task import task_of

AT = datetime(2026, 1, 1, tzinfo=UTC)
TASK = {
    "name": "bench",
    "kind": "binary",
    "question": {"en": "?", "zh": "？"},
    "when": {"dates": [AT]},
    "label": {"codes": ["X"], "within_days": 1},
    "features": {"windows_days": [90, 365, 0], "min_subjects": 3, "max_codes": 60},
}


def lives(people: int = 200) -> pa.Table:
    """Random events: 60 codes, values, units, late records."""
    chance = random.Random(1)
    made = []
    for person in range(people):
        for number in range(chance.randrange(150, 1500)):
            time_ = AT - timedelta(minutes=chance.randrange(3_000_000))
            made.append(
                {
                    "subject_id": f"p{person}",
                    "time": time_,
                    "code": f"LAB//{chance.randrange(60)}",
                    "numeric_value": chance.choice([None, chance.gauss(7, 2), chance.random() * 1e6]),
                    "unit": chance.choice([None, "mg"]),
                    "source_id": f"Observation/{number}",
                    "recorded_time": chance.choice([None, time_ + timedelta(hours=chance.randrange(99))]),
                }
            )
    return pa.Table.from_pylist(made, schema=EVENT_SCHEMA)


def read(folder: Path) -> pa.Table:
    query = f"SELECT {', '.join(EVENT_SCHEMA.names)} FROM read_parquet('{folder}/**/*.parquet')"
    return duckdb.sql(query).to_arrow_table().cast(EVENT_SCHEMA)


def main(events: pa.Table) -> int:
    subjects = events["subject_id"].unique().to_pylist()
    chosen = random.Random(2).sample(subjects, min(200, len(subjects)))
    rows = pa.table(
        {
            "row": pa.array(range(len(chosen)), pa.int64()),
            "subject_id": chosen,
            "at_us": pa.array([moment_us(AT)] * len(chosen), pa.int64()),
            "part": ["train"] * len(chosen),
        }
    )
    connection = duckdb.connect()
    connection.register("rows", rows)
    connection.register("given", events)
    recipe = recipe_of(task_of(TASK), connection, "given", name_of)
    together = Windows(recipe, threads=2).matrix(events, rows.drop_columns(["part"]))
    warm = Windows(recipe)
    alone, times, cpu = [], [], time.process_time()
    for subject in chosen:
        own = events.filter(pc.equal(events["subject_id"], subject)).combine_chunks()
        start = time.perf_counter()
        alone.append(warm.one(own, moment_us(AT))[0])
        times.append((time.perf_counter() - start) * 1000)
    cpu = (time.process_time() - cpu) / len(chosen) * 1000
    same = np.nan_to_num(np.vstack(alone)).tobytes() == np.nan_to_num(together).tobytes()
    gaps = np.array_equal(np.isnan(np.vstack(alone)), np.isnan(together))
    low, middle, high = np.quantile(times, [0.1, 0.5, 0.9])
    print(f"{len(chosen)} patients, {events.num_rows / len(subjects):.0f} events each, {len(recipe.features)} features")
    print(f"bit-equal: {same and gaps}")
    load = os.getloadavg()[0]
    print(f"one patient: p50 {middle:.2f} ms (p10 {low:.2f}, p90 {high:.2f}), CPU {cpu:.2f} ms; load {load:.1f}")
    return 0 if same and gaps else 1


if __name__ == "__main__":
    sys.exit(main(read(Path(sys.argv[1])) if len(sys.argv) > 1 else lives()))
