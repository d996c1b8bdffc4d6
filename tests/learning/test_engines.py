"""Features by DuckDB and by Spark: the same bits as by NumPy and by plain Python."""

import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from salus.base.errors import Unsupported
from salus.learning.step3_features.spark import LOCAL, features_on_spark, session_of
from salus.learning.step3_features.sparse import matrix_by

sys.path.insert(0, str(Path(__file__).parent))
from cases import batch, expected_of, same_bits

needs_spark = pytest.mark.skipif(
    find_spec("pyspark") is None or shutil.which("java") is None,
    reason="Spark is not installed: it takes pip install 'salus[spark]' and a Java runtime (.ci/java)",
)
# Spark's own Python leaves its sockets for the collector to close.
leaves_sockets = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """On this machine, without compiling each plan: that takes longer than so few rows do."""
    from pyspark.sql import SparkSession

    plain = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
    small = {"spark.sql.shuffle.partitions": "1", "spark.sql.adaptive.enabled": "false", "spark.master": "local[2]"}
    made = SparkSession.builder.config(map={**LOCAL, **plain, **small}).getOrCreate()
    yield made
    made.stop()


@pytest.mark.parametrize("seed", range(20, 24))
def test_duckdb_says_what_plain_python_says(seed: int) -> None:
    one = batch(seed, 60)

    assert same_bits(expected_of(one), matrix_by(one.recipe, one.table(), one.asked(), False, "duckdb"))


def test_a_wide_matrix_by_duckdb_holds_the_same() -> None:
    one = batch(27, 60)
    found = matrix_by(one.recipe, one.table(), one.asked(), True, "duckdb")

    assert same_bits(expected_of(one), found[np.arange(len(one.rows))].dense())


def test_duckdb_reads_a_file_in_any_order(tmp_path: Path) -> None:
    one = batch(24, 60)
    pq.write_table(one.table(), tmp_path / "it's.parquet")

    assert same_bits(expected_of(one), matrix_by(one.recipe, tmp_path / "it's.parquet", one.asked(), False, "duckdb"))


@needs_spark
@leaves_sockets
def test_spark_says_what_numpy_and_plain_python_say(session: Any, tmp_path: Path) -> None:
    one = batch(25, 200, windows_wanted=2)
    pq.write_table(one.table(), tmp_path / "events.parquet")
    expected = expected_of(one)

    assert same_bits(expected, matrix_by(one.recipe, one.table(), one.asked(), False, "numpy"))
    assert same_bits(expected, matrix_by(one.recipe, tmp_path, one.asked(), False, "spark"))


@needs_spark
@leaves_sockets
def test_a_frame_of_spark_has_a_column_for_each_feature(session: Any) -> None:
    one = batch(26, 40, windows_wanted=1)
    found = features_on_spark(session, one.recipe, one.table(), one.asked()).toArrow().sort_by("row")
    names = [feature.name for feature in one.recipe.features]

    assert ["row", "subject_id", "at_us", *names] == found.column_names
    assert [subject for subject, _ in one.rows] == found["subject_id"].to_pylist()
    columns = [found[name].fill_null(np.nan).to_numpy() for name in names]
    assert same_bits(expected_of(one), np.column_stack(columns))


def test_without_spark_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)

    with pytest.raises(Unsupported, match=r"pip install 'salus\[spark\]'"):
        session_of()
