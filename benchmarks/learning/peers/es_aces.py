"""Cohorts by es-aces, in its own environment: python es_aces.py JOBS.json; writes result and time of each job.

A job: {"task": YAML, "events": Parquet, "out": Parquet}. Time from files to rows, as its own program goes
about it (read task, make predicates, query); loading the packages is not counted.
"""

import json
import logging
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import polars as pl
from aces.config import TaskExtractorConfig
from aces.predicates import get_predicates_df
from aces.query import query

logging.disable(logging.CRITICAL)


def cohort(task: str, events: str) -> pl.DataFrame:
    config = TaskExtractorConfig.load(config_path=Path(task))
    return query(config, get_predicates_df(config, SimpleNamespace(standard="meds", path=events)))


def flat(found: pl.DataFrame) -> pl.DataFrame:
    """Structs as columns `WINDOW.SIDE_summary/FIELD`; rows without a trigger are no rows of the task."""
    if found.is_empty():
        return pl.DataFrame({"subject_id": []}, schema={"subject_id": pl.Int64})
    structs = [name for name, kind in found.schema.items() if kind == pl.Struct]
    parts = [pl.col(name).struct.field(one.name).alias(f"{name}/{one.name}")
             for name in structs for one in found.schema[name].fields]  # fmt: skip
    return found.filter(pl.col("trigger").is_not_null()).select(pl.exclude(structs), *parts)


def main() -> None:
    told = []
    for job in json.loads(Path(sys.argv[1]).read_text()):
        started, used = time.perf_counter(), time.process_time()
        try:
            found, fault = cohort(job["task"], job["events"]), None
        except Exception as error:
            found, fault = pl.DataFrame(), f"{type(error).__name__}: {error}"[:300]
        wall, cpu = time.perf_counter() - started, time.process_time() - used
        flat(found).write_parquet(job["out"])
        told.append({"wall": wall, "cpu": cpu, "fault": fault})
    print(json.dumps(told))


if __name__ == "__main__":
    main()
