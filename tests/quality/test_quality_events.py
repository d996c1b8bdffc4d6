"""Each check of events fails on what is at fault, passes on what is not, and counts like a naive look at every row."""

import importlib.util
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.analytics.quality import Thresholds, check_quality, read_checks, read_thresholds
from salus.analytics.quality.outcome import Outcome, Result
from salus.base import clock
from salus.base.errors import Invalid, Malformed, Missing

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("quality_ward", HERE / "ward.py")
assert spec and spec.loader
ward = importlib.util.module_from_spec(spec)
sys.modules["quality_ward"] = ward
spec.loader.exec_module(ward)

CHECKS = {check.id: check for check in read_checks("events").checks}


def looked_at(events: list, folder: Path, told: Thresholds | None = None) -> Outcome:
    with clock.stopped_at(ward.NOW):
        return check_quality(ward.written(events, folder), told)


def of(outcome: Outcome, id: str) -> Result:
    return next(result for result in outcome.results if result.id == id)


def test_a_ward_that_is_fit_for_use_passes_every_check(tmp_path: Path) -> None:
    outcome = looked_at(ward.fit(), tmp_path)

    assert {} == {r.id: (r.status, r.failing, r.reason) for r in outcome.results if r.status != "passed" or r.failing}
    assert list(CHECKS) == [r.id for r in outcome.results]
    assert (len(ward.fit()), ward.PEOPLE) == (outcome.rows, outcome.people)


@pytest.mark.parametrize("id", [id for id in CHECKS if id != "recorded-missing"])
def test_each_check_fails_on_its_fault_and_names_the_rows(id: str, tmp_path: Path) -> None:
    fault, count = ward.FAULTS[id]

    result = of(looked_at(fault(ward.fit()), tmp_path), id)

    assert ("failed", count) == (result.status, result.failing)
    assert min(count, 20) == len(result.examples) and result.examples == sorted(result.examples)
    assert count == sum(one.failing for one in result.origins) == sum(one.failing for one in result.months)


def test_a_site_sets_its_own_thresholds_and_switches_checks_off_with_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(
        '[threshold]\nrecorded-missing = 0.0\n[off]\nin-future = "dates are shifted"\n'
        '[bounds."LOINC//8867-4"]\nunit = "/min"\nbounds = [10, 50]\n',
        "utf-8",
    )
    events = ward.changed(ward.PULSE, recorded_time=None)(ward.fit())

    outcome = looked_at(events, tmp_path / "events", read_thresholds(file))

    assert ("failed", 1) == (of(outcome, "recorded-missing").status, of(outcome, "recorded-missing").failing)
    off = of(outcome, "in-future")
    assert ("not run", "dates are shifted") == (off.status, off.reason["en"])
    assert 432 == of(outcome, "value-bounds").failing


NONSENSE = [
    ("[threshold]\nno-such = 0.1", Invalid),
    ("[threshold]\nage = 7", Invalid),
    ("[thresholds]\n", Invalid),
    ('[bounds."WARD//X"]\nunit = "/min"\nbounds = [9, 1]\n', Invalid),
    ("[", Malformed),
]


@pytest.mark.parametrize(("text", "fault"), NONSENSE)
def test_thresholds_that_mean_nothing_are_refused(text: str, fault: type[Exception], tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(text, "utf-8")

    with pytest.raises(fault):
        read_thresholds(tmp_path / "site.toml")
    with pytest.raises(Missing):
        read_thresholds(tmp_path / "none.toml")


def test_a_check_that_has_nothing_to_look_at_says_so_instead_of_passing(tmp_path: Path) -> None:
    some = [event for event in ward.fit() if event.subject_id in ("p00", "p01")]

    outcome = looked_at(some, tmp_path)

    drift = of(outcome, "drift-rate")
    assert ("not applicable", 0) == (drift.status, drift.among)
    assert {"en", "zh"} == set(drift.reason) and "20 people" in drift.reason["en"]


def test_units_that_are_converted_have_their_bounds_converted(tmp_path: Path) -> None:
    """A body temperature of 98.6 is possible in degrees Fahrenheit and not in Celsius."""
    one = ward.first(ward.fit(), ward.PULSE)
    warm = [one._replace(code="LOINC//8310-5", unit=unit, numeric_value=98.6, source_id=f"t/{unit}")
            for unit in ("[degF]", "Cel")]  # fmt: skip

    result = of(looked_at(ward.fit() + warm, tmp_path), "value-bounds")

    assert ["t/Cel"] == result.examples


def test_a_site_may_bound_its_own_codes_in_its_own_units(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('[bounds."WARD//PULSE"]\nunit = "beats"\nbounds = [10, 300]\n', "utf-8")
    one = ward.first(ward.fit(), ward.PULSE)._replace(code="WARD//PULSE", unit="beats", numeric_value=900.0)
    other = one._replace(unit="/min", source_id="lab/other")

    outcome = looked_at([*ward.fit(), one, other], tmp_path / "events", read_thresholds(tmp_path / "site.toml"))

    assert [one.source_id] == of(outcome, "value-bounds").examples


def test_what_is_neither_events_nor_omop_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", "utf-8")

    with pytest.raises(Invalid, match="neither a folder of events nor OMOP"):
        check_quality(tmp_path)
    with pytest.raises(Missing):
        check_quality(tmp_path / "nothing")


def test_broken_files_are_told_in_a_line_and_not_as_a_trace(tmp_path: Path) -> None:
    ward.written(ward.fit(), tmp_path / "cut")
    (tmp_path / "cut" / "shard=001" / "part-000.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(Malformed, match="cut cannot be read"):
        check_quality(tmp_path / "cut")

    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "person.csv").write_text("name,age\nx,1\n", "utf-8")
    (tmp_path / "strange" / 'a"b; DROP.csv').write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(Invalid, match="no column person_id"):
        check_quality(tmp_path / "strange")


def test_a_folder_without_a_single_event_passes_nothing(tmp_path: Path) -> None:
    outcome = looked_at([], tmp_path)

    assert (0, 0, {"not applicable"}) == (outcome.rows, outcome.people, {r.status for r in outcome.results})


def test_a_column_site_tells_where_faults_come_from(tmp_path: Path) -> None:
    table = ward.table_of(ward.added(ward.PULSE, unit="beats")(ward.fit()))
    sites = ["north" if who in ("p00", "p01") else "south" for who in table["subject_id"].to_pylist()]
    pq.write_table(table.append_column("site", pa.array(sites)), tmp_path / "all.parquet")

    with clock.stopped_at(ward.NOW):
        result = of(check_quality(tmp_path), "unit-unknown")
    assert [("north", 1), ("south", 0)] == [(one.name, one.failing) for one in result.origins]


def test_every_check_says_what_it_means_and_what_to_do_in_both_languages() -> None:
    for kind in ("events", "omop"):
        rows = read_checks(kind).checks
        assert len(rows) == len({row.id for row in rows})
        for row in rows:
            assert all({"en", "zh"} == set(text) and all(text.values()) for text in (row.title, row.means, row.todo))
