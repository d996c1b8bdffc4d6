"""A site's own rules: `salus knowledge import`, list, remove."""

from pathlib import Path

import pytest
from prescribing import NOW, order, person
from typer.testing import CliRunner

from salus.assistants.treatment.screen import screen, shipped
from salus.assistants.treatment.screen.orders import order_of
from salus.assistants.treatment.site import Shelf
from salus.base.errors import Invalid, Malformed, Missing
from salus.cli.knowledge import knowledge

SOURCES = """
[sources.house]
title = "Drug committee of the house"
url = "https://hospital.example/committee"
date = 2026-01-01
"""
OWN = (
    SOURCES
    + """
[interactions.green-tea]
between = ["warfarin"]
and = ["paracetamol"]
tier = "inform"
source = "house"
en = "INR rises with four grams a day."
zh = "每日四克时 INR 升高。"

[interactions.typo]
between = ["warfarine"]
and = ["paracetamol"]
tier = "inform"
source = "house"
en = "x"
zh = "x"

[doses.paracetamol]
day = [3000, "mg"]
source = "house"
"""
)
HEADER = "name,between,and,tier,source,en,zh,do_en,do_zh\n"


def write(folder: Path, name: str, text: str) -> Path:
    place = folder / name
    place.write_text(text, "utf-8")
    return place


def findings(shelf: Shelf, *names: str) -> set[str]:
    orders = [order_of(order(name, (1000, "mg"), 4), True, NOW) for name in names]
    return {one.rule for one in screen(orders, person(), shelf.knowledge()).findings}


def test_good_rows_are_taken_in_and_the_bad_one_is_named(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "knowledge")
    taken = shelf.take(write(tmp_path, "own.toml", OWN), "own")
    assert [one.path for one in taken.bad] == ["interactions.typo"]
    assert "green-tea" in findings(shelf, "warfarin", "paracetamol")


def test_a_row_takes_the_place_of_the_one_shipped_and_gives_it_back_when_it_is_removed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "knowledge")
    assert "most-day" not in findings(shelf, "paracetamol")
    shelf.take(write(tmp_path, "own.toml", OWN), "own")
    assert "most-day" in findings(shelf, "paracetamol")
    shelf.remove("own")
    assert "most-day" not in findings(shelf, "paracetamol")
    assert shelf.knowledge().version == shipped().version


def test_another_process_notices_a_new_file_at_the_next_question(tmp_path: Path) -> None:
    here, there = Shelf(tmp_path / "knowledge"), Shelf(tmp_path / "knowledge")
    assert "green-tea" not in findings(there, "warfarin", "paracetamol")
    here.take(write(tmp_path, "own.toml", OWN), "own")
    assert "green-tea" in findings(there, "warfarin", "paracetamol")


def test_a_csv_of_interactions_is_taken_line_by_line(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "knowledge")
    shelf.take(write(tmp_path, "sources.toml", SOURCES + OWN.split("[doses")[0].replace(SOURCES, "")), "sources")
    lines = (
        "a,warfarin,@nsaids;aspirin,inform,house,Bleeding,出血,Stop,停\n"
        "b,warfarin,zyx,inform,house,x,x,,\n,,aspirin,inform,house,x,x,,\n"
        "c,warfarin,aspirin,inform,nowhere,x,x,,\n"
    )
    taken = shelf.take(write(tmp_path, "own.csv", HEADER + lines), "lines")
    assert taken.counts["interactions"] == 1
    assert [one.path for one in taken.bad] == ["interactions.b", "interactions.line-4", "interactions.c"]
    assert "a" in findings(shelf, "warfarin", "naproxen")


@pytest.mark.parametrize("text", ["", "not toml at all [", "[colours.red]\nx = 1", "[sources]\n"])
def test_a_file_without_a_rule_that_fits_leaves_nothing(tmp_path: Path, text: str) -> None:
    shelf = Shelf(tmp_path / "knowledge")
    with pytest.raises((Invalid, Malformed)):
        shelf.take(write(tmp_path, "own.toml", text), "own")
    assert shelf.files() == []


def test_a_missing_file_and_a_name_that_leaves_the_folder_are_refused(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "knowledge")
    with pytest.raises(Missing):
        shelf.take(tmp_path / "nothing.toml", "own")
    with pytest.raises(Invalid):
        shelf.take(write(tmp_path, "own.toml", OWN), "../own")
    with pytest.raises(Missing):
        shelf.remove("own")


def test_the_command_tells_what_came_in_and_ends_with_3_where_rows_were_bad(tmp_path: Path) -> None:
    file, store = write(tmp_path, "own_rules.toml", OWN), str(tmp_path / "records.db")
    told = CliRunner().invoke(knowledge, ["import", str(file), "--store", store, "--language", "zh"])
    assert told.exit_code == 3
    assert "own-rules：已载入" in told.stdout and "1 条相互作用" in told.stdout
    assert "interactions.typo: “warfarine”不是已知的成分" in told.stderr
    listed = CliRunner().invoke(knowledge, ["list", "--store", store], env={"COLUMNS": "200"})
    assert "Drug committee of the house" in listed.stdout and "own-rules" in listed.stdout
    gone = CliRunner().invoke(knowledge, ["remove", "own-rules", "--store", store])
    assert gone.exit_code == 0
