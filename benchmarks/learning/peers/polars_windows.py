"""The same windows by Polars, in its own environment: `python polars_windows.py EVENTS.parquet AT_US DAYS,DAYS...`.

Prints seconds by the wall and of CPU, the best of three. Means and slopes are of doubles; ties in time fall where they
lie; the result is one row a subject and code, not yet a matrix.
"""

import sys
import time

import polars as pl

DAY_US = 86_400_000_000


def ask(file: str, at_us: int, windows: list[float]) -> int:
    events = pl.scan_parquet(file).select(
        "subject_id",
        "code",
        pl.col("numeric_value").alias("v"),
        (at_us - pl.col("time").dt.epoch("us")).alias("age"),
    )
    columns = []
    for days in windows:
        inside = pl.col("age") <= int(days * DAY_US)
        v, t = pl.col("v").filter(inside), -pl.col("age").filter(inside)
        made = (inside.sum(), v.last(), v.min(), v.max(), v.mean(), pl.cov(t, v) / t.var() * DAY_US)
        columns += [one.alias(f"{name}{days}") for name, one in zip(NAMES, made, strict=True)]
    return (
        events.sort("subject_id", "age", descending=[False, True])
        .group_by("subject_id", "code")
        .agg(columns)
        .collect()
        .height
    )


NAMES = ("count", "last", "min", "max", "mean", "slope")

if __name__ == "__main__":
    best = []
    for _ in range(3):
        wall, cpu = time.perf_counter(), time.process_time()
        ask(sys.argv[1], int(sys.argv[2]), [float(days) for days in sys.argv[3].split(",")])
        best.append((time.perf_counter() - wall, time.process_time() - cpu))
    print(*(min(column) for column in zip(*best, strict=True)))
