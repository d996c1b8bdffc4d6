"""`salus cases` at the terminal."""

from pathlib import Path

import pytest

from salus.cli import main

LINES = """{"id":"a","findings":[{"concept":"HP:0001250"},{"concept":"HP:0000252"}],"outcome":"died"}
{"id":"b","findings":[{"concept":"HP:0012735"}],"sex":"male","age_years":50}
{"id":"c","sex":"neither"}
"""
NAMES = "subject_id\ttranslation_language\ttranslation_value\nHP:0001250\tzh\t癫痫发作\n"


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "cases.jsonl").write_text(LINES)
    (tmp_path / "names.tsv").write_text(NAMES, "utf-8")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["salus", "cases", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        out = capsys.readouterr()
        return int(ended.value.code or 0), out.out, out.err

    return run


def test_cases_are_taken_in_found_ranked_and_removed(call) -> None:
    code, out, err = call("add", "cases.jsonl")
    assert (3, True) == (code, "line 3" in err and "sex" in err)
    assert "2 cases taken in" in out

    assert "1 Chinese names" in call("terms", "names.tsv")[1]
    english, chinese = call("search", "seizures, no fever")[1], call("search", "癫痫发作", "--language", "zh")[1]
    assert "Absent: Fever (HP:0001945)" in english and "Seizure" in english and "died" in english
    assert "癫痫发作" in chinese and "死亡" in chinese
    assert "Looked for" in call("differential", "seizures, microcephaly")[1]

    assert "1 cases removed; the library holds 1" in call("remove", "a")[1]
    assert "None of 1 cases" in call("search", "seizures")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("search", "cough", "--sex", "none"), "--sex none"),
        (("search", "cough", "--age", "old"), "--age old"),
        (("search", "cough", "--time", "2020"), "--time 2020"),
        (("search", ""), "needs a finding"),
        (("differential", "xyzzy"), "No finding was understood"),
        (("add", "none.jsonl"), "There is no"),
        (("add", "cases.jsonl", "--source", "own"), "gate"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(call, words: tuple[str, ...], said: str) -> None:
    code, _, err = call(*words)

    assert code in (65, 66)
    assert said in err and "Traceback" not in err


def test_filters_reach_the_library(call) -> None:
    call("add", "cases.jsonl")

    assert "most alike" in call("search", "cough", "--sex", "male", "--age", "40-60")[1]
    assert "None of" in call("search", "cough", "--sex", "female")[1]
